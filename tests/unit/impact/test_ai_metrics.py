from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.domain.incidents import Fingerprint, Incident, IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.objects import Json, JsonObject, ObjectRef
from kubernaut.engine.codec import dump
from kubernaut.impact.ai_metrics import analysis_metrics
from kubernaut.impact.clocks import History
from kubernaut.impact.recomputing import accuracy, recomputed

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TARGET = ObjectRef("apps/v1", "Deployment", "shop", "checkout")
K = EventKind


def call(provider: str, failure: str = "", *, requests: int = 1, tokens: int = 100, lookups: int = 0) -> JsonObject:
    return {
        "provider": provider, "failure": failure, "requests": requests, "tokens": tokens, "usd": tokens / 1000,
        "took_s": 1.0, "switch_s": 0.0, "lookups": lookups,
    }  # fmt: skip


def asked(*calls: JsonObject, cause: str = "", cited: int = 0, accepted: int = 0, **more: Json) -> JsonObject:
    def total(name: str) -> float:
        return sum(float(str(one[name])) for one in calls)

    return {
        "ok": bool(cause), "kept": False, "suspicious": False, "provider": "", "cause": cause, "cited": cited,
        "accepted": accepted, "tokens": int(total("tokens")), "requests": int(total("requests")), "usd": total("usd"),
        "lookups": int(total("lookups")), "calls": list(calls), "took_s": 1.0, "error": "", **more,
    }  # fmt: skip


def history(*events: tuple[EventKind, JsonObject], name: str = "inc-1") -> History:
    incident = Incident(
        IncidentId(name), Fingerprint(name), TARGET, TARGET, "KubePodCrashLooping", "warning", NOON, NOON
    )
    written = [
        Event(incident.id, str(number), kind, NOON + timedelta(seconds=number), body, seq=number)
        for number, (kind, body) in enumerate(events)
    ]
    return History(incident, tuple(written))


RECEIVED: tuple[EventKind, JsonObject] = (K.RECEIVED, {})
HEALED: tuple[EventKind, JsonObject] = (K.VERIFIED, {"verification": {"effect": "healed"}})
CLOSED: tuple[EventKind, JsonObject] = (K.CLOSED, {"ending": "healed", "reason": ""})


def diagnosed(cause: str) -> tuple[EventKind, JsonObject]:
    return K.DIAGNOSED, {"diagnosis": {"hypotheses": [{"cause": cause}]}}


def test_requests_tokens_and_cost_are_summed_over_all_providers_that_were_asked() -> None:
    one = asked(call("a:x", "hang", requests=1, tokens=0), call("b:y", requests=2, tokens=300), cause="c")
    metrics = analysis_metrics([history(RECEIVED, (K.MODEL_ASKED, one)), history((K.MODEL_ASKED, one), name="inc-2")])

    assert (metrics.questions, metrics.ai_request_count, metrics.tokens, metrics.failovers) == (2, 6, 600, 2)
    assert metrics.usd == pytest.approx(0.6)


def test_each_provider_has_its_own_figures() -> None:
    first = asked(call("a:x", "hang", tokens=0), call("b:y"), cause="c")
    second = asked(call("a:x", tokens=50), cause="c")
    metrics = analysis_metrics([history((K.MODEL_ASKED, first), (K.MODEL_ASKED, second))])

    a, b = metrics.providers["a:x"], metrics.providers["b:y"]
    assert (a.asked, a.answered, a.requests, a.tokens, a.failures) == (2, 1, 2, 50, {"hang": 1})
    assert (b.asked, b.answered, b.failures) == (1, 1, {})


def test_what_was_looked_up_is_counted_by_provider_and_in_all() -> None:
    body = asked(call("a:x", "hang", lookups=2), call("b:y", lookups=1), cause="c")
    metrics = analysis_metrics([history((K.MODEL_ASKED, body))])

    assert metrics.tool_calls == 3
    assert [one.tool_calls for one in metrics.providers.values()] == [2, 1]


def test_an_answer_in_words_is_a_reply_that_did_not_fit() -> None:
    body = asked(call("holmes", "prose"), call("b:y"), cause="c")

    assert analysis_metrics([history((K.MODEL_ASKED, body))]).schema_validity.value == 0.5


def test_kept_answers_cost_nothing_and_are_counted() -> None:
    metrics = analysis_metrics([history((K.MODEL_ASKED, asked(cause="c", kept=True)))])

    assert (metrics.questions, metrics.kept, metrics.ai_request_count, metrics.tokens) == (1, 1, 0, 0)


def test_validity_counts_replies_and_not_silence() -> None:
    body = asked(call("a:x", "hang"), call("b:y", "wrong_schema"), call("c:z"), cause="c")
    validity = analysis_metrics([history((K.MODEL_ASKED, body))]).schema_validity

    assert (validity.value, validity.n) == (0.5, 2)


def test_support_is_the_share_of_citations_that_the_rules_accept() -> None:
    one, other = asked(cause="c", cited=3, accepted=2), asked(cause="c", cited=1, accepted=0)
    support = analysis_metrics([history((K.MODEL_ASKED, one), (K.MODEL_ASKED, other))]).evidence_support

    assert (support.value, support.n) == (0.5, 4)


@pytest.mark.parametrize(("named", "agreed"), [("bad_release", 1.0), ("low_memory", 0.0)])
def test_agreement_is_with_the_cause_whose_remedy_was_verified(named: str, agreed: float) -> None:
    told = history((K.MODEL_ASKED, asked(cause=named)), diagnosed("bad_release"), HEALED, CLOSED)

    assert analysis_metrics([told]).agreement.value == agreed


def test_what_was_not_healed_proves_no_cause() -> None:
    escalated = (K.CLOSED, {"ending": "escalated", "reason": ""})
    told = history((K.MODEL_ASKED, asked(cause="bad_release")), diagnosed("bad_release"), escalated)

    agreement = analysis_metrics([told]).agreement
    assert agreement.value is None
    assert "verified as healed" in agreement.why


def test_quality_without_a_model_is_not_computable() -> None:
    metrics = analysis_metrics([history(RECEIVED, CLOSED)])

    assert [metrics.schema_validity.value, metrics.evidence_support.value, metrics.agreement.value] == [None] * 3
    assert metrics.providers == {}


def valued(told: History) -> History:
    """As the impact stage does it: the figures are stored before the incident closes."""
    before, close = told.events[:-1], told.events[-1]
    figures: JsonObject = {"analysis": dump(analysis_metrics([told]))}
    stored = Event(told.incident.id, "valued", K.VALUED, close.at, figures, seq=close.seq)
    # Learning takes its time, and the close comes after it.
    later = close.at + timedelta(minutes=5)
    learned = Event(told.incident.id, "learned", K.LEARNED, later, {}, seq=close.seq + 1)
    return History(told.incident, (*before, stored, learned, replace(close, at=later, seq=close.seq + 2)))


BODIES = st.one_of(
    st.just(RECEIVED),
    st.just(HEALED),
    st.just((K.VERIFIED, {"verification": {"effect": "worse"}})),
    st.just((K.JOINED, {})),
    st.just((K.NOTIFIED, {"where": "nowhere"})),
    st.lists(
        st.sampled_from([call("a:x", "hang"), call("b:y"), call("c:z", "cut", tokens=7, lookups=3)]), max_size=3
    ).map(lambda calls: (K.MODEL_ASKED, asked(*calls, cause="c"))),
)


@given(st.lists(BODIES, max_size=12))
def test_two_ways_of_computing_agree_on_any_story(events: list[tuple[EventKind, JsonObject]]) -> None:
    told = valued(history(RECEIVED, *events, CLOSED))

    found = accuracy(told.events)

    assert found.differences == ()
    assert (found.incidents, found.share) == (1, 1.0)


def test_the_time_for_learning_is_no_part_of_an_incident() -> None:
    told = valued(history(RECEIVED, HEALED, CLOSED))

    assert analysis_metrics([told]).execution_duration.value == 2.0


def test_a_figure_that_was_reported_wrongly_is_found() -> None:
    told = valued(history(RECEIVED, (K.MODEL_ASKED, asked(call("a:x"), cause="c")), CLOSED))
    wrong = [
        replace(event, body={"analysis": {**dict(event.body["analysis"]), "tokens": 1}})  # type: ignore[arg-type]
        if event.kind is K.VALUED
        else event
        for event in told.events
    ]

    (difference,) = accuracy(wrong).differences
    assert (difference.metric, difference.reported, difference.recomputed) == ("tokens", 1.0, 100.0)


def test_a_figure_that_was_not_reported_is_a_difference() -> None:
    told = valued(history(RECEIVED, CLOSED))
    empty = [replace(event, body={}) if event.kind is K.VALUED else event for event in told.events]

    found = accuracy(empty)
    assert found.share is not None
    assert found.share < 0.5


def test_an_incident_from_before_lookups_were_counted_is_no_difference_unless_it_had_some() -> None:
    def without(told: History) -> list[Event]:
        events = []
        for event in told.events:
            figures = event.body.get("analysis")
            if isinstance(figures, dict):
                kept = {name: value for name, value in figures.items() if name != "tool_calls"}
                events.append(replace(event, body={"analysis": kept}))
            else:
                events.append(event)
        return events

    old, wrong = (valued(history(RECEIVED, (K.MODEL_ASKED, asked(call("a:x", lookups=n))), CLOSED)) for n in (0, 1))
    assert accuracy(without(old)).share == 1
    assert [one.metric for one in accuracy(without(wrong)).differences] == ["tool_calls"]


def test_an_incident_that_is_not_finished_reports_nothing() -> None:
    found = accuracy(history(RECEIVED, HEALED).events)

    assert (found.incidents, found.compared, found.share) == (0, 0, None)


def test_recomputing_takes_the_events_in_the_order_of_their_commits() -> None:
    told = valued(history(RECEIVED, HEALED, CLOSED))

    assert recomputed(reversed(told.events)) == recomputed(told.events)
