"""The kinds that an investigation reads, as the REST API names them."""

from __future__ import annotations

from kubernaut.ports import Resource

PODS = Resource("v1", "Pod", "pods")
REPLICA_SETS = Resource("apps/v1", "ReplicaSet", "replicasets")
DEPLOYMENTS = Resource("apps/v1", "Deployment", "deployments")
STATEFUL_SETS = Resource("apps/v1", "StatefulSet", "statefulsets")
DAEMON_SETS = Resource("apps/v1", "DaemonSet", "daemonsets")
CONTROLLER_REVISIONS = Resource("apps/v1", "ControllerRevision", "controllerrevisions")
JOBS = Resource("batch/v1", "Job", "jobs")
SERVICES = Resource("v1", "Service", "services")
ENDPOINT_SLICES = Resource("discovery.k8s.io/v1", "EndpointSlice", "endpointslices")
CONFIG_MAPS = Resource("v1", "ConfigMap", "configmaps")
SECRETS = Resource("v1", "Secret", "secrets")
EVENTS = Resource("v1", "Event", "events")
QUOTAS = Resource("v1", "ResourceQuota", "resourcequotas")
CLAIMS = Resource("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
AUTOSCALERS = Resource("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
NODES = Resource("v1", "Node", "nodes", namespaced=False)
LEASES = Resource("coordination.k8s.io/v1", "Lease", "leases")

OF_A_NAMESPACE = (
    PODS,
    REPLICA_SETS,
    DEPLOYMENTS,
    STATEFUL_SETS,
    DAEMON_SETS,
    CONTROLLER_REVISIONS,
    JOBS,
    SERVICES,
    ENDPOINT_SLICES,
    CONFIG_MAPS,
    SECRETS,
    EVENTS,
    QUOTAS,
    CLAIMS,
    AUTOSCALERS,
)
