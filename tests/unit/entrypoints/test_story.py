from datetime import timedelta

from kubernaut.domain.execution import Effect
from kubernaut.domain.journal import EventKind
from kubernaut.entrypoints.story import tell
from tests.told import NOON, Teller, a_healed_one, a_store, a_waiting_one, an_undone_one


async def test_a_story_holds_each_remedy_with_its_proof_and_its_way_back() -> None:
    store = a_store()
    teller = await an_undone_one(store)
    incident = await store.get(teller.id)
    assert incident is not None
    story = tell(incident, await store.events(teller.id))
    (attempt,) = story.attempts
    assert attempt.verification is not None
    assert attempt.verification.effect is Effect.UNCHANGED
    assert attempt.undone_at == NOON + timedelta(seconds=93)
    assert (story.last_applied, story.can_undo) == (None, False)


async def test_a_healed_incident_can_be_undone_by_a_person() -> None:
    store = a_store()
    teller = await a_healed_one(store)
    incident = await store.get(teller.id)
    assert incident is not None
    story = tell(incident, await store.events(teller.id))
    assert story.can_undo
    assert story.seconds == 74


async def test_what_waits_for_consent_asks_a_question() -> None:
    store = a_store()
    teller = await a_waiting_one(store)
    incident = await store.get(teller.id)
    assert incident is not None
    assert tell(incident, await store.events(teller.id)).question is not None


async def test_steps_stand_in_the_order_of_time_and_repetitions_are_folded() -> None:
    store = a_store()
    teller = Teller(store)
    await teller.receive()
    teller.wait(10)
    await teller.diagnose()
    late = await store.events(teller.id, kinds=(EventKind.RECEIVED,))
    await teller.receive(2)
    incident = await store.get(teller.id)
    assert incident is not None
    story = tell(incident, [*await store.events(teller.id), *late])
    times = [step.since_alert_s for step in story.steps]
    assert times == sorted(times)
    assert [step.word for step in story.steps if step.quiet] == ["again"]
