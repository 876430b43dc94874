"""Rows 42 to 46, 83 and 96: maps and Secrets taken as a whole, as files, by a companion; one pod of many restarted."""

from __future__ import annotations

from bench.diagnosis.cases import NOTHING_LEFT, Aim, Policy, about
from bench.diagnosis.system import System, container, first, pod_spec, ref
from bench.diagnosis.variants.outfits import (
    CRASH,
    PENDING,
    SERVICE,
    beside,
    files_volume,
    of_companion,
    rules_name,
    symptom,
    variables_name,
    variant,
    with_companion,
    with_files,
    with_first_step,
    with_variables,
)
from kubernaut.domain.objects import Json, JsonObject, ObjectRef
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.deletion import Deletion
from kubernaut.sandbox.kinds import CONFIG_MAP, POD, SECRET
from kubernaut.sandbox.kinds import SERVICE as SERVICES
from kubernaut.sandbox.scenarios.manifests import apply_manifest
from kubernaut.sandbox.shapes import entries, section

_WAITING = "KubePodNotReady KubeContainerWaiting KubeDeploymentReplicasMismatch"


def _replace_one_pod(system: System) -> None:
    """A node is patched, or somebody deletes one pod: only that one starts anew."""
    pod = system.pods()[-1]
    system.cluster.delete(POD, pod.namespace, pod.name, By("kubectl"), Deletion())


def _map(system: System, name: str) -> ObjectRef:
    return ref("v1", "ConfigMap", system.namespace, name)


def _with_map(system: System, name: str) -> Aim:
    return Aim(about(system.target.ref).labels, (system.target.ref, _map(system, name)))


@variant(42, "missing_configmap", Policy.ACT, alerts=_WAITING, prepare=with_variables, verdicts=NOTHING_LEFT)
def whole_map_deleted(system: System) -> Aim:
    """Another map is not there as well, and may be missing; only one pod has to start anew."""
    system.delete("v1", "ConfigMap", variables_name(system))
    _replace_one_pod(system)
    return _with_map(system, variables_name(system))


@variant(42, "missing_configmap", Policy.ACT, alerts=_WAITING, prepare=with_companion)
def companion_takes_a_map_of_another_name(system: System) -> None:
    source: JsonObject = {"configMapRef": {"name": system.names.word()}}
    system.apply(of_companion(envFrom=[source]))


@variant(42, "missing_configmap", Policy.ACT, alerts=_WAITING, prepare=with_files)
def files_from_a_map_of_another_name(system: System) -> None:
    """A source of a projected volume; the optional Secret beside it is missing too, and does no harm."""
    system.apply(pod_spec(volumes=[files_volume(system, rules=f"{rules_name(system)}-v2")]))


@variant(42, "missing_configmap", Policy.ACT, alerts=SERVICE, prepare=with_files, verdicts=NOTHING_LEFT)
def files_deleted_under_a_service_alert(system: System) -> Aim:
    system.delete("v1", "ConfigMap", rules_name(system))
    system.recreate_pods()
    return symptom(system, "Service", system.target.ref, _map(system, rules_name(system)))


@variant(44, "missing_config_key configuration_edited", Policy.ACT, alerts=_WAITING, prepare=with_files)
def file_removed_from_its_map(system: System) -> Aim:
    name = rules_name(system)

    def edit(item: JsonObject) -> None:
        section(item, "data").pop("rules.yaml")
        section(item, "data")["rules.yml"] = "allow: all"

    system.change(CONFIG_MAP, system.namespace, name, edit)
    system.recreate_pods()
    return _with_map(system, name)


@variant(43, "missing_secret", Policy.APPROVE, alerts=_WAITING, prepare=with_files)
def keys_deleted(system: System) -> Aim:
    name = f"{system.target.name}-keys"
    system.delete("v1", "Secret", name)
    _replace_one_pod(system)
    return Aim(about(system.target.ref).labels, (system.target.ref, ref("v1", "Secret", system.namespace, name)))


@variant(43, "missing_config_key missing_secret", Policy.APPROVE, alerts=_WAITING)
def key_of_the_credentials_renamed(system: System) -> Aim:
    """The Secret is there, under another key."""
    name = system.target.credentials_name

    def edit(item: JsonObject) -> None:
        held = section(item, "data")
        held["API_TOKEN"] = held.pop("TOKEN")

    system.change(SECRET, system.namespace, name, edit)
    _replace_one_pod(system)
    return Aim(about(system.target.ref).labels, (system.target.ref, ref("v1", "Secret", system.namespace, name)))


@variant(44, "configuration_edited missing_config_key", Policy.ACT, alerts=CRASH, prepare=with_variables)
def variable_renamed_in_its_map(system: System) -> Aim:
    """The map is taken as a whole, so nothing names the key: the one pod that starts anew lacks the variable."""
    name = variables_name(system)

    def edit(item: JsonObject) -> None:
        held = section(item, "data")
        held["AWS_REGION"] = held.pop("REGION")

    system.change(CONFIG_MAP, system.namespace, name, edit)
    _replace_one_pod(system)
    return _with_map(system, name)


@variant(44, "configuration_edited missing_config_key", Policy.ACT, alerts=CRASH, prepare=with_first_step)
def level_emptied_for_the_first_step(system: System) -> Aim:
    """The init container is the first that reads it."""
    name = system.target.settings_name
    system.change(CONFIG_MAP, system.namespace, name, lambda item: section(item, "data").update(LOG_LEVEL=""))
    _replace_one_pod(system)
    return _with_map(system, name)


@variant(45, "crash_after_change", Policy.ACT, alerts=CRASH, prepare=with_companion)
def companions_variable_removed(system: System) -> None:
    system.apply(of_companion(env=[{"name": "SINKS", "value": "none"}]), live=True)


@variant(46, "variable_shadowed", Policy.ACT, alerts=CRASH, prepare=with_companion)
def companions_variable_given_twice(system: System) -> None:
    def edit(manifest: JsonObject) -> None:
        twice: list[Json] = [*entries(beside(manifest), "env"), {"name": "SINK", "value": "http://localhost:80"}]
        beside(manifest)["env"] = twice

    system.apply(edit, live=True)


@variant(83, "dependency_address_wrong", Policy.ACT, alerts=CRASH, prepare=with_companion)
def companion_calls_another_port(system: System) -> None:
    system.apply(of_companion(env=[{"name": "SINK", "value": f"http://{system.store.name}:9200"}]))


def _address_from_a_map(system: System) -> None:
    content: JsonObject = {"UPSTREAM_ADDR": system.store.address, "TIMEOUT": "5s"}
    metadata: JsonObject = {"name": variables_name(system), "namespace": system.namespace}
    apply_manifest(system.cluster, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": content})

    def edit(manifest: JsonObject) -> None:
        one = first(manifest)
        one["env"] = [item for item in entries(one, "env") if item.get("name") != "UPSTREAM_ADDR"]
        one["envFrom"] = [{"configMapRef": {"name": variables_name(system)}}]

    system.dress(edit)


@variant(
    83,
    "configuration_edited dependency_address_wrong service_missing",
    Policy.ACT,
    alerts=CRASH,
    prepare=_address_from_a_map,
)
def address_edited_in_its_map(system: System) -> Aim:
    name = variables_name(system)
    wrong = system.names.one(
        f"http://{system.store.name}:8081", f"http://{system.store.name}.{system.other_namespace}:80"
    )
    system.change(CONFIG_MAP, system.namespace, name, lambda item: section(item, "data").update(UPSTREAM_ADDR=wrong))
    system.recreate_pods()
    return _with_map(system, name)


def _alias(system: System) -> str:
    return f"{system.store.name}-main"


def _called_by_alias(system: System) -> None:
    """The target calls an ExternalName, which leads to the store."""
    there = f"{system.store.name}.{system.namespace}.svc.cluster.local"
    metadata: JsonObject = {"name": _alias(system), "namespace": system.namespace}
    spec: JsonObject = {"type": "ExternalName", "externalName": there}
    apply_manifest(system.cluster, {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})

    def edit(manifest: JsonObject) -> None:
        kept = [item for item in entries(first(manifest), "env") if item.get("name") != "UPSTREAM_ADDR"]
        first(manifest)["env"] = [*kept, {"name": "UPSTREAM_ADDR", "value": f"http://{_alias(system)}:80"}]

    system.dress(edit)


@variant(83, "dependency_address_wrong service_missing", Policy.ACT, alerts=CRASH, prepare=_called_by_alias)
def alias_leads_elsewhere(system: System) -> Aim:
    there = f"{system.store.name}.{system.other_namespace}.svc.cluster.local"
    system.change(
        SERVICES, system.namespace, _alias(system), lambda item: section(item, "spec").update(externalName=there)
    )
    system.recreate_pods()
    return Aim(
        about(system.target.ref).labels, (ref("v1", "Service", system.namespace, _alias(system)), system.target.ref)
    )


def _immutable(system: System) -> None:
    """The settings are an immutable map with a version in its name."""
    name = f"{system.target.name}-settings-v7"
    metadata: JsonObject = {"name": name, "namespace": system.namespace}
    body: JsonObject = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "immutable": True}
    apply_manifest(system.cluster, {**body, "data": {"QUEUE": "main"}})
    system.dress(lambda item: first(item).update(envFrom=[{"configMapRef": {"name": name}}]))


@variant(42, "missing_configmap", Policy.ACT, alerts=PENDING, prepare=_immutable)
def next_version_of_the_map_never_made(system: System) -> None:
    """The template goes to the next version of an immutable map, which the pipeline did not make."""
    system.apply(container(envFrom=[{"configMapRef": {"name": f"{system.target.name}-settings-v8"}}]))
