"""The manifests of deploy/kubernetes, as documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

PLACE = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes"
MAIN = PLACE / "kubernaut.yaml"


def documents() -> list[dict[str, Any]]:
    """Those of the main file, in its order."""
    return list(yaml.safe_load_all(MAIN.read_text(encoding="utf-8")))


def of_kind(kind: str) -> dict[str, Any]:
    """The one of that kind."""
    [found] = [document for document in documents() if document["kind"] == kind]
    return found
