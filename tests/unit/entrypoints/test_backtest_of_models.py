"""Stored questions asked again, of another model or of nobody: what it costs, what it changes, what is not known."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kubernaut.adapters.memory.analyst import ScriptedAnalyst
from kubernaut.adapters.models.prompting import Hiding
from kubernaut.adapters.models.provider import Limits, Price, Provider
from kubernaut.adapters.store import open_store
from kubernaut.domain.diagnosis import CauseId, Diagnosis, Verdict
from kubernaut.domain.errors import ModelUnavailable
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.objects import JsonObject
from kubernaut.engine.codec import dump
from kubernaut.entrypoints.backtests import Backtest, run_backtest
from kubernaut.entrypoints.cli.main import run
from kubernaut.entrypoints.reasking import (
    OtherModel,
    Replies,
    ask_again,
    bound_of,
    compared,
    stored_questions,
    without_model,
)
from kubernaut.execution.catalogue import discover
from kubernaut.investigation.second_opinion import UNKNOWN, Choices, merge
from kubernaut.planning.policy.ruling import BUILT_IN
from kubernaut.planning.replaying import What
from kubernaut.ports import Opinion
from kubernaut.sandbox.stand_in import StandIn
from tests.planning_desk import PlanningDesk
from tests.told import Teller, a_diagnosis, a_hypothesis
from tests.unit.entrypoints.test_backtests import MONTH

CATALOGUE = discover()
WORD = Opinion("image_not_found", "rollback_deployment", 0.4, (), "It names no image.", "other")


def unsure() -> Diagnosis:
    """The rules know no cause, and a remedy of a less likely one is prepared."""
    found = a_diagnosis("crash_after_change")
    nothing = replace(a_hypothesis(), cause=UNKNOWN, confidence=0.2, verdict=Verdict.ESCALATE, remedies=())
    other = replace(a_hypothesis(), confidence=0.1)
    return replace(found, hypotheses=(nothing, other))


def cited(opinion: Opinion = WORD) -> Opinion:
    return replace(opinion, evidence=(unsure().evidence[0].id,))


def merged(opinion: Opinion) -> Diagnosis:
    rules = unsure()
    return merge(rules, opinion, Choices.of(rules, {}, {}).calls)


async def decided_by_a_model(desk: PlanningDesk, opinion: Opinion, *, suspicious: bool = False) -> None:
    teller = await desk.open()
    asked: JsonObject = {"ok": True, "cause": opinion.cause, "suspicious": suspicious}
    await desk.store.append(Event(teller.id, "asked-model-1", EventKind.MODEL_ASKED, desk.clock.now(), asked))
    found = merged(opinion)
    body: JsonObject = {"diagnosis": dump(found), "took_s": 1.0}
    await desk.store.append(Event(teller.id, "diagnosed-9", EventKind.DIAGNOSED, desk.clock.now(), body))
    await desk.plan(teller, found)


async def tried(desk: PlanningDesk, replies: Replies) -> Backtest:
    asked = {one.seq: one for one in await stored_questions(desk.store, MONTH)}
    other = OtherModel(asked, replies, CATALOGUE)
    return await run_backtest(desk.store, MONTH, What(BUILT_IN), otherwise=other.instead, tried="x")


async def answered(desk: PlanningDesk, opinion: Opinion) -> Replies:
    asked = await stored_questions(desk.store, MONTH)
    return await ask_again(asked, "other", ScriptedAnalyst([opinion] * len(asked)), CATALOGUE)


def test_what_a_model_added_is_taken_out_again_and_the_rules_are_left_in_their_order() -> None:
    rules, again = unsure(), without_model(merged(cited()))

    assert [one.cause for one in again.hypotheses] == [one.cause for one in rules.hypotheses]
    assert again.decided_by == "rules"
    assert all(a.confidence <= b.confidence for a, b in zip(again.hypotheses, rules.hypotheses, strict=True))


async def test_without_a_model_an_incident_that_it_explained_would_have_gone_to_people() -> None:
    desk = PlanningDesk()
    await decided_by_a_model(desk, cited())

    found = await tried(desk, Replies("rules"))

    assert [(str(one.old), str(one.new)) for one in found.differing] == [("ask rollback_deployment", "escalated")]


async def test_the_same_answer_changes_nothing() -> None:
    desk = PlanningDesk()
    await decided_by_a_model(desk, cited())

    found = await tried(desk, await answered(desk, cited()))

    assert (found.same, found.differing, found.unknown) == (1, (), ())


async def test_another_cause_whose_remedies_were_not_weighed_is_not_known() -> None:
    desk = PlanningDesk()
    await decided_by_a_model(desk, cited())

    found = await tried(desk, await answered(desk, cited(replace(WORD, cause="quota_exceeded"))))

    assert "quota_exceeded would have come first" in found.reasons[0][0]


async def test_a_reply_that_was_thrown_away_as_suspicious_leaves_the_rules_unknown() -> None:
    desk = PlanningDesk()
    await decided_by_a_model(desk, cited(), suspicious=True)

    assert "suspicious" in (await tried(desk, Replies("rules"))).reasons[0][0]


async def test_decisions_that_rest_on_no_question_are_the_same_whatever_a_model_says() -> None:
    desk = PlanningDesk()
    await desk.plan()

    assert (await tried(desk, Replies("rules"))).same == 1


async def test_answers_are_compared_with_those_of_then_and_with_what_healed() -> None:
    desk = PlanningDesk()
    await decided_by_a_model(desk, cited())
    await decided_by_a_model(desk, cited(replace(WORD, cause="quota_exceeded")))
    asked = [replace(one, healed="image_not_found") for one in await stored_questions(desk.store, MONTH)]

    found = compared(asked, await answered(desk, cited()))

    assert (found.answered, found.same_cause.value, found.healed_cause.value) == (2, 0.5, 1.0)
    assert found.healed_cause_then.value == 0.5


async def test_a_question_that_nobody_answers_is_left_to_the_rules() -> None:
    desk = PlanningDesk()
    await decided_by_a_model(desk, cited())
    [one] = await stored_questions(desk.store, MONTH)

    found = await tried(desk, Replies("dead", {one.seq: ModelUnavailable("gone")}))

    assert str(found.differing[0].new) == "escalated"


async def test_the_bound_counts_every_question_with_its_longest_reply_at_the_dearest_price() -> None:
    desk = PlanningDesk()
    await decided_by_a_model(desk, cited())
    asked = await stored_questions(desk.store, MONTH)
    provider = Provider("other", "m", limits=Limits(), price=Price(prompt=1.0, reply=10.0))

    one, two = (bound_of(asked * times, provider, Hiding(), CATALOGUE) for times in (1, 2))

    assert one.tokens > 3 * 512
    assert two.tokens == 2 * one.tokens
    assert one.usd == pytest.approx(one.tokens * 10 / 1e6)


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "k.sqlite"
    monkeypatch.setenv("KUBERNAUT_STORE__URL", f"sqlite:///{file}")
    store = open_store(f"sqlite:///{file}")

    async def tell() -> None:
        desk = PlanningDesk()
        await decided_by_a_model(desk, cited())
        began = datetime.now(UTC) - timedelta(hours=1)
        teller = Teller(store.incidents, began=began)  # type: ignore[arg-type]  # tells any store
        await teller.receive()
        for event in await desk.store.events(teller.id):
            if event.kind in {EventKind.MODEL_ASKED, EventKind.DIAGNOSED, EventKind.PLANNED}:
                await store.incidents.append(replace(event, at=began, seq=0))

    asyncio.run(tell())
    store.close()
    return file


def with_provider(tmp_path: Path, url: str) -> list[str]:
    config = tmp_path / "k.yaml"
    provider = {"name": "local", "model": "none", "endpoint": url, "usd_per_million_reply_tokens": 5}
    config.write_text(json.dumps({"models": {"providers": [provider]}}), encoding="utf-8")
    return ["backtest", "--model", "local", "--config", str(config)]


@pytest.mark.usefixtures("database")
def test_what_asking_costs_is_shown_and_nothing_is_asked_before_yes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def asked() -> int:
        async with StandIn(latency_s=0.0) as model:
            assert await asyncio.to_thread(run, with_provider(tmp_path, model.url)) == 0
            before = model.answered
            assert await asyncio.to_thread(run, [*with_provider(tmp_path, model.url), "--yes", "--json"]) == 0
            return model.answered - before if not before else -1

    assert asyncio.run(asked()) == 1
    shown, _, document = capsys.readouterr().out.partition("Nothing was asked: add --yes to ask.\n")
    assert "1 stored questions to local" in shown
    assert "USD" in shown
    told = json.loads(document)
    assert told["model"]["answers"]["answered"] == 1
    assert told["model"]["answers"]["tokens"] <= told["model"]["bound"]["tokens"]


@pytest.mark.usefixtures("database")
def test_the_rules_alone_cost_nothing_and_need_no_yes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["backtest", "--model", "rules"]) == 0

    told = capsys.readouterr()
    assert "nobody is asked" in told.err
    assert "with the rules alone" in told.out
    assert "escalated" in told.out
    assert CauseId("unknown") in told.out
