"""All scenarios. The objects that they touch have the names of any shop; nothing in the cluster tells the answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from kubernaut.domain.errors import UnknownName
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import JsonObject, ObjectRef
from kubernaut.sandbox.applications import MEBIBYTE, Misfortune
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.kinds import DEPLOYMENT, NODE
from kubernaut.sandbox.scenarios.manifests import (
    REGISTRY,
    apply_changed,
    container_of,
    delete_pods,
    edit_service,
    patch_settings,
    scale,
)
from kubernaut.sandbox.scenarios.scenario import Scenario
from kubernaut.sandbox.scenarios.system import APPS, INTENDED, MANAGED
from kubernaut.sandbox.shapes import entries, section
from kubernaut.sandbox.universe import Universe

_HEALED = (Ending.HEALED,)
_ESCALATED = (Ending.ESCALATED,)
_SILENT_NODE = "worker-3"
Inject = Callable[[Universe], None]


def _deployment(name: str) -> ObjectRef:
    return ObjectRef("apps/v1", "Deployment", APPS[name].namespace, name)


def _service(name: str) -> ObjectRef:
    return ObjectRef("v1", "Service", APPS[name].namespace, name)


def _apply(name: str, edit: Callable[[JsonObject], None]) -> Inject:
    return lambda universe: apply_changed(universe.cluster, APPS[name], edit)


def _image(image: str) -> Callable[[JsonObject], None]:
    def edit(manifest: JsonObject) -> None:
        container_of(manifest)["image"] = image

    return edit


def _add_argument(manifest: JsonObject) -> None:
    container_of(manifest)["args"] = ["--listen=:8080", "--batch-window=5s"]


def _lower_limit(manifest: JsonObject) -> None:
    section(container_of(manifest), "resources", "limits")["memory"] = "96Mi"


def _read_more_settings(manifest: JsonObject) -> None:
    container_of(manifest)["envFrom"] = [{"configMapRef": {"name": "sender-limits"}}]


def _choose_nodes(manifest: JsonObject) -> None:
    section(manifest, "spec", "template", "spec")["nodeSelector"] = {"disktype": "nvme"}


def _move_probe(manifest: JsonObject) -> None:
    section(container_of(manifest), "readinessProbe", "httpGet")["port"] = 8081


def _outgrow(universe: Universe) -> None:
    universe.world.outgrow(APPS["forecast"].image, 1536 * MEBIBYTE)


def _drop_setting(universe: Universe) -> None:
    patch_settings(universe.cluster, APPS["indexer"], {"UPSTREAM_URL": None})
    delete_pods(universe.cluster, APPS["indexer"])


def _narrow_selector(universe: Universe) -> None:
    def edit(draft: JsonObject) -> None:
        section(draft, "spec", "selector")["tier"] = "backend"

    edit_service(universe.cluster, APPS["browse"], edit)


def _move_target(universe: Universe) -> None:
    def edit(draft: JsonObject) -> None:
        entries(draft, "spec", "ports")[0]["targetPort"] = 8090

    edit_service(universe.cluster, APPS["basket"], edit)


def _silence_node(universe: Universe) -> None:
    def edit(draft: JsonObject) -> None:
        section(draft, "metadata", "labels")[MANAGED] = "true"

    universe.cluster.change(NODE, "", _SILENT_NODE, edit, By("kubectl-label"))
    universe.stop_node(_SILENT_NODE)


def _break_at_run_time(universe: Universe) -> None:
    lines = (
        "panic: runtime error: index out of range [3] with length 3",
        "goroutine 41 [running]:",
        "main.(*encoder).flush(0xc0001a2000)",
        "\t/src/encoder.go:118 +0x2f4",
    )
    universe.strike(APPS["exporter"].image, Misfortune(universe.clock.now(), exit_code=2, after_s=6, lines=lines))


def _pause_for_maintenance(universe: Universe) -> None:
    app = APPS["banner"]

    def edit(draft: JsonObject) -> None:
        section(draft, "metadata", "annotations")[INTENDED] = "store migration until Monday, ask team promo"

    universe.cluster.change(DEPLOYMENT, app.namespace, app.name, edit, By("kubectl-annotate"))
    scale(universe.cluster, app, 0)


def _blip(universe: Universe) -> None:
    now = universe.clock.now()
    universe.strike(APPS["timeline"].image, Misfortune(now, until=now + timedelta(minutes=4)))


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "image-tag-missing",
        "KubePodNotReady",
        _deployment("checkout"),
        _HEALED,
        ("image_not_found",),
        _apply("checkout", _image(f"{REGISTRY}/shop/checkout:2.5.0")),
    ),
    Scenario(
        "registry-host-missing",
        "KubePodNotReady",
        _deployment("storefront"),
        _HEALED,
        ("registry_unreachable",),
        _apply("storefront", _image("images.example.net/web/storefront:5.0.4")),
    ),
    Scenario(
        "unknown-flag",
        "KubePodCrashLooping",
        _deployment("ledger"),
        _HEALED,
        ("crash_after_change",),
        _apply("ledger", _add_argument),
    ),
    Scenario(
        "memory-limit-lowered",
        "KubernetesContainerOomKiller",
        _deployment("thumbnails"),
        _HEALED,
        ("memory_limit_too_low",),
        _apply("thumbnails", _lower_limit),
    ),
    Scenario(
        "memory-far-above-limit",
        "KubernetesContainerOomKiller",
        _deployment("forecast"),
        (Ending.UNDONE,),
        ("memory_limit_too_low",),
        _outgrow,
    ),
    Scenario(
        "configmap-never-created",
        "KubePodNotReady",
        _deployment("sender"),
        _HEALED,
        ("missing_configmap",),
        _apply("sender", _read_more_settings),
    ),
    Scenario(
        "configmap-key-removed",
        "KubePodNotReady",
        _deployment("indexer"),
        _HEALED,
        ("missing_config_key",),
        _drop_setting,
    ),
    Scenario(
        "node-selector-nowhere",
        "KubePodNotReady",
        _deployment("intake"),
        _HEALED,
        ("unschedulable_node_selector",),
        _apply("intake", _choose_nodes),
    ),
    Scenario(
        "readiness-port-moved",
        "KubePodNotReady",
        _deployment("profile"),
        _HEALED,
        ("readiness_probe_wrong",),
        _apply("profile", _move_probe),
    ),
    Scenario(
        "scaled-to-zero",
        "KubeDeploymentReplicasZero",
        _deployment("levels"),
        _HEALED,
        ("scaled_to_zero",),
        lambda universe: scale(universe.cluster, APPS["levels"], 0),
    ),
    Scenario(
        "service-selector-changed",
        "KubeServiceWithoutEndpoints",
        _service("browse"),
        _HEALED,
        ("service_selector_wrong",),
        _narrow_selector,
    ),
    Scenario(
        "service-port-changed",
        "BlackboxProbeFailed",
        _service("basket"),
        _HEALED,
        ("service_port_wrong",),
        _move_target,
    ),
    Scenario(
        "quota-used-up",
        "KubeDeploymentReplicasMismatch",
        _deployment("invoices"),
        _ESCALATED,
        ("quota_exceeded",),
        lambda universe: scale(universe.cluster, APPS["invoices"], 6),
    ),
    Scenario(
        "node-silent",
        "KubeNodeNotReady",
        ObjectRef("v1", "Node", "", _SILENT_NODE),
        _ESCALATED,
        ("node_not_ready",),
        _silence_node,
        alone=True,
    ),
    Scenario(
        "crash-at-run-time",
        "KubePodCrashLooping",
        _deployment("exporter"),
        _ESCALATED,
        ("crash_without_change",),
        _break_at_run_time,
    ),
    Scenario(
        "unmanaged-namespace",
        "KubePodNotReady",
        _deployment("prototype"),
        (Ending.DECLINED,),
        ("image_not_found",),
        _apply("prototype", _image(f"{REGISTRY}/lab/prototype:0.2.0")),
        control=True,
    ),
    Scenario(
        "maintenance",
        "KubeDeploymentReplicasZero",
        _deployment("banner"),
        (Ending.DECLINED, Ending.NO_ACTION_NEEDED),
        ("intended_state",),
        _pause_for_maintenance,
        control=True,
    ),
    Scenario(
        "passing-blip",
        "KubePodNotReady",
        _deployment("timeline"),
        (Ending.SELF_RESOLVED, Ending.NO_ACTION_NEEDED),
        ("self_healed", "healthy", "unknown"),
        _blip,
        control=True,
    ),
    Scenario(
        "image-tag-missing-again",
        "KubePodNotReady",
        _deployment("checkout"),
        _HEALED,
        ("image_not_found",),
        _apply("checkout", _image(f"{REGISTRY}/shop/checkout:2.5.1")),
        after="image-tag-missing",
    ),
)


def find_scenario(name: str) -> Scenario:
    """The scenario of that name; raises `UnknownName`."""
    for scenario in SCENARIOS:
        if scenario.name == name:
            return scenario
    known = ", ".join(scenario.name for scenario in SCENARIOS)
    raise UnknownName(f"there is no scenario {name!r}", help=f"one of: {known}")
