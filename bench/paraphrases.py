"""Incidents as they are remembered, and the same faults as people describe them.

Written once and kept apart from the embedders: nothing was tuned on them, and no paraphrase was changed after its
recall was seen. Each fault has texts in the words of Kubernetes, as the memory keeps them, and five sentences in other
words; the slots are filled with names that say nothing about the fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

NAMES = ("checkout", "ledger")


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault: what is remembered of it, and how people put it."""

    remembered: Sequence[str]
    said: Sequence[str]


FAULTS: Mapping[str, Fault] = {
    "memory_limit_too_low": Fault(
        (
            "kube pod crash looping, deployment\nmemory limit too low\nThe container is killed at its memory limit\n"
            "last state: terminated, reason OOMKilled, exit code 137",
            "container oom killed, statefulset\nmemory limit too low\nOOMKilled 4 times, limit 128Mi",
        ),
        (
            "{name} keeps running out of RAM and the kernel ends it",
            "exit code 137 on {name} again, it needs more memory than it is given",
            "{name} dies whenever its heap grows past the cap",
            "the process of {name} was shot by the out-of-memory killer",
            "{name} restarts because its memory allowance is too small",
        ),
    ),
    "image_not_found": Fault(
        (
            "kube pod not ready, deployment\nimage not found\nThe tag does not exist in the registry\n"
            "Failed to pull image: manifest unknown: not found",
            "kube deployment replicas mismatch, deployment\nimage not found\nImagePullBackOff: tag not found",
        ),
        (
            "{name} cannot start, somebody mistyped the version of the image",
            "the registry has no such tag for {name}",
            "new pods of {name} hang because the container image does not exist",
            "ImagePullBackOff on {name}, that build was never pushed",
            "nodes cannot download the image of {name}: manifest unknown",
        ),
    ),
    "image_pull_unauthorized": Fault(
        (
            "kube pod not ready, deployment\nimage pull unauthorized\nThe registry refuses the credentials\n"
            "Failed to pull image: 401 Unauthorized: authentication required",
            "kube container waiting, cronjob\nimage pull unauthorized\npull access denied, no imagePullSecret",
        ),
        (
            "{name} has no permission to fetch its private image",
            "the pull secret of {name} is wrong, access denied",
            "registry login of {name} fails with 401",
            "authentication is required to download the image of {name}",
            "{name} waits since the registry password expired",
        ),
    ),
    "insufficient_resources": Fault(
        (
            "kube pod not ready, deployment\ninsufficient resources\nNo node has enough free CPU\n"
            "0/5 nodes are available: 5 Insufficient cpu",
            "kube pod pending, statefulset\ninsufficient resources\nFailedScheduling: Insufficient memory",
        ),
        (
            "{name} stays pending, the cluster is full",
            "there is not enough CPU left anywhere to place {name}",
            "the scheduler finds no machine with room for {name}",
            "{name} asks for more memory than any node has free",
            "pods of {name} cannot be placed for lack of capacity",
        ),
    ),
    "node_selector_unmatched": Fault(
        (
            "kube pod not ready, deployment\nnode selector matches no node\n"
            "0/5 nodes are available: 5 node(s) didn't match Pod's node affinity/selector",
            "kube pod pending, job\nnode selector matches no node\nnodeSelector disktype=nvme, no node has the label",
        ),
        (
            "{name} is pending, it wants nodes with a label that none carries",
            "no machine fits the affinity of {name}",
            "the nodeSelector of {name} names a pool that is gone",
            "{name} cannot be scheduled, its node affinity excludes every node",
            "placement rules of {name} match nothing in the fleet",
        ),
    ),
    "missing_configmap": Fault(
        (
            "kube pod not ready, deployment\nmissing configmap\nThe ConfigMap that it mounts does not exist\n"
            'MountVolume.SetUp failed: configmap "settings" not found',
            "kube container waiting, deployment\nmissing configmap\nCreateContainerConfigError: configmap not found",
        ),
        (
            "{name} does not come up, the config map it refers to was deleted",
            "the configuration object of {name} is missing from the namespace",
            "{name} waits for a ConfigMap that nobody created",
            "container config error on {name}: its settings are not there",
            "a mounted configmap of {name} cannot be found",
        ),
    ),
    "missing_secret": Fault(
        (
            "kube pod not ready, deployment\nmissing secret\nThe Secret that it reads does not exist\n"
            'CreateContainerConfigError: secret "db-credentials" not found',
            "kube container waiting, statefulset\nmissing secret\nMountVolume.SetUp failed: secret not found",
        ),
        (
            "{name} cannot start as its secret is gone",
            "the credentials object of {name} was never created in this namespace",
            "{name} refers to a Secret that does not exist",
            "someone deleted the secret that {name} takes its password from",
            "secret not found when the container of {name} is made",
        ),
    ),
    "readiness_probe_wrong": Fault(
        (
            "kube deployment replicas mismatch, deployment\nreadiness probe wrong\nThe readiness probe asks a port on "
            "which nothing listens\nReadiness probe failed: connection refused",
            "kube pod not ready, deployment\nreadiness probe wrong\nReadiness probe failed: HTTP 404",
        ),
        (
            "{name} runs but never becomes ready, the check hits the wrong port",
            "the readiness check of {name} asks for a path that does not exist",
            "{name} gets no traffic since its readiness probe is refused",
            "pods of {name} stay unready, readiness is asked on a closed port",
            "wrong readinessProbe in {name} keeps the rollout from finishing",
        ),
    ),
    "liveness_probe_too_strict": Fault(
        (
            "kube pod crash looping, deployment\nliveness probe too strict\nThe kubelet restarts it before it has "
            "started\nLiveness probe failed: context deadline exceeded",
            "container restarts, deployment\nliveness probe too strict\nkilled by its liveness probe while starting",
        ),
        (
            "{name} is restarted over and over as its liveness check gives up too early",
            "slow start of {name}, the liveness probe kills it before it is up",
            "the kubelet keeps killing {name}: liveness timeout is one second",
            "{name} would be fine if the liveness probe waited longer",
            "liveness deadline of {name} is shorter than its start-up",
        ),
    ),
    "crash_after_change": Fault(
        (
            "kube pod crash looping, deployment\ncrash after change\nEvery pod of the new revision exits with 1\n"
            "flag provided but not defined; the revision before was healthy",
            "kube deployment rollout stuck, deployment\ncrash after change\nexit code 1 since the last rollout",
        ),
        (
            "since the last release {name} crashes on start",
            "the new version of {name} exits right away, the old one worked",
            "{name} broke with today's deploy",
            "rollout of {name} is stuck because the new revision falls over",
            "a bad deployment: {name} crash loops after the update",
        ),
    ),
    "service_selector_mismatch": Fault(
        (
            "service has no endpoints, service\nservice selector mismatch\nThe selector matches no pod\n"
            "endpoints: none; selector app=web, pods carry app=frontend",
            "service has no endpoints, service\nservice selector mismatch\nselector and pod labels differ",
        ),
        (
            "the service of {name} finds no backends, its labels do not fit",
            "{name} has no endpoints although its pods are healthy: selector is wrong",
            "traffic to {name} goes nowhere, the selector picks no pods",
            "labels of the {name} pods and the service's selector differ",
            "no endpoint behind service {name}, label mismatch",
        ),
    ),
    "service_port_wrong": Fault(
        (
            "service unreachable, service\nservice port wrong\nThe target port of the Service is not one that a "
            "container listens on\ntargetPort 8081, container listens on 8080",
            "http errors, service\nservice port wrong\nconnection refused on the target port",
        ),
        (
            "the service of {name} forwards to a port that the container does not open",
            "targetPort of {name} is off by one",
            "connections to {name} are refused, the service maps to the wrong container port",
            "service {name} points at port 9090 while the process listens on 8080",
            "wrong port mapping in the service of {name}",
        ),
    ),
    "scaled_to_zero": Fault(
        (
            "service has no endpoints, deployment\nscaled to zero\nThe Deployment has 0 replicas\nspec.replicas is 0",
            "kube deployment replicas mismatch, deployment\nscaled to zero\nsomebody set replicas to 0",
        ),
        (
            "{name} was scaled down to nothing",
            "somebody set the replicas of {name} to zero",
            "no instances of {name} are wanted, replica count is 0",
            "{name} is off: its deployment asks for zero pods",
            "the number of replicas of {name} was put to 0 by hand",
        ),
    ),
    "quota_exceeded": Fault(
        (
            "kube deployment replicas mismatch, deployment\nquota exceeded\nThe quota of the namespace is used up\n"
            "pods is forbidden: exceeded quota: requests.cpu",
            "kube quota exceeded, namespace\nquota exceeded\nFailedCreate: exceeded quota: limits.memory",
        ),
        (
            "{name} cannot get more pods, the namespace has used its quota",
            "the resource quota of the team is exhausted so {name} does not scale",
            "creating pods of {name} is forbidden: quota exceeded",
            "{name} hits the namespace's ResourceQuota for cpu",
            "pods of {name} are rejected as the quota is full",
        ),
    ),
    "node_not_ready": Fault(
        (
            "kube node not ready, node\nnode not ready\nThe kubelet stopped posting status\nKubelet stopped posting "
            "node status; pods are being evicted",
            "kube node unreachable, node\nnode not ready\nNodeStatusUnknown, last heartbeat minutes ago",
        ),
        (
            "the machine under {name} is gone, its kubelet has not been heard of",
            "node NotReady, {name} was on it",
            "a worker lost contact with the control plane and took {name} along",
            "the node that ran {name} stopped sending heartbeats",
            "{name} is unreachable since its node went down",
        ),
    ),
    "disk_pressure": Fault(
        (
            "kube node disk pressure, node\ndisk pressure\nThe node is short of disk and evicts pods\n"
            "The node was low on resource: ephemeral-storage",
            "node filesystem almost full, node\ndisk pressure\nDiskPressure, image garbage collection failed",
        ),
        (
            "{name} was evicted, the disk of the node is full",
            "the node's file system ran full and {name} was thrown out",
            "disk pressure on the machine of {name}",
            "no space left on the node, pods such as {name} are evicted",
            "images and logs filled the disk under {name}",
        ),
    ),
    "claim_unbound": Fault(
        (
            "kube persistent volume claim pending, statefulset\nclaim unbound\nNo volume fits the claim\n"
            'storageclass.storage.k8s.io "fast" not found',
            "kube pod pending, statefulset\nclaim unbound\npod has unbound immediate PersistentVolumeClaims",
        ),
        (
            "{name} waits for its volume, the claim is not bound",
            "the storage class of {name}'s volume claim does not exist",
            "no persistent volume can be provided for {name}",
            "PVC of {name} is pending for an hour",
            "{name} is pending since its disk was never provisioned",
        ),
    ),
    "dns_fails": Fault(
        (
            "http errors, deployment\ndns fails\nNames cannot be resolved\n"
            "dial tcp: lookup payments on the cluster's resolver: no such host",
            "coredns errors, deployment\ndns fails\nlookup: i/o timeout, SERVFAIL",
        ),
        (
            "{name} cannot resolve host names",
            "DNS look-ups of {name} time out",
            "name resolution is broken for {name}: no such host",
            "{name} fails as the resolver answers SERVFAIL",
            "the cluster DNS does not answer {name}",
        ),
    ),
    "certificate_rejected": Fault(
        (
            "http errors, deployment\ncertificate rejected\nThe certificate has expired\n"
            "x509: certificate has expired or is not yet valid",
            "tls handshake failures, ingress\ncertificate rejected\nx509: certificate signed by unknown authority",
        ),
        (
            "TLS of {name} is broken, the certificate ran out",
            "clients of {name} refuse its expired certificate",
            "x509 error when {name} is called: validity date has passed",
            "handshake with {name} fails, its cert is not trusted",
            "the SSL certificate of {name} was not renewed in time",
        ),
    ),
    "dependency_unreachable": Fault(
        (
            "http errors, deployment\ndependency unreachable\nIt cannot connect to its database\n"
            "dial tcp: connect: connection refused; postgres is not accepting connections",
            "kube pod crash looping, deployment\ndependency unreachable\ncould not connect to server: timed out",
        ),
        (
            "{name} cannot reach its database",
            "the database that {name} talks to refuses connections",
            "{name} fails because a service it depends on is down",
            "connection to postgres times out in {name}",
            "{name} exits as its backend does not accept connections",
        ),
    ),
}

# Other things that are remembered, so that there is something to be mistaken for.
DISTRACTORS: Sequence[str] = (
    "kube job failed, job\njob failed\nThe job reached its back-off limit",
    "kube cron job suspended, cronjob\ncronjob suspended\nspec.suspend is true",
    "cron job missed, cronjob\ncronjob misses\nCannot determine if job needs to be started: missed start times",
    "kube hpa maxed out, horizontalpodautoscaler\nautoscaler at limit\nwanted more than maxReplicas",
    "kube hpa blind, horizontalpodautoscaler\nautoscaler blind\nunable to get metrics for resource cpu",
    "pod eviction blocked, poddisruptionbudget\ndisruption budget blocks\nCannot evict pod: budget is used up",
    "kube pod not ready, deployment\nhost port taken\n0/5 nodes are available: didn't have free ports",
    "http errors, ingress\ningress misrouted\nThe ingress names a service that does not exist",
    "api errors, deployment\napi forbidden\nUser system:serviceaccount cannot list resource pods",
    "kube namespace stuck, namespace\nnamespace terminating\nfinalizers remain: kubernetes",
    "kube pod crash looping, deployment\ncommand not found\nexec: no such file or directory",
    "kube pod crash looping, deployment\ncommand not executable\nexec: permission denied",
    "kube pod not ready, statefulset\nvolume attached elsewhere\nMulti-Attach error for volume",
    "kube pod crash looping, deployment\nfilesystem denied\nread-only file system",
    "kube node memory pressure, node\nevicted by node\nThe node was low on resource: memory",
    "webhook failures, deployment\nwebhook blocks\nfailed calling webhook: context deadline exceeded",
    "kube daemonset rollout stuck, daemonset\ntaint not tolerated\nnode(s) had untolerated taint",
    "kube pod not ready, deployment\ninit container fails\nInit:CrashLoopBackOff, migration exits 1",
    "http latency high, deployment\ncpu throttled\ncontainer throttled 70 % of its periods",
    "kube client certificate expiration, node\nkubelet certificate expires\nrotation failed",
)


def remembered() -> list[tuple[str, str]]:
    """(fault, text) of everything that the memory holds; a distractor has no fault."""
    known = [(fault, text) for fault, texts in FAULTS.items() for text in texts.remembered]
    return [*known, *(("", text) for text in DISTRACTORS)]


def paraphrases() -> Iterator[tuple[str, str]]:
    """(fault, description): 200 of them."""
    for fault, texts in FAULTS.items():
        for said, name in product(texts.said, NAMES):
            yield fault, said.format(name=name)
