from __future__ import annotations

from datetime import timedelta

from kubernaut.adapters.memory.engine import MemoryEngine, Moment
from kubernaut.adapters.memory.tracer import MemoryTracer
from kubernaut.adapters.traces.steps import trace_admission, traced_run
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.engine import Run
from kubernaut.engine.codec import dump
from kubernaut.healing.deciding import DECISION
from kubernaut.ports import Admission, Place, Span
from tests.examples import NOON, a_signal, an_incident
from tests.misrouted_shop import MisroutedShop


async def healed(*crashes: tuple[str, Moment], autonomy: str = "auto") -> list[Span]:
    """The spans of an incident that was healed, by processes that died at those places."""
    shop, tracer = MisroutedShop(answers=True, autonomy=autonomy), MemoryTracer()
    opened = await shop.open_incident()

    async def workflow(run: Run, argument: JsonObject) -> Json:
        return await shop.workflow(traced_run(run, argument, tracer, shop.clock), argument)

    async with MemoryEngine(workflow, shop.clock) as engine:
        for step, moment in crashes:
            engine.crash_at(step, moment)
        await engine.start(opened.id, {"do": "heal", "incident": dump(opened)})
        await engine.send(opened.id, DECISION, {"approved": True, "by": "ada"})
        for _ in crashes:
            await engine.recover()
        await engine.outcome(opened.id)
    return tracer.spans


def steps(spans: list[Span]) -> list[str]:
    return [str(span.facts["kubernaut.step"]) for span in spans if "kubernaut.step" in span.facts]


async def test_each_step_of_an_incident_is_a_span_and_the_incident_is_one_too() -> None:
    spans = await healed()

    assert steps(spans)[:4] == ["investigate-1", "plan-1", "intend-1", "apply-1"]
    assert steps(spans)[-4:] == ["tell", "value", "close", "learn"]
    [incident] = [span for span in spans if span.place is Place.INCIDENT]
    assert {span.place for span in spans} == {Place.INCIDENT, Place.BELOW_INCIDENT}
    assert incident.began == min(span.began for span in spans)
    assert [span.name for span in spans if span.name == "wait"] != []


async def test_the_incident_says_its_cause_its_decision_and_its_ending() -> None:
    [incident] = [span for span in await healed() if span.place is Place.INCIDENT]

    assert incident.facts["kubernaut.cause"] == "service_selector_wrong"
    assert incident.facts["kubernaut.decision"] == "act"
    assert incident.facts["kubernaut.ending"] == "healed"


async def test_a_trace_goes_on_after_a_restart_and_no_step_is_told_twice() -> None:
    whole = await healed()
    broken = await healed(("apply-1", Moment.AFTER))

    assert steps(broken) == steps(whole)
    # What the dead process found out is known to the one that ends the incident.
    ends = [[span.facts for span in spans if span.place is Place.INCIDENT] for spans in (whole, broken)]
    assert ends[0] == ends[1]


async def test_a_wait_for_consent_is_a_span() -> None:
    spans = await healed(autonomy="approve")

    assert "ask" in [span.name for span in spans]
    assert "answer" in [span.name for span in spans]


async def test_no_span_holds_a_name_or_a_text_of_the_cluster() -> None:
    shop = MisroutedShop(answers=True, autonomy="auto")
    target = (await shop.open_incident()).target
    told = " ".join(f"{span.name} {span.error} {span.facts}" for span in await healed())

    assert target.name not in told
    assert f"{target.namespace}/" not in told


def test_a_trace_begins_with_the_alert_and_another_alert_joins_it() -> None:
    tracer, signal, incident = MemoryTracer(), a_signal(), an_incident()
    began, ended = NOON + timedelta(seconds=1), NOON + timedelta(seconds=2)

    trace_admission(tracer, signal, Admission(incident, opened=True), began, ended)
    trace_admission(tracer, a_signal(), Admission(incident, opened=False), began, ended)

    assert [(span.place, span.name) for span in tracer.spans] == [
        (Place.ALERT, "alert"),
        (Place.BELOW_ALERT, "inbox"),
        (Place.BELOW_ALERT, "triage"),
        (Place.BELOW_ALERT, "alert joins"),
        (Place.BELOW_ALERT, "inbox"),
        (Place.BELOW_ALERT, "triage"),
    ]
    inbox, triage = tracer.spans[1:3]
    assert (inbox.began, inbox.ended, triage.ended) == (signal.received_at, began, ended)
