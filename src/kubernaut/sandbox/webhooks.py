"""Webhooks that the API server asks about a new object, and what becomes of the request where one does not answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from kubernaut.domain.objects import JsonObject, KubeObject, Tree
from kubernaut.domain.selectors import matches, selector_of
from kubernaut.sandbox.failures import Failure
from kubernaut.sandbox.kinds import (
    ENDPOINT_SLICE,
    MUTATING_WEBHOOKS,
    NAMESPACE,
    SERVICE,
    VALIDATING_WEBHOOKS,
    Kind,
)
from kubernaut.sandbox.storage import Storage

_DEFAULT_TIMEOUT_S = 10
_DEFAULT_PORT = 443


@dataclass(slots=True)
class Webhooks:
    """Asks them. A server that answers admits the object; `changes` are what it rewrites, by configuration.

    `authority` is the CA bundle that fits what the servers serve, `answer_s` how long a Service takes to answer.
    """

    storage: Storage
    authority: str = ""
    answer_s: dict[tuple[str, str], float] = field(default_factory=dict)
    changes: dict[str, Callable[[JsonObject], None]] = field(default_factory=dict)

    def admit(self, kind: Kind, item: JsonObject) -> None:
        """Changes the object in place; raises the 500 failure of the first one that fails closed."""
        tree = KubeObject(item)
        for source in (MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS):
            for configuration in sorted(self.storage.views(source), key=lambda each: each.name):
                for entry in configuration.trees("webhooks"):
                    if self._is_asked(entry, kind, tree):
                        self._ask(configuration, entry, item)

    def _is_asked(self, entry: Tree, kind: Kind, item: KubeObject) -> bool:
        wanted = (("operations", "CREATE"), ("apiGroups", kind.group), ("resources", kind.plural))
        if not any(all({value, "*"} & {*rule.texts(part)} for part, value in wanted) for rule in entry.trees("rules")):
            return False
        space = self.storage.get(NAMESPACE, "", item.namespace) if item.namespace else None
        labels = space.view.labels if space else {}
        return matches(selector_of(entry.tree("namespaceSelector")), labels)

    def _ask(self, configuration: KubeObject, entry: Tree, item: JsonObject) -> None:
        why = next(self._troubles(entry), "")
        if not why:
            self.changes.get(configuration.name, _as_it_is)(item)
        elif entry.text("failurePolicy") != "Ignore":
            text = f'failed calling webhook "{entry.text("name")}": failed to call webhook: {why}'
            raise Failure(500, "InternalError", f"Internal error occurred: {text}")

    def _troubles(self, entry: Tree) -> Iterator[str]:
        server = entry.tree("clientConfig", "service")
        if not server.raw:
            return
        namespace, name = server.text("namespace"), server.text("name")
        timeout = entry.integer("timeoutSeconds", default=_DEFAULT_TIMEOUT_S)
        port = server.integer("port", default=_DEFAULT_PORT)
        url = f"https://{name}.{namespace}.svc:{port}{server.text('path')}?timeout={timeout}s"
        if self.storage.get(SERVICE, namespace, name) is None:
            yield f'Post "{url}": service "{name}" not found'
        elif not self._is_served(namespace, name):
            yield f'Post "{url}": no endpoints available for service "{name}"'
        if self.authority and entry.text("clientConfig", "caBundle") != self.authority:
            yield f'Post "{url}": tls: failed to verify certificate: x509: certificate signed by unknown authority'
        if self.answer_s.get((namespace, name), 0) > timeout:
            yield f'Post "{url}": context deadline exceeded'

    def _is_served(self, namespace: str, name: str) -> bool:
        return any(
            endpoint.at("conditions", "ready") is not False
            for each in self.storage.views(ENDPOINT_SLICE, namespace)
            if each.labels.get("kubernetes.io/service-name") == name
            for endpoint in each.trees("endpoints")
        )


def _as_it_is(_item: JsonObject) -> None:
    """It admits the object without a change."""
