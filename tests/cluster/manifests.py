"""Kubernetes objects of the test application, as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.cluster.images import REGISTRY

IMAGE = f"{REGISTRY}/storefront:1.0"
PORT = 8080


@dataclass(frozen=True)
class Storefront:
    """A Deployment of the test application in the words a test needs."""

    namespace: str
    name: str = "storefront"
    image: str = IMAGE
    replicas: int = 1
    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    memory: str = ""  # limit and request; empty: none
    labels: Mapping[str, str] = field(default_factory=dict)

    def deployment(self) -> dict[str, object]:
        container: dict[str, object] = {
            "name": "storefront",
            "image": self.image,
            "args": list(self.arguments),
            "env": [{"name": name, "value": value} for name, value in self.environment.items()],
            "ports": [{"containerPort": PORT}],
            "readinessProbe": {"httpGet": {"path": "/healthz", "port": PORT}, "periodSeconds": 1},
        }
        if self.memory:
            container["resources"] = {"limits": {"memory": self.memory}}
        selector = {"app": self.name}
        template = {
            "metadata": {"labels": selector},
            "spec": {"terminationGracePeriodSeconds": 2, "containers": [container]},
        }
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": self.name, "namespace": self.namespace, "labels": dict(self.labels)},
            "spec": {
                "replicas": self.replicas,
                "progressDeadlineSeconds": 10,
                "selector": {"matchLabels": selector},
                "template": template,
            },
        }

    def service(self) -> dict[str, object]:
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "spec": {"selector": {"app": self.name}, "ports": [{"port": 80, "targetPort": PORT}]},
        }
