"""A change whose answer never came may have been made: a person can still take it back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubernaut.domain.errors import ClusterUnavailable
from kubernaut.domain.execution import Applied, Effect, Intent, Verification
from kubernaut.domain.incidents import Incident, IncidentId
from kubernaut.domain.journal import Event, EventKind, unsettled_attempt, was_done
from kubernaut.domain.lifecycle import Phase
from kubernaut.domain.objects import JsonObject, KubeObject
from kubernaut.domain.plans import Candidate
from kubernaut.engine.codec import load
from tests.misrouted_shop import SERVICE, MisroutedShop
from tests.objects import NOW

WRONG = {"app": "cart", "tier": "wbe"}


def told(*keys: str) -> list[Event]:
    """Events of one incident; the first word of a key is its kind, and a `!` means that it was refused."""
    return [_told(key.removesuffix("!"), Applied.REFUSED if key.endswith("!") else Applied.DONE) for key in keys]


def _told(key: str, applied: Applied) -> Event:
    body: JsonObject = {"execution": {"applied": applied.value}}
    return Event(IncidentId("inc-1"), key, EventKind(key.partition("-")[0]), NOW, body)


@pytest.mark.parametrize(
    ("keys", "left"),
    [
        ((), None),
        (("intended-1", "applied-1"), "applied-1"),
        (("intended-1",), "intended-1"),
        (("intended-1", "refused-1"), None),
        (("intended-1", "applied-1", "undone-1"), None),
        (("intended-1", "applied-1", "undone-1!"), "applied-1"),
        (("intended-1", "applied-1", "undone-1!", "undone-anew-1"), None),
        (("intended-1", "applied-1", "undone-1", "intended-2"), "intended-2"),
        (("intended-1", "applied-1", "intended-2", "refused-2"), "applied-1"),
    ],
)
def test_the_last_attempt_that_nobody_settled_is_the_one_to_look_at(keys: tuple[str, ...], left: str | None) -> None:
    found = unsettled_attempt(told(*keys))

    assert (found.key if found else None) == left


def test_a_refused_attempt_of_which_a_part_stands_is_still_to_be_looked_at() -> None:
    intended, refused = told("intended-1", "refused-1!")
    left: JsonObject = {"execution": {"applied": "refused", "left": ["shop/networkpolicy/quarantine"]}}
    assert unsettled_attempt([intended, refused]) is None
    assert unsettled_attempt([intended, replace(refused, body=left)]) == intended


async def a_change_without_an_answer(shop: MisroutedShop, *, made: bool) -> Incident:
    """An incident whose first attempt broke off, before or after the API server took the change."""
    incident = await shop.open_incident()
    diagnosis = await shop.stages.investigation.investigate(incident, look=1)
    assert diagnosis.best is not None
    for phase in (Phase.PLANNING, Phase.EXECUTION):
        await shop.incidents.append(Event(incident.id, phase, EventKind.PLANNED, NOW, {}), phase=phase)
    intended = await shop.stages.execution.intend(incident, Candidate(diagnosis.best.remedies[0], 0, 0, 0.0), attempt=1)
    assert intended.intent is not None
    if made:
        await shop.cluster.write(intended.intent.preview.change)
    return incident


def selector(shop: MisroutedShop) -> dict[str, str]:
    return KubeObject(shop.cluster.raw(SERVICE)).mapping("spec", "selector")


async def test_a_change_that_was_made_without_an_answer_is_taken_back() -> None:
    shop = MisroutedShop()
    incident = await a_change_without_an_answer(shop, made=True)
    assert selector(shop) != WRONG

    back = await shop.stages.execution.undo_last(incident, by="anna")

    assert back.applied is Applied.DONE
    assert selector(shop) == WRONG
    assert unsettled_attempt(await shop.incidents.events(incident.id)) is None


async def test_a_change_that_was_never_made_is_found_so() -> None:
    shop = MisroutedShop()
    incident = await a_change_without_an_answer(shop, made=False)

    back = await shop.stages.execution.undo_last(incident, by="anna")

    assert back.applied is Applied.ALREADY
    assert selector(shop) == WRONG


async def test_an_undo_that_the_api_server_does_not_answer_is_raised_and_may_be_tried_again() -> None:
    shop = MisroutedShop()
    incident = await a_change_without_an_answer(shop, made=True)
    get, answers = shop.cluster.get, [ClusterUnavailable("etcd has no leader")]

    async def once_away(ref: object) -> KubeObject | None:
        if answers:
            raise answers.pop()
        return await get(ref)  # type: ignore[arg-type]  # what the port takes

    shop.cluster.get = once_away  # type: ignore[method-assign]  # the fake answers one time less
    with pytest.raises(ClusterUnavailable):
        await shop.stages.execution.undo_last(incident, by="anna")

    assert (await shop.stages.execution.undo_last(incident, by="anna")).applied is Applied.DONE


async def test_what_the_automatic_undo_was_refused_a_person_can_still_take_back() -> None:
    shop = MisroutedShop()
    incident = await a_change_without_an_answer(shop, made=True)
    [intended] = await shop.incidents.events(incident.id, kinds=(EventKind.INTENDED,))
    intent = load(Intent, intended.body["intent"])
    execution = shop.stages.execution
    await execution.apply(incident, intent, attempt=1)
    ours = selector(shop)
    shop.cluster.put({**shop.cluster.raw(SERVICE), "spec": {"selector": {"app": "somebody-elses"}}})
    judged = Event(incident.id, "verified-1", EventKind.VERIFIED, NOW, {})
    await shop.incidents.append(judged, phase=Phase.UNDOING)
    refused = await execution.undo(
        incident, intent, Verification(Effect.UNCHANGED, None, (), "no better", NOW), attempt=1
    )
    assert refused.applied is Applied.REFUSED
    shop.cluster.put({**shop.cluster.raw(SERVICE), "spec": {"selector": {**ours}}})

    back = await execution.undo_last(incident, by="anna")

    assert back.applied is Applied.DONE
    assert selector(shop) == WRONG
    undone = await shop.incidents.events(incident.id, kinds=(EventKind.UNDONE,))
    assert [was_done(event) for event in undone] == [False, True]
    assert unsettled_attempt(await shop.incidents.events(incident.id)) is None


async def test_nothing_is_undone_where_nothing_was_ever_meant() -> None:
    shop = MisroutedShop()

    refused = await shop.stages.execution.undo_last(await shop.open_incident(), by="anna")

    assert refused.applied is Applied.REFUSED
