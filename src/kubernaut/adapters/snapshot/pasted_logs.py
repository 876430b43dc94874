"""`kubectl logs` as it was pasted: of a pod, of a workload, by labels, of all containers; whose log it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from kubernaut.adapters.snapshot.commands import WITHIN, Block, Command, find_kind
from kubernaut.adapters.snapshot.contents import Collection, LogKey
from kubernaut.adapters.snapshot.known import Key, Known, name_unnamed
from kubernaut.adapters.snapshot.logs import add_log
from kubernaut.adapters.snapshot.sightings import Fullness, Sighting, labels_of
from kubernaut.domain.objects import JsonObject, KubeObject, ObjectRef
from kubernaut.resources import POD

_DEFAULTED: Final = re.compile(r'Defaulted container "([^"]+)" out of:')
_USING: Final = re.compile(r"Found \d+ pods, using pod/(\S+)")
_PREFIX: Final = re.compile(r"\[pod/([a-z0-9.-]{1,253})/([a-z0-9-]{1,63})\] ?")
# What kubectl says itself begins so, in these letters: a program that failed may say `Error: unknown flag`.
_NO_LOG: Final = re.compile(r"^(?:Error from server|error:|[Uu]nable to retrieve container logs)")
_OWN_WORDS: Final = ("command terminated with exit code", "Defaulted container", "If you don't see a command prompt")
_STATUSES: Final = "containerStatuses"


@dataclass(frozen=True, slots=True)
class PastedLog:
    """`namespace` is None where the context decided it. `kind` and `name` are those of the pod, or of its owner.

    `selector` is what the command chose pods by; `container` is empty where it is not told.
    """

    namespace: str | None
    kind: str
    name: str
    container: str
    previous: bool
    text: str
    selector: str = ""

    @property
    def is_of_pod(self) -> bool:
        """Whether it is told which pod wrote it."""
        return self.kind == POD.kind and bool(self.name)


def logs_of(block: Block, namespace: str | None) -> Iterator[PastedLog]:
    """The logs that the command printed: one, or with `--prefix` one of each container."""
    command = block.command
    if command is None:
        return
    options, words = command.options, command.words
    kind, slash, name = (words[0] if words else "").rpartition("/")
    resource = find_kind(kind) if slash else POD
    if resource is None:
        return
    previous = options.get("previous", "false") != "false"
    container = options.get("container", "") or (words[1] if len(words) > 1 else "")
    whole = PastedLog(namespace, resource.kind, name, container, previous, "", options.get("selector", ""))
    for line in block.lines[:3]:
        if match := _DEFAULTED.match(line):
            whole = replace(whole, container=match[1])
        elif match := _USING.match(line):
            whole = replace(whole, kind=POD.kind, name=match[1])
    lines = [line for line in block.lines if not _DEFAULTED.match(line) and not _USING.match(line)]
    if not (whole.name or whole.selector) or not lines or _NO_LOG.match(lines[0]):
        return
    yield from _divided(whole, lines)


def _divided(whole: PastedLog, lines: Sequence[str]) -> Iterator[PastedLog]:
    parts: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        match = _PREFIX.match(line)
        at = (match[1], match[2]) if match else ("", "")
        parts.setdefault(at, []).append(line[match.end() :] if match else line)
    for (pod, container), part in parts.items():
        text = "\n".join(part).rstrip("\n") + "\n"
        if pod:
            yield replace(whole, kind=POD.kind, name=pod, container=container, text=text)
        elif text.strip():
            yield replace(whole, text=text)


def spoken(command: Command, lines: Sequence[str], namespace: str | None) -> Iterator[PastedLog]:
    """What a command within a pod printed, each line with the command: it says whom it called."""
    kind, slash, name = (command.words[0] if command.words else "").rpartition("/")
    resource = find_kind(kind) if slash else POD
    ran = command.options[WITHIN]
    printed = [line for line in lines if line.strip() and not line.startswith(_OWN_WORDS)]
    if resource is not None and name and printed:
        text = "".join(f"{ran}: {line.strip()}\n" for line in printed)
        yield PastedLog(namespace, resource.kind, name, "", previous=False, text=text)


def heard(logs: Sequence[PastedLog], context: str) -> Iterator[tuple[ObjectRef, str]]:
    """Whose words they are, and the words; without those of several pods of which none is named."""
    for log in logs:
        resource = find_kind(log.kind)
        if resource is not None and log.name:
            place = context if log.namespace is None else log.namespace
            yield ObjectRef(resource.api_version, resource.kind, place, log.name), log.text


def newest_line(logs: Sequence[PastedLog]) -> datetime | None:
    """The last time that any of them carries."""
    seen = Collection("logs")
    for log in logs:
        add_log(seen, (log.namespace or "", log.name, log.container, log.previous), log.text)
    return seen.newest if seen.newest.year > 1 else None


def pods_that_wrote(logs: Sequence[PastedLog]) -> Iterator[Sighting]:
    """The pods that the logs prove; one with a log of its previous run has ended at least once."""
    for log in logs:
        if not log.is_of_pod:
            continue
        status: JsonObject = {"name": log.container}
        if log.previous:
            status |= {"restartCount": 1, "lastState": {"terminated": {}}}
        raw: JsonObject = {"spec": {"containers": [{"name": log.container}]}}
        if log.previous:
            raw["status"] = {_STATUSES: [status]}
        yield Sighting(POD, log.namespace, log.name, Fullness.NAMED, raw)


def keyed(logs: Sequence[PastedLog], found: Mapping[Key, Known], context: str) -> Iterator[tuple[LogKey, str]]:
    """Each log with the container that wrote it; those of which nobody can say are left out."""
    for log in logs:
        place = context if log.namespace is None else log.namespace
        pod = log.name if log.is_of_pod else _failing_pod(log, found, place)
        if not pod:
            continue
        known = found.get((POD.kind, place, pod))
        container = log.container
        if known is not None:
            if container:
                _name_the_one(known, container)
            else:
                # Without `-c`, kubectl shows the first container; with all of them, the failing one has most to say.
                container = _container_of(known)
        yield (place, pod, container, log.previous), log.text


def _container_of(known: Known) -> str:
    names = [container.text("name") for container in known.tree.trees("spec", "containers")]
    failing = [status.text("name") for status in known.tree.trees("status", _STATUSES) if not status.flag("ready")]
    return next(iter([*(name for name in failing if name in names), *names]), "")


def _name_the_one(known: Known, container: str) -> None:
    """A table does not name the only container of a pod, and the command that shows its log does."""
    name_unnamed(known, container)


def _failing_pod(log: PastedLog, found: Mapping[Key, Known], place: str) -> str:
    """Of the pods that the command chose among, the one that looks worst."""
    pods = [known.tree for known in found.values() if known.resource == POD and known.namespace == place]
    wanted = labels_of(log.selector)
    if wanted:
        chosen = [pod for pod in pods if wanted.items() <= pod.labels.items()]
        names = [str(value) for value in wanted.values()]
        chosen = chosen or [pod for pod in pods if any(pod.name.startswith(f"{name}-") for name in names)]
    else:
        chosen = [pod for pod in pods if _is_owned(pod, log, found, place)]
    ranked = sorted(chosen, key=_wellness)
    return ranked[0].name if ranked else ""


def _wellness(pod: KubeObject) -> tuple[bool, int, str]:
    statuses = pod.trees("status", _STATUSES)
    ready = bool(statuses) and all(status.flag("ready") for status in statuses)
    return ready, -sum(status.integer("restartCount") for status in statuses), pod.name


def _is_owned(pod: KubeObject, log: PastedLog, found: Mapping[Key, Known], place: str) -> bool:
    owner = pod.controller
    while owner is not None:
        if (owner.kind, owner.name) == (log.kind, log.name):
            return True
        known = found.get((owner.kind, place, owner.name))
        owner = known.tree.controller if known else None
    return False
