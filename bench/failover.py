"""How many incidents are decided when the first model provider dies under them, and how long the switch takes.

    python bench/failover.py --json
    python bench/failover.py --real

The real service (`kubernaut serve`) in one process, a simulated API server with 120 broken Deployments in another, two
model servers in two more; every incident asks a model. Once alerts are on their way and the first model server holds
questions that it has not answered, it is killed (SIGKILL, by its process id). The rest of the alerts find it dead.

With `--real` the first model server is llama.cpp's with a model of 135 million parameters, on one thread: it is killed
while it works, and answers few questions or none before.

`decided` counts the incidents with a stored decision; `switch_ms` is the time from the failure of the first provider
being known to the first request to the second one, from the events of the incidents that met the failure themselves:
those for which the circuit was open already were passed on without one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from sqlalchemy import text

from bench.broken_cluster import broken_cluster, started
from bench.pipeline import Target, alerts, in_a_crowd, one_after_the_other, running_service
from kubernaut.domain.objects import Tree
from tests.model_server import NotAvailable, model_server, prepare

_INCIDENTS = 100
_WARM_UP = 4
_ALERTS_A_SECOND = 25
# The dying server takes its time, so that many questions are in it when it dies.
_FIRST_S, _SECOND_S = 1.5, 0.2
_DIES_AFTER_S = 2.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What the run gave; `by_provider` are the usable replies, `rules` the decisions without one."""

    incidents: int
    decided: int
    switch_ms_p50: float
    switch_ms_p95: float
    switches: int
    by_provider: dict[str, int]
    rules: int


async def measured(*, real: bool) -> Figures:
    """The figures of one run."""
    with ExitStack() as stack:
        url, first = stack.enter_context(model_server() if real else _stub(_FIRST_S))
        urls = [url, stack.enter_context(_stub(_SECOND_S))[0]]
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        async with broken_cluster() as cluster:
            bodies = alerts(cluster)
            async with running_service(cluster, f"sqlite:///{folder}/failover.sqlite", *urls) as target:
                # A model that takes seconds for each would be warmed up for minutes.
                await one_after_the_other(target, list(islice(bodies, 0 if real else _WARM_UP)), {})
                last = target.watch.last
                async with asyncio.TaskGroup() as group:
                    sent: dict[str, float] = {}
                    wanted = list(islice(bodies, _INCIDENTS))
                    group.create_task(in_a_crowd(target, wanted, sent, pause_s=1 / _ALERTS_A_SECOND))
                    await asyncio.sleep(_DIES_AFTER_S)
                    first.send_signal(signal.SIGKILL)
                return _figures(target, last, len(sent))


@contextmanager
def _stub(latency_s: float) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    with started("bench/model_stub.py", "--latency", str(latency_s)) as process:
        yield (process.stdout.readline().strip() if process.stdout else ""), process


def _figures(target: Target, last: int, sent: int) -> Figures:
    query = text("SELECT incident, kind, body FROM events WHERE seq > :last AND kind IN ('model_asked', 'planned')")
    decided: set[str] = set()
    asked: list[Tree] = []
    with target.watch.engine.connect() as connection:
        for incident, kind, body in connection.execute(query, {"last": last}):
            if kind == "planned":
                decided.add(incident)
            else:
                asked.append(Tree(json.loads(body)))
    switches = sorted(
        1000 * float(str(call.at("switch_s")))
        for question in asked
        for call in question.trees("calls")
        if call.at("switch_s")
    )
    providers = [question.text("provider") for question in asked if question.flag("ok")]
    return Figures(
        incidents=sent,
        decided=len(decided),
        switch_ms_p50=round(statistics.median(switches), 1) if switches else 0.0,
        switch_ms_p95=round(statistics.quantiles(switches, n=20)[18], 1) if len(switches) > 1 else 0.0,
        switches=len(switches),
        by_provider={name: providers.count(name) for name in sorted(set(providers))},
        rules=len(decided) - len(providers),
    )


def main() -> None:
    """Prints the figures; ends with 1 where an incident was left undecided."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one line of JSON on stdout")
    parser.add_argument("--real", action="store_true", help="with llama.cpp's server as the first")
    options = parser.parse_args()
    if options.real:
        try:
            prepare()
        except NotAvailable as reason:
            raise SystemExit(f"no model server can be installed here: {reason}") from reason
    found = asyncio.run(measured(real=options.real))
    if options.json:
        print(json.dumps(asdict(found)))
    else:
        print(
            f"{found.decided} of {found.incidents} decided; the switch took {found.switch_ms_p50} ms (p50), "
            f"{found.switch_ms_p95} ms (p95), n = {found.switches}; {found.by_provider}, rules {found.rules}"
        )
    raise SystemExit(0 if found.decided == found.incidents else 1)


if __name__ == "__main__":
    main()
