"""A program waits less or tries more often since a change, and its calls run out of time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.domain.provenance import last_applied, last_writer
from kubernaut.domain.references import references
from kubernaut.investigation import facts
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.subjects import Workload

_PATIENCE = re.compile(r"(?i)time_?out|retr(?:y|ies)|attempts|deadline|back_?off")
_OUT_OF_TIME = re.compile(
    r"(?i)deadline[ _]exceeded|timed? ?out|i/o timeout|retr(?:y|ies) exhausted|giving up after|upstream request timeout"
)
_RECENT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class _Change:
    """A variable about patience that was given another value, and when."""

    fact: Fact
    at: datetime | None


def examine(workload: Workload) -> Finding | None:
    """The finding when such a variable changed within a day, and the log of a program tells of calls out of time.

    Load that falls does not end it, so neither a restart nor more pods are proposed.
    """
    found = next((change for change in _changes(workload) if _is_recent(workload, change)), None)
    said = next(_complaints(workload), None) if found else None
    if found is None or said is None:
        return None
    return Finding(
        target=workload.ref,
        summary=f"{workload.title}: its calls run out of time since {found.fact.text}.",
        verdict=Verdict.ESCALATE,
        supporting=(found.fact, said),
        remedies=(escalate(workload.ref),),
    )


def _is_recent(workload: Workload, change: _Change) -> bool:
    return change.at is not None and workload.scene.now - change.at <= _RECENT


def _changes(workload: Workload) -> Iterator[_Change]:
    change = workload.change
    if change is not None:
        for part in change.real:
            if part.touches("env") and _PATIENCE.search(part.path):
                text = f"{part} came with revision {change.new.number}"
                yield _Change(facts.change(workload.object, part.path, text, change.at), change.at)
    for name in sorted({entry.name for entry in references(workload.template) if entry.kind == "ConfigMap"}):
        item = workload.scene.get("ConfigMap", workload.object.namespace, name)
        if item is not None:
            yield from _edits(item)


def _edits(item: KubeObject) -> Iterator[_Change]:
    """The values about patience that are not what was last applied."""
    applied, author = last_applied(item), last_writer(item, "data")
    if applied is None or author is None:
        return
    then, now = applied.mapping("data"), item.mapping("data")
    for key in sorted(then):
        if _PATIENCE.search(key) and then[key] != now.get(key):
            has = now.get(key, "no more")
            text = f"ConfigMap {item.name} has {key} {has} instead of {then[key]}, written {author}"
            yield _Change(facts.change(item, f"data[{key}]", text, author.at), author.at)


def _complaints(workload: Workload) -> Iterator[Fact]:
    for container in workload.containers:
        for line in workload.scene.log_of(container.pod, container.name, even_well=True):
            if _OUT_OF_TIME.search(line.text[:4000]):
                yield facts.log(line)


CAUSE = Cause(
    id=CauseId("patience_changed"),
    title="Calls run out of time since a timeout or a number of retries was changed",
    faults=(102,),
    needs=("Pod", "ReplicaSet", "ConfigMap"),
    look_alikes={
        "network_policy_blocks": "a new policy stands between, and the values are as they were",
        "configuration_edited": "the containers end since the edit",
    },
    know=(
        "Many tries of impatient callers keep a server busy after the load is gone: fewer callers first, then the "
        "values."
    ),
    by_hand=(
        "kubectl -n {namespace} logs {kind}/{name} --tail=100",
        "kubectl -n {namespace} rollout history {kind}/{name}",
    ),
    is_symptom=True,
    workload=examine,
)
