"""The scored suite of diagnoses, over faults made in generated systems.

python bench/diagnosis
python bench/diagnosis --json --variants 5 --seed 7
python bench/diagnosis --set variants
python bench/diagnosis --faults 54,78 --on snapshot
python bench/diagnosis --faults 54,78 --on transcript --controls 0 --keep tickets
python bench/diagnosis --scale --faults none --controls 0
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

import bench.diagnosis.faults  # declares the faults
import bench.diagnosis.variants  # noqa: F401  # declares the variants
from bench.diagnosis.cases import FAULTS, VARIANTS, Fault
from bench.diagnosis.controls import CONTROLS, VARIANT_CONTROLS, Control
from bench.diagnosis.running import Case, cases_of, run
from bench.diagnosis.scale import measured
from bench.diagnosis.scoring import Result, summary, table
from bench.diagnosis.tickets import why_no_kubectl
from bench.diagnosis.uncovered import not_covered
from bench.diagnosis.watching import Bench, opened
from kubernaut.domain.errors import ClusterUnavailable
from tests.cluster.bed import why_no_api_server

_SIDE_BY_SIDE = 3
SETS: dict[str, tuple[list[Fault], list[Control]]] = {
    "rows": (FAULTS, CONTROLS),
    "variants": (VARIANTS, VARIANT_CONTROLS),
}


def chosen(text: str, known: Sequence[Fault]) -> list[Fault]:
    """The faults of those rows or names; raises ValueError for one that is not there."""
    if text in ("all", "none"):
        return [*known] if text == "all" else []
    found: list[Fault] = []
    for word in text.split(","):
        matching = [fault for fault in known if word.strip() in (str(fault.row), fault.name)]
        if not matching:
            raise ValueError(f"there is no fault {word.strip()!r}: give rows of the fault catalogue, or names")
        found += matching
    return found


def all_cases(options: argparse.Namespace) -> list[Case]:
    """The cases of a run: faults first, then as many controls as were asked for."""
    known, well = SETS[options.set]
    faults = cases_of(chosen(options.faults, known), variants=options.variants, seed=options.seed)
    rounds = -(-options.controls // len(well))
    controls = [
        case for turn in range(rounds) for case in cases_of(well, variants=turn + 1, seed=options.seed)
        if case.seed == options.seed + turn
    ]  # fmt: skip
    return [*faults, *islice(controls, options.controls)]


async def scored(cases: Sequence[Case], way: str, *, keep: Path | None = None) -> list[Result]:
    """The results, in the order of the cases.

    Tickets of several systems are written side by side, each served by a server of its own: kubectl waits between its
    calls for most of its time. Whatever is timed has the machine to itself.
    """
    results: dict[int, list[Result]] = {}
    waiting = iter(enumerate(cases))

    async def work(bench: Bench) -> None:
        for number, case in waiting:
            try:
                results[number] = [result async for result in run(case, bench, keep)]
            except ClusterUnavailable as error:
                # A machine that does too much else; a second time it is an error.
                print(f"{case.name}: {error}; once more", file=sys.stderr)
                results[number] = [result async for result in run(case, bench, keep)]
            _show_progress(len(results), len(cases), case.name)

    side_by_side = _SIDE_BY_SIDE if way == "transcript" else 1
    async with AsyncExitStack() as stack:
        benches = [await stack.enter_async_context(opened(way)) for _ in range(side_by_side)]
        async with asyncio.TaskGroup() as group:
            for bench in benches:
                group.create_task(work(bench))
    return [result for number in sorted(results) for result in results[number]]


def _show_progress(number: int, of: int, name: str) -> None:
    """On a terminal in one line; else a line a case, so that a log shows where a run stands."""
    before, after = ("\r\033[K", "") if sys.stderr.isatty() else ("", "\n")
    print(f"{before}{number}/{of} {name}", end=after, file=sys.stderr, flush=True)


def options_of(arguments: Sequence[str]) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="bench/diagnosis", description="Scores the diagnosis of generated faults.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--faults", default="all", help="rows of the fault catalogue or names, by commas; all, none")
    parser.add_argument(
        "--set", choices=tuple(SETS), default="rows",
        help="rows: each fault in its plain form; variants: as it occurs beside that (other kinds, several containers, "
        "partial failures, longer histories, alerts about the symptom), with controls that look ill (rows)",
    )  # fmt: skip
    parser.add_argument("--variants", type=int, default=3, help="systems a fault (3)")
    parser.add_argument("--controls", type=int, default=300, help="runs of controls (300)")
    parser.add_argument("--seed", type=int, default=1, help="what everything is drawn from (1)")
    parser.add_argument("--scale", action="store_true", help="measure beside 2,000 pods in 50 namespaces as well")
    parser.add_argument(
        "--on", choices=("sandbox", "snapshot", "transcript", "cluster"), default="sandbox", help="what is diagnosed"
    )
    parser.add_argument("--keep", type=Path, help="a folder to leave the tickets in, with --on transcript")
    parsed = parser.parse_args(arguments)
    try:
        chosen(parsed.faults, SETS[parsed.set][0])
    except ValueError as error:
        parser.error(str(error))
    if parsed.variants < 1 or parsed.controls < 0:
        parser.error("--variants must be 1 or more, --controls 0 or more")
    return parsed


def main(arguments: Sequence[str]) -> int:
    """Runs and prints."""
    options = options_of(arguments)
    if options.on == "cluster" and (why := why_no_api_server()):
        print(f"no API server can be started here: {why}", file=sys.stderr)
        return 1
    if options.on == "transcript" and (why := why_no_kubectl()):
        print(f"no ticket can be written here: {why}", file=sys.stderr)
        return 1
    results = asyncio.run(scored(all_cases(options), options.on, keep=options.keep))
    told = summary(results, not_covered() if options.set == "rows" else ())
    if options.scale:
        told["scale"] = measured()
    print(json.dumps(told, indent=2) if options.json else table(told))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
