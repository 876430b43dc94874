"""The cluster's state with the semantics of the API server: every write of a user or a controller goes through here.

Synchronous, and used from one event loop only. Refusals are `Failure`s, whose `status` is what a client would get.
"""

from __future__ import annotations

import random
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernaut.domain.objects import Json, JsonObject, KubeObject
from kubernaut.ports import Clock
from kubernaut.sandbox import failures
from kubernaut.sandbox.admission import Admission
from kubernaut.sandbox.defaulting import apply_defaults
from kubernaut.sandbox.deletion import Deletion, deleted, finalizers_after, is_freed
from kubernaut.sandbox.kinds import NAMESPACE, POD, Kind
from kubernaut.sandbox.managed_fields import Writer, record_write
from kubernaut.sandbox.shapes import copied, section, stamp
from kubernaut.sandbox.storage import Storage, Stored
from kubernaut.sandbox.validation import check_types, find_errors

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
KEPT_WRITES = 100_000
TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
_LONGEST_GENERATED = 58
_WITH_GENERATION = frozenset(
    {
        "Deployment",
        "ReplicaSet",
        "StatefulSet",
        "DaemonSet",
        "Job",
        "CronJob",
        "PodDisruptionBudget",
        "Ingress",
        "NetworkPolicy",
        "Pod",
        "EndpointSlice",
    }
)
_FINISHED = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True)
class By:
    """Who writes: the field manager, the subresource, and whether it is only tried."""

    manager: str
    subresource: str = ""
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """One accepted write, for the audit."""

    manager: str
    verb: str
    kind: str
    namespace: str
    name: str
    subresource: str
    dry_run: bool
    at: datetime


class Cluster:
    """State, clock and audit of one simulated cluster."""

    def __init__(self, clock: Clock, *, seed: int = 7) -> None:
        self.clock = clock
        self.storage = Storage()
        self.audit: deque[Write] = deque(maxlen=KEPT_WRITES)
        # Seeded: two plays of a scenario give their pods the same names.
        self._random = random.Random(seed)  # noqa: S311  # names have to look random, not be secret
        self._admission = Admission(self.storage)
        self.webhooks = self._admission.webhooks

    def suffix(self, length: int = 5) -> str:
        """A part of a name as the API server generates it."""
        return "".join(self._random.choices(ALPHABET, k=length))

    def writes_by(self, manager: str) -> list[Write]:
        """What that field manager wrote, dry runs left out."""
        return [write for write in self.audit if write.manager == manager and not write.dry_run]

    def find(self, kind: Kind, namespace: str, name: str) -> KubeObject | None:
        """The object, for reading only."""
        stored = self.storage.get(kind, namespace, name)
        return stored.view if stored else None

    def get(self, kind: Kind, namespace: str, name: str) -> Stored:
        """The object; raises a 404 failure."""
        stored = self.storage.get(kind, namespace, name)
        if stored is None:
            raise failures.not_found(kind, name)
        return stored

    def create(self, kind: Kind, namespace: str, item: JsonObject, by: By) -> JsonObject:
        """The object as it was stored."""
        item = copied(item)
        metadata = section(item, "metadata")
        self._address(kind, namespace, item)
        # As the real one: a version on a new object means that somebody took an update for a create.
        if metadata.get("resourceVersion"):
            raise failures.bad_request("resourceVersion should not be set on objects to be created")
        prefix = metadata.get("generateName")
        if not metadata.get("name") and isinstance(prefix, str) and prefix:
            # Cut so that prefix and suffix together stay within 63 characters, the length of a DNS label.
            metadata["name"] = f"{prefix[:_LONGEST_GENERATED]}{self.suffix()}"
        check_types(item, kind)
        apply_defaults(item)
        self._identify(item)
        if errors := find_errors(item, None):
            raise failures.invalid(kind, str(metadata.get("name") or ""), errors)
        self._admission.admit(kind, item)
        name = str(metadata["name"])
        if self.storage.get(kind, str(metadata.get("namespace") or ""), name):
            raise failures.already_exists(kind, name)
        record_write(None, item, Writer(by.manager), self.clock.now())
        self._note("create", kind, KubeObject(item), by)
        return item if by.dry_run else self.storage.put(kind, item).raw

    def _address(self, kind: Kind, namespace: str, item: JsonObject) -> None:
        metadata = section(item, "metadata")
        given = metadata.get("namespace") or ""
        if kind.namespaced and given not in ("", namespace):
            raise failures.bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        if kind.namespaced:
            metadata["namespace"] = namespace
        else:
            metadata.pop("namespace", None)
        item["apiVersion"], item["kind"] = kind.api_version, kind.name

    def _identify(self, item: JsonObject) -> None:
        metadata = section(item, "metadata")
        metadata["uid"] = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        metadata["creationTimestamp"] = stamp(self.clock.now())
        for key in ("deletionTimestamp", "deletionGracePeriodSeconds", "managedFields", "selfLink", "generation"):
            metadata.pop(key, None)
        if item.get("kind") in _WITH_GENERATION:
            metadata["generation"] = 1
        if item.get("kind") == "DaemonSet":
            section(metadata, "annotations")[TEMPLATE_GENERATION] = "1"

    def update(self, kind: Kind, namespace: str, name: str, item: JsonObject, by: By) -> JsonObject:
        """The object after it was replaced."""
        given = section(item, "metadata").get("name")
        if given != name:
            raise failures.bad_request(f"the name of the object ({given}) does not match the name on the URL ({name})")
        item = copied(item)
        self._address(kind, namespace, item)
        return self._replace(kind, self.get(kind, namespace, name), item, by, "update")

    def change(
        self, kind: Kind, namespace: str, name: str, edit: Callable[[JsonObject], JsonObject | None], by: By
    ) -> JsonObject:
        """The object after the edit of a copy of it; an edit may also return a new object."""
        stored = self.get(kind, namespace, name)
        draft = copied(stored.raw)
        edited = edit(draft)
        return self._replace(kind, stored, draft if edited is None else edited, by, "patch")

    def _replace(self, kind: Kind, stored: Stored, item: JsonObject, by: By, verb: str) -> JsonObject:
        before = stored.raw
        self._check_preconditions(kind, stored, section(item, "metadata"))
        if by.subresource == "status":
            # Through the subresource only the status is taken, whatever else the body says.
            item = {**copied(before), "status": item.get("status", {})}
        else:
            self._keep_identity(kind, before, item)
            check_types(item, kind)
            apply_defaults(item)
            self._count_generation(before, item)
            if errors := find_errors(item, before):
                raise failures.invalid(kind, stored.view.name, errors)
        self._note(verb, kind, stored.view, by)
        # As the real one: a write that changes nothing makes no new version, and wakes no watcher.
        if item == before:
            return before
        subresource = by.subresource if by.subresource in ("status", "scale") else ""
        record_write(before, item, Writer(by.manager, subresource), self.clock.now())
        if by.dry_run:
            return item
        # The last finalizer was taken off an object that is marked for deletion: it goes with this very write.
        if is_freed(kind, KubeObject(item)):
            self.storage.remove(kind, stored.view.namespace, stored.view.name)
            return item
        return self.storage.put(kind, item).raw

    def _check_preconditions(self, kind: Kind, stored: Stored, metadata: JsonObject) -> None:
        version = metadata.get("resourceVersion")
        if version and version != str(stored.version):
            raise failures.conflict(kind, stored.view.name)
        uid = metadata.get("uid")
        if uid and uid != stored.view.uid:
            why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {stored.view.uid}"
            raise failures.conflict(kind, stored.view.name, why)

    def _keep_identity(self, kind: Kind, before: JsonObject, item: JsonObject) -> None:
        old, metadata = section(before, "metadata"), section(item, "metadata")
        item["apiVersion"], item["kind"] = kind.api_version, kind.name
        for key in (
            "name",
            "namespace",
            "uid",
            "creationTimestamp",
            "generation",
            "resourceVersion",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "managedFields",
        ):
            if key in old:
                metadata[key] = old[key]
            else:
                metadata.pop(key, None)
        if "status" in kind.subresources and "status" in before:
            item["status"] = before["status"]
        elif "status" in kind.subresources:
            item.pop("status", None)

    def _count_generation(self, before: JsonObject, item: JsonObject) -> None:
        if item.get("kind") in _WITH_GENERATION and item.get("spec") != before.get("spec"):
            metadata = section(item, "metadata")
            generation = metadata.get("generation")
            metadata["generation"] = generation + 1 if isinstance(generation, int) else 1
        if item.get("kind") == "DaemonSet":
            _count_template(before, item)

    def delete(self, kind: Kind, namespace: str, name: str, by: By, options: Deletion | None = None) -> JsonObject:
        """The object as it is being deleted, or a `Status` where it is gone at once."""
        options = options or Deletion()
        stored = self.get(kind, namespace, name)
        self._check_deletion(kind, stored, options)
        self._note("delete", kind, stored.view, by)
        draft = copied(stored.raw)
        grace = self._grace(kind, stored.view, options)
        finalizers = finalizers_after(kind, stored.view, options)
        if not finalizers and grace == 0:
            if not by.dry_run:
                self.storage.remove(kind, namespace, name)
            return draft if kind is POD else deleted(kind, stored.view)
        metadata = section(draft, "metadata")
        due = stamp(self.clock.now() + timedelta(seconds=grace))
        # A second deletion may shorten the grace and never lengthen it.
        if not metadata.get("deletionTimestamp") or due < str(metadata["deletionTimestamp"]):
            metadata["deletionTimestamp"] = due
            metadata["deletionGracePeriodSeconds"] = grace
        if finalizers:
            listed: list[Json] = [*finalizers]
            metadata["finalizers"] = listed
        if kind is NAMESPACE:
            section(draft, "status")["phase"] = "Terminating"
        if by.dry_run or draft == stored.raw:
            return draft
        return self.storage.put(kind, draft).raw

    def _check_deletion(self, kind: Kind, stored: Stored, options: Deletion) -> None:
        if options.uid and options.uid != stored.view.uid:
            why = f"Precondition failed: UID in precondition: {options.uid}, UID in object meta: {stored.view.uid}"
            raise failures.conflict(kind, stored.view.name, why)
        if options.resource_version and options.resource_version != str(stored.version):
            why = (
                f"Precondition failed: ResourceVersion in precondition: {options.resource_version}, "
                f"ResourceVersion in object meta: {stored.version}"
            )
            raise failures.conflict(kind, stored.view.name, why)

    def _grace(self, kind: Kind, item: KubeObject, options: Deletion) -> int:
        if kind is not POD or not item.text("spec", "nodeName") or item.text("status", "phase") in _FINISHED:
            return 0
        if options.grace_s is not None:
            return max(0, options.grace_s)
        return item.integer("spec", "terminationGracePeriodSeconds", default=30)

    def _note(self, verb: str, kind: Kind, item: KubeObject, by: By) -> None:
        self.audit.append(
            Write(
                manager=by.manager,
                verb=verb,
                kind=kind.name,
                namespace=item.namespace,
                name=item.name,
                subresource=by.subresource,
                dry_run=by.dry_run,
                at=self.clock.now(),
            )
        )


def _count_template(before: JsonObject, item: JsonObject) -> None:
    """The API server counts the templates of a DaemonSet, whoever writes them."""
    old, new = KubeObject(before), KubeObject(item)
    counted = old.annotations.get(TEMPLATE_GENERATION, "1")
    number = int(counted) if counted.isdecimal() else 1
    changed = old.at("spec", "template") != new.at("spec", "template")
    section(item, "metadata", "annotations")[TEMPLATE_GENERATION] = str(number + changed)
