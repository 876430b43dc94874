"""From a remedy for an owned object to a proposal to its owner: the very change, made to the text it comes from."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import unified_diff
from typing import Final

from kubernaut.domain.changes import ObjectPatch
from kubernaut.domain.diagnosis import ActionCall, ActionId, Diagnosis
from kubernaut.domain.errors import BranchMoved, InputError, SourceError
from kubernaut.domain.execution import Applied, Execution, Preview, Refused
from kubernaut.domain.incidents import Incident
from kubernaut.domain.objects import JsonObject, KubeObject, ObjectRef
from kubernaut.domain.ownership import Claim, keeper_of
from kubernaut.domain.patches import patched
from kubernaut.domain.sources import PROPOSE, DeclaredSource, ProposedFile, SourceTree, Submission, source_of
from kubernaut.execution.catalogue import Parameters
from kubernaut.execution.manifests import (
    FieldEdit,
    edit_manifest,
    edit_values,
    edits_between,
    names_all,
    values_edits,
)
from kubernaut.execution.previewing import ATTEMPTS, ExecutionPorts
from kubernaut.execution.yaml_edits import ManifestError
from kubernaut.ports.sources import ProposedChange, SourceRepositories

# The actions whose change of an object can stand in its manifest; the others act on what is running.
PROPOSABLE: Final = frozenset(
    ActionId(name)
    for name in (
        "adjust_probe", "adjust_quota", "amend_network_policy", "fix_ingress_backend", "fix_service_port",
        "fix_service_selector", "increase_cpu_limit", "increase_memory_limit", "patch_hpa", "pause_rollout",
        "relax_pdb", "restore_command", "restore_configmap", "restore_env", "restore_image", "restore_replicas",
        "restore_role_binding", "restore_secret_reference", "resume_cronjob", "resume_rollout", "rollback_daemonset",
        "rollback_deployment", "rollback_statefulset", "scale_workload", "set_resource_requests", "suspend_cronjob",
    )
)  # fmt: skip
_MOST_LINES: Final = 60
_MOST_TEXT: Final = 4 * 2**20
# What the API server and the controllers write.
_NOT_WRITTEN: Final = frozenset({"metadata", "status"})
_MOST_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Proposing:
    """The declared sources, and what reads and proposes to them."""

    sources: Sequence[DeclaredSource] = ()
    repositories: SourceRepositories | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What would be proposed: the change as it would be live, and the file as it is to be."""

    source: DeclaredSource
    commit: str
    file: ProposedFile
    preview: Preview
    owner: str
    before: JsonObject


async def draft(ports: ExecutionPorts, proposing: Proposing, call: ActionCall) -> Draft | Refused:
    """What would be proposed, read and worked out anew, or why nothing can be.

    Raises retryable `SourceError`s and `ClusterError`s.
    """
    item = await ports.reader.get(call.target)
    if item is None:
        return Refused("target_missing", f"{call.target} does not exist any more")
    keeper, source = keeper_of(item), source_of(item, proposing.sources)
    if keeper is None or source is None or proposing.repositories is None:
        return Refused("no_source", f"no declared source serves {call.target}", "kubernaut config show")
    live = await _live_change(ports, call)
    if isinstance(live, Refused):
        return live
    before, change = live
    differing = edits_between(dict(before.raw), patched(before.raw, change.operations))
    edits = [edit for edit in differing if edit.path[0] not in _NOT_WRITTEN]
    if not edits:
        return Refused("no_effect", f"the spec of {call.target} would be the same afterwards")
    try:
        tree = await proposing.repositories.read(source)
        # Files of a megabyte take seconds to parse.
        file = await asyncio.to_thread(_carried_over, source, tree, item, edits)
    except (ManifestError, SourceError) as error:
        if error.retryable:
            raise
        return Refused(error.code, f"source {source.name}: {error}")
    lines = _diff(file.path, tree.files[file.path], file.text)
    preview = Preview(call, change, lines, f"1 file of {source.name}, which is {keeper}'s; nothing live")
    return Draft(source, tree.commit, file, preview, str(keeper), dict(before.raw))


async def _live_change(ports: ExecutionPorts, call: ActionCall) -> tuple[KubeObject, ObjectPatch] | Refused:
    """The object, and the change that the other action would make to it."""
    asked = ports.catalogue[PROPOSE].check(call)
    try:
        inner = inner_call(asked, call.target)
        action = ports.catalogue[inner.action]
        prepared = await action.prepared(ports.reader, inner, ports.clock.now())
    except (InputError, ValueError, RecursionError) as error:
        return Refused("invalid_input", str(error))
    if isinstance(prepared, Refused):
        return prepared
    change, before = prepared.change, prepared.before
    if prepared.further or before is None or not isinstance(change, ObjectPatch) or change.target != call.target:
        return Refused("not_proposable", f"{action.id} is more than a change of {call.target}: it cannot be proposed")
    return before, change


def inner_call(asked: Parameters, target: ObjectRef) -> ActionCall:
    """The call whose change is proposed; raises `InputError` or `ValueError` for what is none."""
    parameters = json.loads(getattr(asked, "parameters", "{}"))
    if not isinstance(parameters, dict):
        raise InputError("parameters: no JSON object")
    return ActionCall(ActionId(getattr(asked, "action", "")), target, parameters)


def _carried_over(
    source: DeclaredSource, tree: SourceTree, item: KubeObject, edits: Sequence[FieldEdit]
) -> ProposedFile:
    """The one file with the change; raises `ManifestError` where there is not exactly one."""
    declared = {value.field: value for value in source.values if (value.kind, value.name) == (item.kind, item.name)}
    if not declared:
        path = _only_file(tree, item.ref, edits)
        try:
            return ProposedFile(path, edit_manifest(tree.files[path], item.ref, edits) or "")
        except ManifestError as error:
            raise ManifestError(f"{path} {error}") from error
    made, missing = values_edits(edits, {field: value.value for field, value in declared.items()})
    if missing:
        names = ", ".join(map(str, missing[:_MOST_SHOWN]))
        raise ManifestError(f"no value is declared for {names} (gitops.sources[].values)")
    files = sorted({declared[str(edit)].file for edit in edits})
    if len(files) != 1 or files[0] not in tree.files:
        raise ManifestError(f"the values stand in {', '.join(files)}, and one file of the source is needed")
    try:
        return ProposedFile(files[0], edit_values(tree.files[files[0]], made))
    except ManifestError as error:
        raise ManifestError(f"{files[0]} {error}") from error


def _only_file(tree: SourceTree, target: ObjectRef, edits: Sequence[FieldEdit]) -> str:
    """The one file that holds the object and says what is to be changed; a file that only holds it, where none does."""
    likely = {path: text for path, text in tree.files.items() if target.name in text and target.kind in text}
    if sum(map(len, likely.values())) > _MOST_TEXT:
        raise ManifestError(f"{len(likely)} files may hold {target}, which is too much to look through: set a prefix")
    looked_into = {path: _names_all(text, target, edits) for path, text in likely.items()}
    holding = {path: says for path, says in looked_into.items() if says is not None}
    found = [path for path, says in holding.items() if says] or list(holding)
    if len(found) == 1:
        return found[0]
    left_out = f"; left out: {', '.join(tree.left_out[:_MOST_SHOWN])}" if tree.left_out else ""
    if not found:
        raise ManifestError(f"no file of {len(tree.files)} holds {target}{left_out}")
    raise ManifestError(f"{target} stands in {len(found)} files: {', '.join(found[:_MOST_SHOWN])}")


def _names_all(text: str, target: ObjectRef, edits: Sequence[FieldEdit]) -> bool | None:
    try:
        return names_all(text, target, edits)
    except ManifestError:
        # A template of a chart, or broken: nothing can be told about what it holds.
        return None


def _diff(path: str, before: str, after: str) -> tuple[str, ...]:
    lines = [*unified_diff(before.splitlines(), after.splitlines(), f"a/{path}", f"b/{path}", lineterm="", n=2)]
    more = len(lines) - _MOST_LINES
    return tuple(lines if more <= 0 else [*lines[:_MOST_LINES], f"  and {more} more lines"])


def change_of(
    drafted: Draft, incident: Incident, diagnosis: Diagnosis | None, at: datetime, *, stop_gap: Claim | None = None
) -> ProposedChange:
    """The draft with the words for it: the evidence, the diff, and what was not done."""
    call = drafted.preview.call
    action = str(call.parameters.get("action", ""))
    best = diagnosis.best if diagnosis else None
    facts = [f"- {fact.id} {fact.object}: {fact.text}" for fact in diagnosis.cited(best)] if diagnosis and best else []
    # What the cluster said stands in fences, where it can call nobody and show nothing.
    lines = [
        f"Incident {incident.id}",
        "",
        "```text",
        f"{incident.alert} on {incident.target}",
        *([_fenced(f"{best.cause} ({best.confidence:.2f}): {best.summary}")] if best else []),
        *map(_fenced, facts),
        "```",
        "",
        "```diff",
        *map(_fenced, drafted.preview.diff),
        "```",
        "",
        _done_live(drafted, stop_gap),
        f"Take it back: kubernaut incidents undo {incident.id}",
    ]
    title = f"{action} for {call.target} ({incident.id})"
    return ProposedChange(drafted.commit, f"kubernaut/{incident.id}", drafted.file, title, "\n".join(lines), at)


def _done_live(drafted: Draft, stop_gap: Claim | None) -> str:
    if stop_gap is None:
        return f"Not done: the live object is owned by {drafted.owner}, so nothing in the cluster was changed."
    return f"A stop-gap is made live beside this: {stop_gap.owner} puts {stop_gap.field} back unless this is merged."


def _fenced(line: str) -> str:
    return "".join(sign for sign in line if sign.isprintable()).replace("```", "'''")


async def submit(  # the ports, and what the words of the proposal are made of
    ports: ExecutionPorts,
    proposing: Proposing,
    incident: Incident,
    diagnosis: Diagnosis,
    call: ActionCall,
    *,
    stop_gap: Claim | None = None,
) -> tuple[Draft, Submission] | Refused:
    """The change worked out and proposed, or found proposed already; why not, otherwise.

    A source that moves on meanwhile is read again. Raises what is worth another try.
    """
    moved = ""
    for _ in range(ATTEMPTS):
        drafted = await draft(ports, proposing, call)
        if isinstance(drafted, Refused) or proposing.repositories is None:
            return drafted if isinstance(drafted, Refused) else Refused("no_source", "no repository can be reached")
        change = change_of(drafted, incident, diagnosis, ports.clock.now(), stop_gap=stop_gap)
        try:
            return drafted, await proposing.repositories.propose(drafted.source, change)
        except BranchMoved as error:
            moved = str(error)
        except SourceError as error:
            if error.retryable:
                raise
            return Refused(error.code, f"source {drafted.source.name}: {error}")
    return Refused("branch_moved", moved)


async def withdraw(proposing: Proposing, proposal: Submission, now: datetime) -> Execution:
    """The proposal taken back, or refused with the reason."""
    source = next((each for each in proposing.sources if each.name == proposal.source), None)
    if source is None or proposing.repositories is None:
        return Execution(None, Applied.REFUSED, f"the settings declare no source {proposal.source} any more", now)
    try:
        return Execution(None, Applied.DONE, await proposing.repositories.withdraw(source, proposal), now)
    except SourceError as error:
        if error.retryable:
            raise
        return Execution(None, Applied.REFUSED, str(error), now)
