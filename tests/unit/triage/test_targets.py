"""Which object an alert is about."""

from __future__ import annotations

import pytest

from kubernaut.domain.objects import ObjectRef
from kubernaut.triage.targets import target_of

EXPORTER = {
    "job": "kube-state-metrics",
    "instance": "10.244.0.7:8080",
    "endpoint": "http",
    "service": "prometheus-kube-state-metrics",
    "container": "kube-state-metrics",
}


@pytest.mark.parametrize(
    ("label", "api_version", "kind"),
    [
        ("deployment", "apps/v1", "Deployment"),
        ("statefulset", "apps/v1", "StatefulSet"),
        ("daemonset", "apps/v1", "DaemonSet"),
        ("job_name", "batch/v1", "Job"),
        ("pod", "v1", "Pod"),
        ("service", "v1", "Service"),
        ("persistentvolumeclaim", "v1", "PersistentVolumeClaim"),
        ("horizontalpodautoscaler", "autoscaling/v2", "HorizontalPodAutoscaler"),
    ],
)
def test_a_label_of_kube_state_metrics_names_its_object(label: str, api_version: str, kind: str) -> None:
    assert target_of({"namespace": "shop", label: "cart"}) == ObjectRef(api_version, kind, "shop", "cart")


def test_a_workload_wins_over_the_exporters_own_pod() -> None:
    labels = {**EXPORTER, "namespace": "shop", "deployment": "cart", "pod": "prometheus-kube-state-metrics-5d9-abcde"}
    assert target_of(labels) == ObjectRef("apps/v1", "Deployment", "shop", "cart")


def test_a_renamed_series_is_read_by_its_exported_labels() -> None:
    labels = {
        **EXPORTER,
        "namespace": "monitoring",
        "pod": "ksm-0",
        "exported_namespace": "shop",
        "exported_pod": "cart-6f-x2x",
        "exported_container": "app",
    }
    assert target_of(labels) == ObjectRef("v1", "Pod", "shop", "cart-6f-x2x")


def test_a_renamed_namespace_with_a_workload_label_is_not_taken_for_the_exporters_namespace() -> None:
    labels = {**EXPORTER, "namespace": "monitoring", "pod": "ksm-0", "exported_namespace": "shop", "deployment": "cart"}
    assert target_of(labels) == ObjectRef("apps/v1", "Deployment", "shop", "cart")


def test_a_nodes_alert_is_about_the_node_although_the_exporters_pod_is_labelled() -> None:
    labels = {**EXPORTER, "namespace": "monitoring", "pod": "prometheus-kube-state-metrics-5d9-abcde", "node": "n1"}
    assert target_of(labels) == ObjectRef("v1", "Node", "", "n1")


def test_a_pod_of_the_kubelets_series_is_a_real_pod_and_its_service_is_not() -> None:
    labels = {"job": "kubelet", "service": "prometheus-kubelet", "namespace": "shop", "pod": "cart-1", "node": "n1"}
    assert target_of(labels) == ObjectRef("v1", "Pod", "shop", "cart-1")


def test_the_exporter_itself_can_be_what_broke() -> None:
    labels = {"namespace": "monitoring", "pod": "prometheus-kube-state-metrics-5d9-abcde", "container": "main"}
    assert target_of(labels) == ObjectRef("v1", "Pod", "monitoring", "prometheus-kube-state-metrics-5d9-abcde")


def test_a_namespace_alone_is_a_target_and_nothing_is_none() -> None:
    assert target_of({"namespace": "shop"}) == ObjectRef("v1", "Namespace", "", "shop")
    assert target_of({"alertname": "Watchdog", "severity": "none"}) is None
