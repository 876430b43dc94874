"""Terminal transcripts as people paste them: `$ kubectl ...` and what it printed, as objects, events and logs.

Each command's output is read by the form it asks for. What several say of one object is put together; what none of
them says stays absent. A list counts as whole only where a command shows all of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from kubernaut.adapters.snapshot.assembling import assembled, is_enough, is_sure, present_of
from kubernaut.adapters.snapshot.commands import Block, Command, blocks, find_kind
from kubernaut.adapters.snapshot.contents import CLUSTER_WIDE, Collection, Whole
from kubernaut.adapters.snapshot.described import described, documents
from kubernaut.adapters.snapshot.known import Key, Known
from kubernaut.adapters.snapshot.limits import LARGEST_TRANSCRIPT, MOST_OBJECTS, too_large, too_many
from kubernaut.adapters.snapshot.logs import add_log
from kubernaut.adapters.snapshot.occurrences import Told, events_of, objects_of, told_by_description, told_by_row
from kubernaut.adapters.snapshot.outline import Outline
from kubernaut.adapters.snapshot.pasted import pasted_objects
from kubernaut.adapters.snapshot.rows import sighting_of
from kubernaut.adapters.snapshot.sightings import Fullness, Sighting
from kubernaut.adapters.snapshot.signatures import kind_of
from kubernaut.adapters.snapshot.tables import Table, says_nothing_found, tables
from kubernaut.adapters.snapshot.wording import complete_words
from kubernaut.domain.errors import SnapshotError
from kubernaut.domain.objects import Json, KubeObject, Tree
from kubernaut.ports import Resource
from kubernaut.resources import ENDPOINT_SLICE, ENDPOINTS, EVENT, POD, find_resource

_FAILED: Final = re.compile(r"^(?:Error from server|error:|Unable to connect|The connection to the server)")
_DEFAULTED: Final = re.compile(r'Defaulted container "([^"]+)" out of:')
_USING: Final = re.compile(r"Found \d+ pods, using pod/(\S+)")
_NO_LOG: Final = re.compile(r"^(?:Error from server|error:|unable to retrieve container logs)", re.IGNORECASE)


def is_transcript(text: str) -> bool:
    """Whether it shows a call of kubectl."""
    return next(blocks(text), None) is not None


class Transcript:
    """What all transcripts of a snapshot say together."""

    def __init__(self) -> None:
        self._sightings: list[Sighting] = []
        self._told: list[Told] = []
        self._logs: list[tuple[str | None, str, str, bool, str]] = []
        self._shown: list[tuple[str, str | None]] = []
        self._asked: list[tuple[Resource, str | None, str]] = []
        self._context = ""
        self._notes: list[str] = []

    def read(self, name: str, text: str) -> None:
        """Takes in the commands of a text."""
        if len(text) > LARGEST_TRANSCRIPT:
            raise too_large(f"{name} (a transcript)", LARGEST_TRANSCRIPT)
        for block in blocks(text):
            self._take(name, block)
            if len(self._sightings) + len(self._told) > MOST_OBJECTS:
                raise too_many(name, "objects", MOST_OBJECTS)

    def _take(self, name: str, block: Block) -> None:
        command = block.command
        if command.verb in ("describe", "get", "logs") and (asked := command.object):
            self._asked.append((asked[0], self._place(command), asked[1]))
        if command.verb in ("config", "project"):
            self._context = command.namespace or (
                command.words[0] if command.verb == "project" and command.words else ""
            )
        elif command.verb == "logs":
            self._take_log(block)
        elif command.verb == "events" or (
            command.verb == "get" and command.resources == (EVENT,) and not _form(command)
        ):
            self._take_events(block)
        elif command.verb == "describe":
            self._take_descriptions(block)
        elif command.verb == "get" and _form(command):
            self._take_objects(name, block)
        elif command.verb == "get" and command.output in ("", "wide"):
            self._take_tables(block)

    def _place(self, command: Command) -> str | None:
        return command.namespace or self._context or None

    def _show(self, block: Block, resources: tuple[Resource, ...]) -> None:
        """Notes of which kinds the command showed all."""
        command = block.command
        if not command.shows_all or any(_FAILED.match(line) for line in block.lines):
            return
        if not any(line.strip() for line in block.lines):
            return
        place = "" if command.is_everywhere else self._place(command)
        for resource in resources:
            kind = ENDPOINT_SLICE.kind if resource == ENDPOINTS else resource.kind
            self._shown.append((kind, "" if kind in CLUSTER_WIDE else place))

    def _take_tables(self, block: Block) -> None:
        command = block.command
        resources, place = command.resources, self._place(command)
        found = list(tables(block.lines, resources, everywhere=command.is_everywhere)) if resources else []
        lost = sum(table.lost for table in found)
        if says_nothing_found(block.lines):
            self._show(block, resources)
            return
        for table in found:
            self._take_rows(table, resources, place)
        if found and not lost:
            self._show(block, resources)

    def _take_rows(self, table: Table, resources: tuple[Resource, ...], place: str | None) -> None:
        for row in table.rows:
            if "OBJECT" in row.cells:
                told = told_by_row(row, place)
                self._told += [told] if told else []
                continue
            resource = row.resource or (resources[0] if len(resources) == 1 else None)
            sighting = sighting_of(row, resource, place) if resource else None
            self._sightings += [sighting] if sighting else []

    def _take_events(self, block: Block) -> None:
        command = block.command
        found = list(tables(block.lines, (EVENT,), everywhere=command.is_everywhere))
        for table in found:
            self._take_rows(table, (EVENT,), self._place(command))
        if (found and not any(table.lost for table in found)) or says_nothing_found(block.lines):
            self._show(block, (EVENT,))

    def _take_descriptions(self, block: Block) -> None:
        command, lost = block.command, False
        resources, name = command.resources, command.name
        found = list(documents(block.lines)) if resources else []
        if resources and not found and name:
            # The end of a description (`| tail`, `| grep -A`): the command says of what.
            events = Outline(block.lines).get("Events")
            self._told += told_by_description(events, resources[0].kind, self._place(command), name)
        for lines in found:
            resource = kind_of(lines, resources)
            seen = described(lines, resource) if resource else []
            lost = lost or not seen
            self._sightings += seen
            for one in seen[:1]:
                events = Outline(lines).get("Events")
                self._told += told_by_description(events, one.resource.kind, one.namespace, one.name)
        if not lost:
            self._show(block, resources)

    def _take_objects(self, name: str, block: Block) -> None:
        try:
            found, is_whole = pasted_objects(name, block.lines, is_json=block.command.output == "json")
        except SnapshotError as error:
            self._notes.append(f"passed over the output of a command: {error}")
            return
        self._sightings += [_whole(item) for document in found for item in _items(document) if _is_known(item)]
        if is_whole:
            self._show(block, block.command.resources)

    def _take_log(self, block: Block) -> None:
        command, lines = block.command, block.lines
        options = command.options
        pod, container = (command.words[0] if command.words else ""), options.get("container", "")
        for line in lines[:3]:
            defaulted, using = _DEFAULTED.match(line), _USING.match(line)
            container = defaulted[1] if defaulted else container
            pod = f"pod/{using[1]}" if using else pod
        lines = [line for line in lines if not _DEFAULTED.match(line) and not _USING.match(line)]
        kind, slash, name = pod.rpartition("/")
        if not name or (slash and find_kind(kind) != POD) or "all-containers" in options or "selector" in options:
            return
        if not lines or _NO_LOG.match(lines[0]):
            return
        container = container or (command.words[1] if len(command.words) > 1 else "")
        previous = options.get("previous", "false") != "false"
        self._logs.append((self._place(command), name, container, previous, "\n".join(lines).rstrip("\n") + "\n"))

    def finish(self, collection: Collection) -> None:
        """Puts into the collection what the transcripts said."""
        if not (self._sightings or self._told or self._logs or self._shown):
            return
        context = self._context_namespace()
        present = present_of(self._sightings, self._told)
        now = max(filter(None, (present, self._newest_log())), default=None) or collection.saved_at
        found = assembled([*objects_of(self._told), *self._sightings], now, context)
        events = list(events_of(self._told, now, context))
        complete_words(found, events)
        kept = [known for known in found.values() if is_enough(known)]
        for known in kept:
            collection.add(known.raw, "the transcript")
        for event in events:
            collection.add(event, "the transcript")
        keys = [(kind.kind, context if place is None else place, name) for kind, place, name in self._asked]
        collection.asked_about += [found[key].tree.ref for key in _placed(keys) if key in found]
        unsure = {(known.resource.kind, known.namespace) for known in found.values() if not is_sure(known)}
        collection.whole |= _sure({(kind, context if place is None else place) for kind, place in self._shown}, unsure)
        self._add_logs(collection, found, context)
        collection.now = collection.now or max(collection.newest, now)
        collection.notes += [*self._notes, *_too_little(found)]

    def _newest_log(self) -> datetime | None:
        seen = Collection("logs")
        for place, pod, container, previous, text in self._logs:
            add_log(seen, (place or "", pod, container, previous), text)
        return seen.newest if seen.newest.year > 1 else None

    def _context_namespace(self) -> str:
        """The namespace of commands that name none: what a description of one of their objects tells."""
        named = {(one.resource.kind, one.name): one.namespace for one in self._sightings if one.namespace}
        for one in self._sightings:
            if one.namespace is None and (one.resource.kind, one.name) in named:
                return named[(one.resource.kind, one.name)] or "default"
        places = {one.namespace for one in self._sightings if one.namespace and one.resource.kind != "Lease"}
        pods = {name for place, name, *_ in self._logs if place is None}
        for one in self._sightings:
            if one.resource == POD and one.name in pods and one.namespace:
                return one.namespace
        return places.pop() or "default" if len(places) == 1 else "default"

    def _add_logs(self, collection: Collection, found: dict[Key, Known], context: str) -> None:
        for place, pod, container, previous, text in self._logs:
            namespace = context if place is None else place
            known = found.get((POD.kind, namespace, pod))
            containers = known.tree.trees("spec", "containers") if known else []
            # Without `-c`, kubectl shows the first container, and says so where there are more.
            name = container or (containers[0].text("name") if containers else "")
            add_log(collection, (namespace, pod, name, previous), text)


def _too_little(found: dict[Key, Known]) -> Iterator[str]:
    counts = Counter(known.resource.plural for known in found.values() if not is_enough(known) and known.fullness)
    for plural, count in sorted(counts.items()):
        yield f"too little is shown of {count} {plural} to judge them: `kubectl describe` or `-o yaml` shows more"


def _placed(keys: Iterable[Key]) -> Iterator[Key]:
    for kind, place, name in keys:
        yield kind, "" if kind in CLUSTER_WIDE else place, name


def _form(command: Command) -> bool:
    return command.output in ("yaml", "json")


def _items(document: Json) -> Iterator[KubeObject]:
    if isinstance(document, dict):
        tree = Tree(document)
        items = tree.trees("items") if tree.text("kind").endswith("List") else [tree]
        yield from (KubeObject(item.raw) for item in items)


def _is_known(item: KubeObject) -> bool:
    return bool(item.name) and find_resource(item.text("apiVersion"), item.kind) is not None


def _whole(item: KubeObject) -> Sighting:
    resource = find_resource(item.text("apiVersion"), item.kind) or POD
    return Sighting(resource, item.namespace, item.name, Fullness.WHOLE, dict(item.raw))


def _sure(shown: set[Whole], unsure: set[Whole]) -> set[Whole]:
    """The lists without those of which something is known too little to count it."""
    doubtful = {kind for kind, _ in unsure}
    return {
        (kind, place) for kind, place in shown if (kind, place) not in unsure and not (place == "" and kind in doubtful)
    }
