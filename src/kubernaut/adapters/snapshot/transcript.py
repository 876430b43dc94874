"""Terminal transcripts as people paste them: `$ kubectl ...` and what it printed, as objects, events and logs.

Each command's output is read by the form it asks for. What several say of one object is put together; what none of
them says stays absent. A list counts as whole only where a command shows all of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from kubernaut.adapters.snapshot.assembling import assembled, is_enough, is_sure, present_of
from kubernaut.adapters.snapshot.bare import bare_blocks, starts_bare
from kubernaut.adapters.snapshot.commands import WITHIN, Block, Command, blocks, find_kind
from kubernaut.adapters.snapshot.contents import CLUSTER_WIDE, Collection, Whole, shortly_after
from kubernaut.adapters.snapshot.custom import custom_headings
from kubernaut.adapters.snapshot.described import described, documents
from kubernaut.adapters.snapshot.fragments import as_part, completed, loose_events
from kubernaut.adapters.snapshot.happenings import only_in_events
from kubernaut.adapters.snapshot.headings import kind_under
from kubernaut.adapters.snapshot.jsonpath import lone_fields, printed_field
from kubernaut.adapters.snapshot.known import Key, Known
from kubernaut.adapters.snapshot.limits import LARGEST_TRANSCRIPT, MOST_OBJECTS, too_large, too_many
from kubernaut.adapters.snapshot.logs import add_log
from kubernaut.adapters.snapshot.occurrences import Told, events_of, objects_of, told_by_description, told_by_row
from kubernaut.adapters.snapshot.outline import Outline
from kubernaut.adapters.snapshot.pasted import pasted_objects
from kubernaut.adapters.snapshot.pasted_logs import (
    PastedLog,
    heard,
    keyed,
    logs_of,
    newest_line,
    pods_that_wrote,
    spoken,
)
from kubernaut.adapters.snapshot.rollouts import told_by_rollout
from kubernaut.adapters.snapshot.rows import sighting_of
from kubernaut.adapters.snapshot.sightings import Fullness, Sighting
from kubernaut.adapters.snapshot.signatures import DESCRIBED, kind_of
from kubernaut.adapters.snapshot.slices import slice_of
from kubernaut.adapters.snapshot.tables import Table, says_nothing_found, tables
from kubernaut.adapters.snapshot.wording import complete_words
from kubernaut.domain.errors import SnapshotError
from kubernaut.domain.objects import Json, KubeObject, Tree
from kubernaut.ports import Resource
from kubernaut.resources import DISRUPTION_BUDGET, ENDPOINT_SLICE, ENDPOINTS, EVENT, POD, SERVICE, find_resource

_NOT_EVICTED: Final = re.compile(r'-n "([a-z0-9-]{1,63})".{0,80}Cannot evict pod as it would violate')
_MOST_MISSING: Final = 20
_FAILED: Final = re.compile(r"^(?:Error from server|error:|Unable to connect|The connection to the server)")
_MISSING: Final = re.compile(r'Error from server \(NotFound\): ([a-z]{2,60})[a-z0-9.-]{0,80} "([^"]{1,253})" not found')

# What `describe ingress` says of a backend.
_NO_SERVICE: Final = re.compile(r'<error: services "([a-z0-9.-]{1,253})" not found>')


def is_transcript(text: str) -> bool:
    """Whether it shows a call of kubectl, or what one printed."""
    return any(block.command or next(bare_blocks(block.lines), None) for block in blocks(text))


def holds_more_than_objects(text: str) -> bool:
    """Whether it shows a call of kubectl, or a table or a description that one printed."""
    return any(
        block.command or any(bare.command and not _form(bare.command) for bare in bare_blocks(block.lines))
        for block in blocks(text)
    )


def begins_with_command(text: str) -> bool:
    """Whether its first line calls kubectl."""
    return any(block.command for block in blocks(text.lstrip().partition("\n")[0]))


class Transcript:
    """What all transcripts of a snapshot say together."""

    def __init__(self) -> None:
        self._sightings: list[Sighting] = []
        self._told: list[Told] = []
        self._logs: list[PastedLog] = []
        self._spoken: list[PastedLog] = []
        self._drained: set[str] = set()
        self._gone: list[tuple[Resource, str | None, str]] = []
        self._shown: list[tuple[str, str | None]] = []
        self._asked: list[tuple[Resource, str | None, str]] = []
        self._context = ""
        self._notes: list[str] = []

    def read(self, name: str, text: str) -> None:
        """Takes in the commands of a text."""
        if len(text) > LARGEST_TRANSCRIPT:
            raise too_large(f"{name} (a transcript)", LARGEST_TRANSCRIPT)
        for block in self._parts(text):
            self._take(name, block)
            if len(self._sightings) + len(self._told) > MOST_OBJECTS:
                raise too_many(name, "objects", MOST_OBJECTS)

    def _parts(self, text: str) -> Iterator[Block]:
        """The commands with their output, and what stands below a table or under no command as if it had one."""
        for block in blocks(text):
            command = block.command
            if command is None:
                yield from bare_blocks(block.lines)
            elif command.verb == "get" and not _form(command):
                lines = block.lines
                end = next((at for at in range(len(lines)) if starts_bare(lines, at)), len(lines))
                yield Block(command, lines[:end])
                yield from bare_blocks(lines[end:])
            else:
                yield block

    def _take(self, name: str, block: Block) -> None:
        command = block.command
        if command is None:
            return
        self._note_asked(command, block.lines)
        match command.verb:
            case "config" | "project":
                self._context = command.namespace or (
                    command.words[0] if command.verb == "project" and command.words else ""
                )
            case "logs":
                self._logs += logs_of(block, self._place(command))
            case "exec" | "run" if command.options.get(WITHIN):
                self._spoken += spoken(command, block.lines, self._place(command))
            case "drain":
                self._drained |= {match[1] for line in block.lines if (match := _NOT_EVICTED.search(line))}
            case "rollout" if command.words:
                self._sightings += told_by_rollout(command, block.lines, self._place(command))
            case "describe":
                self._take_descriptions(command, block.lines)
            case "events":
                self._take_tables(command, block.lines, (EVENT,))
            case "get":
                self._take_get(name, command, block.lines)
            case _:
                pass

    def _take_get(self, name: str, command: Command, lines: list[str]) -> None:
        if _form(command):
            self._take_objects(name, command, lines)
        elif command.output == "jsonpath":
            self._take_field(command, lines)
        elif command.output in ("", "wide", "custom-columns"):
            self._take_tables(command, lines, command.resources)

    def _note_asked(self, command: Command, lines: Sequence[str]) -> None:
        """Which object somebody looked at, and which are not there by the API server's own word."""
        place = self._place(command)
        if command.verb in ("describe", "get", "logs") and (asked := command.object):
            self._asked.append((asked[0], place, asked[1]))
        if command.verb == "logs" or command.is_everywhere:
            return
        for line in lines[:_MOST_MISSING]:
            match = _MISSING.match(line)
            resource = find_kind(match[1]) if match else None
            if match and resource:
                self._gone.append((resource, place, match[2]))

    def _place(self, command: Command) -> str | None:
        return command.namespace or self._context or None

    def _show(self, command: Command, lines: Sequence[str], resources: Sequence[Resource]) -> None:
        """Notes of which kinds the command showed all."""
        if not command.shows_all or any(_FAILED.match(line) for line in lines):
            return
        if not any(line.strip() for line in lines):
            return
        place = "" if command.is_everywhere else self._place(command)
        for resource in resources:
            kind = ENDPOINT_SLICE.kind if resource == ENDPOINTS else resource.kind
            self._shown.append((kind, "" if kind in CLUSTER_WIDE else place))

    def _take_tables(self, command: Command, lines: Sequence[str], resources: tuple[Resource, ...]) -> None:
        if says_nothing_found(lines):
            self._show(command, lines, resources)
            return
        custom = custom_headings(command.options.get("output", ""))
        labelled = "show-labels" in command.options
        found = list(tables(lines, resources, everywhere=command.is_everywhere, custom=custom, labelled=labelled))
        lost = sum(table.lost + self._take_rows(table, resources, self._place(command)) for table in found)
        if found and not lost:
            self._show(command, lines, resources)

    def _take_rows(self, table: Table, resources: Sequence[Resource], place: str | None) -> int:
        """How many of the rows told of nothing."""
        kind, lost = kind_under(table.headings, resources), 0
        for row in table.rows:
            if kind == EVENT:
                told = told_by_row(row, place)
                self._told += [told] if told else []
                lost += told is None
                continue
            resource = row.resource or kind
            sighting = sighting_of(row, resource, place) if resource else None
            self._sightings += [sighting] if sighting else []
            lost += sighting is None
        return lost

    def _take_descriptions(self, command: Command, lines: Sequence[str]) -> None:
        lost, resources, name = False, command.resources, command.name
        is_bare = not command.words
        found = list(documents(lines)) if resources or is_bare else []
        if resources and not found and name:
            self._take_part(lines, resources[0], self._place(command), name)
        for part in found:
            resource = kind_of(part, DESCRIBED if is_bare else resources)
            seen = described(part, resource) if resource else []
            lost = lost or not seen
            self._sightings += [
                one if one.namespace is not None else replace(one, namespace=self._place(command)) for one in seen
            ]
            for one in seen[:1]:
                self._gone += [(SERVICE, one.namespace, name) for line in part for name in _NO_SERVICE.findall(line)]
                events = Outline(part).get("Events")
                self._told += told_by_description(events, one.resource.kind, one.namespace, one.name)
        if not lost:
            self._show(command, lines, resources)

    def _take_part(self, lines: Sequence[str], resource: Resource, place: str | None, name: str) -> None:
        """Takes in what `tail`, `grep` or a person left of a description: the command says of what."""
        for one in described(completed(lines, resource.kind, name), resource)[:1]:
            self._sightings.append(as_part(one, place))
        self._told += loose_events(lines, resource.kind, place, name)

    def _take_objects(self, name: str, command: Command, lines: Sequence[str]) -> None:
        try:
            found, is_whole = pasted_objects(name, lines, is_json=command.output == "json")
        except SnapshotError as error:
            asked = command.object
            seen = lone_fields(list(lines), asked[0], self._place(command), asked[1]) if asked else None
            self._sightings += [seen] if seen else []
            self._notes.append(f"passed over the output of a command: {error}")
            return
        self._sightings += [_whole(item) for document in found for item in _items(document) if _is_known(item)]
        if is_whole:
            self._show(command, lines, command.resources)

    def _take_field(self, command: Command, lines: list[str]) -> None:
        if (asked := command.object) and not any(_FAILED.match(line) for line in lines):
            seen = printed_field(command.options["output"], lines, asked[0], self._place(command), asked[1])
            self._sightings += [seen] if seen else []

    def finish(self, collection: Collection) -> None:
        """Puts into the collection what the transcripts said."""
        if not (self._sightings or self._told or self._logs or self._spoken or self._shown or self._gone):
            return
        context = self._context_namespace()
        present = present_of(self._sightings, self._told)
        now = shortly_after(max(filter(None, (present, newest_line(self._logs))), default=None), collection.saved_at)
        found = assembled(self._all_sightings(context), now, context)
        events = list(events_of(self._told, now, context))
        complete_words(found, events)
        logs = list(keyed(self._logs, found, context))
        kept = [known for known in found.values() if is_enough(known)]
        for known in kept:
            collection.add(known.raw, "the transcript")
            if known.fullness < Fullness.DESCRIBED:
                collection.partial.add(known.tree.ref)
            if known.fullness < Fullness.WHOLE:
                collection.retold.add(known.tree.ref)
        for event in events:
            collection.add(event, "the transcript")
        for key, text in logs:
            add_log(collection, key, text)
        collection.asked_about += [found[key].tree.ref for key in _placed(self._asked, context) if key in found]
        kept_up = [one for one in kept if one.resource == DISRUPTION_BUDGET and one.namespace in self._drained]
        collection.asked_about += [one.tree.ref for one in kept_up]
        collection.gone |= set(_placed(self._gone, context)) - found.keys()
        collection.is_pasted = True
        collection.heard += heard([*self._logs, *self._spoken], context)
        unsure = {(known.resource.kind, known.namespace) for known in found.values() if not is_sure(known)}
        collection.whole |= _sure({(kind, context if place is None else place) for kind, place in self._shown}, unsure)
        collection.now = collection.now or max(collection.newest, now)
        collection.notes += [*self._notes, *_too_little(found)]

    def _all_sightings(self, context: str) -> list[Sighting]:
        """What was shown, and what only events or logs tell of: nothing of a kind of which all was shown."""
        shown = [*objects_of(self._told), *self._sightings]
        known = {(one.resource.kind, _place_of(one.namespace, context), one.name) for one in shown}
        whole = {(kind, _place_of(place, context)) for kind, place in self._shown}
        inferred = [*pods_that_wrote(self._logs), *only_in_events(self._told, known, context)]
        return [
            one
            for one in inferred
            if not {(one.resource.kind, _place_of(one.namespace, context)), (one.resource.kind, "")} & whole
        ] + shown

    def _context_namespace(self) -> str:
        """The namespace of commands that name none: what a description of one of their objects tells."""
        named = {(one.resource.kind, one.name): one.namespace for one in self._sightings if one.namespace}
        for one in self._sightings:
            if one.namespace is None and (one.resource.kind, one.name) in named:
                return named[(one.resource.kind, one.name)] or "default"
        places = {one.namespace for one in self._sightings if one.namespace and one.resource.kind != "Lease"}
        pods = {log.name for log in self._logs if log.namespace is None}
        for one in self._sightings:
            if one.resource == POD and one.name in pods and one.namespace:
                return one.namespace
        return places.pop() or "default" if len(places) == 1 else "default"


def _place_of(namespace: str | None, context: str) -> str:
    return context if namespace is None else namespace


def _too_little(found: dict[Key, Known]) -> Iterator[str]:
    counts = Counter(known.resource.plural for known in found.values() if not is_enough(known) and known.fullness)
    for plural, count in sorted(counts.items()):
        yield f"too little is shown of {count} {plural} to judge them: `kubectl describe` or `-o yaml` shows more"


def _placed(named: Iterable[tuple[Resource, str | None, str]], context: str) -> Iterator[Key]:
    for kind, place, name in named:
        yield kind.kind, _place_of(place, context) if kind.namespaced else "", name


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
    if item.kind == ENDPOINTS.kind:
        return Sighting(ENDPOINT_SLICE, item.namespace, item.name, Fullness.WHOLE, slice_of(item))
    resource = find_resource(item.text("apiVersion"), item.kind) or POD
    return Sighting(resource, item.namespace, item.name, Fullness.WHOLE, dict(item.raw))


def _sure(shown: set[Whole], unsure: set[Whole]) -> set[Whole]:
    """The lists without those of which something is known too little to count it."""
    doubtful = {kind for kind, _ in unsure}
    return {
        (kind, place) for kind, place in shown if (kind, place) not in unsure and not (place == "" and kind in doubtful)
    }
