"""Init containers, companions, projected volumes and named ports, as the kubelet and the scheduler treat them."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from kubernaut.domain.objects import Json, JsonObject, KubeObject, Tree
from kubernaut.sandbox.applications import MEBIBYTE, Application, Listener
from kubernaut.sandbox.clock import SteppedClock
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.demand import demand_of
from kubernaut.sandbox.kinds import BY_NAME, CONFIG_MAP, EVENT, JOB, POD, RESOURCE_QUOTA, SERVICE_ACCOUNT
from kubernaut.sandbox.universe import Universe

BY = By("kubectl-create")
SERVER, TASK, STEP, SECRET_IMAGE = (f"{host}/{name}:1" for host, name in (
    ("registry.example.com", "server"), ("registry.example.com", "task"), ("registry.example.com", "step"),
    ("private.example.com", "server"),
))  # fmt: skip


class Yard:
    """A universe in which single pods and Jobs are made."""

    def __init__(self) -> None:
        self.clock = SteppedClock()
        self.universe = Universe(self.clock)
        server = Application(listeners=(Listener(8080),), working_set=40 * MEBIBYTE)
        task = Application(runs_for_s=20.0)
        self.universe.world.publish({SERVER: server, SECRET_IMAGE: server, TASK: task, STEP: Application(runs_for_s=2)})
        self.after(1)

    def after(self, minutes: float) -> None:
        self.universe.simulation.run_until(self.clock, self.clock.now() + timedelta(minutes=minutes))

    def create(self, kind: str, name: str, api_version: str = "v1", **fields: Json) -> None:
        body: JsonObject = {"metadata": {"name": name}, **fields}
        self.universe.cluster.create(BY_NAME[api_version, kind], "default", body, BY)

    def run(self, name: str, *containers: JsonObject, before: tuple[JsonObject, ...] = (), **spec: Json) -> None:
        self.create("Pod", name, spec={"containers": [*containers], "initContainers": [*before], **spec})

    def pod(self, name: str) -> KubeObject:
        found = self.universe.cluster.find(POD, "default", name)
        assert found is not None
        return found

    def messages(self, reason: str) -> set[str]:
        events = self.universe.cluster.storage.views(EVENT, "default")
        return {event.text("message") for event in events if event.text("reason") == reason}


def box(name: str, image: str = SERVER, **fields: Json) -> JsonObject:
    return {"name": name, "image": image, **fields}


def asking(cpu: str) -> JsonObject:
    return {"requests": {"cpu": cpu}}


def test_a_companion_starts_before_the_containers_and_counts_for_the_pod_being_ready() -> None:
    yard = Yard()
    probe: JsonObject = {"httpGet": {"path": "/nowhere", "port": 8080}}
    companion = box("proxy", restartPolicy="Always", readinessProbe=probe)
    yard.run("one", box("app", TASK), before=(companion, box("first", STEP)))
    yard.after(0.2)
    pod = yard.pod("one")
    assert [status.has("state", "running") for status in pod.trees("status", "initContainerStatuses")] == [True, False]
    assert pod.text("status", "phase") == "Running"
    ready = pod.condition("Ready")
    assert ready is not None
    assert ready.text("message") == "containers with unready status: [proxy]"


def test_a_companion_ends_with_the_work_of_its_pod() -> None:
    yard = Yard()
    yard.run("one", box("app", TASK), before=(box("proxy", restartPolicy="Always"),), restartPolicy="Never")
    yard.after(2)
    assert yard.pod("one").text("status", "phase") == "Succeeded"


def test_a_pod_demands_its_containers_together_or_its_hungriest_first_step() -> None:
    steps: list[Json] = [
        box("proxy", restartPolicy="Always", resources=asking("200m")), box("first", resources=asking("2")),
    ]  # fmt: skip
    spec: JsonObject = {"containers": [box("app", resources=asking("500m"))], "initContainers": steps}
    assert demand_of(Tree({"spec": spec}), "requests") == {"cpu": demand_of_cpu("2200m")}


def demand_of_cpu(cpu: str) -> object:
    return demand_of(Tree({"spec": {"containers": [box("app", resources=asking(cpu))]}}), "requests")["cpu"]


def test_a_first_step_that_no_node_can_hold_keeps_the_pod_pending() -> None:
    yard = Yard()
    yard.run("one", box("app"), before=(box("first", STEP, resources=asking("60")),))
    yard.after(1)
    assert any("Insufficient cpu" in text for text in yard.messages("FailedScheduling"))


def test_a_projected_volume_waits_for_each_of_its_sources_that_is_not_optional() -> None:
    yard = Yard()
    sources: list[Json] = [{"configMap": {"name": "spare", "optional": True}}, {"configMap": {"name": "rules"}}]
    yard.run("one", box("app"), volumes=[{"name": "etc", "projected": {"sources": sources}}])
    yard.after(0.2)
    assert yard.messages("FailedMount") == {'MountVolume.SetUp failed for volume "etc" : configmap "rules" not found'}
    yard.universe.cluster.create(CONFIG_MAP, "default", {"metadata": {"name": "rules"}, "data": {"a": "b"}}, BY)
    yard.after(3)
    assert yard.pod("one").text("status", "phase") == "Running"


def test_a_probe_of_a_port_name_that_is_not_declared_neither_passes_nor_restarts() -> None:
    yard = Yard()
    probe: JsonObject = {"httpGet": {"path": "/healthz", "port": "web"}}
    ports: list[Json] = [{"name": "http", "containerPort": 8080}]
    yard.run("one", box("app", ports=ports, livenessProbe=probe, readinessProbe=probe))
    yard.after(5)
    (status,) = yard.pod("one").trees("status", "containerStatuses")
    assert (status.flag("ready"), status.integer("restartCount")) == (False, 0)
    text = 'probe errored and resulted in unknown state: strconv.Atoi: parsing "web": invalid syntax'
    assert yard.messages("Unhealthy") == {f"Readiness {text}", f"Liveness {text}"}


def test_a_pod_without_pull_secrets_gets_those_of_its_service_account() -> None:
    yard = Yard()
    yard.universe.cluster.create(
        SERVICE_ACCOUNT, "default", {"metadata": {"name": "puller"}, "imagePullSecrets": [{"name": "door"}]}, BY
    )
    yard.create("Secret", "door")
    yard.run("one", box("app", SECRET_IMAGE), serviceAccountName="puller")
    yard.after(0.5)
    assert yard.pod("one").text("status", "phase") == "Running"


def job(yard: Yard, policy: str, limit: int) -> Tree:
    spec: JsonObject = {"containers": [box("task", TASK, command=["nothing"])], "restartPolicy": policy}
    yard.create("Job", "one", "batch/v1", spec={"backoffLimit": limit, "template": {"spec": spec}})
    yard.after(6)
    found = yard.universe.cluster.find(JOB, "default", "one")
    assert found is not None
    return found


def test_a_job_waits_longer_after_each_pod_that_failed() -> None:
    yard = Yard()
    assert not job(yard, "Never", 6).has("status", "completionTime")
    made = [pod.created_at for pod in yard.universe.cluster.storage.views(POD, "default")]
    moments = sorted(moment for moment in made if moment)
    waits = [(later - sooner).total_seconds() for sooner, later in pairwise(moments)]
    assert waits == sorted(waits)
    assert waits[0] >= 10 < waits[-1]


def test_a_job_whose_containers_are_restarted_in_place_fails_at_its_limit() -> None:
    yard = Yard()
    assert [each.text("reason") for each in job(yard, "OnFailure", 2).trees("status", "conditions")] == [
        "BackoffLimitExceeded"
    ]


def test_a_job_that_a_quota_refused_starts_once_there_is_room() -> None:
    yard = Yard()
    yard.universe.cluster.create(
        RESOURCE_QUOTA, "default", {"metadata": {"name": "few"}, "spec": {"hard": {"pods": "0"}}}, BY
    )
    spec: JsonObject = {"containers": [box("task", TASK)], "restartPolicy": "Never"}
    yard.create("Job", "one", "batch/v1", spec={"template": {"spec": spec}})
    yard.after(1)
    assert yard.universe.cluster.storage.views(POD, "default") == []
    yard.universe.cluster.storage.remove(RESOURCE_QUOTA, "default", "few")
    yard.after(6)
    assert [pod.text("status", "phase") for pod in yard.universe.cluster.storage.views(POD, "default")] == ["Succeeded"]


def test_a_call_to_an_external_name_goes_to_the_service_it_names() -> None:
    yard = Yard()
    port: JsonObject = {"port": 80, "targetPort": 8080}
    yard.create("Service", "server", spec={"selector": {"app": "server"}, "ports": [port]})
    for name, there in (("near", "server"), ("far", "sever")):
        yard.create(
            "Service", name, spec={"type": "ExternalName", "externalName": f"{there}.default.svc.cluster.local"}
        )
    body: JsonObject = {
        "metadata": {"name": "server", "labels": {"app": "server"}},
        "spec": {"containers": [box("app")]},
    }
    yard.universe.cluster.create(POD, "default", body, BY)
    caller = Application(calls=("ADDR",))
    yard.universe.world.publish({TASK: caller})
    for name in ("near", "far"):
        yard.run(f"by-{name}", box("app", TASK, env=[{"name": "ADDR", "value": f"http://{name}:80"}]))
    yard.after(1)
    restarts = [
        yard.pod(f"by-{name}").trees("status", "containerStatuses")[0].integer("restartCount")
        for name in ("near", "far")
    ]
    assert restarts[0] <= 1 < restarts[1]
