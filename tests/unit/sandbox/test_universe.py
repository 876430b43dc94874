"""The simulation on a clock that jumps: what the cluster shows after a write or a misfortune."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kubernaut.domain.objects import JsonObject, KubeObject
from kubernaut.sandbox.alerting.evaluation import Evaluator
from kubernaut.sandbox.applications import Misfortune
from kubernaut.sandbox.clock import SteppedClock
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.kinds import DEPLOYMENT, ENDPOINT_SLICE, EVENT, NODE, POD, REPLICA_SET, Kind
from kubernaut.sandbox.kubelet.logs import render_log
from kubernaut.sandbox.scenarios import SCENARIOS, Scenario, find_scenario, prepare_system
from kubernaut.sandbox.scenarios.manifests import delete_pods
from kubernaut.sandbox.scenarios.system import APPS
from kubernaut.sandbox.shapes import section
from kubernaut.sandbox.universe import Universe


class Story:
    """A universe with one app, and ways to look at it."""

    def __init__(self, *apps: str) -> None:
        self.clock = SteppedClock()
        self.universe = Universe(self.clock)
        prepare_system(self.universe, *apps)
        self.after(minutes=2)

    def after(self, *, minutes: float = 0, seconds: float = 0) -> None:
        self.universe.simulation.run_until(self.clock, self.clock.now() + timedelta(minutes=minutes, seconds=seconds))

    def all(self, kind: Kind, namespace: str = "") -> list[KubeObject]:
        return sorted(self.universe.cluster.storage.views(kind, namespace), key=lambda item: item.name)

    def messages(self, namespace: str, reason: str) -> list[str]:
        return [event.text("message") for event in self.all(EVENT, namespace) if event.text("reason") == reason]

    def waiting(self, namespace: str) -> set[str]:
        statuses = [status for pod in self.all(POD, namespace) for status in pod.trees("status", "containerStatuses")]
        return {reason for status in statuses if (reason := status.text("state", "waiting", "reason"))}

    def condition(self, name: str, kind: str) -> tuple[str, str]:
        item = self.universe.cluster.find(DEPLOYMENT, APPS[name].namespace, name)
        found = item.condition(kind) if item else None
        assert found is not None
        return found.text("status"), found.text("reason")

    def inject(self, scenario: str) -> None:
        find_scenario(scenario).inject(self.universe)


def test_a_fresh_system_becomes_available_with_its_endpoints() -> None:
    story = Story("checkout")
    assert story.condition("checkout", "Available") == ("True", "MinimumReplicasAvailable")
    (part,) = story.all(ENDPOINT_SLICE, "shop")
    assert [endpoint.flag("conditions", "ready") for endpoint in part.trees("endpoints")] == [True] * 3
    assert len({pod.text("spec", "nodeName") for pod in story.all(POD, "shop")}) == 3


def test_a_tag_that_does_not_exist_backs_off_while_the_old_pods_serve_and_the_rollout_times_out() -> None:
    story = Story("checkout")
    story.inject("image-tag-missing")
    story.after(minutes=12)
    assert story.waiting("shop") <= {"ErrImagePull", "ImagePullBackOff"}
    assert any("not found" in text and "code = NotFound" in text for text in story.messages("shop", "Failed"))
    assert story.condition("checkout", "Progressing") == ("False", "ProgressDeadlineExceeded")
    item = story.universe.cluster.find(DEPLOYMENT, "shop", "checkout")
    assert item is not None
    assert item.integer("status", "availableReplicas") == 3


def test_a_host_that_does_not_exist_is_told_apart_from_a_missing_tag() -> None:
    story = Story("storefront")
    story.inject("registry-host-missing")
    story.after(minutes=2)
    assert any("no such host" in text for text in story.messages("web", "Failed"))


def test_an_unknown_flag_ends_in_a_crash_loop_with_its_word_in_the_previous_log() -> None:
    story = Story("ledger")
    story.inject("unknown-flag")
    story.after(minutes=10)
    (pod,) = [
        pod for pod in story.all(POD, "pay") if pod.trees("status", "containerStatuses")[0].integer("restartCount")
    ]
    status = pod.trees("status", "containerStatuses")[0]
    assert status.text("state", "waiting", "reason") == "CrashLoopBackOff"
    assert status.integer("lastState", "terminated", "exitCode") == 1
    log = story.universe.kubelets.find_log(pod, "ledger", previous=True)
    assert "unknown flag: --batch-window" in render_log(log)


@pytest.mark.parametrize("name", ["memory-limit-lowered", "memory-far-above-limit"])
def test_too_little_memory_is_an_oom_kill(name: str) -> None:
    scenario = find_scenario(name)
    story = Story(scenario.target.name)
    scenario.inject(story.universe)
    story.after(minutes=5)
    killed = [
        status
        for pod in story.all(POD, scenario.target.namespace)
        for status in pod.trees("status", "containerStatuses")
        if status.text("lastState", "terminated", "reason") == "OOMKilled"
    ]
    assert killed
    assert {status.integer("lastState", "terminated", "exitCode") for status in killed} == {137}


def test_missing_configuration_is_named_by_the_kubelet() -> None:
    story = Story("sender", "indexer")
    story.inject("configmap-never-created")
    story.inject("configmap-key-removed")
    story.after(minutes=1)
    assert 'Error: configmap "sender-limits" not found' in story.messages("mail", "Failed")
    expected = "Error: couldn't find key UPSTREAM_URL in ConfigMap search/indexer-settings"
    assert expected in story.messages("search", "Failed")


def test_a_pod_that_fits_nowhere_says_why_once_and_is_placed_when_a_node_fits() -> None:
    story = Story("intake")
    story.inject("node-selector-nowhere")
    story.after(minutes=1)
    (message,) = set(story.messages("orders", "FailedScheduling"))
    assert message.startswith("0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.")
    story.universe.add_node("worker-4")

    def label(draft: JsonObject) -> None:
        section(draft, "metadata", "labels")["disktype"] = "nvme"

    story.universe.cluster.change(NODE, "", "worker-4", label, By("kubectl-label"))
    story.after(minutes=1)
    assert "worker-4" in {pod.text("spec", "nodeName") for pod in story.all(POD, "orders")}


def test_a_quota_leaves_the_replica_set_short_with_the_reason() -> None:
    story = Story("invoices")
    story.inject("quota-used-up")
    story.after(minutes=1)
    assert len(story.all(POD, "billing")) == 4
    assert story.condition("invoices", "ReplicaFailure") == ("True", "FailedCreate")
    assert any("exceeded quota: compute" in text for text in story.messages("billing", "FailedCreate"))


def test_a_silent_node_becomes_unknown_then_loses_its_pods() -> None:
    story = Story("tracker")
    story.inject("node-silent")
    story.after(seconds=70)
    node = story.universe.cluster.find(NODE, "", "worker-3")
    assert node is not None
    ready = node.condition("Ready")
    assert ready is not None
    assert (ready.text("status"), ready.text("reason")) == ("Unknown", "NodeStatusUnknown")
    assert {taint.text("key") for taint in node.trees("spec", "taints")} == {"node.kubernetes.io/unreachable"}
    story.after(minutes=6)
    leaving = [pod for pod in story.all(POD, "fleet") if pod.has("metadata", "deletionTimestamp")]
    assert [pod.text("spec", "nodeName") for pod in leaving] == ["worker-3"]
    story.universe.start_node("worker-3")
    story.after(minutes=1)
    assert not any(pod.has("metadata", "deletionTimestamp") for pod in story.all(POD, "fleet"))


def test_a_crash_at_run_time_needs_no_write() -> None:
    story = Story("exporter")
    before = len(story.all(REPLICA_SET, "reports"))
    story.universe.strike(APPS["exporter"].image, Misfortune(story.clock.now(), exit_code=2, lines=("panic: no",)))
    story.after(minutes=5)
    assert story.waiting("reports") == {"CrashLoopBackOff"}
    assert len(story.all(REPLICA_SET, "reports")) == before


def test_deleted_pods_come_back_under_other_names() -> None:
    story = Story("basket")
    before = {pod.name for pod in story.all(POD, "cart")}
    delete_pods(story.universe.cluster, APPS["basket"])
    story.after(minutes=1)
    after = {pod.name for pod in story.all(POD, "cart")}
    assert len(after) == len(before)
    assert not after & before


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_each_scenario_raises_its_alert_for_its_target(scenario: Scenario) -> None:
    apps = [scenario.target.name] if scenario.target.namespace else ["tracker"]
    story = Story(*apps)
    evaluator = Evaluator(story.universe, hold=timedelta(minutes=1))
    evaluator.evaluate(story.clock.now())
    assert not evaluator.firing()
    scenario.inject(story.universe)
    found: list[dict[str, str]] = []
    for _ in range(24):
        story.after(seconds=30)
        evaluator.evaluate(story.clock.now())
        found += [alert.labels for alert in evaluator.firing()]
    wanted = [labels for labels in found if labels["alertname"] == scenario.alert]
    assert wanted
    name = scenario.target.name
    assert all(any(value.startswith(name) for value in labels.values()) for labels in wanted)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_no_object_of_a_scenario_tells_its_answer(scenario: Scenario) -> None:
    story = Story(*([scenario.target.name] if scenario.target.namespace else ["tracker"]))
    known = {(item.kind, item.name) for kind in (DEPLOYMENT, POD) for item in story.all(kind)}
    for kind, name in known:
        assert not any(word in f"{kind} {name}".lower() for word in ("fault", "broken", "bad", "fail", "crash", "oom"))
    assert scenario.name not in str(story.all(DEPLOYMENT, scenario.target.namespace)[0].raw)


def test_a_blip_fires_and_resolves_without_a_write() -> None:
    story = Story("timeline")
    evaluator = Evaluator(story.universe, hold=timedelta(minutes=1))
    story.inject("passing-blip")
    fired = False
    for _ in range(20):
        story.after(seconds=30)
        evaluator.evaluate(story.clock.now())
        fired = fired or bool(evaluator.firing())
    assert fired
    assert not evaluator.firing()
    assert not story.universe.cluster.writes_by("kubernaut")
