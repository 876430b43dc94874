"""Workloads that ran well and were then broken, each in a namespace of its own, as people break them."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Final

from kubernaut.domain.objects import JsonObject, KubeObject, Tree
from tests.cluster.autopilot import MANAGED
from tests.cluster.cluster import Cluster, Manifest
from tests.cluster.manifests import IMAGE, Storefront

# Filling a cache of 24 MiB needs more than 40 MiB and less than 80; one of 96 MiB needs far more than 80.
LIMIT: Final = "40Mi"
TWICE: Final = "80Mi"
SMALL_CACHE: Final = "--cache-mib=24"
LARGE_CACHE: Final = "--cache-mib=96"
WRONG_FLAG: Final = "--cache-ttl=30s"

Break = Callable[[Cluster, Storefront], None]


@dataclass(frozen=True)
class Fault:
    """What is deployed first, and how it is broken then; None where it never ran well."""

    shop: Callable[[str], Storefront]
    break_it: Break | None = None
    managed: bool = True
    # Without ready pods its Service is an incident of its own, and either of the two may mend the Deployment.
    has_service: bool = True

    def manifests(self, shop: Storefront) -> list[Manifest]:
        """What is deployed."""
        return [shop.deployment(), *([shop.service()] if self.has_service else [])]


@dataclass(frozen=True)
class Broken:
    """A broken workload, and its Deployment and Service as they were deployed, and right after they were broken."""

    shop: Storefront
    before: Mapping[str, JsonObject]
    after: Mapping[str, JsonObject]

    @property
    def namespace(self) -> str:
        return self.shop.namespace


def read_object(cluster: Cluster, what: str, namespace: str) -> JsonObject:
    found: JsonObject = json.loads(cluster.kubectl("get", what, f"--namespace={namespace}", "--output=json"))
    return found


def roll_to(image: str = "", arguments: tuple[str, ...] = ()) -> Break:
    """Rolls the Deployment on, as a release does."""

    def roll(cluster: Cluster, shop: Storefront) -> None:
        cluster.apply(replace(shop, image=image or shop.image, arguments=arguments or shop.arguments).deployment())

    return roll


def patch_service(patch: JsonObject) -> Break:
    """Edits the Service, as by hand."""

    def edit(cluster: Cluster, shop: Storefront) -> None:
        cluster.kubectl(
            "patch", f"service/{shop.name}", f"--namespace={shop.namespace}", f"--patch={json.dumps(patch)}"
        )

    return edit


FAULTS: Final[Mapping[str, Fault]] = {
    "image": Fault(lambda where: Storefront(where, replicas=2), roll_to(image=IMAGE.replace(":1.0", ":1.0.7"))),
    "flag": Fault(lambda where: Storefront(where, replicas=2), roll_to(arguments=(WRONG_FLAG,))),
    "memory": Fault(lambda where: Storefront(where, arguments=(SMALL_CACHE,), memory=LIMIT), has_service=False),
    "selector": Fault(Storefront, patch_service({"spec": {"selector": {"app": "store-front"}}})),
    "leak": Fault(lambda where: Storefront(where, arguments=(LARGE_CACHE,), memory=LIMIT), has_service=False),
    "storm": Fault(Storefront, roll_to(arguments=(WRONG_FLAG,))),
    "unlabelled": Fault(Storefront, roll_to(arguments=(WRONG_FLAG,)), managed=False),
    # No rule of ours sees a port that nobody listens on, so no alert of Prometheus disturbs.
    "unseen": Fault(Storefront, patch_service({"spec": {"ports": [{"port": 80, "targetPort": 8081}]}})),
}


@contextmanager
def broken(cluster: Cluster, faults: Mapping[str, Fault]) -> Iterator[dict[str, Broken]]:
    """All faults at once, in new namespaces."""
    with ExitStack() as stack:
        shops = {
            name: fault.shop(stack.enter_context(cluster.namespace(name, **(MANAGED if fault.managed else {}))))
            for name, fault in faults.items()
        }
        for_shops = [(faults[name], shop) for name, shop in shops.items()]
        cluster.apply(*(item for fault, shop in for_shops for item in fault.manifests(shop)))
        before = _seen(cluster)
        for fault, shop in for_shops:
            if fault.break_it is not None:
                wanted = str(shop.replicas)
                cluster.wait_for("deployment/storefront", ".status.availableReplicas", wanted, namespace=shop.namespace)
        for fault, shop in for_shops:
            if fault.break_it is not None:
                fault.break_it(cluster, shop)
        after = _seen(cluster)
        yield {name: Broken(shop, before[shop.namespace], after[shop.namespace]) for name, shop in shops.items()}


def _seen(cluster: Cluster) -> dict[str, dict[str, JsonObject]]:
    """All Deployments and Services as they are, by namespace and kind."""
    listed = Tree(json.loads(cluster.kubectl("get", "deployments,services", "--all-namespaces", "--output=json")))
    seen: dict[str, dict[str, JsonObject]] = {}
    for item in listed.trees("items"):
        found = KubeObject(item.raw)
        if found.name == "storefront":
            seen.setdefault(found.namespace, {})[found.kind.lower()] = dict(found.raw)
    return seen


def apart_from_bookkeeping(item: JsonObject) -> JsonObject:
    """The object without status, versions, managed fields and revision, which every write moves on."""
    found = KubeObject(item)
    moving = {"resourceVersion", "generation", "managedFields"}
    metadata = {key: value for key, value in found.tree("metadata").raw.items() if key not in moving}
    metadata["annotations"] = {
        key: value for key, value in found.annotations.items() if key != "deployment.kubernetes.io/revision"
    }
    return {**{key: value for key, value in item.items() if key != "status"}, "metadata": metadata}
