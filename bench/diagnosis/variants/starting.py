"""Rows 38 to 53: images, commands and first steps, where it is not the program's own container or not a Deployment."""

from __future__ import annotations

from bench.diagnosis.cases import SCALED, Aim, Policy, about
from bench.diagnosis.system import TEAM, System, container, first, pod_spec, ref
from bench.diagnosis.variants.outfits import (
    COMPANION_PORT,
    CRASH,
    PULL,
    SERVICE,
    before,
    beside,
    companion,
    first_step,
    of_companion,
    of_first_step,
    of_run,
    once,
    scheduled,
    spec_of,
    symptom,
    task,
    template,
    variant,
    with_companion,
    with_first_step,
    with_native_companion,
    with_two_steps,
)
from kubernaut.domain.diagnosis import Verdict
from kubernaut.domain.objects import JsonObject
from kubernaut.sandbox.applications import Application, Listener
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.kinds import BY_NAME, POD, SERVICE_ACCOUNT
from kubernaut.sandbox.shapes import entries, section

# What a Job or a bare pod runs is recorded nowhere else: there is no former revision to go back to.
NO_REVISION = (Verdict.ESCALATE, Verdict.APPROVE)


@variant(38, "image_not_found", Policy.ACT, alerts=PULL, prepare=with_companion)
def companion_of_no_tag(system: System) -> None:
    system.apply(lambda item: beside(item).update(image=f"{beside(item)['image']}9"))


@variant(38, "image_not_found", Policy.ACT, alerts=PULL, prepare=with_native_companion)
def native_companion_of_no_tag(system: System) -> None:
    system.apply(lambda item: before(item).update(image=f"{before(item)['image']}9"))


@variant(38, "image_not_found", Policy.ACT, alerts=PULL, prepare=with_first_step)
def first_step_of_no_tag(system: System) -> None:
    system.apply(lambda item: before(item).update(image=f"{before(item)['image']}9"))


@variant(38, "image_not_found", Policy.ACT, alerts="KubeJobNotCompleted", kinds=("CronJob",), verdicts=NO_REVISION)
def run_of_no_tag(system: System) -> Aim:
    own = task(system)
    return of_run(*scheduled(system, template({**own, "image": f"{own['image']}9"})))


@variant(
    38,
    "image_not_found",
    Policy.ACT,
    alerts="KubePodNotReady KubeContainerWaiting",
    kinds=("Pod",),
    verdicts=NO_REVISION,
)
def single_pod_of_no_tag(system: System) -> Aim:
    name = system.names.workload()
    own = {**task(system), "image": system.image(name="task")}
    system.cluster.create(POD, system.namespace, {"metadata": {"name": name}, "spec": {"containers": [own]}}, TEAM)
    return about(ref("v1", "Pod", system.namespace, name))


def _released(system: System) -> None:
    """A Helm release owns the workload."""
    name = system.names.word()

    def edit(manifest: JsonObject) -> None:
        notes: JsonObject = {"meta.helm.sh/release-name": name, "meta.helm.sh/release-namespace": system.namespace}
        section(manifest, "metadata", "annotations").update(notes)
        section(manifest, "metadata", "labels").update({"app.kubernetes.io/managed-by": "Helm"})

    system.dress(edit)


@variant(
    38,
    "image_not_found",
    Policy.ACT,
    alerts=PULL,
    prepare=_released,
    kinds=SCALED,
    verdicts=(Verdict.ACT, Verdict.APPROVE, Verdict.ESCALATE),
)
def release_of_no_tag(system: System) -> None:
    """`helm upgrade` with a wrong tag.

    That the release owns what would be taken back is for planning, which makes a proposal of it: any verdict is right.
    """
    kind = BY_NAME["apps/v1", system.target.kind]
    image = f"{system.target.image}9"
    system.change(kind, system.namespace, system.target.name, container(image=image), By("helm"))


@variant(38, "image_not_found", Policy.ACT, alerts="KubeIngressNoBackend BlackboxProbeFailed", kinds=("Deployment",))
def no_tag_under_a_service_alert(system: System) -> Aim:
    """Every pod is replaced before the new ones are ready, and the alert is about the Service."""
    image = f"{system.target.image}9"

    def edit(manifest: JsonObject) -> None:
        section(manifest, "spec")["strategy"] = {"type": "Recreate"}
        first(manifest)["image"] = image

    system.apply(edit)
    return symptom(system, "Service")


@variant(39, "registry_unreachable", Policy.ACT, alerts=PULL, prepare=with_first_step)
def first_step_from_nowhere(system: System) -> None:
    host = f"{system.names.one('images', 'oci', 'hub')}.{system.names.word()}.example.net"
    system.apply(
        lambda item: before(item).update(image=str(before(item)["image"]).replace("registry.example.com", host))
    )


def _pulled_by_account(system: System) -> None:
    """The pull secret is listed by the ServiceAccount, and no pod template names it."""
    target, name = system.target, f"{system.target.name}-puller"
    image = system.publish(target.image.replace("registry.example.com", "private.example.com"), target.application())
    held: JsonObject = {"metadata": {"name": f"{name}-door"}, "type": "kubernetes.io/dockerconfigjson"}
    system.create("v1", "Secret", system.namespace, {**held, "data": {".dockerconfigjson": "e30="}})
    account: JsonObject = {"metadata": {"name": name}, "imagePullSecrets": [{"name": f"{name}-door"}]}
    system.cluster.create(SERVICE_ACCOUNT, system.namespace, account, TEAM)

    def edit(manifest: JsonObject) -> None:
        first(manifest).update({"image": image, "imagePullPolicy": "Always"})
        spec_of(manifest)["serviceAccountName"] = name

    system.dress(edit)


@variant(40, "image_pull_unauthorized", Policy.APPROVE, alerts=PULL, prepare=_pulled_by_account)
def door_of_the_account_deleted(system: System) -> None:
    system.delete("v1", "Secret", f"{system.target.name}-puller-door")
    system.recreate_pods()


@variant(41, "wrong_architecture", Policy.ACT, alerts=PULL, prepare=with_companion)
def companion_for_other_processors(system: System) -> None:
    image = system.publish(
        system.image(name="shipper"), Application(listeners=(Listener(COMPANION_PORT),), arch="arm64")
    )
    system.apply(of_companion(image=image))


@variant(47, "command_not_found crash_after_change", Policy.ACT, alerts=CRASH, prepare=with_companion)
def companion_of_no_command(system: System) -> None:
    system.apply(of_companion(command=["/usr/bin/ship"]))


@variant(47, "crash_after_change", Policy.ACT, alerts=CRASH, prepare=with_companion)
def companion_with_an_argument_too_many(system: System) -> None:
    system.apply(of_companion(args=["--level=info", "--buffer=4Mi"]))


@variant(
    47, "command_not_found job_failed", Policy.ACT, alerts="KubeJobFailed KubeJobNotCompleted", kinds=("CronJob",),
    verdicts=NO_REVISION,
)  # fmt: skip
def run_of_no_command(system: System) -> Aim:
    return of_run(*scheduled(system, template({**task(system), "command": ["/bin/tusk"]})))


@variant(48, "init_container_waits", Policy.ACT, prepare=with_two_steps)
def second_step_never_ends(system: System) -> None:
    """A new version of the second step waits for ever; the first one ends as ever."""
    waiting = Application(greeting=(f"waiting for {system.names.word()}:5672", "still waiting"), flags=None)
    image = system.publish(system.image(name="migrate"), waiting)
    system.apply(of_first_step(image=image))


@variant(49, "init_container_fails", Policy.ACT, prepare=with_two_steps)
def second_step_ends_badly(system: System) -> None:
    system.apply(of_first_step(args=["--to=head", "--force"]))


@variant(49, "init_container_fails memory_limit_too_low", Policy.ACT, prepare=with_first_step, alerts=CRASH)
def first_step_out_of_memory(system: System) -> None:
    limits: JsonObject = {"requests": {"cpu": "50m", "memory": "16Mi"}, "limits": {"memory": "16Mi"}}
    system.apply(of_first_step(resources=limits))


@variant(52, "port_conflict", Policy.ACT, alerts=CRASH)
def companion_came_first_to_the_port(system: System) -> None:
    """A companion that listens on the program's port is put before it: the program is the one that ends."""
    other = companion(system)
    known = Application(listeners=(Listener(system.target.port),), startup_s=0.2)
    image = system.publish(system.image(name="mirror"), known)
    taking: JsonObject = {"name": "mirror", "image": image, "env": other["env"]}

    def edit(manifest: JsonObject) -> None:
        spec_of(manifest)["containers"] = [taking, *entries(spec_of(manifest), "containers")]

    system.apply(edit)


@variant(53, "job_sidecar_runs_on", Policy.APPROVE, alerts="KubeJobNotCompleted", kinds=("CronJob",), minutes=(15, 40))
def companion_of_a_run_never_ends(system: System) -> Aim:
    other = {key: value for key, value in companion(system).items() if not key.endswith("Probe")}
    return of_run(*scheduled(system, template(task(system), other)))


@variant(63, "crash_after_change", Policy.ACT, alerts=CRASH, prepare=with_native_companion)
def native_companion_ends_itself(system: System) -> None:
    """A new version of the companion ends at once; the program waits for it and is not started."""
    image = system.publish(
        system.image(name="proxy"), Application(listeners=(Listener(COMPANION_PORT),), required_env=("MESH_ID",))
    )
    system.apply(of_first_step(image=image))


@variant(83, "dependency_address_wrong service_missing init_container_fails", Policy.ACT, alerts=CRASH)
def first_step_calls_another_name(system: System) -> None:
    """A step is added that has to reach the store, and has its name wrong."""
    step = first_step(system, "migrate")
    does = Application(runs_for_s=3.0, calls=("STORE_ADDR",), flags=None)
    step["image"] = system.publish(system.image(name="migrate"), does)
    step["env"] = [{"name": "STORE_ADDR", "value": f"http://{system.store.name}-rw:80"}]
    system.apply(pod_spec(initContainers=[step]))


@variant(38, "image_not_found", Policy.ACT, alerts=SERVICE, kinds=("DaemonSet", "StatefulSet"))
def one_of_many_of_no_tag(system: System) -> None:
    """The update stops at the first pod: the others go on serving."""
    system.apply(container(image=system.image()))


@variant(42, "missing_configmap", Policy.ACT, alerts="KubeJobNotCompleted", kinds=("CronJob",), verdicts=NO_REVISION)
def run_without_its_settings(system: System) -> Aim:
    own = task(system)
    source: JsonObject = {"configMapRef": {"name": system.names.word()}}
    return of_run(*scheduled(system, template({**own, "envFrom": [source]})))


@variant(73, "job_failed", Policy.ESCALATE, alerts="KubeJobFailed", kinds=("Job",))
def work_restarted_in_place_fails(system: System) -> Aim:
    """A Job whose containers the kubelet restarts: its pod is deleted when it fails, and no log is left."""
    does = Application(flags=frozenset({"--day"}), runs_for_s=5.0)
    own: JsonObject = {"name": "task", "image": system.publish(system.image(name="task"), does), "args": ["--date=1"]}
    return about(
        once(system, {**template(own), "spec": {**section(template(own), "spec"), "restartPolicy": "OnFailure"}})
    )
