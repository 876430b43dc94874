"""Rows 51, 76, 100, 102 and 110: what an operator hands on unchecked, and what only a program or its node tells.

No object of an operator is served here: what it writes into its StatefulSet is written for it. Logs are written in the
words of real clients and kernels.
"""

from __future__ import annotations

from bench.diagnosis.cases import Aim, Policy, fault
from bench.diagnosis.system import System, container, first
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.kinds import CONFIG_MAP, STATEFUL_SET
from kubernaut.sandbox.scenarios.manifests import apply_manifest
from kubernaut.sandbox.shapes import section

_OPERATED = "KubeStatefulSetReplicasMismatch KubePodNotReady KubeStatefulSetUpdateNotRolledOut"
_CRASH = "KubePodCrashLooping KubePodNotReady KubeDeploymentReplicasMismatch"
_UNREADABLE = (
    "org.apache.kafka.common.errors.RecordDeserializationException: Error deserializing key/value for partition "
    "pages-3 at offset 88213. If needed, please seek past the record to continue consumption.",
    'level=error msg="cannot decode message" topic=pages partition=3 offset=88213 err="unexpected end of JSON input"',
    "ERROR consumer: failed to deserialize record at offset 88213 of pages[3]: Unknown magic byte!",
)
_OUT_OF_TIME = (
    'level=error msg="call failed" err="context deadline exceeded" attempt=30 of=30',
    "io.grpc.StatusRuntimeException: DEADLINE_EXCEEDED: deadline exceeded after 0.049s, giving up after 30 retries",
)
_HOST = (
    "http: Accept error: accept tcp [::]:8080: accept4: too many open files; retrying in 1s",
    "dial tcp 10.96.0.31:80: connect: cannot assign requested address",
    'ERROR:  could not resize shared memory segment "/PostgreSQL.1804289383" to 8388608 bytes: No space left on device',
    "OSError: [Errno 24] Too many open files",
)


def _operated(system: System, value: str, **spec: Json) -> None:
    """An operator writes what its own object says into the StatefulSet, whose pod template nobody checks."""
    owner: JsonObject = {
        "apiVersion": "databases.example.com/v1", "kind": "ShardedStore", "name": system.target.name,
        "uid": "5b1f6d0e-7a55-4a8f-9d35-6f0f6b1b2c11", "controller": True, "blockOwnerDeletion": True,
    }  # fmt: skip

    def edit(item: JsonObject) -> None:
        section(item, "metadata")["ownerReferences"] = [owner]
        section(item, "spec", "template", "spec").update(spec)
        section(item, "spec", "template", "metadata", "annotations")["applied"] = value

    by = By(f"{system.names.word()}-operator")
    system.change(STATEFUL_SET, system.namespace, system.target.name, edit, by)


@fault(51, "pod_template_invalid", Policy.APPROVE, alerts=_OPERATED, kinds=("StatefulSet",), written=True)
def user_that_cannot_be(system: System) -> None:
    _operated(system, "1", securityContext={"runAsUser": -1})


@fault(76, "pod_template_invalid", Policy.APPROVE, alerts=_OPERATED, kinds=("StatefulSet",), written=True)
def toleration_that_cannot_be(system: System) -> None:
    toleration: JsonObject = {"key": "dedicated", "operator": "Exists", "effect": "TAKE_SOME_EFFECT"}
    _operated(system, "2", tolerations=[toleration])


@fault(100, "record_not_readable", Policy.ESCALATE, alerts=f"{_CRASH} KafkaConsumerGroupLag", written=True)
def one_record_ends_it(system: System) -> None:
    """The consumer ends at a record that it cannot read, and begins again before that record."""
    line = system.names.one(*_UNREADABLE)
    system.strike(1, line, line, after_s=7)


def _consuming(system: System) -> None:
    """The target reads a topic."""
    topic: JsonObject = {"name": "KAFKA_TOPIC", "value": "pages"}
    system.dress(lambda item: first(item).update(env=[*system.target.environment(), topic]))


@fault(
    100, "record_not_readable", Policy.ESCALATE, alerts="KafkaConsumerGroupLag HighErrorRate", written=True,
    prepare=_consuming,
)  # fmt: skip
def one_record_holds_it_up(system: System) -> None:
    """The consumer runs on, and tries the same record for ever."""
    _said(system, *[system.names.one(*_UNREADABLE)] * 6)


def _said(system: System, *lines: str) -> None:
    for pod in system.pods():
        for spec in pod.trees("spec", "containers"):
            log = system.universe.kubelets.find_log(pod, spec.text("name"), previous=False)
            log.add(system.clock.now(), *lines)


def _patient(system: System) -> None:
    """How long it waits and how often it tries comes from a ConfigMap that was applied."""
    content: JsonObject = {"UPSTREAM_TIMEOUT": "5s", "UPSTREAM_RETRIES": "2"}
    metadata: JsonObject = {"name": f"{system.target.name}-calls", "namespace": system.namespace}
    apply_manifest(system.cluster, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": content})
    system.dress(lambda item: first(item).update(envFrom=[{"configMapRef": {"name": f"{system.target.name}-calls"}}]))


@fault(
    102, "patience_changed", Policy.ESCALATE, alerts="HighErrorRate SloBurnRateHigh", written=True, prepare=_patient,
)  # fmt: skip
def tries_often_and_waits_little(system: System) -> Aim | None:
    """Less patience and more tries come from an edited map, or with a release; what the program says is written."""
    wanted = {"UPSTREAM_TIMEOUT": "50ms", "UPSTREAM_RETRIES": "30"}
    if system.draw.random() < 0.5:
        name = f"{system.target.name}-calls"
        system.change(CONFIG_MAP, system.namespace, name, lambda item: section(item, "data").update(wanted))
        system.recreate_pods()
    else:
        more: list[Json] = [{"name": key, "value": value} for key, value in wanted.items()]
        env: list[Json] = [*system.target.environment(), *more]
        system.apply(container(env=env), live=True)
    system.wait(5)
    line = system.names.one(*_OUT_OF_TIME)
    system.after.append(lambda: _said(system, line, line, line))
    return None


@fault(110, "host_limit_reached", Policy.ESCALATE, alerts=_CRASH, written=True)
def node_gives_no_more(system: System) -> None:
    """Files, ports or shared memory of the node's kernel are used up, and the program says so and ends."""
    system.strike(1, system.names.one(*_HOST), after_s=20)
