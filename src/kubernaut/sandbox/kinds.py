"""The kinds the sandbox serves, as its discovery documents list them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource of the API. `stored_as` names the kind whose objects it shows (both event groups share theirs)."""

    group: str
    version: str
    name: str
    plural: str
    namespaced: bool = True
    short: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    stored_as: str = ""

    @property
    def api_version(self) -> str:
        """Such as `v1` or `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def key(self) -> str:
        """The key of its objects in the storage: `deployments.apps`, or `pods`."""
        return self.stored_as or self.qualified

    @property
    def qualified(self) -> str:
        """`deployments.apps` or `pods`, as error messages name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


_ALL = ("all",)
_STATUS = ("status",)
_SCALED = ("scale", "status")

POD = Kind("", "v1", "Pod", "pods", short=("po",), subresources=("eviction", "log", "status"), categories=_ALL)
NODE = Kind("", "v1", "Node", "nodes", namespaced=False, short=("no",), subresources=_STATUS)
NAMESPACE = Kind(
    "", "v1", "Namespace", "namespaces", namespaced=False, short=("ns",), subresources=("finalize", "status")
)
SERVICE = Kind("", "v1", "Service", "services", short=("svc",), subresources=_STATUS, categories=_ALL)
ENDPOINTS = Kind("", "v1", "Endpoints", "endpoints", short=("ep",))
CONFIG_MAP = Kind("", "v1", "ConfigMap", "configmaps", short=("cm",))
SECRET = Kind("", "v1", "Secret", "secrets")
EVENT = Kind("", "v1", "Event", "events", short=("ev",))
SERVICE_ACCOUNT = Kind("", "v1", "ServiceAccount", "serviceaccounts", short=("sa",))
RESOURCE_QUOTA = Kind("", "v1", "ResourceQuota", "resourcequotas", short=("quota",), subresources=_STATUS)
CLAIM = Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", short=("pvc",), subresources=_STATUS)
DEPLOYMENT = Kind("apps", "v1", "Deployment", "deployments", short=("deploy",), subresources=_SCALED, categories=_ALL)
REPLICA_SET = Kind("apps", "v1", "ReplicaSet", "replicasets", short=("rs",), subresources=_SCALED, categories=_ALL)
STATEFUL_SET = Kind("apps", "v1", "StatefulSet", "statefulsets", short=("sts",), subresources=_SCALED, categories=_ALL)
DAEMON_SET = Kind("apps", "v1", "DaemonSet", "daemonsets", short=("ds",), subresources=_STATUS, categories=_ALL)
CONTROLLER_REVISION = Kind("apps", "v1", "ControllerRevision", "controllerrevisions")
JOB = Kind("batch", "v1", "Job", "jobs", subresources=_STATUS, categories=_ALL)
CRON_JOB = Kind("batch", "v1", "CronJob", "cronjobs", short=("cj",), subresources=_STATUS, categories=_ALL)
AUTOSCALER = Kind(
    "autoscaling",
    "v2",
    "HorizontalPodAutoscaler",
    "horizontalpodautoscalers",
    short=("hpa",),
    subresources=_STATUS,
    categories=_ALL,
)
PRIORITY_CLASS = Kind("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", namespaced=False, short=("pc",))
MUTATING_WEBHOOKS = Kind(
    "admissionregistration.k8s.io",
    "v1",
    "MutatingWebhookConfiguration",
    "mutatingwebhookconfigurations",
    namespaced=False,
)
VALIDATING_WEBHOOKS = Kind(
    "admissionregistration.k8s.io",
    "v1",
    "ValidatingWebhookConfiguration",
    "validatingwebhookconfigurations",
    namespaced=False,
)
BUDGET = Kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", short=("pdb",), subresources=_STATUS)
NEW_EVENT = Kind("events.k8s.io", "v1", "Event", "events", short=("ev",), stored_as="events")
ENDPOINT_SLICE = Kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices")
LEASE = Kind("coordination.k8s.io", "v1", "Lease", "leases")
CLUSTER_ROLE = Kind("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", namespaced=False)
CLUSTER_ROLE_BINDING = Kind(
    "rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", namespaced=False
)
ROLE = Kind("rbac.authorization.k8s.io", "v1", "Role", "roles")
ROLE_BINDING = Kind("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings")
ACCESS_REVIEW = Kind(
    "authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", namespaced=False
)
# Kinds of operators that many clusters have; nothing acts on them here.
EXTERNAL_SECRET = Kind("external-secrets.io", "v1", "ExternalSecret", "externalsecrets", subresources=_STATUS)
CERTIFICATE = Kind("cert-manager.io", "v1", "Certificate", "certificates", subresources=_STATUS)
REVIEWS = frozenset({ACCESS_REVIEW})

KINDS: tuple[Kind, ...] = (
    POD,
    NODE,
    NAMESPACE,
    SERVICE,
    ENDPOINTS,
    CONFIG_MAP,
    SECRET,
    EVENT,
    SERVICE_ACCOUNT,
    RESOURCE_QUOTA,
    CLAIM,
    Kind("", "v1", "PersistentVolume", "persistentvolumes", namespaced=False, short=("pv",), subresources=_STATUS),
    Kind("", "v1", "LimitRange", "limitranges", short=("limits",)),
    Kind("", "v1", "ReplicationController", "replicationcontrollers", short=("rc",), subresources=_SCALED),
    DEPLOYMENT,
    REPLICA_SET,
    STATEFUL_SET,
    DAEMON_SET,
    CONTROLLER_REVISION,
    JOB,
    CRON_JOB,
    AUTOSCALER,
    BUDGET,
    NEW_EVENT,
    ENDPOINT_SLICE,
    LEASE,
    Kind("networking.k8s.io", "v1", "Ingress", "ingresses", short=("ing",), subresources=_STATUS),
    Kind("networking.k8s.io", "v1", "IngressClass", "ingressclasses", namespaced=False),
    Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", short=("netpol",)),
    Kind("storage.k8s.io", "v1", "StorageClass", "storageclasses", namespaced=False, short=("sc",)),
    PRIORITY_CLASS,
    MUTATING_WEBHOOKS,
    VALIDATING_WEBHOOKS,
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    ROLE,
    ROLE_BINDING,
    ACCESS_REVIEW,
    EXTERNAL_SECRET,
    CERTIFICATE,
)
BY_PATH: dict[tuple[str, str, str], Kind] = {(kind.group, kind.version, kind.plural): kind for kind in KINDS}
BY_NAME: dict[tuple[str, str], Kind] = {(kind.api_version, kind.name): kind for kind in KINDS}
STORED: tuple[Kind, ...] = tuple(kind for kind in KINDS if not kind.stored_as and kind not in REVIEWS)
