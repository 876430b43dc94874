"""Webhooks that the API server asks before it stores an object."""

from __future__ import annotations

from dataclasses import dataclass

from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.domain.selectors import matches, selector_of
from kubernaut.investigation.naming import Named, named
from kubernaut.investigation.scene import Scene

KINDS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
_DEFAULT_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook of a configuration; `path` is where it stands there."""

    configuration: KubeObject
    entry: Tree
    path: str

    @property
    def name(self) -> str:
        """Such as `validate.policy.example.com`, which refusals quote."""
        return self.entry.text("name")

    @property
    def fails_closed(self) -> bool:
        """Whether nothing is admitted while it does not answer."""
        return self.entry.text("failurePolicy") != "Ignore"

    @property
    def changes_objects(self) -> bool:
        """Whether it may rewrite what it is asked about."""
        return self.configuration.kind == KINDS[0]

    @property
    def timeout_s(self) -> int:
        """How long the API server waits for it."""
        return self.entry.integer("timeoutSeconds", default=_DEFAULT_TIMEOUT_S)

    def backend(self, scene: Scene) -> Named | None:
        """The Service that answers for it; None where it is asked by a URL."""
        service = self.entry.tree("clientConfig", "service")
        if not service.raw:
            return None
        path = f"{self.path}.clientConfig.service"
        return named(scene, "Service", service.text("namespace"), service.text("name"), path)

    def asks_about(self, group: str, resource: str, operation: str = "CREATE") -> bool:
        """Whether one of its rules is about that."""
        wanted = (("apiGroups", group), ("resources", resource), ("operations", operation))
        return any(
            all({value, "*"} & {*rule.texts(part)} or "*/*" in rule.texts(part) for part, value in wanted)
            for rule in self.entry.trees("rules")
        )


def webhooks(scene: Scene) -> list[Webhook]:
    """All webhooks of the cluster."""
    return [
        Webhook(item, entry, f"webhooks[{entry.text('name')}]")
        for kind in KINDS
        for item in scene.all(kind)
        for entry in item.trees("webhooks")
    ]


def webhook_named(scene: Scene, name: str) -> Webhook | None:
    """The webhook that a refusal names: `failed calling webhook "validate.policy.example.com"`."""
    return next((hook for hook in webhooks(scene) if hook.name == name), None)


def webhooks_on_pods(scene: Scene, namespace: str) -> list[Webhook]:
    """The webhooks that are asked before a pod of the namespace is made, as far as its labels decide it."""
    found = [hook for hook in webhooks(scene) if hook.asks_about("", "pods")]
    if not any(hook.entry.tree("namespaceSelector").raw for hook in found):
        return found
    place = scene.get("Namespace", "", namespace)
    labels = {"kubernetes.io/metadata.name": namespace, **(place.labels if place else {})}
    return [hook for hook in found if matches(selector_of(hook.entry.tree("namespaceSelector")), labels)]
