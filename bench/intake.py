"""How many alerts a second are taken durably, how fast they are acknowledged, and whether any is lost.

One server process (`intake_server.py`: the real application and store; nobody takes signals out of the inbox), loaded
by wrk over loopback: one alert a request, each alert different, on 16 connections. Lost = acknowledged with 202 and
not in the database when the server has ended.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypedDict

from sqlalchemy import text

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from kubernaut.adapters.store.opening import open_engine  # noqa: E402  # after the path
from tests.postgres import missing, running_cluster  # noqa: E402

CONNECTIONS = 16
ESTIMATE_S = 3
PATH = "/api/v1/alerts/alertmanager"


@dataclass(frozen=True, slots=True)
class Run:
    """One store under load."""

    store: str
    alerts: int
    connections: int
    alerts_per_second: float
    p50_ms: float
    p99_ms: float
    rss_mib: float
    lost: int
    errors: int
    server_cpu_us: float


class Load(TypedDict):
    """What wrk measured."""

    accepted: int
    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    errors: int


@contextmanager
def server(url: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server process on a fresh database, and its address."""
    command = [sys.executable, str(ROOT / "bench" / "intake_server.py"), url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        port = process.stdout.readline().strip() if process.stdout else ""
        if not port:
            raise SystemExit(f"the server did not start: {' '.join(command)}")
        yield process, f"http://127.0.0.1:{port}{PATH}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def load(address: str, seconds: int, run: str) -> Load:
    """Sends alerts for that long; every run has a name, so that no two send the same alert."""
    script = str(ROOT / "bench" / "intake.lua")
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s", script, address, "--", run]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    result: Load = json.loads(output.split("RESULT ", 1)[1])
    return result


def measure(store: str, url: str, alerts: int) -> Run:
    """Warms up, then sends for as long as that many alerts should take."""
    with server(url) as (process, address):
        warm = load(address, ESTIMATE_S, "warm")
        rate = warm["accepted"] / warm["seconds"]
        before = cpu_seconds(process.pid)
        main = load(address, max(1, round(alerts / max(rate, 1))), "main")
        busy = cpu_seconds(process.pid) - before
        rss = resident_mib(process.pid)
    acknowledged = warm["accepted"] + main["accepted"]
    return Run(
        store=store,
        alerts=main["accepted"],
        connections=CONNECTIONS,
        alerts_per_second=round(main["accepted"] / main["seconds"], 1),
        p50_ms=main["p50_ms"],
        p99_ms=main["p99_ms"],
        rss_mib=round(rss, 1),
        lost=max(0, acknowledged - stored(url)),
        errors=warm["errors"] + main["errors"],
        server_cpu_us=round(busy / max(main["accepted"], 1) * 1e6, 1),
    )


def stored(url: str) -> int:
    """How many different alerts the database has."""
    engine = open_engine(url)
    with engine.connect() as connection:
        count: int = connection.execute(text("SELECT COUNT(DISTINCT alert_key) FROM signals")).scalar_one()
    engine.dispose()
    return count


def cpu_seconds(pid: int) -> float:
    """User and system time of the process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def resident_mib(pid: int) -> float:
    """What the process holds in memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("no VmRSS: this needs Linux")


def run_all(stores: list[str], alerts: int) -> list[Run]:
    """A run a store, each on a database of its own."""
    runs = []
    if "sqlite" in stores:
        with tempfile.TemporaryDirectory(prefix="kubernaut-bench-", dir=ROOT / "bench") as files:
            runs.append(measure("sqlite", f"sqlite:///{files}/kubernaut.db", alerts))
    if "postgres" in stores and missing():
        print(f"postgres left out: {missing()}", file=sys.stderr)
    elif "postgres" in stores:
        with running_cluster(durable=True) as cluster:
            runs.append(measure("postgres", cluster.url(cluster.new_database()), alerts))
    return runs


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--alerts", type=int, default=50_000, help="about how many to send (default: 50000)")
    parser.add_argument("--store", choices=["sqlite", "postgres", "both"], default="both")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("error: wrk is missing\n  help: apt-get install wrk")
    runs = run_all(["sqlite", "postgres"] if options.store == "both" else [options.store], options.alerts)
    if options.json:
        print(json.dumps({"runs": [asdict(run) for run in runs]}))
        return
    for run in runs:
        print(
            f"{run.store:9} {run.alerts_per_second:8,.0f} alerts/s  p50 {run.p50_ms:5.1f} ms   p99 {run.p99_ms:5.1f} ms"
            f"   {run.rss_mib:5.1f} MiB   lost {run.lost} of {run.alerts:,}   {run.server_cpu_us:.0f} µs CPU an alert"
        )


if __name__ == "__main__":
    main()
