"""The kinds that we read, as the REST API names them. One table, so that no plural is spelled twice."""

from __future__ import annotations

from kubernaut.domain.objects import ObjectRef
from kubernaut.ports import Resource

POD = Resource("v1", "Pod", "pods")
SERVICE = Resource("v1", "Service", "services")
CONFIG_MAP = Resource("v1", "ConfigMap", "configmaps")
SECRET = Resource("v1", "Secret", "secrets")
EVENT = Resource("v1", "Event", "events")
NAMESPACE = Resource("v1", "Namespace", "namespaces", namespaced=False)
NODE = Resource("v1", "Node", "nodes", namespaced=False)
ENDPOINTS = Resource("v1", "Endpoints", "endpoints")
RESOURCE_QUOTA = Resource("v1", "ResourceQuota", "resourcequotas")
LIMIT_RANGE = Resource("v1", "LimitRange", "limitranges")
SERVICE_ACCOUNT = Resource("v1", "ServiceAccount", "serviceaccounts")
VOLUME_CLAIM = Resource("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
VOLUME = Resource("v1", "PersistentVolume", "persistentvolumes", namespaced=False)
REPLICATION_CONTROLLER = Resource("v1", "ReplicationController", "replicationcontrollers")
DEPLOYMENT = Resource("apps/v1", "Deployment", "deployments")
REPLICA_SET = Resource("apps/v1", "ReplicaSet", "replicasets")
STATEFUL_SET = Resource("apps/v1", "StatefulSet", "statefulsets")
DAEMON_SET = Resource("apps/v1", "DaemonSet", "daemonsets")
CONTROLLER_REVISION = Resource("apps/v1", "ControllerRevision", "controllerrevisions")
JOB = Resource("batch/v1", "Job", "jobs")
CRON_JOB = Resource("batch/v1", "CronJob", "cronjobs")
AUTOSCALER = Resource("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
DISRUPTION_BUDGET = Resource("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")
ENDPOINT_SLICE = Resource("discovery.k8s.io/v1", "EndpointSlice", "endpointslices")
INGRESS = Resource("networking.k8s.io/v1", "Ingress", "ingresses")
NETWORK_POLICY = Resource("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
STORAGE_CLASS = Resource("storage.k8s.io/v1", "StorageClass", "storageclasses", namespaced=False)
LEASE = Resource("coordination.k8s.io/v1", "Lease", "leases")
PRIORITY_CLASS = Resource("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", namespaced=False)
INGRESS_CLASS = Resource("networking.k8s.io/v1", "IngressClass", "ingressclasses", namespaced=False)
ROLE = Resource("rbac.authorization.k8s.io/v1", "Role", "roles")
ROLE_BINDING = Resource("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings")
CLUSTER_ROLE = Resource("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", namespaced=False)
CLUSTER_ROLE_BINDING = Resource(
    "rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings", namespaced=False
)
MUTATING_WEBHOOKS = Resource(
    "admissionregistration.k8s.io/v1",
    "MutatingWebhookConfiguration",
    "mutatingwebhookconfigurations",
    namespaced=False,
)
VALIDATING_WEBHOOKS = Resource(
    "admissionregistration.k8s.io/v1",
    "ValidatingWebhookConfiguration",
    "validatingwebhookconfigurations",
    namespaced=False,
)

RESOURCES: tuple[Resource, ...] = tuple(value for value in globals().values() if isinstance(value, Resource))
CLUSTER_WIDE: frozenset[str] = frozenset(resource.kind for resource in RESOURCES if not resource.namespaced)
_BY_KIND = {(resource.api_version, resource.kind): resource for resource in RESOURCES}


def find_resource(api_version: str, kind: str) -> Resource | None:
    """The resource of that kind, None where it is not in the table."""
    return _BY_KIND.get((api_version, kind))


def resource_of(ref: ObjectRef) -> Resource | None:
    """The resource of the object's kind, None where it is not in the table."""
    return find_resource(ref.api_version, ref.kind)


def api_group(resource: Resource) -> str:
    """The API group as RBAC writes it: empty for `v1`."""
    return resource.api_version.rpartition("/")[0]
