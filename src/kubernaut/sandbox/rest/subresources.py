"""Scale, eviction, logs and access reviews."""

from __future__ import annotations

from datetime import timedelta

from kubernaut.domain.objects import JsonObject, KubeObject, Tree, parse_time
from kubernaut.domain.selectors import matches, selector_of
from kubernaut.sandbox.cluster import By, Cluster
from kubernaut.sandbox.controllers.housekeeping import budget_status
from kubernaut.sandbox.controllers.pods import is_ready
from kubernaut.sandbox.deletion import Deletion
from kubernaut.sandbox.failures import bad_request, too_many
from kubernaut.sandbox.kinds import BUDGET, POD, Kind
from kubernaut.sandbox.kubelet.kubelets import Kubelets
from kubernaut.sandbox.kubelet.logs import render_log
from kubernaut.sandbox.rest.authorizing import Attempt, is_allowed
from kubernaut.sandbox.rest.requests import Request
from kubernaut.sandbox.shapes import copied, section


def scale_of(item: KubeObject) -> JsonObject:
    """The Scale of a workload."""
    labels = item.mapping("spec", "selector", "matchLabels")
    metadata: JsonObject = {
        "name": item.name,
        "namespace": item.namespace,
        "uid": item.uid,
        "resourceVersion": item.resource_version,
        "creationTimestamp": item.text("metadata", "creationTimestamp"),
    }
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": metadata,
        "spec": {"replicas": item.integer("spec", "replicas")},
        "status": {
            "replicas": item.integer("status", "replicas"),
            "selector": ",".join(f"{key}={value}" for key, value in sorted(labels.items())),
        },
    }


def write_scale(cluster: Cluster, kind: Kind, item: KubeObject, scale: JsonObject, by: By) -> JsonObject:
    """The Scale after the workload got its replicas; raises the failures of an update."""
    wanted = Tree(scale)

    def edit(draft: JsonObject) -> None:
        section(draft, "spec")["replicas"] = wanted.at("spec", "replicas") or 0
        for key in ("resourceVersion", "uid"):
            if wanted.has("metadata", key):
                section(draft, "metadata")[key] = wanted.at("metadata", key)

    return scale_of(KubeObject(cluster.change(kind, item.namespace, item.name, edit, by)))


def evict(cluster: Cluster, pod: KubeObject, body: JsonObject, by: By) -> JsonObject:
    """Deletes the pod unless a disruption budget forbids it now: 429."""
    for budget in cluster.storage.views(BUDGET, pod.namespace):
        if not matches(selector_of(budget.tree("spec", "selector")), pod.labels):
            continue
        status = Tree(budget_status(cluster, budget))
        if is_ready(pod) and status.integer("disruptionsAllowed") < 1:
            cause = (
                f"The disruption budget {budget.name} needs {status.integer('desiredHealthy')} healthy pods "
                f"and has {status.integer('currentHealthy')} currently"
            )
            raise too_many("Cannot evict pod as it would violate the pod's disruption budget.", cause)
    options = Tree(body).tree("deleteOptions")
    grace = options.at("gracePeriodSeconds")
    cluster.delete(
        POD,
        pod.namespace,
        pod.name,
        by,
        Deletion(
            grace_s=grace if isinstance(grace, int) else None,
            uid=options.text("preconditions", "uid"),
            resource_version=options.text("preconditions", "resourceVersion"),
        ),
    )
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def read_log(cluster: Cluster, kubelets: Kubelets, request: Request) -> str:
    """The text of a container's log; raises 400 and 404 failures."""
    pod = cluster.get(POD, request.target.namespace, request.target.name).view
    names = [item.text("name") for item in pod.trees("spec", "containers")]
    inits = [item.text("name") for item in pod.trees("spec", "initContainers")]
    container = request.text("container")
    if not container and len(names) > 1:
        raise bad_request(
            f"a container name must be specified for pod {pod.name}, choose one of: [{' '.join([*names, *inits])}]"
        )
    container = container or names[0]
    if container not in [*names, *inits]:
        raise bad_request(f"container {container} is not valid for pod {pod.name}")
    log = kubelets.find_log(pod, container, previous=request.flag("previous"))
    since = parse_time(request.text("sinceTime"))
    if (seconds := request.integer("sinceSeconds")) is not None:
        since = cluster.clock.now() - timedelta(seconds=seconds)
    return render_log(
        log,
        tail=request.integer("tailLines"),
        since=since,
        timestamps=request.flag("timestamps"),
        limit=request.integer("limitBytes"),
    )


def review_access(cluster: Cluster, request: Request) -> JsonObject:
    """The answer to a SelfSubjectAccessReview."""
    review = copied(request.object())
    wanted = Tree(review).tree("spec", "resourceAttributes")
    attempt = Attempt(
        wanted.text("verb"),
        wanted.text("group"),
        wanted.text("resource"),
        wanted.text("subresource"),
        wanted.text("namespace"),
        wanted.text("name"),
    )
    allowed = is_allowed(cluster, request.user, attempt)
    review["status"] = {"allowed": allowed} if allowed else {"allowed": False, "reason": ""}
    return review
