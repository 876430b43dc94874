"""The time from an alert's first byte to its stored decision, alone and in a crowd.

    python bench/pipeline.py --json
    python bench/pipeline.py --store postgres --repeat 3

The real service (`kubernaut serve`) in one process, a simulated API server with 120 broken Deployments in 10
namespaces in a second, the model stub in a third; alerts come over HTTP, one a request, each about a fault of its own.
The clock starts before the request is written and stops when a reader of the database first sees the decision
(the `planned` event), so it holds the commit. Every run has a fresh database and is warmed up.

    rule path, 1 in flight      one after the other; the whole time is our own code and the API server's
    2 s model, 1 in flight      each incident asks the model (`ask_below: 1`)
    2 s model, 100 in flight    50 alerts a second for 7 s, whatever the replies: 100 wait for the model at any time
    burst                       100 alerts at once on the rule path

`decided` counts the incidents whose decision is the right remedy with a request for consent (and whose model answered,
where one is asked); what else was `sent` is lost or wrong. Times at 100 in flight leave out the first 100, which meet
fewer. `cpu_ms` is what the service's process spent on an incident, `load` the machine's one-minute load before the run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field
from itertools import count, islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import httpx2
from sqlalchemy import Engine, create_engine, text

from bench.broken_cluster import BrokenCluster, broken_cluster, started
from kubernaut.domain.objects import Json, JsonObject, Tree
from tests.postgres import free_port, missing, running_cluster

_POLL_S = 0.002
_PATIENCE_S = 60.0
_MODEL_S = 2.0
_RATE = 50
# Alerts of one Deployment that are incidents of their own: each name belongs to another family.
_ALERTS = ("KubeDeploymentReplicasMismatch", "RequestLatencyHigh", "KubeQuotaExceeded", "VolumeNotMounted")
_EXPECTED = ("ask", "rollback_deployment")


@dataclass(frozen=True, slots=True)
class Load:
    """One run: so many incidents, in which way; `at_once` of 0 is an open loop at `_RATE` a second."""

    name: str
    model_s: float
    in_flight: int
    count: int
    warm_up: int


LOADS = (
    Load("rule path", 0.0, 1, 40, 12),
    Load("2 s model", _MODEL_S, 1, 8, 2),
    Load("2 s model", _MODEL_S, 100, 350, 12),
    Load("burst", 0.0, 100, 100, 12),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run gave."""

    run: str
    model_latency_s: float
    in_flight: int
    median_ms: float
    p95_ms: float
    longest_ms: float
    decided: int
    sent: int
    cpu_ms: float
    load: float


@dataclass(slots=True)
class Watch:
    """Sees decisions in the database, and when."""

    engine: Engine
    seen: dict[str, float] = field(default_factory=dict)
    last: int = 0

    def look(self) -> None:
        """Notes what is new."""
        query = text("SELECT seq, incident FROM events WHERE seq > :last AND kind = 'planned' ORDER BY seq")
        with self.engine.connect() as connection:
            rows = connection.execute(query, {"last": self.last}).all()
        now = time.perf_counter()
        for seq, incident in rows:
            self.last = seq
            self.seen.setdefault(incident, now)

    def decided(self, *, by_model: bool) -> dict[str, float]:
        """When each alert was decided rightly, by its number."""
        query = text("SELECT incident, kind, body FROM events ORDER BY seq")
        told: dict[str, dict[str, JsonObject]] = {}
        with self.engine.connect() as connection:
            for incident, kind, body in connection.execute(query):
                told.setdefault(incident, {}).setdefault(kind, json.loads(body))
        return {
            Tree(told[incident]["received"]).text("labels", "number"): moment
            for incident, moment in self.seen.items()
            if _is_right(told[incident], by_model=by_model)
        }


def _is_right(told: dict[str, JsonObject], *, by_model: bool) -> bool:
    plan = Tree(told["planned"])
    decision = (plan.text("plan", "decision"), plan.text("plan", "chosen", "call", "action"))
    answered = not by_model or Tree(told.get("model_asked", {})).flag("ok")
    return decision == _EXPECTED and answered


@dataclass(frozen=True, slots=True)
class Target:
    """A running service."""

    pid: int
    watch: Watch
    client: httpx2.AsyncClient


def alerts(cluster: BrokenCluster) -> Iterator[JsonObject]:
    """Webhook bodies, each of an incident of its own; neighbours are in different namespaces."""
    number = 0
    for alert in _ALERTS:
        for namespace, name in cluster.deployments:
            labels = {"alertname": alert, "namespace": namespace, "deployment": name, "severity": "critical"}
            number += 1
            yield _webhook({**labels, "number": str(number)})


def _webhook(labels: dict[str, str]) -> JsonObject:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    alert: JsonObject = {
        "status": "firing", "labels": {**labels}, "annotations": {}, "startsAt": now, "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "", "fingerprint": labels["number"].zfill(16),
    }  # fmt: skip
    return {
        "version": "4", "groupKey": "{}", "truncatedAlerts": 0, "status": "firing", "receiver": "kubernaut",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "", "alerts": [alert],
    }  # fmt: skip


async def post(target: Target, body: JsonObject, sent: dict[str, float]) -> None:
    """Sends one alert, and notes when."""
    content = json.dumps(body).encode()
    sent[_number(body)] = time.perf_counter()
    headers = {"Content-Type": "application/json"}
    reply = await target.client.post("/api/v1/alerts/alertmanager", content=content, headers=headers)
    reply.raise_for_status()


def _number(body: JsonObject) -> str:
    return Tree(body).trees("alerts")[0].text("labels", "number")


async def one_after_the_other(target: Target, bodies: Sequence[JsonObject], sent: dict[str, float]) -> None:
    """Each alert once the one before is decided."""
    for body in bodies:
        wanted = len(target.watch.seen) + 1
        await post(target, body, sent)
        await _decisions(target.watch, wanted)


async def in_a_crowd(target: Target, bodies: Sequence[JsonObject], sent: dict[str, float], *, pause_s: float) -> None:
    """An alert every `pause_s`, whatever becomes of the others; all at once where that is 0."""
    wanted = len(target.watch.seen) + len(bodies)
    start = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        group.create_task(_decisions(target.watch, wanted))
        for place, body in enumerate(bodies):
            await asyncio.sleep(max(0.0, start + place * pause_s - time.perf_counter()))
            group.create_task(post(target, body, sent))


async def _decisions(watch: Watch, wanted: int) -> None:
    """Looks until there are that many, or as long as patience lasts."""
    deadline = time.perf_counter() + _PATIENCE_S
    while len(watch.seen) < wanted and time.perf_counter() < deadline:
        await asyncio.sleep(_POLL_S)
        watch.look()


async def measured(load: Load, cluster: BrokenCluster, store: str, model_url: str) -> Figures:
    """The figures of one run."""
    bodies = alerts(cluster)
    load_before = os.getloadavg()[0]
    async with running_service(cluster, store, *([model_url] if load.model_s else [])) as target:
        await one_after_the_other(target, list(islice(bodies, load.warm_up)), {})
        sent: dict[str, float] = {}
        before = _cpu_s(target.pid)
        wanted = list(islice(bodies, load.count))
        if load.in_flight == 1:
            await one_after_the_other(target, wanted, sent)
        else:
            await in_a_crowd(target, wanted, sent, pause_s=1 / _RATE if load.model_s else 0.0)
        cpu_s = _cpu_s(target.pid) - before
        decided = target.watch.decided(by_model=load.model_s > 0)
    crowded = list(sent)[load.in_flight :] if load.model_s and load.in_flight > 1 else list(sent)
    times = [1000 * (decided[number] - sent[number]) for number in crowded if number in decided]
    return Figures(
        run=load.name,
        model_latency_s=load.model_s,
        in_flight=load.in_flight,
        median_ms=round(statistics.median(times), 1),
        p95_ms=round(statistics.quantiles(times, n=20)[18], 1),
        longest_ms=round(max(times), 1),
        decided=sum(number in decided for number in sent),
        sent=len(sent),
        cpu_ms=round(1000 * cpu_s / len(sent), 1),
        load=round(load_before, 1),
    )


@asynccontextmanager
async def running_service(cluster: BrokenCluster, store: str, *model_urls: str) -> AsyncIterator[Target]:
    """`kubernaut serve` on the store, ready; the models are asked about every incident, in that order."""
    settings: JsonObject = {
        "store": {"url": store},
        "cluster": {"kubeconfig": str(cluster.kubeconfig)},
        "log": {"level": "warning"},
    }
    if model_urls:
        providers: list[Json] = [
            {"name": f"stub-{place}", "endpoint": url, "model": "stub"} for place, url in enumerate(model_urls)
        ]
        settings["models"] = {"providers": providers, "ask_below": 1, "keep_answers_s": 0}
    with ExitStack() as stack:
        config = stack.enter_context(tempfile.NamedTemporaryFile("w", suffix=".yaml"))
        json.dump(settings, config)
        config.flush()
        port = free_port()
        program = "from kubernaut.entrypoints.cli.main import main; main()"
        process = stack.enter_context(
            started("-c", program, "serve", "--json", "--config", config.name, "--port", str(port))
        )
        limits = httpx2.Limits(max_connections=200, max_keepalive_connections=200)
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, limits=limits) as client:
            await _ready(client)
            engine = create_engine(store.replace("postgresql://", "postgresql+psycopg://"))
            try:
                yield Target(process.pid, Watch(engine), client)
            finally:
                engine.dispose()


async def _ready(client: httpx2.AsyncClient) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            try:
                if (await client.get("/readyz")).is_success:
                    return
            except httpx2.ConnectError:
                pass
            await asyncio.sleep(0.05)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def all_runs(options: argparse.Namespace) -> list[Figures]:
    """Every load, as often as was asked for."""
    runs: list[Figures] = []
    with ExitStack() as stack:
        new_store = stack.enter_context(_stores(options.store))
        stub = stack.enter_context(started("bench/model_stub.py", "--latency", str(_MODEL_S)))
        model_url = (stub.stdout.readline() if stub.stdout else "").strip()
        async with broken_cluster() as cluster:
            for _ in range(options.repeat):
                for load in LOADS:
                    if load.name in options.only or not options.only:
                        runs.append(await measured(load, cluster, new_store(), model_url))
                        print(_row(runs[-1]), file=sys.stderr)
    return runs


@contextmanager
def _stores(kind: str) -> Iterator[Callable[[], str]]:
    """Gives a fresh database at each call."""
    with ExitStack() as stack:
        if kind == "postgres":
            if missing():
                raise SystemExit(missing())
            server = stack.enter_context(running_cluster(durable=True))
            yield lambda: server.url(server.new_database())
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            numbers = count(1)
            yield lambda: f"sqlite:///{folder}/{next(numbers)}.sqlite"


def degradation(runs: Sequence[Figures]) -> dict[str, float | None]:
    """How much slower the median of a crowd is than that of one alone: 0.15 is 15 %."""

    def share(crowd: str, alone: str) -> float | None:
        crowd_ms = [run.median_ms for run in runs if run.run == crowd and run.in_flight > 1]
        alone_ms = [run.median_ms for run in runs if run.run == alone and run.in_flight == 1]
        if not crowd_ms or not alone_ms:
            return None
        return round(statistics.median(crowd_ms) / statistics.median(alone_ms) - 1, 3)

    return {"model_2s": share("2 s model", "2 s model"), "burst": share("burst", "rule path")}


def _row(run: Figures) -> str:
    return (
        f"{run.run:<10} {run.in_flight:>4} in flight  median {run.median_ms:>7.1f} ms  p95 {run.p95_ms:>7.1f} ms  "
        f"longest {run.longest_ms:>7.1f} ms  decided {run.decided}/{run.sent}  cpu {run.cpu_ms:.1f} ms  load {run.load}"
    )


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one line of JSON on stdout")
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--repeat", type=int, default=1, help="how often each run is done; degradation uses medians")
    parser.add_argument("--only", action="append", default=[], choices=sorted({load.name for load in LOADS}))
    options = parser.parse_args()
    runs = asyncio.run(all_runs(options))
    slower = degradation(runs)
    if options.json:
        print(json.dumps({"runs": [asdict(run) for run in runs], "degradation": slower}))
    else:
        print(f"degradation: 2 s model {slower['model_2s']}, burst {slower['burst']}")


if __name__ == "__main__":
    main()
