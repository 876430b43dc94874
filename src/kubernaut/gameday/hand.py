"""Writes to the cluster under the names of the tools that people use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from kubernaut.adapters.kubernetes.answers import Asked
from kubernaut.adapters.kubernetes.requests import KubernetesApi, path_of
from kubernaut.domain.errors import Conflict, ObjectMissing
from kubernaut.domain.objects import JsonObject, KubeObject, ObjectRef, copied
from kubernaut.gameday.shop import noted
from kubernaut.gameday.steps import Apply, Delete, DeletePods, Edit, Scale, Step, section
from kubernaut.ports import ClusterReader, Resource
from kubernaut.resources import NAMESPACE, POD, find_resource

Change = Callable[[JsonObject], object]
RUN_LABEL = "kubernaut.ai/gameday"
_APPLIER = "kubectl-client-side-apply"
# Controllers write the status meanwhile, so a few of our writes come too late for the version they were made from.
_TRIES = 8


@dataclass(frozen=True, slots=True)
class Hand:
    """What somebody with `kubectl` does."""

    api: KubernetesApi
    reader: ClusterReader

    async def do(self, steps: Sequence[Step]) -> None:
        """All steps, one after the other; raises a `ClusterError` at the first that is refused."""
        for step in steps:
            await self._one(step)

    async def _one(self, step: Step) -> None:
        match step:
            case Apply(manifest):
                await self.apply(manifest)
            case Edit(ref, change, manager):
                await self.edit(ref, change, manager)
            case Scale(ref, replicas):
                await self._scale(ref, replicas)
            case Delete(ref):
                await self._delete(ref)
            case DeletePods(namespace, app):
                for pod in (await self.reader.list(POD, namespace, labels=f"app={app}")).items:
                    await self._delete(ObjectRef("v1", "Pod", namespace, pod.name))

    async def apply(self, manifest: JsonObject) -> None:
        """Makes the object, or brings what the manifest says into it."""
        wanted = noted(manifest)
        ref = KubeObject(wanted).ref
        resource = await self.api.resource_of(ref)
        try:
            await self._call("create", "POST", ref, resource, body=wanted, manager=_APPLIER)
        except Conflict:
            await self.edit(ref, _takes(wanted), _APPLIER)

    async def edit(self, ref: ObjectRef, change: Change, manager: str) -> None:
        """Reads the object, changes it, writes it back; again where somebody else wrote meanwhile."""
        resource = await self.api.resource_of(ref)
        for attempt in range(1, _TRIES + 1):
            draft = await self._call("get", "GET", ref, resource)
            change(draft)
            try:
                await self._call("update", "PUT", ref, resource, body=draft, manager=manager)
            except Conflict:
                if attempt == _TRIES:
                    raise
            else:
                return

    async def _scale(self, ref: ObjectRef, replicas: int) -> None:
        resource = await self.api.resource_of(ref)
        path = path_of(resource, ref.namespace, ref.name, "scale")
        await self.api.call(
            Asked("patch", resource, str(ref), "scale"),
            "PATCH",
            path,
            params={"fieldManager": "kubectl"},
            body={"spec": {"replicas": replicas}},
            content_type="application/merge-patch+json",
        )

    async def _delete(self, ref: ObjectRef) -> None:
        resource = await self.api.resource_of(ref)
        try:
            await self._call("delete", "DELETE", ref, resource)
        except ObjectMissing:
            return

    async def make_namespace(self, name: str, labels: Mapping[str, str]) -> None:
        """A new namespace; raises `Conflict` where there is one of that name."""
        ref = ObjectRef("v1", "Namespace", "", name)
        body: JsonObject = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": {**labels}},
        }
        await self._call("create", "POST", ref, NAMESPACE, body=body, manager="kubectl-create")

    async def release(self, name: str, run: str = "") -> None:
        """Takes every finalizer off the workloads of a namespace and deletes it, where a gameday made it: that run.

        Nothing happens where it is gone, or somebody else's, whose name we only hit upon.
        """
        place = await self.reader.get(ObjectRef("v1", "Namespace", "", name))
        made_by = place.labels.get(RUN_LABEL) if place else None
        if made_by is None or run not in ("", made_by):
            return
        for api_version, kind in (("apps/v1", "Deployment"), ("apps/v1", "StatefulSet")):
            resource = find_resource(api_version, kind)
            if resource is None:
                continue
            for item in (await self.reader.list(resource, name)).items:
                if item.texts("metadata", "finalizers"):
                    await self._free(ObjectRef(api_version, kind, name, item.name))
        await self._delete(ObjectRef("v1", "Namespace", "", name))

    async def _free(self, ref: ObjectRef) -> None:
        try:
            await self.edit(ref, lambda draft: section(draft, "metadata").pop("finalizers", None), "kubectl-edit")
        except ObjectMissing:
            return

    async def left_over(self) -> list[str]:
        """The namespaces that a gameday made and that are still there."""
        listed = await self.reader.list(NAMESPACE, labels=RUN_LABEL)
        return sorted(item.name for item in listed.items)

    async def _call(
        self,
        verb: str,
        method: str,
        ref: ObjectRef,
        resource: Resource,
        *,
        body: JsonObject | None = None,
        manager: str = "",
    ) -> JsonObject:
        name = "" if method == "POST" else ref.name
        params = {"fieldManager": manager} if manager else {}
        asked = Asked(verb, resource, str(ref))
        return await self.api.call(asked, method, path_of(resource, ref.namespace, name), params=params, body=body)


def _takes(manifest: JsonObject) -> Change:
    """The change that a second `kubectl apply` makes: all that the manifest says, and nothing of what it does not."""

    def change(draft: JsonObject) -> None:
        wanted = copied(manifest)
        for part in ("spec", "data"):
            if part in wanted:
                draft[part] = wanted[part]
        metadata = section(draft, "metadata")
        for part in ("labels", "annotations"):
            section(metadata, part).update(section(wanted, "metadata", part))

    return change
