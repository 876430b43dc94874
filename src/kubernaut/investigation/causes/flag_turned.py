"""A feature flag was turned by hand, and who reads it complains since."""

from __future__ import annotations

import json
import re
from datetime import timedelta

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.domain.provenance import last_applied, last_writer
from kubernaut.domain.references import references
from kubernaut.investigation import facts
from kubernaut.investigation.dependencies import called
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.subjects import Workload

_ASKS = re.compile(r"(?i)flagd?(?:[_.:-]|$)|openfeature|unleash|flipt")
_LARGEST = 256 * 1024
_RECENT = timedelta(hours=24)
_TURNED = ("state", "defaultVariant")


def examine(workload: Workload) -> Finding | None:
    """The finding for a workload that asks for flags, whose log tells of errors, where a flag differs from the applied.

    Flags are made to be turned: only what its readers complain about is told, and going back is asked for.
    """
    if not _asks_for_flags(workload):
        return None
    # Both are asked for at once, whatever the other says: each question that follows from an answer costs a look.
    said, read = _complaint(workload), _read(workload)
    for item in read if said else ():
        author = last_writer(item, "data")
        turned = _turned(item)
        if not turned or author is None or author.at is None or workload.scene.now - author.at > _RECENT:
            continue
        key, flag, then, now = turned
        text = f"flag {flag} is {now}; it was applied as {then}, and was written {author}"
        return Finding(
            target=workload.ref,
            summary=f"{workload.title} tells of errors, and in ConfigMap {item.name} {text}.",
            verdict=Verdict.APPROVE,
            supporting=(facts.change(item, f"data[{key}]", text, author.at), *((said,) if said else ())),
            remedies=(call("restore_configmap", item.ref, key=key), escalate(workload.ref)),
            places={"object": f"configmap/{item.name}"},
        )
    return None


def _asks_for_flags(workload: Workload) -> bool:
    entries = [entry for each in workload.template.trees("spec", "containers") for entry in each.trees("env")]
    return any(_ASKS.search(entry.text("name")) or _ASKS.search(entry.text("value")) for entry in entries)


def _read(workload: Workload) -> list[KubeObject]:
    """The ConfigMaps that it, or what it calls, reads."""
    place, found = workload.object.namespace, {}
    workload.scene.all("ConfigMap", place)
    for each in (workload, *called(workload)):
        for entry in references(each.template):
            item = workload.scene.get("ConfigMap", place, entry.name) if entry.kind == "ConfigMap" else None
            if item is not None:
                found[item.name] = item
    return list(found.values())


def _turned(item: KubeObject) -> tuple[str, str, str, str] | None:
    """The key, the flag, and what it was applied with and is now: flags in the form of flagd."""
    applied = last_applied(item)
    then = applied.mapping("data") if applied else {}
    for key, text in item.mapping("data").items():
        before, now = _flags(then.get(key, "")), _flags(text)
        for flag, value in now.items():
            former = before.get(flag)
            if former is not None and former != value:
                return key, flag, former, value
    return None


def _flags(text: str) -> dict[str, str]:
    """What each flag is set to."""
    if '"flags"' not in text or len(text) > _LARGEST:
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    flags = Tree(value if isinstance(value, dict) else {}).tree("flags")
    return {
        name: " ".join(str(flags.at(name, field)) for field in _TURNED if flags.at(name, field) is not None)
        for name in flags.raw
    }


def _complaint(workload: Workload) -> Fact | None:
    lines = (
        line for each in workload.containers for line in workload.scene.log_of(each.pod, each.name, even_well=True)
    )
    line = next(lines, None)
    return facts.log(line) if line else None


CAUSE = Cause(
    id=CauseId("flag_turned"),
    title="A feature flag was turned by hand",
    faults=(101,),
    needs=("Pod", "ConfigMap"),
    look_alikes={
        "configuration_edited": "the containers end since the edit, whatever it was",
        "healthy": "the log tells of no error: the flag is meant",
    },
    know="Who turned the flag may be testing: ask before it is turned back.",
    by_hand=(
        "kubectl -n {namespace} get {object} -o yaml --show-managed-fields",
        "kubectl -n {namespace} logs {kind}/{name} --tail=50",
    ),
    narrows=("crash_without_change",),
    workload=examine,
)
