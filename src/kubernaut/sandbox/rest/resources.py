"""The verbs on resources: each takes a request and gives the reply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from kubernaut.domain.objects import Json, JsonObject, KubeObject, Tree
from kubernaut.sandbox.cluster import By, Cluster
from kubernaut.sandbox.deletion import Deletion
from kubernaut.sandbox.failures import Failure, bad_request, no_such_path, unprocessable, unsupported_media
from kubernaut.sandbox.kinds import NEW_EVENT, POD, REVIEWS
from kubernaut.sandbox.kubelet.kubelets import Kubelets
from kubernaut.sandbox.patching import PatchRefused, apply_json_patch, apply_merge_patch
from kubernaut.sandbox.recorder import as_core_event, as_new_event
from kubernaut.sandbox.rest import subresources, tables
from kubernaut.sandbox.rest.lists import find_page, render_page
from kubernaut.sandbox.rest.requests import Request
from kubernaut.sandbox.shapes import encoded
from kubernaut.sandbox.strategic import apply_strategic_patch

_REJECTED = "the server rejected our request due to an error in our request"
_PATCHES = "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json"


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent back."""

    body: bytes
    code: int = 200
    media_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def reply_json(value: JsonObject, code: int = 200) -> Reply:
    """The object as a reply."""
    return Reply(encoded(value), code)


def reply_failure(failure: Failure) -> Reply:
    """The `Status` of a refusal."""
    headers = {"retry-after": "10"} if failure.http_code == 429 else {}  # noqa: PLR2004  # Too Many Requests
    return Reply(encoded(failure.status), failure.http_code, headers=headers)


class Resources:
    """Answers requests to resources; watches are streams and not here."""

    def __init__(self, cluster: Cluster, kubelets: Kubelets) -> None:
        self._cluster = cluster
        self._kubelets = kubelets
        self._verbs: dict[str, Callable[[Request], Reply]] = {
            "get": self._get,
            "list": self._list,
            "create": self._create,
            "update": self._update,
            "patch": self._patch,
            "delete": self._delete,
            "deletecollection": self._delete_many,
        }

    def answer(self, request: Request) -> Reply:
        """The reply; raises a `Failure`."""
        verb = self._verbs.get(request.verb)
        if verb is None or request.method not in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            raise Failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
        return verb(request)

    def _shown(self, request: Request, item: JsonObject, code: int = 200) -> Reply:
        return reply_json(as_new_event(item) if request.target.kind is NEW_EVENT else item, code)

    def _get(self, request: Request) -> Reply:
        target = request.target
        if target.subresource == "log":
            text = subresources.read_log(self._cluster, self._kubelets, request)
            return Reply(text.encode(), media_type="text/plain")
        stored = self._cluster.get(target.kind, target.namespace, target.name)
        if target.subresource == "scale":
            return reply_json(subresources.scale_of(stored.view))
        if target.subresource == "eviction":
            raise no_such_path()
        if tables.is_wanted(request):
            of = request.text("includeObject")
            return reply_json(tables.render_table(target.kind, [stored], self._cluster.clock.now(), of=of))
        if target.kind is NEW_EVENT:
            return self._shown(request, stored.raw)
        return Reply(stored.text)

    def _list(self, request: Request) -> Reply:
        page = find_page(self._cluster, request)
        if tables.is_wanted(request):
            of = request.text("includeObject")
            table = tables.render_table(request.target.kind, page.items, self._cluster.clock.now(), of=of)
            table["metadata"] = {"resourceVersion": page.version, "continue": page.following}
            return reply_json(table)
        return Reply(render_page(request.target.kind, page))

    def _create(self, request: Request) -> Reply:
        target = request.target
        if target.kind in REVIEWS:
            return reply_json(subresources.review_access(self._cluster, request), 201)
        if target.subresource == "eviction":
            pod = self._cluster.get(POD, target.namespace, target.name).view
            return reply_json(subresources.evict(self._cluster, pod, request.object(), request.by()), 201)
        if target.name or (target.kind.namespaced and not target.namespace):
            raise Failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
        item = request.object()
        self._check_kind(request, item)
        if target.kind is NEW_EVENT:
            item = as_core_event(item)
        made = self._cluster.create(target.kind, target.namespace, item, request.by())
        return self._shown(request, made, 201)

    def _check_kind(self, request: Request, item: JsonObject) -> None:
        kind = request.target.kind
        given = Tree(item).text("apiVersion"), Tree(item).text("kind")
        if given not in (("", ""), (kind.api_version, kind.name)):
            raise bad_request(
                f'{given[1]} in version "{given[0]}" cannot be handled as a {kind.name}: no kind "{given[1]}" is '
                f'registered for version "{kind.api_version}"'
            )

    def _update(self, request: Request) -> Reply:
        target, item = request.target, request.object()
        if target.subresource == "scale":
            current = self._cluster.get(target.kind, target.namespace, target.name).view
            return reply_json(subresources.write_scale(self._cluster, target.kind, current, item, request.by()))
        if target.subresource in ("log", "eviction"):
            raise no_such_path()
        self._check_kind(request, item)
        if target.kind is NEW_EVENT:
            item = as_core_event(item)
        changed = self._cluster.update(target.kind, target.namespace, target.name, item, request.by())
        return self._shown(request, changed)

    def _patch(self, request: Request) -> Reply:
        target = request.target
        _patch_body(request)
        if target.subresource == "scale":
            current = self._cluster.get(target.kind, target.namespace, target.name).view
            scale = self._patched(request, subresources.scale_of(current))
            return reply_json(subresources.write_scale(self._cluster, target.kind, current, scale, request.by()))
        if target.subresource in ("log", "eviction"):
            raise no_such_path()

        def edit(draft: JsonObject) -> JsonObject:
            if target.kind is NEW_EVENT:
                return as_core_event(self._patched(request, as_new_event(draft)))
            return self._patched(request, draft)

        changed = self._cluster.change(target.kind, target.namespace, target.name, edit, request.by())
        return self._shown(request, changed)

    def _patched(self, request: Request, item: JsonObject) -> JsonObject:
        body = _patch_body(request)
        try:
            result = _apply(request, item, body)
        except PatchRefused as refused:
            if refused.malformed:
                raise bad_request(str(refused)) from None
            raise unprocessable(request.target.kind, request.target.name, f"{_REJECTED}: {refused}") from None
        given = KubeObject(result)
        if given.name != KubeObject(item).name:
            raise bad_request("the name of the object does not match the name on the URL")
        if not isinstance(result.get("spec", {}), dict) or not isinstance(result.get("status", {}), dict):
            raise bad_request("json: cannot unmarshal: spec and status have to be objects")
        return result

    def _delete(self, request: Request) -> Reply:
        target = request.target
        by = _deleting_by(request)
        gone = self._cluster.delete(target.kind, target.namespace, target.name, by, _deletion(request))
        return self._shown(request, gone) if gone.get("kind") != "Status" else reply_json(gone)

    def _delete_many(self, request: Request) -> Reply:
        if request.target.kind.namespaced and not request.target.namespace:
            raise Failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
        page = find_page(self._cluster, request)
        for stored in page.items:
            view = stored.view
            by = _deleting_by(request)
            self._cluster.delete(request.target.kind, view.namespace, view.name, by, _deletion(request))
        return Reply(render_page(request.target.kind, page))


def _patch_body(request: Request) -> Json:
    if request.media_type == "application/apply-patch+yaml":
        raise unsupported_media(f"the sandbox does not do server-side apply; accepted media types include: {_PATCHES}")
    if request.media_type not in _PATCHES.split(", "):
        raise unsupported_media(
            f"the body of the request was in an unknown format - accepted media types include: {_PATCHES}"
        )
    return request.json()


def _apply(request: Request, item: JsonObject, body: Json) -> JsonObject:
    if request.media_type == "application/json-patch+json":
        if not isinstance(body, list):
            raise PatchRefused("a JSON patch has to be a list", malformed=True)
        return apply_json_patch(item, body)
    if not isinstance(body, dict):
        raise PatchRefused("the patch has to be an object", malformed=True)
    if request.media_type == "application/strategic-merge-patch+json":
        return apply_strategic_patch(item, body)
    merged = apply_merge_patch(item, body)
    return merged if isinstance(merged, dict) else {}


def _deleting_by(request: Request) -> By:
    """Clients put the dry run of a delete into the body as well as into the query."""
    by = request.by()
    tried = Tree(request.object() if request.body else {}).texts("dryRun") == ["All"]
    return replace(by, dry_run=by.dry_run or tried)


def _deletion(request: Request) -> Deletion:
    options = Tree(request.object() if request.body else {})
    grace = options.at("gracePeriodSeconds")
    propagation = options.text("propagationPolicy") or request.text("propagationPolicy")
    if propagation not in ("", "Background", "Foreground", "Orphan"):
        raise bad_request(f'invalid propagationPolicy "{propagation}"')
    if grace is None:
        grace = request.integer("gracePeriodSeconds")
    if not isinstance(grace, int | None):
        raise bad_request("gracePeriodSeconds has to be a number")
    return Deletion(
        grace_s=grace,
        propagation=propagation,
        uid=options.text("preconditions", "uid"),
        resource_version=options.text("preconditions", "resourceVersion"),
    )
