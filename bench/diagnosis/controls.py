"""What is normal in a cluster, under an alert that sounds like trouble: no change may be proposed for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from bench.diagnosis.cases import POD_OWNERS, SCALED, Aim, about
from bench.diagnosis.faults.dependencies import flagged, turn
from bench.diagnosis.system import TEAM, System, container, first, pod_spec, ref
from kubernaut.domain.objects import JsonObject
from kubernaut.sandbox.applications import Misfortune
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.deletion import Deletion
from kubernaut.sandbox.kinds import BUDGET, BY_NAME, CONFIG_MAP, JOB, NODE, POD, SERVICE_ACCOUNT
from kubernaut.sandbox.shapes import section

Happen = Callable[[System], Aim | None]
_ALERTS = ("KubePodNotReady", "KubePodCrashLooping", "KubeDeploymentReplicasMismatch", "KubeDeploymentRolloutStuck")


@dataclass(frozen=True, slots=True)
class Control:
    """Something normal; it is looked at so many minutes after it happened, at the least and at the most."""

    row: int
    name: str
    happen: Happen
    kinds: tuple[str, ...]
    minutes: tuple[float, float]
    alerts: tuple[str, ...] = _ALERTS


CONTROLS: list[Control] = []
# What looks ill and is well; `bench/diagnosis/variants` declares it.
VARIANT_CONTROLS: list[Control] = []


def control(
    row: int,
    *,
    minutes: tuple[float, float] = (0.1, 12.0),
    kinds: tuple[str, ...] = POD_OWNERS,
    alerts: str = "",
    into: list[Control] = CONTROLS,
) -> Callable[[Happen], Happen]:
    """Declares a control of that row of the fault catalogue."""

    def declare(happen: Happen) -> Happen:
        into.append(Control(row, happen.__name__, happen, kinds, minutes, tuple(alerts.split()) or _ALERTS))
        return happen

    return declare


@control(114)
def quiet_day(_system: System) -> None:
    """Nothing happens."""


@control(114)
def old_restart(system: System) -> None:
    """The program ended once, long ago."""
    now = system.clock.now()
    system.universe.strike(
        system.target.image, Misfortune(now, until=now + timedelta(seconds=10), exit_code=1, lines=("signal: hangup",))
    )
    system.wait(70)


@control(114)
def settings_edited(system: System) -> None:
    """A value of its ConfigMap is edited; the pods run on, and a new one starts well with it."""
    name = system.target.settings_name
    system.change(CONFIG_MAP, system.namespace, name, lambda item: section(item, "data").update(CACHE_TTL="45s"))
    system.recreate_pods()


@control(114)
def switch_turned_and_nobody_minds(system: System) -> None:
    """A feature flag that the target asks for is turned by hand, and its log stays calm."""
    flagged(system)
    system.wait(2)
    turn(system)


@control(114)
def task_completed(system: System) -> Aim:
    """A Job did its work."""
    name = system.names.workload()
    done = replace(system.target.application(), listeners=(), runs_for_s=15.0, calls=(), required_env=())
    task: JsonObject = {"name": "task", "image": system.publish(system.image(name="task"), done)}
    pod: JsonObject = {"spec": {"containers": [task], "restartPolicy": "Never"}}
    system.cluster.create(JOB, system.namespace, {"metadata": {"name": name}, "spec": {"template": pod}}, TEAM)
    return about(ref("batch/v1", "Job", system.namespace, name))


@control(114)
def budget_with_room(system: System) -> Aim:
    """A disruption budget that allows a pod to go."""
    selector: JsonObject = {"matchLabels": system.target.labels()}
    name = system.names.word()
    body: JsonObject = {"metadata": {"name": name}, "spec": {"maxUnavailable": 1, "selector": selector}}
    system.cluster.create(BUDGET, system.namespace, body, TEAM)
    return about(ref("policy/v1", "PodDisruptionBudget", system.namespace, name))


@control(114)
def wide_limit_range(system: System) -> None:
    """A LimitRange that no container comes near."""
    most: JsonObject = {"type": "Container", "max": {"memory": "8Gi"}}
    body: JsonObject = {"metadata": {"name": system.names.word()}, "spec": {"limits": [most]}}
    system.create("v1", "LimitRange", system.namespace, body)
    system.recreate_pods()


@control(114)
def webhook_that_answers(system: System) -> None:
    """A validating webhook is asked about every pod, and admits them."""
    program = system.neighbours[1]
    rule: JsonObject = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    server: JsonObject = {"name": program.name, "namespace": program.namespace, "port": 80}
    entry: JsonObject = {
        "name": f"pods.{program.name}.example.com", "clientConfig": {"service": server}, "rules": [rule],
        "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"],
    }  # fmt: skip
    api = "admissionregistration.k8s.io/v1"
    system.create(api, "ValidatingWebhookConfiguration", "", {"metadata": {"name": program.name}, "webhooks": [entry]})
    system.recreate_pods()


@control(115)
def account_made_late(system: System) -> None:
    """The ServiceAccount is made after what names it."""
    name = system.names.word()
    system.apply(pod_spec(serviceAccountName=name))
    system.wait(0.2)
    system.cluster.create(SERVICE_ACCOUNT, system.namespace, {"metadata": {"name": name}}, TEAM)
    system.wait(2)


@control(115)
def settings_made_late(system: System) -> None:
    """The ConfigMap is made after what reads it."""
    name = system.names.word()
    system.apply(container(envFrom=[{"configMapRef": {"name": name}}]))
    system.wait(0.4)
    system.cluster.create(CONFIG_MAP, system.namespace, {"metadata": {"name": name}, "data": {"MOST": "9"}}, TEAM)
    system.wait(2)


@control(115, minutes=(0.5, 10))
def probes_of_the_start(system: System) -> None:
    """A version that takes twenty seconds to start: its first probes do not pass."""
    known = replace(system.target.application(), startup_s=20.0)
    system.apply(container(image=system.publish(system.image(), known)))


@control(115, minutes=(3, 12))
def short_stumble(system: System) -> None:
    """The program answers 503 for some seconds."""
    now = system.clock.now()
    paths = frozenset({system.target.ready_path})
    system.universe.strike(system.target.image, Misfortune(now, until=now + timedelta(seconds=25), paths=paths))


@control(116, kinds=SCALED)
def zero_on_purpose(system: System) -> None:
    """It is scaled to zero by its owner, who says so."""
    kind = BY_NAME[system.target.ref.api_version, system.target.kind]

    def edit(item: JsonObject) -> None:
        section(item, "metadata", "annotations")["kubernaut.ai/intended"] = "season is over, ask the team"

    system.change(kind, system.namespace, system.target.name, edit)
    system.scale(0)


@control(116, kinds=("Deployment",))
def paused_on_purpose(system: System) -> None:
    """A rollout is paused by its owner, who says so, and all its pods run."""
    kind = BY_NAME["apps/v1", "Deployment"]

    def edit(item: JsonObject) -> None:
        section(item, "metadata", "annotations")["kubernaut.ai/intended"] = "canary, ask the team"
        section(item, "spec")["paused"] = True

    system.change(kind, system.namespace, system.target.name, edit)
    image = system.publish(system.image(), system.target.application())
    system.change(kind, system.namespace, system.target.name, container(image=image))


def _drain(system: System, note: str) -> Aim:
    name = system.pods()[0].text("spec", "nodeName")

    def edit(item: JsonObject) -> None:
        section(item, "spec")["unschedulable"] = True
        if note:
            section(item, "metadata", "annotations")["kubernaut.ai/maintenance"] = note

    system.change(NODE, "", name, edit, By("kubectl-drain"))
    for pod in system.cluster.storage.views(POD):
        owner = pod.controller
        if pod.text("spec", "nodeName") == name and owner and owner.kind != "DaemonSet":
            system.cluster.delete(POD, pod.namespace, pod.name, By("kubectl-drain"), Deletion())
    return about(ref("v1", "Node", "", name))


@control(116)
def node_in_maintenance(system: System) -> Aim:
    """A node is cordoned and drained, and says why."""
    return _drain(system, "new kernel")


@control(117)
def node_drained(system: System) -> None:
    """A node is drained without a word; its pods find room elsewhere."""
    _drain(system, "")


@control(117)
def rollout_under_way(system: System) -> None:
    """A new version that works."""
    system.apply(container(image=system.publish(system.image(), system.target.application())))


@control(117)
def restart_asked_for(system: System) -> None:
    """`kubectl rollout restart`."""
    kind = BY_NAME[system.target.ref.api_version, system.target.kind]

    def edit(item: JsonObject) -> None:
        marks = section(item, "spec", "template", "metadata", "annotations")
        marks["kubectl.kubernetes.io/restartedAt"] = "2026-03-02T09:12:00Z"

    system.change(kind, system.namespace, system.target.name, edit, By("kubectl-rollout"))


@control(117)
def pods_deleted(system: System) -> None:
    """Somebody deletes the pods, and new ones come."""
    system.recreate_pods()


@control(117, kinds=SCALED)
def fewer_pods(system: System) -> None:
    """Scaled in, as an autoscaler does at night."""
    system.scale(1)


@control(117, kinds=SCALED)
def more_pods(system: System) -> None:
    """Scaled out; there is room."""
    system.scale(system.target.replicas + 2)


@control(117)
def limit_raised(system: System) -> None:
    """A change of the resources that is no trouble."""
    system.apply(lambda item: section(first(item), "resources", "limits").update(memory="384Mi"))


@control(117)
def variable_added(system: System) -> None:
    """A variable more, which changes nothing."""

    def edit(manifest: JsonObject) -> None:
        first(manifest)["env"] = [*system.target.environment(), {"name": "COLOUR", "value": system.names.word()}]

    system.apply(edit)


@control(117)
def neighbour_cannot_start(system: System) -> None:
    """A neighbour of another team gets an image that is not there; the target is well, and so is its alert's object."""
    program = system.neighbours[2]
    system.apply(container(image=f"{program.image}77"), program)
