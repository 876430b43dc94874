"""The whole product on a real cluster: real faults, real alerts, and nobody who touches anything.

All faults are made at once, in namespaces of their own, and Prometheus and Alertmanager tell of them. Each test then
waits for the end of its own incident and looks at the cluster and at what the service says that it did.
"""

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest

from kubernaut.domain.objects import KubeObject, ObjectRef
from tests.cluster.autopilot import (
    WEBHOOK,
    Autopilot,
    Story,
    autopilot,
    objects_of,
    touched_by_us,
    webhook_body,
)
from tests.cluster.cluster import Cluster
from tests.cluster.faults import FAULTS, TWICE, Broken, apart_from_bookkeeping, broken, read_object
from tests.cluster.monitoring import Monitoring
from tests.cluster.processes import wait_until

WINDOW_S = 10
DEADLINE_S = 60
# From the fault to the closed incident: the alert, the watch to its deadline at most, and room for a busy machine.
PATIENCE_S = 60 + 2 * DEADLINE_S


@pytest.fixture(scope="module")
def pilot(cluster: Cluster, monitoring: Monitoring, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Autopilot]:
    """The service, told of alerts by the real Alertmanager."""
    folder = tmp_path_factory.mktemp("kubernaut")
    with ExitStack() as stack:
        running = stack.enter_context(autopilot(cluster, folder, window_s=WINDOW_S, deadline_s=DEADLINE_S))
        stack.enter_context(monitoring.alertmanager(running.webhook_url))
        yield running


@pytest.fixture(scope="module")
def faults(cluster: Cluster, pilot: Autopilot) -> Iterator[dict[str, Broken]]:
    """Every fault, made; the service runs already."""
    assert pilot.child.is_running()
    with broken(cluster, FAULTS) as made:
        yield made


def test_a_storm_of_the_same_alert_is_one_incident_and_one_action(
    cluster: Cluster, pilot: Autopilot, faults: dict[str, Broken]
) -> None:
    storm = faults["storm"]
    labels = {"alertname": "KubeDeploymentRolloutStuck", "namespace": storm.namespace, "deployment": "storefront"}
    body = webhook_body("firing", labels)
    with ThreadPoolExecutor(4) as senders:
        statuses = [status for sent in senders.map(lambda _: _send(pilot, body, 50), range(4)) for status in sent]
    assert statuses == [202] * 200

    def is_applied() -> bool:
        incident = pilot.incident(storm.namespace, "Deployment")
        return incident is not None and bool(pilot.story(incident).applied)

    wait_until("a remedy is applied", is_applied, within_s=PATIENCE_S, every_s=0.5)
    # The alert that was made up is taken back; those of Prometheus end when the workload is well.
    assert _send(pilot, webhook_body("resolved", labels), 1) == [202]
    story = pilot.closed(storm.namespace, within_s=PATIENCE_S)
    assert story.ending == "healed", story
    assert story.applied == ["rollback_deployment"]
    wait_until("all 200 are counted", lambda: _signals(pilot, storm) >= 200)
    assert pilot.story(story.incident).applied == story.applied
    deployment = KubeObject(read_object(cluster, "deployment/storefront", storm.namespace))
    # Created, broken, mended: nothing else ever wrote its spec.
    assert deployment.generation == 3


def test_a_resolved_alert_causes_nothing(cluster: Cluster, pilot: Autopilot, faults: dict[str, Broken]) -> None:
    unseen = faults["unseen"]
    counter = 'kubernaut_signals_taken_total{alert="resolved"}'
    taken = pilot.counted(counter)
    labels = {"alertname": "KubeServiceWithoutEndpoints", "namespace": unseen.namespace, "service": "storefront"}
    assert _send(pilot, webhook_body("resolved", labels), 1) == [202]
    wait_until("the resolved alert is taken in", lambda: pilot.counted(counter) > taken)
    assert pilot.incidents(unseen.namespace) == []
    assert touched_by_us(cluster, unseen.namespace) == []


def test_an_image_that_does_not_exist_is_rolled_back(
    cluster: Cluster, pilot: Autopilot, faults: dict[str, Broken]
) -> None:
    story = _healed(cluster, pilot, faults["image"], cause="image_not_found", action="rollback_deployment")
    _runs_as_before(cluster, faults["image"])
    assert any("1.0.7" in fact.text("text") for fact in story.cited)


def test_a_flag_that_the_program_does_not_know_is_rolled_back(
    cluster: Cluster, pilot: Autopilot, faults: dict[str, Broken]
) -> None:
    story = _healed(cluster, pilot, faults["flag"], cause="crash_after_change", action="rollback_deployment")
    _runs_as_before(cluster, faults["flag"])
    logged = [fact.text("text") for fact in story.cited if fact.text("source") == "log"]
    assert any("flag provided but not defined: --cache-ttl" in text for text in logged)


def test_a_limit_below_what_the_program_needs_is_raised(
    cluster: Cluster, pilot: Autopilot, faults: dict[str, Broken]
) -> None:
    memory = faults["memory"]
    _healed(cluster, pilot, memory, cause="memory_limit_too_low", action="increase_memory_limit")
    limit = ".spec.template.spec.containers[0].resources.limits.memory"
    assert cluster.read("deployment/storefront", limit, namespace=memory.namespace) == TWICE
    assert cluster.read("deployment/storefront", ".status.readyReplicas", namespace=memory.namespace) == "1"


def test_a_selector_that_fits_no_pod_is_mended(cluster: Cluster, pilot: Autopilot, faults: dict[str, Broken]) -> None:
    selector = faults["selector"]
    _healed(cluster, pilot, selector, cause="service_selector_wrong", action="fix_service_selector", kind="Service")
    service = read_object(cluster, "service/storefront", selector.namespace)
    assert service["spec"] == selector.before["service"]["spec"]
    slices = "endpointslices --selector=kubernetes.io/service-name=storefront"
    ready = ".items[*].endpoints[?(@.conditions.ready==true)].targetRef.name"
    assert cluster.read(slices, ready, namespace=selector.namespace).startswith("storefront-")


def test_a_namespace_without_the_label_is_left_alone(
    cluster: Cluster, pilot: Autopilot, faults: dict[str, Broken]
) -> None:
    unlabelled = faults["unlabelled"]
    story = pilot.closed(unlabelled.namespace, within_s=PATIENCE_S)
    assert story.ending == "declined", story
    assert story.finding.text("cause") == "crash_after_change"
    assert story.last("planned").text("plan", "help") == (
        f"kubectl label namespace {unlabelled.namespace} kubernaut.ai/managed=true"
    )
    assert story.bodies("intended") == story.bodies("applied") == []
    assert touched_by_us(cluster, unlabelled.namespace) == []
    now = read_object(cluster, "deployment/storefront", unlabelled.namespace)
    assert now["spec"] == unlabelled.after["deployment"]["spec"]
    # Created and broken.
    assert KubeObject(now).generation == 2


def test_a_remedy_that_does_not_help_is_taken_back_to_the_byte(
    cluster: Cluster, pilot: Autopilot, faults: dict[str, Broken]
) -> None:
    leak = faults["leak"]
    story = pilot.closed(leak.namespace, within_s=PATIENCE_S)
    assert story.ending == "undone", story
    assert story.applied == ["increase_memory_limit"]
    assert story.last("verified").text("verification", "effect") in {"unchanged", "worse"}
    assert story.last("undone").text("execution", "reason") == "equal to the snapshot"
    now = read_object(cluster, "deployment/storefront", leak.namespace)
    assert json.dumps(apart_from_bookkeeping(now)) == json.dumps(apart_from_bookkeeping(leak.before["deployment"]))
    snapshot = story.last("intended").tree("intent", "snapshot")
    assert json.dumps(now["spec"], sort_keys=True) == json.dumps(snapshot.at("spec"), sort_keys=True)
    # Created, changed, taken back.
    assert KubeObject(now).generation == 3


def _signals(pilot: Autopilot, fault: Broken) -> int:
    incident = pilot.incident(fault.namespace, "Deployment")
    return incident.integer("signals") if incident is not None else 0


def _send(pilot: Autopilot, body: bytes, times: int) -> list[int]:
    """The statuses of that many posts over one connection."""
    statuses = []
    with closing(http.client.HTTPConnection("127.0.0.1", pilot.port, timeout=30)) as connection:
        for _ in range(times):
            connection.request("POST", WEBHOOK, body, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            reply.read()
            statuses.append(reply.status)
    return statuses


def _healed(
    cluster: Cluster, pilot: Autopilot, fault: Broken, *, cause: str, action: str, kind: str = "Deployment"
) -> Story:
    """The story of a fault that was found, mended once and verified, told with facts about objects that exist."""
    story = pilot.closed(fault.namespace, kind=kind, within_s=PATIENCE_S)
    assert story.ending == "healed", story
    assert story.finding.text("cause") == cause
    assert story.applied == [action]
    # A field that was only taken out has no manager, so our name may be missing, and must not be elsewhere.
    assert set(touched_by_us(cluster, fault.namespace)) <= {f"{fault.namespace}/{kind.lower()}/storefront"}
    assert story.cited
    known = _ever_seen(cluster, fault.namespace)
    for fact in story.cited:
        about = fact.tree("object")
        assert (about.text("kind"), about.text("namespace"), about.text("name")) in known, fact.raw
    verification = story.last("verified").tree("verification")
    parts = {part.text("part"): (part.at("points"), part.at("weight")) for part in verification.trees("parts")}
    assert parts["health"] == (40, 40)
    assert parts["alert"] == (35, 35)
    assert story.bodies("undone") == []
    return story


def _runs_as_before(cluster: Cluster, fault: Broken) -> None:
    """The Deployment has the spec from before the fault, and all its pods are ready."""
    now = KubeObject(read_object(cluster, "deployment/storefront", fault.namespace))
    assert now.at("spec") == fault.before["deployment"]["spec"]
    assert now.generation == 3
    assert now.integer("status", "readyReplicas") == now.integer("status", "replicas") == fault.shop.replicas


def _ever_seen(cluster: Cluster, namespace: str) -> set[tuple[str, str, str]]:
    """The objects there are, and those that events tell of: pods of a broken revision are gone when it is mended."""
    refs: list[ObjectRef] = [item.ref for item in objects_of(cluster, namespace)]
    listed = json.loads(cluster.kubectl("get", "events", f"--namespace={namespace}", "--output=json"))
    told = [KubeObject(item).tree("involvedObject") for item in listed["items"]]
    gone = {(about.text("kind"), namespace, about.text("name")) for about in told}
    return {(ref.kind, ref.namespace, ref.name) for ref in refs} | gone | {("Namespace", "", namespace)}
