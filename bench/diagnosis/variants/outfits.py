"""What richer programs have beside the plain one: all of it healthy, and there before anything is done."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from bench.diagnosis.cases import VARIANTS, Aim, about, fault
from bench.diagnosis.controls import VARIANT_CONTROLS, control
from bench.diagnosis.system import TEAM, Edit, System, first, ref
from kubernaut.domain.objects import Json, JsonObject, ObjectRef
from kubernaut.sandbox.applications import MEBIBYTE, Application, Listener
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.kinds import BY_NAME, CRON_JOB, JOB
from kubernaut.sandbox.scenarios.manifests import apply_manifest
from kubernaut.sandbox.shapes import copied, entries, section

variant = partial(fault, into=VARIANTS)
well = partial(control, into=VARIANT_CONTROLS)
COMPANION_PORT = 9102
CRASH = "KubePodCrashLooping KubePodNotReady KubeDeploymentReplicasMismatch"
PULL = "KubePodNotReady KubeContainerWaiting KubeDeploymentRolloutStuck"
PENDING = "KubePodNotReady KubeDeploymentReplicasMismatch"
SERVICE = "KubeServiceWithoutEndpoints BlackboxProbeFailed"


def spec_of(manifest: JsonObject) -> JsonObject:
    """The pod's spec in a template."""
    return section(manifest, "spec", "template", "spec")


def beside(manifest: JsonObject) -> JsonObject:
    """The second container."""
    return entries(spec_of(manifest), "containers")[1]


def before(manifest: JsonObject) -> JsonObject:
    """The last init container."""
    return entries(spec_of(manifest), "initContainers")[-1]


def of_companion(**fields: Json) -> Edit:
    """Sets fields of the second container."""
    return lambda manifest: beside(manifest).update(copied(fields))


def of_first_step(**fields: Json) -> Edit:
    """Sets fields of the last init container."""
    return lambda manifest: before(manifest).update(copied(fields))


def _added(part: str, item: JsonObject) -> Edit:
    def add(manifest: JsonObject) -> None:
        spec = spec_of(manifest)
        spec[part] = [*(entries(spec, part) if part in spec else ()), copied(item)]

    return add


def companion(system: System) -> JsonObject:
    """A second container that ships what the first one writes."""
    name = system.names.one("shipper", "exporter", "proxy", "agent")
    known = Application(
        listeners=(Listener(COMPANION_PORT),),
        working_set=30 * MEBIBYTE,
        commands=frozenset({f"/bin/{name}"}),
        flags=frozenset({"--level"}),
        required_env=("SINK",),
        calls=("SINK",),
        greeting=(f'level=info msg="{name} up"',),
    )
    return {
        "name": name,
        "image": system.publish(system.image(name=name), known),
        "args": ["--level=info"],
        "env": [{"name": "SINK", "value": system.store.address}],
        "ports": [{"name": "metrics", "containerPort": COMPANION_PORT}],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "metrics"}, "periodSeconds": 10},
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": "metrics"}, "periodSeconds": 15},
        "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"cpu": "200m", "memory": "64Mi"}},
    }


def with_companion(system: System) -> None:
    """A second container."""
    system.dress(_added("containers", companion(system)))


def with_native_companion(system: System) -> None:
    """A companion as an init container that is always started again."""
    system.dress(_added("initContainers", {**companion(system), "restartPolicy": "Always"}))


def first_step(system: System, name: str, **known: Json) -> JsonObject:
    """An init container that does its work in three seconds, from the same variables as the program."""
    image = system.image(name=name)
    does = Application(
        runs_for_s=3.0, required_env=("LOG_LEVEL",), flags=frozenset({"--to"}), working_set=40 * MEBIBYTE
    )
    resources: JsonObject = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "96Mi"}}
    return {
        "name": name, "image": system.publish(image, does), "args": ["--to=head"],
        "env": [*system.target.environment()], "resources": resources, **known,
    }  # fmt: skip


def with_first_step(system: System) -> None:
    """An init container."""
    system.dress(_added("initContainers", first_step(system, system.names.one("migrate", "prepare", "render"))))


def with_two_steps(system: System) -> None:
    """Two init containers, one after the other."""
    for name in ("fetch", "migrate"):
        system.dress(_added("initContainers", first_step(system, name)))


def variables_name(system: System) -> str:
    """The ConfigMap whose keys become variables."""
    return f"{system.target.name}-vars"


def with_variables(system: System) -> None:
    """The region comes from a ConfigMap that is taken as a whole; a second one is optional, and not there."""
    content: JsonObject = {"REGION": "eu-1", "QUEUE": "default"}
    metadata: JsonObject = {"name": variables_name(system), "namespace": system.namespace}
    apply_manifest(system.cluster, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": content})
    taken: list[Json] = [
        {"configMapRef": {"name": variables_name(system)}},
        {"configMapRef": {"name": f"{system.target.name}-overrides", "optional": True}},
    ]

    def edit(manifest: JsonObject) -> None:
        one = first(manifest)
        one["env"] = [item for item in entries(one, "env") if item.get("name") != "REGION"]
        one["envFrom"] = taken

    system.dress(edit)


def rules_name(system: System) -> str:
    """The ConfigMap whose keys become files."""
    return f"{system.target.name}-rules"


def with_files(system: System) -> None:
    """A projected volume of a ConfigMap, a Secret, and an optional Secret that is not there."""
    metadata: JsonObject = {"name": rules_name(system), "namespace": system.namespace}
    content: JsonObject = {"rules.yaml": "allow: all", "extra.yaml": "{}"}
    apply_manifest(system.cluster, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": content})
    secret: JsonObject = {"name": f"{system.target.name}-keys", "namespace": system.namespace}
    held: JsonObject = {"apiVersion": "v1", "kind": "Secret", "metadata": secret, "type": "Opaque"}
    apply_manifest(system.cluster, {**held, "data": {"key.pem": "bm90aGluZw=="}})
    known = replace(system.target.application(), required_files=("/etc/rules/rules.yaml", "/etc/rules/key.pem"))
    image = system.publish(system.image(), known)

    def edit(manifest: JsonObject) -> None:
        first(manifest)["image"] = image
        spec_of(manifest)["volumes"] = [files_volume(system)]
        first(manifest)["volumeMounts"] = [{"name": "rules", "mountPath": "/etc/rules"}]

    system.dress(edit)


def files_volume(system: System, *, rules: str = "") -> JsonObject:
    """The projected volume, from that ConfigMap."""
    items: list[Json] = [{"key": "rules.yaml", "path": "rules.yaml"}]
    sources: list[Json] = [
        {"configMap": {"name": rules or rules_name(system), "items": items}},
        {"secret": {"name": f"{system.target.name}-keys"}},
        {"secret": {"name": f"{system.target.name}-spare", "optional": True}},
    ]
    return {"name": "rules", "projected": {"sources": sources}}


def revision_of(system: System) -> int:
    """The number of the target's present revision."""
    item = system.workload
    if item.kind == "Deployment":
        return int(item.annotations["deployment.kubernetes.io/revision"])
    kind = BY_NAME["apps/v1", "ControllerRevision"]
    owned = [
        each
        for each in system.cluster.storage.views(kind, item.namespace)
        if each.controller and each.controller.name == item.name
    ]
    return max(each.integer("revision") for each in owned)


def task(system: System, name: str = "task") -> JsonObject:
    """The container of a Job that does its work in 20 seconds."""
    known = Application(runs_for_s=20.0, required_env=("LOG_LEVEL",), commands=frozenset({"/bin/task"}), flags=None)
    return {
        "name": name, "image": system.publish(system.image(name="task"), known),
        "env": [*system.target.environment()],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "96Mi"}},
    }  # fmt: skip


def template(*containers: JsonObject, **spec: Json) -> JsonObject:
    """The pod template of a Job."""
    return {"spec": {"containers": [*containers], "restartPolicy": "Never", **spec}}


def once(system: System, pod: JsonObject, **spec: Json) -> ObjectRef:
    """A Job that a person starts."""
    name = system.names.workload()
    body: JsonObject = {"metadata": {"name": name}, "spec": {"backoffLimit": 2, "template": pod, **spec}}
    system.cluster.create(JOB, system.namespace, body, TEAM)
    return ref("batch/v1", "Job", system.namespace, name)


def scheduled(system: System, pod: JsonObject, **spec: Json) -> tuple[ObjectRef, ObjectRef]:
    """A CronJob and the Job of its last run, as its controller makes it: the sandbox has none."""
    name = system.names.workload()
    own: JsonObject = {"backoffLimit": 2, "template": pod, **spec}
    body: JsonObject = {"metadata": {"name": name}, "spec": {"schedule": "7 * * * *", "jobTemplate": {"spec": own}}}
    made = system.cluster.create(CRON_JOB, system.namespace, body, TEAM)
    owner: JsonObject = {
        "apiVersion": "batch/v1", "kind": "CronJob", "name": name, "uid": section(made, "metadata")["uid"],
        "controller": True, "blockOwnerDeletion": True,
    }  # fmt: skip
    job = f"{name}-29541967"
    system.cluster.create(
        JOB, system.namespace, {"metadata": {"name": job, "ownerReferences": [owner]}, "spec": copied(own)},
        By("kube-controller-manager"),
    )  # fmt: skip
    return ref("batch/v1", "Job", system.namespace, job), ref("batch/v1", "CronJob", system.namespace, name)


def symptom(system: System, kind: str, *targets: ObjectRef) -> Aim:
    """An alert about the target's Service or Ingress, where what is wrong lies elsewhere."""
    label = kind.lower()
    return Aim({label: system.target.name, "namespace": system.namespace}, targets or (system.target.ref,))


def of_run(job: ObjectRef, schedule: ObjectRef) -> Aim:
    """An alert about the run of a CronJob."""
    return about(job, schedule)
