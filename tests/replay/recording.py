"""Journals of finished runs as they are stored, written by `python -m tests.replay.recording`.

They stand for the runs that are under way when a new version is started: record them again only together with a new
version of the journal, or when a step is meant to be other than it was.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.journeys import WAYS, go

JOURNALS = Path(__file__).parent / "journals"


async def main() -> None:
    for name, way in WAYS.items():
        journey = await go(way)
        recorded = {
            "argument": journey.argument,
            "ending": way.ending,
            "journal": [{"name": step, "entry": entry} for step, entry in journey.journal],
        }
        text = json.dumps(recorded, indent=1, ensure_ascii=False)
        (JOURNALS / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
