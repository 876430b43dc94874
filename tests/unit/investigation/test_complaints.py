"""Causes that a failing container names itself, in its log or through the runtime."""

from __future__ import annotations

import pytest

from kubernaut.domain.diagnosis import Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation.diagnosing import diagnose
from tests.objects import (
    Part,
    Parts,
    ago,
    configuration,
    container,
    crash_loop,
    ended,
    event,
    managed,
    node,
    running,
    template,
    waiting,
    workload,
)
from tests.unit.investigation.scenes import Rollout, best, causes, scene_of, texts

OLD = template(container(args=["serve"]))
NEW = template(container(args=["serve"], image="registry.example/shop:1.9.0"))

# What programs print, with the cause that it stands for and the verdict where a change preceded it.
LOGS = [
    ("listen tcp :8080: bind: address already in use", "port_conflict", Verdict.ACT),
    ("[ERROR] [MY-014061] Invalid MySQL server downgrade: Cannot downgrade from 90100 to 80039.", "data_incompatible",
     Verdict.APPROVE),
    ("Error: listen EADDRINUSE: address already in use :::8080", "port_conflict", Verdict.ACT),
    ("FATAL: open /var/lib/shop/journal: permission denied", "filesystem_denied", Verdict.APPROVE),
    ("mkdir: cannot create directory '/data/cache': Read-only file system", "filesystem_denied", Verdict.APPROVE),
    ("Error: EACCES: permission denied, open '/app/state.json'", "filesystem_denied", Verdict.APPROVE),
    ("write /data/wal/0001: no space left on device", "disk_full", Verdict.APPROVE),
    ("ERROR 1045 (28000): Access denied for user 'shop'@'10.1.0.4'", "credentials_refused", Verdict.APPROVE),
    ('FATAL: password authentication failed for user "shop"', "credentials_refused", Verdict.APPROVE),
    ("redis.exceptions.AuthenticationError: WRONGPASS invalid username-password pair", "credentials_refused",
     Verdict.APPROVE),
    ("MongoServerError: not authorized on shop to execute command { find: \"carts\" }", "credentials_refused",
     Verdict.APPROVE),
    ("tls: failed to verify certificate: x509: certificate has expired or is not yet valid", "certificate_rejected",
     Verdict.ACT),
    ("javax.net.ssl.SSLHandshakeException: PKIX path building failed: unable to find valid path",
     "certificate_rejected", Verdict.ACT),
    ("FATAL: no pg_hba.conf entry for host \"10.1.0.4\", user \"shop\", database \"shop\", no encryption",
     "tls_mismatch", Verdict.ACT),
    ("error: The server is configured to only allow SSL connections, TLS required", "tls_mismatch", Verdict.ACT),
    ('pods is forbidden: User "system:serviceaccount:shop:cashier" cannot list resource "pods" in API group ""',
     "api_forbidden", Verdict.APPROVE),
    ("FATAL: sorry, too many clients already", "server_exhausted", Verdict.APPROVE),
    ("ERROR 1205 (HY000): Lock wait timeout exceeded; try restarting transaction", "server_exhausted",
     Verdict.APPROVE),
    ("error: cannot execute INSERT in a read-only transaction", "server_exhausted", Verdict.APPROVE),
    ("error calling ledger: 403 Forbidden: RBAC: access denied", "mesh_denies", Verdict.APPROVE),
    ("FATAL: database files are incompatible with server", "data_incompatible", Verdict.APPROVE),
    ("Fatal: invalid featureCompatibilityVersion document in admin.system.version", "data_incompatible",
     Verdict.APPROVE),
]  # fmt: skip
OTHERS = [
    "panic: runtime error: index out of range [3] with length 3",
    "java.lang.NullPointerException: Cannot invoke method",
    "error: unknown flag: --listen-on",
    'ERROR: permission denied for table "orders"',
    "level=error msg=\"cannot parse /etc/shop/settings.yaml: line 3\"",
]  # fmt: skip


@pytest.mark.parametrize(("line", "cause", "verdict"), LOGS)
def test_a_change_after_which_containers_complain_is_taken_back(line: str, cause: str, verdict: Verdict) -> None:
    rollout = Rollout(OLD, NEW)
    pods = rollout.pods(crash_loop(1))
    found = rollout.diagnose(pods, logs={pods[0]: f"starting\n{line}\n"})
    top = best(found)
    assert causes(found) == [cause]
    assert (top.verdict, top.remedies[0].action) == (verdict, "rollback_deployment")
    assert line[:60] in texts(found)


@pytest.mark.parametrize(("line", "cause", "verdict"), LOGS)
def test_the_same_complaint_without_a_change_goes_to_people(line: str, cause: str, verdict: Verdict) -> None:
    rollout = Rollout(OLD, NEW, minutes_ago=9000)
    pods = rollout.pods(crash_loop(1, restarts=4))
    top = best(rollout.diagnose(pods, logs={pods[0]: line}))
    assert (top.cause, top.verdict) == (cause, Verdict.ESCALATE), verdict
    assert [call.action for call in top.remedies] == ["escalate"]


@pytest.mark.parametrize(("line", "cause", "verdict"), LOGS)
def test_what_a_healthy_workload_logs_is_no_fault(line: str, cause: str, verdict: Verdict) -> None:
    rollout = Rollout(OLD, NEW, minutes_ago=900, new_available=3)
    pods = rollout.pods(running())
    assert causes(rollout.diagnose(pods, logs={pods[0]: line}, previous=False)) == ["healthy"], (cause, verdict)


@pytest.mark.parametrize(("line", "cause", "verdict"), LOGS)
def test_what_a_starting_container_logs_is_waited_for(line: str, cause: str, verdict: Verdict) -> None:
    state = {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "lastUpdateTime": ago(20)}
    rollout = Rollout(OLD, NEW, minutes_ago=0.5, old_available=3, conditions=[state])
    pods = rollout.pods(running(ready=False, since=ago(15)), 1)
    found = rollout.diagnose(pods, logs={pods[0]: line}, previous=False)
    assert causes(found) == ["rollout_in_progress"], (cause, verdict)


@pytest.mark.parametrize("line", OTHERS)
def test_other_complaints_stay_with_the_wider_cause(line: str) -> None:
    rollout = Rollout(OLD, NEW)
    pods = rollout.pods(crash_loop(1))
    assert causes(rollout.diagnose(pods, logs={pods[0]: line})) == ["crash_after_change"]


def test_pods_of_the_same_revision_that_work_make_the_way_back_a_question() -> None:
    rollout = Rollout(OLD, NEW, new_available=2)
    pods = [*rollout.pods(crash_loop(1), 1), *rollout.pods(running(), 3)[1:]]
    found = rollout.diagnose(pods, logs={pods[0]: LOGS[0][0]})
    sure = Rollout(OLD, NEW)
    all_fail = sure.pods(crash_loop(1))
    before = best(sure.diagnose(all_fail, logs={all_fail[0]: LOGS[0][0]}))
    assert best(found).cause == "port_conflict"
    assert best(found).confidence < before.confidence
    assert best(found).verdict is Verdict.APPROVE


def test_an_edited_configuration_speaks_against_the_change() -> None:
    source = [{"configMapRef": {"name": "settings"}}]
    rollout = Rollout(template(container(envFrom=source)), template(container(envFrom=source, args=["x"])))
    edited = configuration(
        "ConfigMap", "settings", ["A"], managedFields=[managed("kubectl-edit", ago(minutes=9), "data", "A")]
    )
    pods = rollout.pods(crash_loop())
    assert best(rollout.diagnose(pods, edited, logs={pods[0]: LOGS[0][0]})).verdict is Verdict.APPROVE


def runc(text: str) -> Parts:
    words = f"failed to create containerd task: runc create failed: unable to start container process: {text}"
    return waiting("CrashLoopBackOff", "back-off", restarts=3, last=ended(128, "StartError", message=words))


STARTS = [
    (runc('exec: "shopd": executable file not found in $PATH: unknown'), "", "command_not_found"),
    (runc('exec: "/opt/shopd": stat /opt/shopd: no such file or directory: unknown'), "", "command_not_found"),
    (crash_loop(127), "/bin/sh: 1: shopd: not found", "command_not_found"),
    (crash_loop(127), "", "command_not_found"),
    (runc('exec: "/opt/run.sh": permission denied: unknown'), "", "command_not_executable"),
    (crash_loop(126), "/bin/sh: /opt/run.sh: Permission denied", "command_not_executable"),
    (crash_loop(126), "", "command_not_executable"),
    (crash_loop(1), "exec /usr/local/bin/shopd: exec format error", "wrong_architecture"),
    (runc("exec /opt/shopd: exec format error: unknown"), "", "wrong_architecture"),
    (crash_loop(0, "Completed"), "done", "process_ends"),
    (
        waiting("CreateContainerConfigError", "container has runAsNonRoot and image will run as root (pod: \"x\")"),
        "",
        "container_not_creatable",
    ),
    (runc("error mounting \"/var/x\" to rootfs at \"/y\": not a directory: unknown"), "", "container_not_creatable"),
    (waiting("PostStartHookError", "command '/warm.sh' exited with 1", restarts=3), "", "hook_fails"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "line", "cause"), STARTS)
def test_how_a_start_fails_is_told_exactly_and_taken_back(status: Parts, line: str, cause: str) -> None:
    new = template(
        container(args=["b"], command=["/opt/run.sh"], image="registry.example/shop:1.9", lifecycle={"postStart": {}})
    )
    rollout = Rollout(OLD, new)
    pods = rollout.pods(status)
    found = rollout.diagnose(pods, logs={pods[0]: line})
    assert causes(found) == [cause]
    assert (best(found).verdict, best(found).remedies[0].parameters) == (Verdict.ACT, {"revision": 6})


@pytest.mark.parametrize(("status", "line", "cause"), STARTS)
def test_a_start_that_fails_without_a_change_goes_to_people(status: Parts, line: str, cause: str) -> None:
    old = status | {"restartCount": 2}
    rollout = Rollout(OLD, NEW, minutes_ago=9000)
    pods = rollout.pods(old)
    top = best(rollout.diagnose(pods, logs={pods[0]: line}))
    assert (top.cause, top.remedies[0].action) == (cause, "escalate")


def test_a_missing_file_of_a_running_program_is_not_a_missing_program() -> None:
    rollout = Rollout(OLD, NEW)
    pods = rollout.pods(crash_loop(1))
    line = "error: exec: /etc/shop/plugins: no such file or directory"
    assert causes(rollout.diagnose(pods, logs={pods[0]: line})) == ["crash_after_change"]


def test_a_job_that_ends_well_is_no_process_that_ends() -> None:
    item = workload("Job", "report", OLD, status={"conditions": [{"type": "Complete", "status": "True"}]})
    assert causes(diagnose(scene_of(item, node()), item.ref)) == ["healthy"]


def test_an_image_without_a_part_for_the_platform_is_not_a_missing_tag() -> None:
    rollout = Rollout(OLD, NEW, old_available=3)
    words = 'failed to resolve "registry.example/shop:1.9.0": no match for platform in manifest: not found'
    pods = rollout.pods(waiting("ErrImagePull", words), 1)
    machine = node(labels={"kubernetes.io/arch": "arm64"})
    found = diagnose(scene_of(rollout.parts, machine, pods), rollout.deployment.ref)
    assert causes(found) == ["wrong_architecture"]
    assert best(found).verdict is Verdict.ACT
    assert "node worker-1 is arm64" in texts(found)


def test_a_hook_that_an_event_tells_of_is_its_own_containers() -> None:
    hook: Part = {"postStart": {"exec": {"command": ["/warm.sh"]}}}
    rollout = Rollout(OLD, template(container(lifecycle=hook), container("proxy")))
    pods = rollout.pods(crash_loop(137), 1)

    def told(about: str) -> KubeObject:
        return event(pods[0], "FailedPostStartHook", "PostStartHook failed", fieldPath=f"spec.containers{{{about}}}")

    assert causes(rollout.diagnose(pods, told("app"))) == ["hook_fails"]
    assert "hook_fails" not in causes(rollout.diagnose(pods, told("proxy")))


def test_a_container_that_runs_without_being_ready_is_only_quoted() -> None:
    rollout = Rollout(OLD, NEW, minutes_ago=40)
    pods = rollout.pods(running(ready=False))
    found = rollout.diagnose(pods, logs={pods[0]: LOGS[7][0]}, previous=False)
    top = best(found)
    assert (top.cause, top.verdict) == ("credentials_refused", Verdict.ESCALATE)


def test_an_event_that_names_no_container_is_of_the_only_one_with_a_hook() -> None:
    hooked = container(lifecycle={"postStart": {"exec": {"command": ["/warm.sh"]}}})
    for others, expected in (([], "hook_fails"), ([{**hooked, "name": "proxy"}], "crash_after_change")):
        rollout = Rollout(OLD, template(hooked, *others))
        pods = rollout.pods(crash_loop(143))
        found = rollout.diagnose(pods, event(pods[0], "FailedPostStartHook", "PostStartHook failed"))
        assert causes(found) == [expected]
