from __future__ import annotations

from pathlib import Path

from kubernaut.investigation.causes import catalogue
from kubernaut.investigation.describing import cause_page, index_page
from kubernaut.investigation.quoting import quoted

DOCS = Path(__file__).parents[3] / "docs"
# Released ids: others script against them, so none is renamed or removed.
IDS = {
    "image_not_found",
    "registry_unreachable",
    "image_pull_unauthorized",
    "crash_after_change",
    "crash_without_change",
    "memory_limit_too_low",
    "missing_configmap",
    "missing_secret",
    "missing_config_key",
    "unschedulable_node_selector",
    "unschedulable_taint",
    "insufficient_resources",
    "nodes_cordoned",
    "readiness_probe_wrong",
    "scaled_to_zero",
    "service_selector_wrong",
    "service_port_wrong",
    "quota_exceeded",
    "node_not_ready",
    "healthy",
    "self_healed",
    "rollout_in_progress",
    "intended_state",
    "unknown",
    "claim_missing",
    "claim_unbound",
    "host_port_taken",
    "limit_range_violated",
    "namespace_terminating",
    "pod_class_missing",
    "pod_security_forbids",
    "pod_template_invalid",
    "preempted",
    "provisioning_failed",
    "scheduler_silent",
    "service_account_missing",
    "storage_class_missing",
    "topology_spread_blocks",
    "unschedulable_pod_affinity",
    "volume_on_other_node",
    "webhook_denies",
    "webhook_unavailable",
    "api_forbidden",
    "application_hangs",
    "autoscaler_at_limit",
    "autoscaler_blind",
    "certificate_rejected",
    "changed_by_schedule",
    "command_not_executable",
    "command_not_found",
    "configuration_edited",
    "container_not_creatable",
    "controllers_silent",
    "credentials_refused",
    "cronjob_misses",
    "cronjob_suspended",
    "data_incompatible",
    "dependency_address_wrong",
    "disk_full",
    "disruption_budget_blocks",
    "dns_fails",
    "ephemeral_storage_exceeded",
    "evicted_by_node",
    "filesystem_denied",
    "hook_fails",
    "image_name_invalid",
    "image_never_pulled",
    "ingress_misrouted",
    "init_container_fails",
    "init_container_waits",
    "job_failed",
    "job_sidecar_runs_on",
    "liveness_probe_too_strict",
    "liveness_probe_wrong",
    "memory_limit_imposed",
    "network_policy_blocks",
    "pod_dns_wrong",
    "port_conflict",
    "process_ends",
    "pull_rate_limited",
    "rollout_stuck",
    "sandbox_not_made",
    "service_missing",
    "service_protocol_wrong",
    "service_selects_foreign_pods",
    "stale_secret",
    "stateful_set_held_up",
    "stuck_terminating",
    "tls_mismatch",
    "traffic_kept_on_node",
    "variable_shadowed",
    "volume_in_use",
    "volume_not_mounted",
    "wrong_architecture",
    "mesh_denies",
    "operator_asks_too_much",
    "server_exhausted",
}


def test_every_released_cause_is_there() -> None:
    assert {cause.id for cause in catalogue()} >= IDS


def test_a_cause_is_named_like_its_file() -> None:
    folder = Path(__file__).parents[3] / "src/kubernaut/investigation/causes"
    assert {path.stem for path in folder.glob("*.py")} - {"__init__"} == {cause.id for cause in catalogue()}


def test_look_alikes_are_causes() -> None:
    known = {cause.id for cause in catalogue()}
    assert all(other in known for cause in catalogue() for other in cause.look_alikes)


def test_every_fault_says_what_it_needs_and_what_to_type() -> None:
    for cause in catalogue():
        assert cause.needs
        assert cause.know
        assert cause.by_hand


def test_every_cause_has_a_page_of_its_own_and_no_other_page_is_there() -> None:
    assert (DOCS / "causes.md").read_text() == index_page()
    assert {path.stem: path.read_text() for path in (DOCS / "causes").glob("*.md")} == {
        cause.id: cause_page(cause) for cause in catalogue()
    }


def test_a_page_tells_what_is_done_also_where_another_module_decides_it() -> None:
    pages = {cause.id: cause_page(cause) for cause in catalogue()}
    assert "(../actions.md#rollback_deployment)" in pages["missing_configmap"]
    assert "(../actions.md#increase_memory_limit)" in pages["memory_limit_too_low"]
    assert "Nothing is changed: a person decides." in pages["unknown"]


def test_text_of_a_cluster_is_shown_on_one_line_without_control_characters_or_credentials() -> None:
    assert quoted("\x1b[31mred\nnext\u202e") == "\\x1b[31mred next\\u202e"
    assert quoted("x" * 512) == "x" * 200 + " +312"
    assert quoted("password=hunter2 user=anna") == "password=*** user=anna"
    assert quoted("postgres://anna:hunter2@db:5432") == "postgres://***@db:5432"
    assert quoted("Authorization: Bearer abcdef0123456789") == "Authorization: Bearer ***"
