"""Records a month of incidents: every day the service works on a fresh simulated cluster in which things break.

    python -m tools.record_month --days 30 --seed 30 --out src/kubernaut/sandbox/month.jsonl.xz

Nothing in the log is made up: alerts come from the simulated cluster, and every event was stored by the service that
worked on them. Drawn from the seed are the hour of each day and which scenarios happen on it. The days are written to
one database one after the other, so the log is one chain, and what was learned stays. Takes minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import lzma
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from kubernaut.adapters.store import open_store
from kubernaut.entrypoints.doors import DemoOptions, Ended
from kubernaut.entrypoints.http.listening import listen
from kubernaut.entrypoints.rehearsal import Stage, rehearse_on
from kubernaut.sandbox.scenarios import SCENARIOS

_BEGINS = datetime(2026, 1, 5, tzinfo=UTC)
_MOST_A_DAY = 4
_DAY_S = 240.0


async def record(days: int, seed: int, speed: float, database: Path) -> None:
    """Writes the days to the database."""
    random = Random(seed)  # noqa: S311  # draws a month, hides nothing
    for day in range(days):
        hour = random.uniform(0, 22)
        begins = _BEGINS + timedelta(days=day, hours=hour)
        names = _drawn(random)
        try:
            async with asyncio.timeout(_DAY_S):
                told = await _one_day(begins, names, speed, database)
        except TimeoutError:
            told = "broken off"
        print(f"day {day + 1}: {told}", flush=True)


def _drawn(random: Random) -> tuple[str, ...]:
    """The scenarios of one day: fewer at the weekend would be nice, but nobody works in the sandbox."""
    wanted = random.randint(2, _MOST_A_DAY)
    chosen = random.sample([one for one in SCENARIOS if not one.after], wanted)
    # A fault that comes again needs the first one before it.
    again = [one for one in SCENARIOS if one.after in {each.name for each in chosen}]
    return tuple(one.name for one in [*chosen, *again])


async def _one_day(begins: datetime, names: tuple[str, ...], speed: float, database: Path) -> str:
    with listen("127.0.0.1", 0) as listener:
        options = DemoOptions(listener, speed, names)
        async with rehearse_on(Stage(database, begins), options) as rehearsal:
            results = [each.result async for each in rehearsal.happenings() if isinstance(each, Ended)]
            # What is learned after the end belongs to the log as well.
            await asyncio.sleep(1)
    return ", ".join(f"{one.name} {one.outcome}" for one in results)


async def exported(database: Path) -> str:
    """The log as `kubernaut audit export` writes it."""
    store = open_store(f"sqlite:///{database}")
    try:
        lines = [json.dumps(asdict(event), default=str) async for page in store.event_log.recorded() for event in page]
        checked = await store.event_log.checked()
    finally:
        store.close()
    if not checked.is_whole:
        raise SystemExit("the log is not whole")
    return "".join(f"{line}\n" for line in lines)


def main() -> None:
    """Records and exports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=30)
    parser.add_argument("--speed", type=float, default=20.0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "month.sqlite"
        asyncio.run(record(options.days, options.seed, options.speed, database))
        text = asyncio.run(exported(database))
    options.out.write_bytes(lzma.compress(text.encode(), preset=9))
    print(f"{text.count(chr(10)):,} events, {len(text):,} bytes, packed {options.out.stat().st_size:,}")


if __name__ == "__main__":
    main()
