import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
import uvicorn
from starlette.types import ASGIApp

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.ids import CountingIds
from kubernaut.adapters.memory.incidents import MemoryIncidentStore
from kubernaut.adapters.memory.meter import MemoryMeter
from kubernaut.adapters.memory.switch import MemorySwitch
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import EventKind
from kubernaut.domain.lifecycle import Phase
from kubernaut.domain.objects import JsonObject
from kubernaut.domain.plans import Decision
from kubernaut.engine.codec import dump
from kubernaut.entrypoints.cli.main import run
from kubernaut.entrypoints.http.app import HttpParts, create_app
from kubernaut.entrypoints.http.operations import Answer, Done, Instruction, Operations, Refused
from tests.serving import no_metrics
from tests.told import NOON, Teller, a_healed_one, a_store, a_waiting_one, an_intent


class Service:
    """A service on a port, with a store that a test filled."""

    def __init__(self, store: MemoryIncidentStore, switch: MemorySwitch) -> None:
        self.store, self.switch, self.given = store, switch, []
        self.answer = Done("taken")

    def operations(self) -> Operations:
        def order(verb: str) -> Answer:
            async def give(incident: IncidentId, told: Instruction) -> Answer:
                self.given.append((verb, incident, told.by, told.reason))
                self.last = told
                return self.answer

            return give

        async def suspend(told: Instruction) -> Answer:
            return await order("suspend")("", told)

        async def resume(told: Instruction) -> Answer:
            return await order("resume")("", told)

        return Operations(order("approve"), order("reject"), order("undo"), suspend, resume)


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    # Before the thread runs: a caller who is faster than it waits, and is not refused.
    listener.listen()
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    store = a_store()
    await a_healed_one(store, number=1)
    await a_waiting_one(store, number=2)
    inside = Service(store, MemorySwitch())
    parts = HttpParts(
        signals=store._inbox,
        incidents=store,
        switch=inside.switch,
        operations=inside.operations(),
        clock=ManualClock(NOON),
        ids=CountingIds(),
        meter=MemoryMeter(),
        metrics=no_metrics,
        checks={},
        token="swordfish",
    )
    with served(create_app(parts)) as address:
        monkeypatch.setenv("KUBERNAUT_HTTP__TOKEN", "swordfish")
        inside.address = address
        yield inside


def called(service: Service, *arguments: str) -> int:
    return run([*arguments, "--server", service.address])


def test_the_list_names_cause_and_what_waits(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(service, "incidents", "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("inc-4f7k02  ◆ approval")
    assert lines[1].endswith("crash_after_change")
    assert lines[-1] == "2 of 2 incidents · 1 needs you: kubernaut incidents approve inc-4f7k02"


def test_filters_reach_the_service(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(service, "incidents", "list", "--ending", "healed", "--json") == 0
    body = json.loads(capsys.readouterr().out)
    assert ([one["id"] for one in body["incidents"]], body["total"]) == (["inc-4f7k01"], 1)


def test_any_unique_start_or_the_address_of_the_page_names_an_incident(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("inc-4f7k01", "http://127.0.0.1:8080/incidents/inc-4f7k01"):
        assert called(service, "incidents", "show", name) == 0
        assert capsys.readouterr().out.startswith("inc-4f7k01  ✓ healed in 74 s")
    assert called(service, "incidents", "show", "inc-4f7k") == 1
    assert "is the start of 2 incidents: inc-4f7k02, inc-4f7k01" in capsys.readouterr().err
    assert called(service, "incidents", "show", "inc-none") == 1
    assert 'error: no incident "inc-none"' in capsys.readouterr().err


def test_the_story_for_scripts_holds_every_event(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(service, "incidents", "show", "inc-4f7k01", "--json") == 0
    body = json.loads(capsys.readouterr().out)
    assert (body["incident"]["ending"], len(body["events"])) == ("healed", 12)


def test_watching_ends_with_the_incident(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(service, "incidents", "show", "inc-4f7k01", "-w") == 0
    out = capsys.readouterr()
    assert "verified" in out.err
    assert out.out.startswith("inc-4f7k01  ✓ healed")


def test_approving_without_a_terminal_needs_yes_and_a_reason(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(service, "incidents", "approve", "inc-4f7k02") == 2
    assert "give --yes --reason TEXT" in capsys.readouterr().err
    assert called(service, "incidents", "approve", "inc-4f7k02", "--yes") == 2
    assert service.given == []


def test_approving_shows_the_change_and_says_who_did_it(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("approve", "inc-4f7k02", "--yes", "--reason", "checked", "--by", "anna")
    assert called(service, "incidents", *arguments) == 0
    out = capsys.readouterr()
    assert "+ args: []" in out.err
    assert out.out == "Approved by anna.  Follow: kubernaut incidents show inc-4f7k02 -w\n"
    assert service.given == [("approve", IncidentId("inc-4f7k02"), "anna", "checked")]


@pytest.fixture
async def choosing(service: Service) -> Service:
    """A third incident, which shows the change of each of its two options."""
    teller = replace(Teller(service.store), number=3)
    await teller.receive()
    await teller.diagnose()
    plan = replace(teller.plan(Decision.ASK, "data hangs on it"), expires_at=NOON + timedelta(minutes=30))
    other = an_intent(plan.alternatives[0].call, ("+ restartedAt: now",)).preview
    previews = [dump(an_intent().preview), dump(other)]
    body: JsonObject = {"plan": dump(plan), "preview": previews[0], "previews": previews}
    await teller.add(EventKind.ASKED, body, Phase.APPROVAL)
    return service


@pytest.mark.parametrize("option", ["2", "restart_workload"])
def test_another_option_is_approved_by_its_number_or_its_action(
    choosing: Service, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    arguments = ("approve", "inc-4f7k03", "--yes", "--reason", "milder", "--choose", option)
    assert called(choosing, "incidents", *arguments) == 0
    shown = capsys.readouterr().err
    assert "+ restartedAt: now" in shown
    assert "Instead   1 rollback_deployment revision=6 (healed 11 of 12 here)" in shown
    assert choosing.last.choice == 2


@pytest.mark.parametrize("option", ["0", "3", "two", "-1", "drain_node"])
def test_an_option_that_there_is_not_is_wrong_use_and_names_those_that_there_are(
    choosing: Service, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    arguments = ("approve", "inc-4f7k03", "--yes", "--reason", "x", f"--choose={option}")
    assert called(choosing, "incidents", *arguments) == 2
    assert "it has 1 rollback_deployment, 2 restart_workload" in capsys.readouterr().err
    assert choosing.given == []


def test_parameters_are_given_as_typed_values(choosing: Service) -> None:
    arguments = ("approve", "inc-4f7k03", "--yes", "--reason", "x", "--set", "revision=5", "--set", "note=v1")
    assert called(choosing, "incidents", *arguments) == 0
    assert choosing.last.parameters == {"revision": 5, "note": "v1"}


@pytest.mark.parametrize("text", ["revision", "=5", "revision=["])
def test_a_parameter_without_name_or_value_is_wrong_use(
    choosing: Service, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    assert called(choosing, "incidents", "approve", "inc-4f7k03", "--yes", "--reason", "x", "--set", text) == 2
    assert "--set" in capsys.readouterr().err
    assert choosing.given == []


def test_incidents_are_found_by_the_guard_that_decided(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(service, "incidents", "list", "--guard", "unmanaged", "--json") == 0
    assert json.loads(capsys.readouterr().out)["incidents"] == []


def test_a_decision_that_nobody_took_yet_cannot_be_explained(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(service, "policy", "explain", "inc-none") == 1
    assert 'no incident "inc-none"' in capsys.readouterr().err


def test_what_waits_for_nothing_cannot_be_approved(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(service, "incidents", "approve", "inc-4f7k01", "--yes", "--reason", "x") == 1
    assert "error: inc-4f7k01 waits for nothing" in capsys.readouterr().err


def test_a_refusal_of_the_service_is_told_with_its_way_out(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    service.answer = Refused("the object was changed since", "look at it first")
    assert called(service, "incidents", "undo", "inc-4f7k01", "--yes", "--reason", "wrong") == 1
    assert capsys.readouterr().err.splitlines() == [
        "error: the object was changed since",
        "  help: look at it first",
    ]


def test_all_actions_are_suspended_and_allowed_again(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(service, "suspend", "--yes", "--reason", "freeze", "--by", "anna") == 0
    assert called(service, "resume", "--by", "anna") == 0
    assert [verb for verb, *_ in service.given] == ["suspend", "resume"]
    assert "All actions are suspended by anna: freeze" in capsys.readouterr().out


def test_a_wrong_token_is_said(
    service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBERNAUT_HTTP__TOKEN", "herring")
    assert called(service, "incidents", "list") == 1
    assert "the bearer token is wrong" in capsys.readouterr().err


def test_a_service_that_does_not_run_is_said_with_the_command_that_starts_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        assert run(["incidents", "list", "--server", address]) == 1
    assert capsys.readouterr().err.splitlines()[:2] == [
        f"error: no service at {address}: nothing listens there",
        "  help: kubernaut serve",
    ]
