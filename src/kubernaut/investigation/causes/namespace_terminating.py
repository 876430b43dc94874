"""The namespace is being deleted, so nothing new can be made in it; sometimes it cannot go."""

from __future__ import annotations

import re
from datetime import timedelta

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation import facts
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.refusals import refusal
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.revisions import spell
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.things import Thing

_FORM = re.compile(r"because it is being terminated")
_STUCK = timedelta(minutes=5)
_WHY = (
    "NamespaceDeletionDiscoveryFailure",
    "NamespaceDeletionGroupVersionParsingFailure",
    "NamespaceDeletionContentFailure",
    "NamespaceFinalizersRemaining",
    "NamespaceContentRemaining",
)


def examine(workload: Workload) -> Finding | None:
    """The finding for a workload whose pods are refused because its namespace is going."""
    found = refusal(workload)
    if found is None or not _FORM.search(found.message):
        return None
    return Finding(
        target=workload.ref,
        summary=f"{workload.title}: new pods are refused, namespace {workload.object.namespace} is being deleted.",
        verdict=Verdict.ESCALATE,
        supporting=found.facts,
        remedies=(escalate(workload.ref),),
    )


def examine_thing(thing: Thing) -> Finding | None:
    """The finding for a namespace that has been going for longer than deleting takes."""
    since = thing.object.time("metadata", "deletionTimestamp")
    if thing.object.kind != "Namespace" or since is None:
        return None
    told = _reasons(thing)
    # When a ticket was written is not known: what failed by then is taken for lasting.
    is_failing = thing.scene.is_told and any("Failure" in fact.ref for fact in told)
    if thing.scene.now - since < _STUCK and not is_failing:
        return None
    why = told[0].text if told else "its contents are not gone yet"
    words = "it is being deleted" if is_failing else f"deleted {spell(thing.scene.now - since)} ago"
    age = facts.field(thing.object, "metadata.deletionTimestamp", words, since)
    return Finding(
        target=thing.object.ref,
        summary=f"Namespace {thing.object.name} does not go: {why}.",
        verdict=Verdict.ESCALATE,
        supporting=(age, *told),
        remedies=(escalate(thing.object.ref),),
        places={"namespace": thing.object.name},
    )


def _reasons(thing: Thing) -> list[Fact]:
    """What the namespace controller says, an API that is not served before what is merely left."""
    found = []
    for kind in _WHY:
        state = thing.object.condition(kind)
        if state is not None and state.text("status") == "True":
            found.append(facts.field(thing.object, f"status.conditions[{kind}]", state.text("message")))
    return found


CAUSE = Cause(
    id=CauseId("namespace_terminating"),
    title="The namespace is being deleted",
    faults=(16,),
    needs=("Namespace",),
    look_alikes={
        "stuck_terminating": "one object waits for its finalizer, the namespace stays",
        "quota_exceeded": "pods are refused for what they ask for",
    },
    know="An aggregated API that does not answer holds back every namespace: mend or remove its APIService.",
    by_hand=(
        "kubectl get namespace {namespace} -o jsonpath='{{.status.conditions}}'",
        "kubectl get apiservices",
        "kubectl api-resources --verbs=list --namespaced -o name | xargs -n 1 kubectl -n {namespace} get",
    ),
    workload=examine,
    thing=examine_thing,
)
