"""The verdicts: derived from what is measured, turned by a broken promise, never typed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kubernaut.declared import value_inputs
from kubernaut.domain.chain import Recorded, check, digest, link
from kubernaut.domain.errors import ClusterUnavailable, InputError
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.objects import JsonObject
from kubernaut.entrypoints.cli.main import run
from kubernaut.entrypoints.readiness.assessing import (
    Assessment,
    assess,
    assessment_json,
    assessment_sheet,
    production_metrics,
)
from kubernaut.entrypoints.readiness.checklist import CHECKS
from kubernaut.entrypoints.readiness.crowd import BY_LATENCY, DEAD, THINKING, USUAL, Crowd
from kubernaut.entrypoints.readiness.ground import Ground
from kubernaut.entrypoints.readiness.rehearsed import Played
from kubernaut.entrypoints.readiness.sending import Sent
from kubernaut.entrypoints.readiness.soak import Soaked
from kubernaut.entrypoints.readiness.verdicts import Check, Layer, Measured, Outcome, Verdict, confidence
from kubernaut.entrypoints.rehearsal import DEMO_VALUE
from kubernaut.entrypoints.reports import ScenarioResult
from kubernaut.entrypoints.value.writing import as_html, as_markdown
from kubernaut.impact.inputs import ValueInputs, exactly
from kubernaut.impact.recomputing import recomputed
from kubernaut.settings import ValueSettings
from tests.told import a_healed_one, a_store

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
WELL = ScenarioResult(
    "tag",
    "KubePodNotReady",
    control=False,
    expected="healed",
    outcome="healed",
    cause="image_not_found",
    target="shop/deployment/checkout",
    actions=("rollback_deployment",),
    time_to_resolution=70.0,
    passed=True,
)
LEFT = replace(WELL, name="blip", control=True, expected="self_resolved", outcome="self_resolved", actions=())
CROWD = Crowd(118, 118, 118, 118, (0.1,) * 15, (0.12,) * 100, 0, 0.4, 200.0, 118)


async def played() -> Played:
    store = a_store()
    await a_healed_one(store)
    events = [_with_metrics(event, told) for told in [await store.events()] for event in told]
    return Played((WELL, LEFT), tuple(events), (), check(log_of(events)), (("inc", True),))


def _with_metrics(event: Event, told: list[Event]) -> Event:
    if event.kind is not EventKind.VALUED:
        return event
    figures = recomputed(told)
    rated: JsonObject = {name: {"value": figures.pop(name)} for name in ("execution_duration", "success_rate")}
    return replace(event, body={**event.body, "analysis": {**rated, **figures}})


def log_of(events: list[Event]) -> list[Recorded]:
    head, log = "", []
    for event in events:
        own = digest(event.incident, event.key, event.kind, event.at, "", "", "{}")
        head = link(head, own)
        log.append(Recorded(event.seq, event.incident, event.key, event.kind, event.at, "", "", "{}", head))
    return log


async def verdict_of(name: str, *, rehearsal: Played | None = None, crowd: Crowd = CROWD) -> Verdict:
    ground = Ground(
        rehearsal=rehearsal or await played(), crowds=dict.fromkeys((USUAL, DEAD, THINKING, *BY_LATENCY), crowd)
    )
    [only] = [each for each in CHECKS if each.id == name]
    found = await assess([only], ground, at=NOW, folder=None, say=lambda _: None)
    return found.outcomes[0].verdict


def _twice(of: Played) -> Played:
    applied = next(event for event in of.events if event.kind is EventKind.APPLIED)
    return replace(of, events=(*of.events, replace(applied, seq=999)))


def _without_intents(of: Played) -> Played:
    return replace(of, events=tuple(event for event in of.events if event.kind is not EventKind.INTENDED))


def _cited_without_reading(of: Played) -> Played:
    events = []
    for event in of.events:
        if event.kind is EventKind.DIAGNOSED:
            diagnosis = event.body["diagnosis"]
            assert isinstance(diagnosis, dict)
            event = replace(event, body={"diagnosis": {**diagnosis, "evidence": []}})  # noqa: PLW2901
        events.append(event)
    return replace(of, events=tuple(events))


def _misreported(of: Played) -> Played:
    events = []
    for event in of.events:
        if event.kind is EventKind.VALUED:
            analysis = event.body["analysis"]
            assert isinstance(analysis, dict)
            event = replace(event, body={**event.body, "analysis": {**analysis, "step_count": 400}})  # noqa: PLW2901
        events.append(event)
    return replace(of, events=tuple(events))


def _touching_a_control(of: Played) -> Played:
    control = replace(WELL, name="maintenance", control=True, expected="declined", outcome="declined")
    return replace(of, results=(*of.results, control))


@pytest.mark.parametrize(
    ("name", "break_it"),
    [
        ("accuracy", _misreported),
        ("left-alone", _touching_a_control),
        ("chain", lambda of: replace(of, checked=check([replace(one, body="x") for one in log_of(list(of.events))]))),
        ("undo", lambda of: replace(of, restored=(("inc", False),))),
        ("once", _twice),
        ("intent", _without_intents),
        ("evidence", _cited_without_reading),
        ("alert-to-resolution", lambda of: replace(of, results=(replace(WELL, outcome="failed", passed=False),))),
        ("rebuild", lambda of: replace(of, events=of.events[1:])),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
async def test_a_promise_that_is_broken_on_purpose_turns_its_verdict(
    name: str, break_it: Callable[[Played], Played]
) -> None:
    rehearsal = await played()

    assert await verdict_of(name, rehearsal=rehearsal) is Verdict.PASS
    assert await verdict_of(name, rehearsal=break_it(rehearsal)) is Verdict.SHORT


@pytest.mark.parametrize(
    ("name", "worse"),
    [
        ("none-lost", {"stored": 117}),
        ("one-each", {"incidents": 60}),
        ("crowd", {"crowd_s": (0.1,) * 80, "undecided": 20}),
        ("degradation", {"crowd_s": (0.2,) * 100}),
        ("degradation-model", {"crowd_s": (0.2,) * 100}),
        ("latencies", {"crowd_s": (0.1,) * 90 + (6.0,) * 10}),
        ("latencies", {"undecided": 1}),
        ("utilisation", {"memory_share": 0.9}),
        ("decided", {"alone_s": (0.1,) * 10 + (6.0,) * 5}),
        ("utilisation", {"cpu_share": 0.93}),
        ("failover", {"undecided": 1}),
    ],
)
async def test_a_figure_of_the_crowd_that_is_too_bad_turns_its_verdict(name: str, worse: dict[str, object]) -> None:
    assert await verdict_of(name) is Verdict.PASS
    assert await verdict_of(name, crowd=replace(CROWD, **worse)) is Verdict.SHORT  # type: ignore[arg-type]


SOAKED = Soaked(60.0, (Sent(0, 0.0, 1, 0.1), Sent(1, 0.1, 1, 0.2)), frozenset({0, 1}), {}, (), 1, 9, True, 1.0)  # noqa: FBT003


async def test_an_alert_that_is_acknowledged_and_then_lost_turns_the_verdict_of_availability() -> None:
    [only] = [each for each in CHECKS if each.id == "availability"]

    async def verdict(soaked: Soaked) -> Verdict:
        return (
            (await assess([only], Ground(soaking=soaked), at=NOW, folder=None, say=lambda _: None)).outcomes[0].verdict
        )

    assert await verdict(SOAKED) is Verdict.PASS
    assert await verdict(replace(SOAKED, stored=frozenset({0}))) is Verdict.SHORT


async def test_roi_rests_on_what_is_declared_and_says_who_declared_it() -> None:
    [roi] = [each for each in CHECKS if each.id == "roi"]
    inputs = value_inputs(ValueSettings.model_validate({**DEMO_VALUE}))

    async def found(declared: ValueInputs) -> Outcome:
        ground = Ground(declared, "for the demo")
        return (await assess([roi], ground, at=NOW, folder=None, say=lambda _: None)).outcomes[0]

    assert "declared for the demo" in (await found(inputs)).figure
    assert (await found(inputs)).verdict is Verdict.PASS
    assert (await found(replace(inputs, running_usd_per_month=exactly(69_000)))).verdict is Verdict.SHORT


async def test_roi_without_declared_inputs_is_short_and_says_why() -> None:
    ground = Ground(rehearsal=await played())
    [roi] = [each for each in CHECKS if each.id == "roi"]

    found = await assess([roi], ground, at=NOW, folder=None, say=lambda _: None)

    assert found.outcomes[0].verdict is Verdict.SHORT
    assert "undeclared" in found.outcomes[0].figure


async def test_nothing_counted_is_no_success() -> None:
    empty = Played((), (), (), check(()), ())

    for name in ("alert-to-resolution", "chain", "undo", "once", "evidence", "rebuild"):
        assert await verdict_of(name, rehearsal=empty) is Verdict.SHORT


def a_check(layer: Layer = Layer.UNIT, name: str = "any") -> Check:
    return Check(name, "it works", "all", layer, None)


def outcome(layer: Layer, verdict: Verdict) -> Outcome:
    return Outcome(a_check(layer), verdict, "", None, 0.0)


async def _assessed(measure: Callable[[Ground], object], folder: Path | None = None) -> Assessment:
    async def measured(ground: Ground) -> Measured:
        found = measure(ground)
        assert isinstance(found, Measured)
        return found

    return await assess([replace(a_check(), measure=measured)], Ground(), at=NOW, folder=folder, say=lambda _: None)


async def test_what_has_no_check_reads_not_built_and_counts_as_failed() -> None:
    found = await assess([a_check()], Ground(), at=NOW, folder=None, say=lambda _: None)

    assert found.outcomes[0].verdict is Verdict.NOT_BUILT
    assert not found.is_ready
    assert found.confidence.value == 0


async def test_a_check_that_breaks_is_short_with_the_reason() -> None:
    def breaks(_ground: Ground) -> Measured:
        raise ClusterUnavailable("nothing answers")

    found = await _assessed(breaks)

    assert found.outcomes[0].verdict is Verdict.SHORT
    assert "nothing answers" in found.outcomes[0].figure


async def test_an_error_that_is_a_defect_of_ours_is_not_hidden_in_a_verdict() -> None:
    def breaks(_ground: Ground) -> Measured:
        raise ExceptionGroup("several", [ClusterUnavailable("one"), ZeroDivisionError()])

    with pytest.raises(ExceptionGroup):
        await _assessed(breaks)


async def test_the_raw_numbers_are_kept_beside_the_verdict(tmp_path: Path) -> None:
    found = await _assessed(lambda _: Measured("3 of 3", True, 1.0, 3, {"seconds": [1, 2]}), tmp_path / "new")  # noqa: FBT003

    kept = tmp_path / "new" / "any.json"
    assert found.outcomes[0].evidence == str(kept)
    assert '"seconds"' in kept.read_text(encoding="utf-8")


async def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(InputError):
        await _assessed(lambda _: Measured("", True, 1.0, 1, {}), tmp_path / "file" / "below")  # noqa: FBT003


async def test_a_quick_run_leaves_out_what_is_slow_and_is_not_ready_for_it() -> None:
    slow = replace(a_check(), measure=next(each.measure for each in CHECKS if each.id == "crowd"), quick=False)

    found = await assess([slow], Ground(quick=True), at=NOW, folder=None, say=lambda _: None)

    assert found.outcomes[0].verdict is Verdict.NOT_RUN
    assert not found.is_ready


def test_confidence_is_the_weighted_pass_rate_and_few_checks_prove_little() -> None:
    few = [outcome(layer, Verdict.PASS) for layer in Layer]
    many = few * 50

    assert confidence(few).value == pytest.approx(100)
    assert confidence(many).value == pytest.approx(100)
    assert confidence(few).low < 30
    assert confidence(many).low > 90


@pytest.mark.parametrize("verdict", [Verdict.SHORT, Verdict.NOT_BUILT, Verdict.NOT_RUN])
def test_all_but_a_pass_counts_as_failed(verdict: Verdict) -> None:
    outcomes = [outcome(layer, Verdict.PASS) for layer in (Layer.UNIT, Layer.INTEGRATION)]

    assert confidence([*outcomes, outcome(Layer.END_TO_END, verdict)]).value == pytest.approx(75)


def test_the_metrics_have_the_keys_of_the_plan_and_null_where_there_is_no_figure() -> None:
    found = Assessment(NOW, 1.0, quick=False, outcomes=(outcome(Layer.UNIT, Verdict.PASS),))

    assert production_metrics(found) == {
        "avg_response_time": None, "success_rate": None, "concurrent_capacity": None, "metrics_accuracy": None,
        "strategy_success_rate": None, "measurable_roi": None, "system_availability": None,
        "integration_tests": "0 of 0", "e2e_workflows": "0 of 0",
    }  # fmt: skip
    assert assessment_json(found)["metrics"] == production_metrics(found)


def test_written_forms_carry_every_check_with_its_command() -> None:
    short = replace(outcome(Layer.UNIT, Verdict.SHORT), command="kubernaut readiness --only any")
    found = Assessment(NOW, 1.0, quick=False, outcomes=(short,))
    sheet = assessment_sheet(found)

    for text in (as_html(sheet, ()), as_markdown(sheet)):
        assert "kubernaut readiness --only any" in text
        assert "short" in text


def test_every_check_has_a_name_of_its_own_and_the_plan_finds_its_metrics() -> None:
    names = [each.id for each in CHECKS]

    assert len(names) == len(set(names))
    assert {each.metric for each in CHECKS} - {""} == {
        "avg_response_time", "success_rate", "concurrent_capacity", "metrics_accuracy", "strategy_success_rate",
        "measurable_roi", "system_availability",
    }  # fmt: skip
    assert {each.layer for each in CHECKS} == set(Layer)


@pytest.mark.parametrize("each", [each for each in CHECKS if each.layer is Layer.UNIT], ids=lambda each: each.id)
async def test_the_checks_of_single_parts_pass(each: Check) -> None:
    assert each.measure is not None

    found = await each.measure(Ground())

    assert found.reached, found


def test_a_check_that_does_not_exist_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["readiness", "--only", "undos"]) == 2
    assert 'did you mean "undo"' in capsys.readouterr().err


def test_one_check_alone_ends_with_0_when_it_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["readiness", "--only", "tampering"]) == 0
    assert "✓ pass" in capsys.readouterr().out


def with_truth(of: Played, *causes: str) -> Played:
    return replace(of, truths={str(of.events[0].incident): causes})


async def test_confidence_is_held_against_the_cause_that_was_really_there() -> None:
    rehearsal = await played()

    assert await verdict_of("calibration", rehearsal=with_truth(rehearsal, "crash_after_change")) is Verdict.PASS
    assert await verdict_of("calibration", rehearsal=with_truth(rehearsal, "quota_exceeded")) is Verdict.SHORT
    assert await verdict_of("calibration", rehearsal=rehearsal) is Verdict.SHORT
