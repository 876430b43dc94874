"""Signs that somebody, or something, wants it so: what is intended is not a fault."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubernaut.domain.objects import KubeObject
from kubernaut.domain.provenance import last_applied, last_writer
from kubernaut.investigation import facts
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.limits import autoscalers_of
from kubernaut.investigation.scene import Scene
from kubernaut.investigation.subjects import Node, Workload

_FALSE = frozenset({"false", "no", "0", "off"})
_OURS = r"kubernaut\.ai/(?:intended|maintenance)|maintenance(?![-_.]?(?:window|schedule))"
# What schedulers of sleep and of scale to zero leave: kube-downscaler, kube-green, KEDA, Knative, Sablier, Snorlax.
_ASLEEP = re.compile(
    rf"{_OURS}|^downscaler/(?!exclude)|kube-green\.|^scaledobject\.keda\.sh/|autoscaling\.keda\.sh/|snorlax"
    r"|^autoscaling\.knative\.dev/|^serving\.knative\.dev/|^sablier\.|scale-?to-?zero|hibernat|elastigroup"
    r"|(?:^|[/.-])(?:sleep|asleep|dormant|parked|intended|scaled-?down)(?:[/.-]|$)",
    re.IGNORECASE,
)
# Marks that go when the work on the node is done; lasting ones (an upgrade plan's hash, the last reboot) say nothing.
_NODE_WORK = re.compile(
    rf"{_OURS}|kured-reboot-in-progress|medik8s|drain-requested"
    r"|cluster\.x-k8s\.io/delete|cordon-?(?:reason|by)|decommission",
    re.IGNORECASE,
)
_NODE_TAINTS = re.compile(
    r"(?:ToBeDeletedBy|DeletionCandidateOf)ClusterAutoscaler|karpenter\.sh/disrupt|node\.kubernetes\.io/out-of-service"
    r"|maintenance|medik8s|upgrad|aws-node-termination-handler|cloud\.google\.com/impending-node-termination",
    re.IGNORECASE,
)
_OPENSHIFT = "machineconfiguration.openshift.io/state"
_PAUSE = re.compile(
    r"kubernaut\.ai/intended|on-purpose|paused-by|freeze|maintenance|do-not-|flagger|rollouts?\.", re.IGNORECASE
)
_ACTORS = re.compile(r"keda|downscaler|kube-green|knative|sablier|karpenter|cluster-autoscaler|kured", re.IGNORECASE)


def _marks(item: KubeObject, form: re.Pattern[str]) -> Iterator[Fact]:
    """Annotations and labels that say so, unless their value denies it."""
    for part, worn in (("annotations", item.annotations), ("labels", item.labels)):
        for key, value in worn.items():
            if form.search(key) and value.strip().lower() not in _FALSE:
                text = f"{part.removesuffix('s')} {key}: {value}"
                yield facts.field(item, f"metadata.{part}[{key}]", text)


def intended_zero(workload: Workload) -> list[Fact]:
    """Why zero replicas are wanted, empty where nothing says so."""
    item, scene = workload.object, workload.scene
    found = list(_marks(item, _ASLEEP))
    namespace = scene.get("Namespace", "", item.namespace)
    if namespace:
        found += _marks(namespace, _ASLEEP)
    owner = item.controller
    if owner is not None:
        found.append(
            facts.field(item, "metadata.ownerReferences", f"{owner.kind} {owner.name} decides about its replicas")
        )
    applied = last_applied(item)
    if applied is not None and applied.at("spec", "replicas") == 0:
        found.append(facts.field(item, "metadata.annotations[last-applied]", "applied with replicas: 0"))
    author = last_writer(item, "spec", "replicas")
    if author and _ACTORS.search(author.manager):
        found.append(facts.change(item, "metadata.managedFields", f"replicas were written {author}", author.at))
    return found + [_scaler(scaler) for scaler in autoscalers(workload) if _scales_to_zero(scaler)]


def autoscalers(workload: Workload) -> list[KubeObject]:
    """The HorizontalPodAutoscalers that own its replicas."""
    return autoscalers_of(workload.scene, workload.object)


def _scales_to_zero(scaler: KubeObject) -> bool:
    return scaler.name.startswith("keda-hpa-") or scaler.at("spec", "minReplicas") == 0


def _scaler(scaler: KubeObject) -> Fact:
    return facts.field(scaler, "spec.scaleTargetRef", f"autoscaler {scaler.name} may scale it to zero")


def intended_cordon(node: Node) -> list[Fact]:
    """Why the node is kept free on purpose, empty where nothing says so."""
    item = node.object
    found = list(_marks(item, _NODE_WORK))
    found += [
        facts.field(item, "spec.taints", f"taint {taint.text('key')}", taint.time("timeAdded"))
        for taint in item.trees("spec", "taints")
        if _NODE_TAINTS.search(taint.text("key"))
    ]
    if item.annotations.get(_OPENSHIFT) == "Working":
        found.append(facts.field(item, f"metadata.annotations[{_OPENSHIFT}]", "its configuration is being applied"))
    author = last_writer(item, "spec", "unschedulable")
    if author and _ACTORS.search(author.manager):
        found.append(facts.change(item, "metadata.managedFields", f"cordoned {author}", author.at))
    return found


def marked_pause(item: KubeObject) -> list[Fact]:
    """What says that a pause, or whatever else was done to the object, is meant; empty where nothing does."""
    return list(_marks(item, _PAUSE))


def intended_pause(workload: Workload) -> list[Fact]:
    """That its rollout is paused, or its Job suspended."""
    item = workload.object
    if item.kind == "Deployment" and item.flag("spec", "paused"):
        author = last_writer(item, "spec", "paused")
        by = f" {author}" if author else ""
        return [facts.field(item, "spec.paused", f"the rollout is paused{by}")]
    if item.kind == "Job" and item.flag("spec", "suspend"):
        return [facts.field(item, "spec.suspend", "the Job is suspended")]
    return []


def is_dormant(scene: Scene, workload: Workload) -> bool:
    """Whether nothing would notice that it has no pods: no Service selects it, no autoscaler is meant to run it."""
    labels = workload.template.mapping("metadata", "labels")
    place = workload.object.namespace
    if not scene.covers("Service", place) or autoscalers(workload):
        return False
    selectors = [service.mapping("spec", "selector") for service in scene.all("Service", place)]
    return not any(selector and selector.items() <= labels.items() for selector in selectors)
