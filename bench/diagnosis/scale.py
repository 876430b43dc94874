"""How long a diagnosis takes beside 2,000 pods in 50 namespaces, how many calls it makes, and how much memory.

The simulated API server runs in a process of its own, and so does what looks at it, whose memory is measured.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

import uvicorn

from bench.diagnosis.names import Names
from bench.diagnosis.programs import REGISTRY, Program
from bench.diagnosis.scoring import p95
from bench.diagnosis.watching import asked, kubeconfig, webhook_of
from kubernaut.adapters.clock import SystemClock
from kubernaut.adapters.kubernetes.connection import ClusterOptions
from kubernaut.adapters.kubernetes.reader import KubernetesReader
from kubernaut.adapters.kubernetes.requests import KubernetesApi
from kubernaut.domain.objects import JsonObject
from kubernaut.investigation.gathering import BUDGET
from kubernaut.sandbox.clock import SteppedClock
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.kinds import BY_NAME, NAMESPACE, STORED
from kubernaut.sandbox.rest.app import RestApp
from kubernaut.sandbox.rest.authorizing import Access
from kubernaut.sandbox.scenarios.manifests import apply_manifest
from kubernaut.sandbox.shapes import encoded, entries, section
from kubernaut.sandbox.universe import Universe

NAMESPACES, PROGRAMS, REPLICAS, NODES = 50, 10, 4, 25
# So many are played through; the others are copies of them, since an hour of 2,000 pods costs minutes to simulate.
PLAYED = 5
LOOKS = 40
_UID = re.compile(rb'("uid":")([0-9a-f-]{32})[0-9a-f]{4}"')


def built() -> tuple[Universe, list[dict[str, str]]]:
    """The cluster as it is now, and the labels of alerts about what is broken in it."""
    draw = random.Random(5)  # noqa: S311  # names, not secrets
    now = datetime.now(UTC).replace(microsecond=0)
    clock = SteppedClock(now - timedelta(minutes=8))
    names, universe = Names(draw), Universe(clock, nodes=NODES)
    programs, played = [], [names.namespace() for _ in range(PLAYED)]
    for namespace in played:
        universe.cluster.create(NAMESPACE, "", {"metadata": {"name": namespace}}, By("kubectl-create"))
        programs += [_program(names, namespace) for _ in range(PROGRAMS)]
    for program in programs:
        universe.world.publish({program.image: program.application()})
        for manifest in (program.settings(), program.credentials(), program.workload(), program.service()):
            apply_manifest(universe.cluster, manifest)
    universe.simulation.run_until(clock, now - timedelta(minutes=6))
    chosen = draw.sample(programs, LOOKS)
    labels = [_broken(universe, program, turn) for turn, program in enumerate(chosen)]
    universe.simulation.run_until(clock, now)
    for number in range(PLAYED, NAMESPACES):
        _copy(universe, played[number % PLAYED], f"{names.namespace()}-{number}", number)
    return universe, labels


def _copy(universe: Universe, namespace: str, name: str, number: int) -> None:
    """Everything of the namespace once more, under another name and other identities."""
    storage = universe.cluster.storage
    for kind in STORED:
        for item in storage.views(kind, namespace) if kind.namespaced else []:
            text = encoded(dict(item.raw)).replace(namespace.encode(), name.encode())
            storage.put(kind, json.loads(_UID.sub(rb'\g<1>\g<2>%04x"' % number, text)))
    universe.cluster.create(NAMESPACE, "", {"metadata": {"name": name}}, By("kubectl-create"))


def _program(names: Names, namespace: str) -> Program:
    return Program(
        kind="Deployment", namespace=namespace, name=names.workload(), tag=names.tag(), replicas=REPLICAS, port=8080,
        memory="192Mi", label="app", calls="", ready_path="/readyz", probed_s=60,
    )  # fmt: skip


def _broken(universe: Universe, program: Program, turn: int) -> dict[str, str]:
    """One of four faults: an image, a limit, a variable and a Service's selector."""
    way = ("image", "limit", "variable", "selector")[turn % 4]
    if way == "selector":
        kind = BY_NAME["v1", "Service"]
        universe.cluster.change(
            kind, program.namespace, program.name, lambda item: section(item, "spec", "selector").update(tier="x"),
            By("kubectl-edit"),
        )  # fmt: skip
        return {"alertname": "KubeServiceWithoutEndpoints", "namespace": program.namespace, "service": program.name}
    manifest = program.workload()
    container = entries(manifest, "spec", "template", "spec", "containers")[0]
    if way == "image":
        container["image"] = f"{REGISTRY}/{program.namespace}/{program.name}:99.0.0"
    elif way == "limit":
        section(container, "resources", "limits")["memory"] = "64Mi"
    else:
        container["env"] = [item for item in entries(container, "env") if item.get("name") != "REGION"]
    apply_manifest(universe.cluster, manifest)
    return {"alertname": "KubePodNotReady", "namespace": program.namespace, "deployment": program.name}


def serve() -> None:
    """Serves the cluster until it is ended; prints where, and the alerts, as one line of JSON."""
    universe, labels = built()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = RestApp(universe.cluster, universe.kubelets, Access({}))
    config = uvicorn.Config(app, http="httptools", ws="none", lifespan="off", log_config=None, access_log=False)
    print(json.dumps({"url": url, "alerts": labels}), flush=True)
    asyncio.run(uvicorn.Server(config).serve([listener]))


async def looked(url: str, alerts: list[dict[str, str]]) -> JsonObject:
    """The figures of one diagnosis an alert, one after the other."""
    times, cpu, calls = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        options = ClusterOptions(kubeconfig=str(kubeconfig(Path(folder), url)))
        async with KubernetesApi(options) as api:
            before = _peak_mib()
            for number, labels in enumerate(alerts):
                body = webhook_of(labels, SystemClock().now(), "", number=number)
                found = await asked(KubernetesReader(api), SystemClock(), body, BUDGET)
                times.append(found.milliseconds)
                cpu.append(found.cpu_ms)
                calls.append(found.calls)
    return {
        "pods": NAMESPACES * PROGRAMS * REPLICAS, "namespaces": NAMESPACES, "diagnoses": len(times),
        "median_ms": round(statistics.median(times), 1), "p95_ms": round(p95(times), 1),
        "median_cpu_ms": round(statistics.median(cpu), 1),
        "calls": {"median": statistics.median(calls), "max": max(calls)},
        "peak_memory_mib": _peak_mib(), "of_it_before_the_first_look_mib": before,
    }  # fmt: skip


def _peak_mib() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def measured() -> JsonObject:
    """The figures, from two processes of their own."""
    command = [sys.executable, __file__]
    with subprocess.Popen([*command, "serve"], stdout=subprocess.PIPE, text=True) as server:
        try:
            told = server.stdout.readline() if server.stdout else ""
            done = subprocess.run(
                [*command, "look"], input=told, stdout=subprocess.PIPE, text=True, check=True, timeout=1800
            )
        finally:
            server.terminate()
    figures: JsonObject = json.loads(done.stdout)
    return figures


def _look() -> None:
    told = json.loads(sys.stdin.readline())
    print(json.dumps(asyncio.run(looked(told["url"], told["alerts"]))))


if __name__ == "__main__":
    {"serve": serve, "look": _look}[sys.argv[1]]()
