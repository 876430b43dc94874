"""Writes docs/causes.md and docs/causes/, and removes pages of causes that are gone."""

from __future__ import annotations

from pathlib import Path

from kubernaut.investigation.causes import catalogue
from kubernaut.investigation.describing import cause_page, index_page

DOCS = Path(__file__).resolve().parents[1] / "docs"


def main() -> None:
    """Writes all pages."""
    folder = DOCS / "causes"
    folder.mkdir(exist_ok=True)
    pages = {f"{cause.id}.md": cause_page(cause) for cause in catalogue()}
    for path in folder.glob("*.md"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")
    (DOCS / "causes.md").write_text(index_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
