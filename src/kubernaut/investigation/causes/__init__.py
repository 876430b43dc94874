"""The causes: one file each. A new cause is a new file here that defines `CAUSE`; nothing else changes."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from kubernaut.investigation.finding import Cause


@cache
def catalogue() -> tuple[Cause, ...]:
    """Every cause, by its id."""
    found = [importlib.import_module(f"{__name__}.{entry.name}").CAUSE for entry in pkgutil.iter_modules(__path__)]
    return tuple(sorted(found, key=lambda cause: cause.id))
