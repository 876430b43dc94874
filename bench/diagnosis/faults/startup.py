"""Rows 38 to 53: containers that do not start, or end at once."""

from __future__ import annotations

from dataclasses import replace

from bench.diagnosis.cases import NOTHING_LEFT, SCALED, Aim, Policy, about, fault
from bench.diagnosis.programs import Program
from bench.diagnosis.system import TEAM, System, container, first, pod_spec, ref
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.sandbox.kinds import BY_NAME, CONFIG_MAP
from kubernaut.sandbox.shapes import entries, section

_PULL = "KubePodNotReady KubeContainerWaiting KubeDeploymentRolloutStuck KubePodCrashLooping"
_CRASH = "KubePodCrashLooping KubePodNotReady KubeDeploymentReplicasMismatch"


@fault(38, "image_not_found", Policy.ACT, alerts=_PULL)
def tag_not_published(system: System) -> None:
    system.apply(container(image=system.image()))


@fault(38, "image_not_found", Policy.ACT, alerts=_PULL)
def image_spelled_otherwise(system: System) -> None:
    name = system.target.name
    system.apply(
        container(image=f"{system.target.image.rpartition('/')[0]}/{name[:-1]}{name[-1] * 2}:{system.target.tag}")
    )


@fault(39, "registry_unreachable", Policy.ACT, alerts=_PULL)
def registry_of_another_name(system: System) -> None:
    host = f"{system.names.one('images', 'oci', 'hub')}.{system.names.word()}.example.net"
    system.apply(container(image=system.target.image.replace("registry.example.com", host)))


def _private(system: System) -> None:
    target = system.target
    image = target.image.replace("registry.example.com", "private.example.com")
    system.publish(image, target.application())
    secret: JsonObject = {
        "metadata": {"name": f"{target.name}-pull"},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": "e30="},
    }
    system.create("v1", "Secret", system.namespace, secret)

    def edit(manifest: JsonObject) -> None:
        first(manifest).update({"image": image, "imagePullPolicy": "Always"})
        section(manifest, "spec", "template", "spec")["imagePullSecrets"] = [{"name": f"{target.name}-pull"}]

    system.apply(edit)


@fault(40, "image_pull_unauthorized", Policy.APPROVE, alerts=_PULL, prepare=_private)
def pull_secret_deleted(system: System) -> None:
    system.delete("v1", "Secret", f"{system.target.name}-pull")
    system.recreate_pods()


@fault(40, "image_pull_unauthorized", Policy.APPROVE, alerts=_PULL)
def private_image_without_secret(system: System) -> None:
    image = system.target.image.replace("registry.example.com", "private.example.com")
    system.apply(container(image=system.publish(image, system.target.application())))


@fault(41, "wrong_architecture", Policy.ACT, alerts=_PULL)
def built_for_other_processors(system: System) -> None:
    image = system.publish(system.image(), replace(system.target.application(), arch="arm64"))
    system.apply(container(image=image))


@fault(41, "wrong_architecture", Policy.ACT, alerts=_CRASH, written=True)
def single_image_of_other_processors(system: System) -> None:
    """An image without a manifest list is pulled, and its program cannot be run; the runtime's words are written."""
    line = system.names.one(
        f"exec /usr/local/bin/{system.target.name}: exec format error",
        "standard_init_linux.go:228: exec user process caused: exec format error",
    )
    _roll_to_one_that_ends(system, 1, line)


@fault(42, "missing_configmap", Policy.ACT, verdicts=NOTHING_LEFT)
def settings_deleted(system: System) -> None:
    system.delete("v1", "ConfigMap", system.target.settings_name)
    system.recreate_pods()


@fault(42, "missing_configmap", Policy.ACT)
def settings_of_another_name(system: System) -> None:
    system.apply(container(envFrom=[{"configMapRef": {"name": system.names.word()}}]))


@fault(42, "missing_configmap", Policy.ACT, verdicts=NOTHING_LEFT)
def files_of_settings_deleted(system: System) -> None:
    volume: JsonObject = {"name": "etc", "configMap": {"name": system.target.settings_name}}

    def edit(manifest: JsonObject) -> None:
        section(manifest, "spec", "template", "spec")["volumes"] = [volume]
        first(manifest)["volumeMounts"] = [{"name": "etc", "mountPath": "/etc/program"}]

    system.apply(edit)
    system.wait(4)
    system.delete("v1", "ConfigMap", system.target.settings_name)
    system.recreate_pods()


@fault(43, "missing_secret", Policy.APPROVE)
def credentials_deleted(system: System) -> None:
    system.delete("v1", "Secret", system.target.credentials_name)
    system.recreate_pods()


@fault(44, "missing_config_key configuration_edited", Policy.ACT)
def key_removed(system: System) -> None:
    name = system.target.settings_name

    def edit(item: JsonObject) -> None:
        section(item, "data").pop("LOG_LEVEL")

    system.change(CONFIG_MAP, system.namespace, name, edit)
    system.recreate_pods()


@fault(44, "configuration_edited", Policy.ACT, alerts=_CRASH)
def key_emptied(system: System) -> None:
    name = system.target.settings_name
    system.change(CONFIG_MAP, system.namespace, name, lambda item: section(item, "data").update(LOG_LEVEL=""))
    system.recreate_pods()


@fault(45, "crash_after_change", Policy.ACT, alerts=_CRASH)
def variable_removed(system: System) -> None:
    def edit(manifest: JsonObject) -> None:
        kept: list[Json] = [item for item in entries(first(manifest), "env") if item.get("name") != "REGION"]
        first(manifest)["env"] = kept

    system.apply(edit)


@fault(46, "variable_shadowed", Policy.ACT, alerts=_CRASH)
def variable_given_twice(system: System) -> None:
    def edit(manifest: JsonObject) -> None:
        twice: list[Json] = [
            *entries(first(manifest), "env"),
            {"name": "UPSTREAM_ADDR", "value": "http://localhost:80"},
        ]
        first(manifest)["env"] = twice

    # `kubectl apply` merges the list by name: only an edit of the live object leaves both.
    system.apply(edit, live=True)


@fault(47, "command_not_found crash_after_change", Policy.ACT, alerts=_CRASH)
def program_of_another_name(system: System) -> None:
    system.apply(container(command=[system.names.one("serve", "/app/run", f"{system.target.name}d")]))


@fault(47, "crash_after_change", Policy.ACT, alerts=_CRASH)
def argument_not_known(system: System) -> None:
    flag = system.names.one("--batch-window=5s", "--experimental", "--config=/etc/x.yaml")
    system.apply(container(args=[f"--listen=:{system.target.port}", flag]))


def _before(system: System, command: str, *, image: str) -> JsonObject:
    env: list[Json] = system.target.environment()
    return {"name": system.names.one("prepare", "migrate", "setup"), "image": image, "env": env, "args": [command]}


@fault(48, "init_container_waits", Policy.ACT)
def first_step_never_ends(system: System) -> None:
    waiting = replace(system.target.application(), flags=None, listeners=(), calls=(), greeting=(
        f"waiting for {system.names.word()}.{system.namespace}.svc", "not there yet, trying again in 2s"))  # fmt: skip
    image = system.publish(system.image(name="wait-for"), waiting)
    system.apply(pod_spec(initContainers=[_before(system, "--all", image=image)]))


@fault(49, "init_container_fails", Policy.ACT)
def first_step_ends_badly(system: System) -> None:
    system.apply(pod_spec(initContainers=[_before(system, "--to=head", image=system.target.image)]))


def _spooling(system: System) -> None:
    known = system.target.application()
    system.publish(system.target.image, replace(known, writes=system.names.one("/var/spool/out", "/data/cache")))


@fault(50, "filesystem_denied", Policy.APPROVE, alerts=_CRASH, prepare=_spooling)
def root_made_read_only(system: System) -> None:
    system.apply(container(securityContext={"readOnlyRootFilesystem": True}))


@fault(50, "filesystem_denied", Policy.APPROVE, alerts=_CRASH, written=True)
def user_without_rights(system: System) -> None:
    """The program's log is written: the sandbox's programs have no user."""
    image = system.image()
    words = (
        "mkdir: cannot create directory '/var/lib/records': Permission denied",
        "open /data/index.db: permission denied",
        "PermissionError: [Errno 13] Permission denied: '/srv/cache/pages'",
    )
    system.publish(image, system.target.application())
    system.strike(1, system.names.one(*words), program=replace_image(system, image))
    security: JsonObject = {"runAsUser": 10001, "fsGroup": 10001}

    def edit(manifest: JsonObject) -> None:
        first(manifest)["image"] = image
        section(manifest, "spec", "template", "spec")["securityContext"] = security

    system.apply(edit)


def replace_image(system: System, image: str) -> Program:
    """The target as the program of another image."""
    return replace(system.target, tag=image.rpartition(":")[2])


@fault(52, "port_conflict", Policy.ACT, alerts=_CRASH)
def second_container_on_the_port(system: System) -> None:
    def edit(manifest: JsonObject) -> None:
        one = first(manifest)
        beside = {key: value for key, value in one.items() if not key.endswith("Probe")}
        beside["name"] = system.names.one("mirror", "recorder", "exporter")
        section(manifest, "spec", "template", "spec")["containers"] = [one, beside]

    system.apply(edit)


@fault(53, "job_sidecar_runs_on", Policy.APPROVE, alerts="KubeJobNotCompleted", kinds=("Job",), minutes=(15, 40))
def companion_never_ends(system: System) -> Aim:
    done = replace(system.target.application(), listeners=(), runs_for_s=20.0, calls=())
    name = system.names.workload()
    own: JsonObject = {
        "name": "task",
        "image": system.publish(system.image(name="task"), done),
        "env": system.target.environment(),
    }
    other: JsonObject = {"name": "proxy", "image": system.store.image, "env": system.target.environment()}
    spec: JsonObject = {"containers": [own, other], "restartPolicy": "Never"}
    body: JsonObject = {"metadata": {"name": name}, "spec": {"backoffLimit": 2, "template": {"spec": spec}}}
    system.cluster.create(BY_NAME["batch/v1", "Job"], system.namespace, body, TEAM)
    return about(ref("batch/v1", "Job", system.namespace, name))


def _roll_to_one_that_ends(system: System, code: int, *lines: str) -> None:
    """A new image whose program ends so, at once."""
    image = system.image()
    system.publish(image, system.target.application())
    system.strike(code, *lines, program=replace_image(system, image), after_s=1)
    system.apply(container(image=image))


@fault(63, "crash_after_change", Policy.ACT, alerts=_CRASH)
def new_version_ends_itself(system: System) -> None:
    lines = system.draw.choice((
        ("panic: runtime error: invalid memory address or nil pointer dereference", "goroutine 1 [running]:"),
        ("Traceback (most recent call last):", '  File "/app/main.py", line 41, in <module>', "KeyError: 'page'"),
        ("Exception in thread \"main\" java.lang.IllegalStateException: duplicate route /v2/items",),
    ))  # fmt: skip
    _roll_to_one_that_ends(system, system.draw.choice((1, 2, 134, 139)), *lines)


@fault(64, "crash_after_change", Policy.ACT, alerts=_CRASH, kinds=("Deployment",))
def several_rolled_to_one_version(system: System) -> None:
    image = system.image(name="platform")
    system.publish(image, system.target.application())
    ending = replace(system.target, name="platform", tag=image.rpartition(":")[2])
    system.strike(2, "panic: assignment to entry in nil map", "goroutine 1 [running]:", program=ending, after_s=1)
    for program in (system.target, system.neighbours[0]):
        system.apply(container(image=image), program)


@fault(65, "data_incompatible", Policy.APPROVE, alerts=_CRASH, kinds=SCALED, written=True)
def store_of_another_version(system: System) -> None:
    """The program's log is written: the sandbox's programs keep no records."""
    lines = system.draw.choice((
        ("FATAL:  database files are incompatible with server",
         "DETAIL:  The data directory was initialized by PostgreSQL version 15, which is not "
         "compatible with this version 17.2."),
        ('{"s":"F","c":"CONTROL","id":20573,"msg":"Wrong mongod version","attr":{"error":"UPGRADE PROBLEM: Found an '
         'invalid featureCompatibilityVersion document (ERROR: Location4926900: Invalid '
         'featureCompatibilityVersion)"}}',),
        ("[ERROR] [MY-014061] [InnoDB] Invalid MySQL server downgrade: Cannot downgrade from 90100 to 80039. Downgrade "
         "is only permitted between patch releases.",),
    ))  # fmt: skip
    _roll_to_one_that_ends(system, 1, *lines)
