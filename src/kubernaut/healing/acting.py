"""One remedy: previewed, applied, watched, and taken back where it did not help."""

from __future__ import annotations

from functools import partial

from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.errors import EngineError, KubernautError
from kubernaut.domain.execution import Applied, Effect, Execution, Intent, Observation, Verification
from kubernaut.domain.incidents import Incident
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.plans import Candidate, Conclusion, Course, Outcome
from kubernaut.domain.sources import PROPOSE, Submitted, proposal_of
from kubernaut.engine import Run
from kubernaut.healing.patience import patiently
from kubernaut.healing.stages import Stages
from kubernaut.healing.ways import Acted


async def act(
    run: Run, stages: Stages, incident: Incident, diagnosis: Diagnosis, chosen: Candidate, *, attempt: int
) -> Acted:
    """The remedy taken: a change of the cluster, or a proposal to whoever owns the object."""
    do = _submit if chosen.call.action == PROPOSE else _change
    return await do(run, stages, incident, diagnosis, chosen, attempt=attempt)


async def _submit(
    run: Run, stages: Stages, incident: Incident, diagnosis: Diagnosis, chosen: Candidate, *, attempt: int
) -> Acted:
    """Proposes the change to whoever owns the object; people decide about it, so the incident ends with that."""
    submit = partial(stages.execution.submit, incident, diagnosis, chosen.call, attempt=attempt)
    submitted = await run.step(f"submit-{attempt}", submit, returns=Submitted)
    undo = f"kubernaut incidents undo {incident.id}" if submitted.address else ""
    reason = f"{chosen.claim.fact}: {submitted.reason}" if chosen.claim else submitted.reason
    return Acted(Conclusion(Ending.ESCALATED, reason, undo, guard="owned"), Outcome.REFUSED)


async def _change(
    run: Run, stages: Stages, incident: Incident, diagnosis: Diagnosis, chosen: Candidate, *, attempt: int
) -> Acted:
    """Previews, stores the way back, applies, watches, and takes back what did not help."""
    execution = stages.execution
    prepared = await run.step(
        f"intend-{attempt}", partial(execution.intend, incident, chosen, attempt=attempt), returns=Execution
    )
    # Not final: another remedy may fit, and the next look finds out.
    if prepared.intent is None:
        return Acted(Conclusion(Ending.ESCALATED, prepared.reason, final=False), Outcome.REFUSED)
    intent = prepared.intent
    beside = await _submit_beside(run, stages, incident, diagnosis, intent, attempt=attempt)
    take_back = f"kubernaut incidents undo {incident.id}"
    try:
        done = await _carry_out(run, stages, incident, diagnosis, intent, chosen.course, attempt=attempt)
    except EngineError:
        raise
    except KubernautError as error:
        action = intent.preview.call.action
        words = f"{action} may be in force, and nobody could see to it ({error.code}: {error})"
        return Acted(Conclusion(Ending.BLOCKED, words, take_back), Outcome.UNKNOWN, intent)
    match done:
        case Execution():
            return _not_applied(intent, done, take_back, beside)
        case verification, None:
            return _left_standing(intent, verification, take_back, beside)
        case verification, back:
            return _taken_back(intent, verification, back, take_back)


async def _carry_out(  # what every step of an attempt is told
    run: Run, stages: Stages, incident: Incident, diagnosis: Diagnosis, intent: Intent, course: Course | None, *,
    attempt: int,
) -> Execution | tuple[Verification, Execution | None]:  # fmt: skip
    """Why it was not applied; or else the verdict, with what became of its undo where it did not help."""
    execution = stages.execution
    apply = partial(execution.apply, incident, intent, attempt=attempt)
    applied = await patiently(run, f"apply-{attempt}", apply, returns=Execution)
    if applied.applied is Applied.REFUSED:
        return applied
    verification = await _watch(run, stages, incident, diagnosis, intent, course, attempt=attempt)
    if verification.effect not in {Effect.UNCHANGED, Effect.WORSE}:
        return verification, None
    undo = partial(execution.undo, incident, intent, verification, attempt=attempt)
    return verification, await patiently(run, f"undo-{attempt}", undo, returns=Execution)


def _not_applied(intent: Intent, applied: Execution, take_back: str, beside: Submitted | None) -> Acted:
    """What came of a remedy that was refused: on what it left half done, or proposed, no second one is put."""
    proposed = f"; it is proposed: {beside.address}" if beside and beside.address else ""
    final = bool(applied.left or proposed)
    left = Conclusion(Ending.ESCALATED, f"{applied.reason}{proposed}", take_back if final else "", final=final)
    return Acted(left, Outcome.REFUSED, intent if applied.left else None)


def _left_standing(intent: Intent, verification: Verification, take_back: str, beside: Submitted | None) -> Acted:
    """What came of a remedy that is not taken back."""
    action, until = intent.preview.call.action, _until_merged(intent, beside)
    match verification.effect:
        case Effect.HEALED if beside is not None:
            # Without a proposal nobody would make it last, so people are called.
            ending = Ending.HEALED if beside.address else Ending.ESCALATED
            return Acted(Conclusion(ending, f"{verification.reason}; {until}", take_back, guard="stop_gap"))
        case Effect.HEALED:
            return Acted(Conclusion(Ending.HEALED, verification.reason))
        case Effect.PREPARED:
            words = f"{action} is in force, and what was to follow it did not"
            return Acted(Conclusion(Ending.ESCALATED, words, final=False), Outcome.PREPARED, intent)
        case Effect.REVERTED:
            words = f"{action} was reverted by its owner: {verification.reason}"
            words = f"{words}; {until}" if until else words
            return Acted(Conclusion(Ending.ESCALATED, words, guard="reverted"), Outcome.REVERTED)
        case _:
            # Nobody can say that it harmed, so taking it back could break what works again: people look at it.
            words = f"{action} was applied; {verification.reason}"
            words = f"{words}; {until}" if until else words
            return Acted(Conclusion(Ending.ESCALATED, words, take_back), Outcome.UNKNOWN, intent)


def _until_merged(intent: Intent, beside: Submitted | None) -> str:
    """How long a stop-gap lasts; empty where there is none."""
    claim = intent.stop_gap
    if claim is None or beside is None:
        return ""
    lasting = f"unless {beside.address} is merged" if beside.address else f"and {beside.reason}"
    return f"this is a stop-gap: {claim.owner} will put {claim.field} back {lasting}"


def _taken_back(intent: Intent, verification: Verification, back: Execution, take_back: str) -> Acted:
    reason = f"{intent.preview.call.action} did not help ({verification.reason}); {back.reason}"
    conclusion = Conclusion(Ending.UNDONE, reason, final=False)
    if back.applied is Applied.REFUSED:
        # It stands, and people have to judge it.
        conclusion = Conclusion(Ending.ESCALATED, reason, take_back)
    return Acted(conclusion, Outcome(verification.effect.value), intent)


async def _submit_beside(
    run: Run, stages: Stages, incident: Incident, diagnosis: Diagnosis, intent: Intent, *, attempt: int
) -> Submitted | None:
    """What a stop-gap is made beside: the same change proposed to the owner, before it is there and nothing differs."""
    if intent.stop_gap is None:
        return None
    call = proposal_of(intent.preview.call)
    submit = partial(stages.execution.submit, incident, diagnosis, call, attempt=attempt, stop_gap=intent.stop_gap)
    return await run.step(f"submit-{attempt}", submit, returns=Submitted)


async def _watch(  # what every step of an attempt is told
    run: Run, stages: Stages, incident: Incident, diagnosis: Diagnosis, intent: Intent, course: Course | None, *,
    attempt: int,
) -> Verification:  # fmt: skip
    verification = stages.verification
    seen: list[Observation] = []
    while True:
        look = partial(verification.observe, incident, intent)
        # Each look is an entry, so a restart in the middle of a window goes on with what was seen.
        seen.append(await patiently(run, f"observe-{attempt}-{len(seen) + 1}", look, returns=Observation))
        judged = verification.judge(seen, course)
        if isinstance(judged, Verification):
            break
        await run.sleep(judged.after)
    record = partial(
        verification.record, incident, diagnosis, intent, tuple(seen), judged, attempt=attempt, course=course
    )
    await run.step(f"verify-{attempt}", record, returns=str)
    return judged
