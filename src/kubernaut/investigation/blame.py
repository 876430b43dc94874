"""Whether a change of the template is to blame for a crash, and what is to be done about it."""

from __future__ import annotations

from dataclasses import dataclass

from kubernaut.domain.diagnosis import ActionCall, Verdict
from kubernaut.investigation import facts
from kubernaut.investigation.containers import is_ready
from kubernaut.investigation.crashes import Crash, Link, config_between, is_outward, link
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Finding
from kubernaut.investigation.origin import Relevant
from kubernaut.investigation.probes import is_ended_again
from kubernaut.investigation.remedies import escalate, way_back
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.untold import as_far_as_known


@dataclass(frozen=True, slots=True)
class Story:
    """How an exact cause of a crash is told.

    `words` follow the workload's name; `otherwise` is what is said where no change brought it; `proofs` are the facts
    that make this cause the right one.
    """

    words: str
    otherwise: str
    proofs: tuple[Fact, ...]
    verdict: Verdict = Verdict.ACT
    relevant: Relevant = lambda _: True


@dataclass(frozen=True, slots=True)
class Blame:
    """The remedy, with the facts for a change as the cause and those against it."""

    verdict: Verdict
    remedies: tuple[ActionCall, ...]
    facts: tuple[Fact, ...]
    against: tuple[Fact, ...]
    words: str


def told(workload: Workload, crash: Crash, story: Story) -> Finding:
    """The finding of an exact cause of a crash: back where the crashes began with a change, else for people."""
    found = blame(workload, crash, story)
    return Finding(
        target=workload.ref,
        summary=f"{workload.title}: {story.words}. {found.words}",
        verdict=found.verdict,
        supporting=tuple(dict.fromkeys((*story.proofs, *crash.facts, *found.facts))),
        contradicting=found.against,
        remedies=found.remedies,
        places={"pod": crash.container.pod.name, "container": crash.container.name},
    )


def blame(workload: Workload, crash: Crash, story: Story) -> Blame:
    """A rollback where a relevant part of the last change preceded the crashes, and a former revision worked."""
    linked, change = link(workload, crash.since), workload.change
    # Labels and annotations do not reach the program: going back would not help it.
    brought = change is not None and not is_outward(change) and any(story.relevant(part) for part in change.real)
    if linked is Link.NONE or not brought:
        words = as_far_as_known(workload, story.otherwise)
        return Blame(Verdict.ESCALATE, (escalate(workload.ref),), (), (), words)
    back = way_back(workload, story.relevant, verdict=story.verdict)
    changed = workload.change_fact(story.relevant)
    found = (*((changed,) if changed else ()), *back.facts)
    return Blame(back.verdict, back.remedies, found, doubts(workload, crash, linked), back.words)


def doubts(workload: Workload, crash: Crash, linked: Link) -> tuple[Fact, ...]:
    """What speaks against the last change as the cause of the crash."""
    change_at = workload.change.at if workload.change else None
    found = [*config_between(workload, change_at, crash.since), *_pods_that_work(workload)]
    if linked is Link.LATER:
        outward = workload.change is not None and is_outward(workload.change)
        text = "the change is one of labels and annotations" if outward else "the crashes did not begin with the change"
        found.append(facts.change(workload.object, "first crash", text, change_at))
    return tuple(found)


def _pods_that_work(workload: Workload) -> list[Fact]:
    """That other pods of the very same revision are ready: then the template alone does not explain it."""
    # Pods of a wrong probe are ended in turns: one that was ended once proves nothing until it has outlived the probe.
    ended = (each for each in workload.containers if is_ended_again(workload.scene, each, times=1))
    crashing = {container.pod.name for container in (*workload.crashing, *ended)}
    ready = [pod for pod in workload.pods if is_ready(pod) and pod.name not in crashing]
    if not ready:
        return []
    text = f"{len(ready)} of {len(workload.pods)} pods of the same revision are ready"
    return [facts.field(ready[0], "status.conditions[Ready]", text)]
