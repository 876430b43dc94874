from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.prometheus.meter import PrometheusMeter
from kubernaut.adapters.store import Store, open_store
from kubernaut.auditing import Auditor
from kubernaut.domain.errors import ClusterUnavailable
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Phase
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.engine.durable import DurableEngine
from kubernaut.engine.run import Run
from kubernaut.entrypoints.dashboard.books import open_books
from kubernaut.entrypoints.http.health import Readiness
from kubernaut.entrypoints.stocktaking import Stocktaking
from kubernaut.ports import Suspension
from tests.examples import HOLD, NOON, a_signal, an_incident

NOW = NOON + timedelta(minutes=10)


async def no_cluster() -> None:
    raise ClusterUnavailable("nobody answers")


async def workflow(_run: Run, _argument: JsonObject) -> Json:
    return None


@pytest.fixture
async def stock(tmp_path: Path) -> AsyncIterator[Stocktaking]:
    meter = PrometheusMeter()
    store = open_store(f"sqlite:///{tmp_path}/k.db", meter)
    engine = DurableEngine(store.runs, workflow, executor="here", heartbeats=store.heartbeats, leases=store.leases)
    books = open_books(store.incidents, ManualClock(NOW))
    checks = {"store": store.prove_writable, "cluster": no_cluster}
    yield Stocktaking(
        meter, store, engine, ManualClock(NOW), Readiness(checks), Auditor(store.event_log), books.appraisal
    )
    store.close()


async def told(stock: Stocktaking) -> dict[str, float]:
    families = text_string_to_metric_families((await stock.exposition()).decode())
    return {
        sample.name + "".join(f" {value}" for _, value in sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


async def an_approval(store: Store) -> None:
    signal = a_signal()
    await store.signals.accept([signal, a_signal(alert="other", after=timedelta(minutes=-20))])
    admission = await store.incidents.admit(signal, an_incident(), hold=HOLD)
    for phase in (Phase.INVESTIGATION, Phase.PLANNING, Phase.APPROVAL):
        event = Event(admission.incident.id, f"to-{phase}", EventKind.NOTIFIED, NOON, {})
        await store.incidents.append(event, phase=phase)


async def test_the_database_and_the_process_are_read_when_prometheus_asks(stock: Stocktaking) -> None:
    await an_approval(stock.store)
    await stock.store.switch.suspend(Suspension("anna", "a test", NOON))
    await stock.store.heartbeats.beat("here")
    await stock.auditor.walk(whole=True)
    await stock.appraisal.make("30d")

    found = await told(stock)

    expected = {
        "kubernaut_inbox_waiting_signals": 1,
        "kubernaut_inbox_oldest_seconds": 1800,
        "kubernaut_incidents_open approval": 1,
        "kubernaut_incidents_open planning": 0,
        "kubernaut_approval_oldest_seconds": 600,
        "kubernaut_suspended": 1,
        "kubernaut_replicas alive": 1,
        "kubernaut_check_ok store": 1,
        "kubernaut_check_ok cluster": 0,
        "kubernaut_audit_chain_intact": 1,
        "kubernaut_audit_checked_events": 4,
        "kubernaut_runs_in_flight": 0,
        "kubernaut_value_closed_incidents": 0,
    }
    assert {name: found.get(name) for name in expected} == expected
    assert found["kubernaut_store_seconds_count write"] > 0


async def test_what_is_not_computable_or_not_known_yet_has_no_figure(stock: Stocktaking) -> None:
    found = await told(stock)

    assert [name for name in found if name.startswith(("kubernaut_value", "kubernaut_audit"))] == []


async def test_a_database_that_is_gone_leaves_its_figures_out_and_says_so(stock: Stocktaking) -> None:
    stock.store.close()

    found = await told(stock)

    assert found["kubernaut_check_ok store"] == 0
    assert "kubernaut_inbox_waiting_signals" not in found
    assert "kubernaut_suspended" not in found
    assert "kubernaut_runs_in_flight" in found
