"""The mistakes that faults are made of: changes of a template, a Service, the settings, or the namespace around."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kubernaut.domain.objects import Json, JsonObject, ObjectRef
from kubernaut.gameday.shop import App, Shop
from kubernaut.gameday.steps import Apply, Delete, DeletePods, Draft, Edit, Step, container_of, entries, pod_spec_of
from kubernaut.gameday.steps import section as at

Change = Callable[[Draft], None]
Steps = Callable[[Shop], Sequence[Step]]


def released(change: Change) -> Steps:
    """A release: the manifest with a change is applied."""

    def steps(shop: Shop) -> list[Step]:
        return [Apply(_changed(shop.app.workload(), change))]

    return steps


def released_with(make: Callable[[Shop], Change]) -> Steps:
    """A release whose change depends on the system."""
    return lambda shop: [Apply(_changed(shop.app.workload(), make(shop)))]


def _changed(manifest: JsonObject, change: Change) -> JsonObject:
    change(manifest)
    return manifest


def container(**fields: Json) -> Change:
    """Sets fields of the first container."""
    return lambda draft: container_of(draft).update(fields)


def pod(**fields: Json) -> Change:
    """Sets fields of the pod template's spec."""
    return lambda draft: pod_spec_of(draft).update(fields)


def probe(kind: str, **fields: Json) -> Change:
    """Sets fields of a probe of the first container."""
    return lambda draft: at(container_of(draft), kind).update(fields)


def asks_for(part: str, **amounts: str) -> Change:
    """Sets requests or limits of the first container."""
    return lambda draft: at(container_of(draft), "resources", part).update(amounts)


def argument(text: str) -> Change:
    """One more argument of the program."""

    def change(draft: Draft) -> None:
        args = container_of(draft).get("args")
        container_of(draft)["args"] = [*(args if isinstance(args, list) else []), text]

    return change


def variable(name: str, **source: Json) -> Change:
    """Sets one variable of the first container, in place of the one of that name."""

    def change(draft: Draft) -> None:
        kept: list[Json] = [entry for entry in entries(container_of(draft), "env") if entry.get("name") != name]
        container_of(draft)["env"] = [*kept, {"name": name, **source}]

    return change


def without_variable(name: str) -> Change:
    """Leaves one variable out."""

    def change(draft: Draft) -> None:
        kept: list[Json] = [entry for entry in entries(container_of(draft), "env") if entry.get("name") != name]
        container_of(draft)["env"] = kept

    return change


def volume(mount: str, **source: Json) -> Change:
    """One more volume, mounted."""

    def change(draft: Draft) -> None:
        spec, first = pod_spec_of(draft), container_of(draft)
        volumes: list[Json] = [*entries(spec, "volumes"), {"name": "records", **source}]
        mounts: list[Json] = [*entries(first, "volumeMounts"), {"name": "records", "mountPath": mount}]
        spec["volumes"], first["volumeMounts"] = volumes, mounts

    return change


def second_container(**fields: Json) -> Change:
    """A copy of the first container beside it."""

    def change(draft: Draft) -> None:
        first = container_of(draft)
        second: JsonObject = {key: part for key, part in first.items() if not key.endswith("Probe")}
        pod_spec_of(draft)["containers"] = [first, {**second, "name": "mirror", **fields}]

    return change


def first_step(*arguments: str, **fields: Json) -> Change:
    """An init container with the program of the app."""

    def change(draft: Draft) -> None:
        wanted = ("image", "command", "env", "volumeMounts")
        own: JsonObject = {key: part for key, part in container_of(draft).items() if key in wanted}
        step: JsonObject = {"name": "migrate", **own, "args": [*arguments], **fields}
        pod_spec_of(draft)["initContainers"] = [step]

    return change


def apart_from(app: App) -> Change:
    """No two pods of the app on one node."""
    rule: JsonObject = {"labelSelector": {"matchLabels": {"app": app.name}}, "topologyKey": "kubernetes.io/hostname"}
    affinity: JsonObject = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}}
    return pod(affinity=affinity)


def service(change: Change) -> Steps:
    """`kubectl edit service`."""
    return lambda shop: [Edit(shop.app.service_ref, change)]


def service_port(**fields: Json) -> Steps:
    """Sets fields of the Service's port by hand."""
    return service(lambda draft: entries(draft, "spec", "ports")[0].update(fields))


def settings(change: Callable[[JsonObject], object]) -> Steps:
    """Edits the settings; the pods are replaced, so that they take effect."""

    def steps(shop: Shop) -> list[Step]:
        edit = Edit(shop.app.settings_ref, lambda draft: _ignore(change(at(draft, "data"))), "kubectl-patch")
        return [edit, DeletePods(shop.namespace, shop.app.name)]

    return steps


def _ignore(_value: object) -> None:
    """A change works in place: what it gives back is nothing."""


def settings_lost(shop: Shop) -> list[Step]:
    """The settings are deleted, and pods are replaced."""
    return [Delete(shop.app.settings_ref), DeletePods(shop.namespace, shop.app.name)]


def quota(**hard: str) -> Steps:
    """A ResourceQuota, and the pods are replaced."""

    def steps(shop: Shop) -> list[Step]:
        return [
            Apply(_beside(shop, "v1", "ResourceQuota", "compute", spec={"hard": {**hard}})),
            DeletePods(shop.namespace, shop.app.name),
        ]

    return steps


def limit_range(**limit: Json) -> Steps:
    """A LimitRange for containers."""

    def steps(shop: Shop) -> list[Step]:
        return [Apply(_beside(shop, "v1", "LimitRange", "sizes", spec={"limits": [{"type": "Container", **limit}]}))]

    return steps


def job(shop: Shop) -> list[Step]:
    """A task that is run once, with an argument that it does not know."""
    spec = at(shop.app.workload(), "spec", "template", "spec")
    first: JsonObject = {key: part for key, part in entries(spec, "containers")[0].items() if not key.endswith("Probe")}
    template: JsonObject = {
        "spec": {**spec, "restartPolicy": "Never", "containers": [{**first, "args": ["--since=2026"]}]}
    }
    manifest = _beside(shop, "batch/v1", "Job", shop.app.name, spec={"backoffLimit": 1, "template": template})
    return [Apply(manifest)]


def _beside(shop: Shop, api_version: str, kind: str, name: str, *, spec: JsonObject) -> JsonObject:
    metadata: JsonObject = {"name": name, "namespace": shop.namespace}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


def labelled(**labels: str) -> Steps:
    """Labels on the namespace, and the pods are replaced."""

    def steps(shop: Shop) -> list[Step]:
        ref = ObjectRef("v1", "Namespace", "", shop.namespace)
        return [
            Edit(ref, lambda draft: at(draft, "metadata", "labels").update(labels), "kubectl-label"),
            DeletePods(shop.namespace, shop.app.name),
        ]

    return steps


def held(shop: Shop) -> list[Step]:
    """The workload is deleted while a finalizer holds it."""
    ref = shop.app.ref
    finalizers: list[Json] = ["records.example.com/archive"]
    return [
        Edit(ref, lambda draft: at(draft, "metadata").update(finalizers=finalizers), "archiver"),
        Delete(ref),
    ]


def tag(text: str) -> Steps:
    """A release of another tag of the app's image."""
    return released_with(lambda shop: container(image=_tagged(shop.app.image, text)))


def _tagged(image: str, text: str) -> str:
    """The image with another tag; a port in the registry's name is none."""
    head, _, last = image.rpartition("/")
    name = last.partition(":")[0]
    return f"{head}/{name}:{text}" if head else f"{name}:{text}"
