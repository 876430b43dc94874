"""Addresses, names, variables and Secrets of a workload that do not lead where they should."""

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
    managed,
    node,
    pod,
    quota,
    running,
    service,
    template,
)
from tests.unit.investigation.scenes import Rollout, best, causes, scene_of, texts

PORTS = {"name": "http", "port": 8080, "targetPort": 9000}
DOWN = "FATAL: dial tcp 10.96.0.20:8082: connect: connection refused (ledger:8082)"
UNKNOWN = [
    "FATAL: dial tcp: lookup ledger on 10.96.0.10:53: no such host",
    "Error: getaddrinfo ENOTFOUND ledger",
    "FATAL: dial tcp: lookup ledger.shop.svc.cluster.local on 10.96.0.10:53: no such host",
    "java.net.UnknownHostException: ledger",
    'FATAL: could not translate host name "ledger" to address: Name or service not known',
    "curl: (6) Could not resolve host: ledger",
]


def env(**values: str) -> Parts:
    return template(container(env=[{"name": key, "value": value} for key, value in values.items()]))


def ledger(**port: Part) -> KubeObject:
    return service("ledger", {"app": "ledger"}, PORTS | port)


def works(name: str = "ledger") -> list[KubeObject]:
    """A ready pod behind the Service of that name, so that the Service is no fault of its own."""
    return [pod(f"{name}-0", [running()], labels={"app": name})]


@pytest.mark.parametrize("value", ["ledger:8082", "http://ledger:8082/api", "ledger.shop.svc.cluster.local:8082"])
def test_a_port_that_the_service_does_not_have_goes_back_with_the_change(value: str) -> None:
    rollout = Rollout(env(LEDGER_ADDR="ledger:8080"), env(LEDGER_ADDR=value))
    pods = rollout.pods(crash_loop(1))
    found = rollout.diagnose(pods, ledger(), works(), logs={pods[0]: DOWN})
    top = best(found)
    assert causes(found) == ["dependency_address_wrong"]
    assert (top.verdict, top.remedies[0].parameters) == (Verdict.ACT, {"revision": 6})
    assert "Service ledger has port 8080" in top.summary


@pytest.mark.parametrize("value", ["ledger:8080", "ledger", "ledger.pay:8082", "db.example.com:8082", "10.1.2.3:8082"])
def test_an_address_that_may_be_right_is_not_blamed(value: str) -> None:
    rollout = Rollout(env(LEDGER_ADDR="ledger:1"), env(LEDGER_ADDR=value))
    pods = rollout.pods(crash_loop(1))
    assert "dependency_address_wrong" not in causes(rollout.diagnose(pods, ledger(), works()))


def test_a_headless_service_has_whatever_port_its_pods_have() -> None:
    headless = KubeObject({**ledger().raw, "spec": {**ledger().tree("spec").raw, "clusterIP": "None"}})
    rollout = Rollout(env(LEDGER_ADDR="ledger:8080"), env(LEDGER_ADDR="ledger:8082"))
    found = rollout.diagnose(rollout.pods(crash_loop(1)), headless, works())
    assert "dependency_address_wrong" not in causes(found)


def test_an_address_out_of_a_configmap_goes_to_people() -> None:
    wanted = template(container(envFrom=[{"configMapRef": {"name": "settings"}}]))
    source = configuration("ConfigMap", "settings", [])
    source = KubeObject({**source.raw, "data": {"LEDGER_ADDR": "ledger:8082"}})
    rollout = Rollout(wanted, wanted, minutes_ago=9000)
    top = best(rollout.diagnose(rollout.pods(crash_loop(1)), ledger(), works(), source))
    assert (top.cause, top.verdict) == ("dependency_address_wrong", Verdict.ESCALATE)
    assert "in ConfigMap settings" in top.summary


def test_a_healthy_workload_with_an_odd_address_is_left_alone() -> None:
    wanted = env(LEDGER_ADDR="ledger:8082")
    rollout = Rollout(wanted, wanted, minutes_ago=9000, new_available=3)
    assert causes(rollout.diagnose(rollout.pods(running()), ledger())) == ["healthy"]


@pytest.mark.parametrize("line", UNKNOWN)
def test_a_service_that_is_gone_is_named_and_goes_to_people(line: str) -> None:
    wanted = env(LEDGER_ADDR="ledger:8080")
    rollout = Rollout(wanted, wanted, minutes_ago=9000)
    pods = rollout.pods(crash_loop(1))
    found = rollout.diagnose(pods, logs={pods[0]: line})
    top = best(found)
    assert causes(found) == ["service_missing"]
    assert (top.verdict, top.remedies[0].action) == (Verdict.ESCALATE, "escalate")
    assert "there is no Service ledger in shop" in texts(found)


@pytest.mark.parametrize(
    "line", ['level=fatal msg="not reached" address=http://ledger:8080', "ledger:8080: connect: connection refused"]
)
def test_a_service_that_is_gone_is_named_where_the_log_only_tells_that_it_was_called_in_vain(line: str) -> None:
    wanted = env(LEDGER_ADDR="http://ledger:8080")
    rollout = Rollout(wanted, wanted, minutes_ago=9000)
    pods = rollout.pods(crash_loop(1))
    assert causes(rollout.diagnose(pods, logs={pods[0]: line})) == ["service_missing"]
    # Another name that merely begins alike, and a Service that is there, are not meant.
    other = line.replace("ledger", "ledger-audit")
    assert "service_missing" not in causes(rollout.diagnose(pods, logs={pods[0]: other}))
    assert "service_missing" not in causes(rollout.diagnose(pods, ledger(), works(), logs={pods[0]: line}))


def test_a_misspelt_service_goes_back_with_the_change() -> None:
    rollout = Rollout(env(LEDGER_ADDR="ledger:8080"), env(LEDGER_ADDR="leger:8080"))
    pods = rollout.pods(crash_loop(1))
    found = rollout.diagnose(pods, ledger(), works(), logs={pods[0]: UNKNOWN[0].replace("ledger", "leger")})
    assert (best(found).cause, best(found).verdict) == ("service_missing", Verdict.ACT)


def test_a_quota_without_room_for_services_is_told() -> None:
    wanted = env(LEDGER_ADDR="ledger:8080")
    rollout = Rollout(wanted, wanted, minutes_ago=9000)
    pods = rollout.pods(crash_loop(1))
    found = rollout.diagnose(pods, quota("objects", {"services": "3"}, {"services": "3"}), logs={pods[0]: UNKNOWN[0]})
    assert "all 3 Services are used up" in texts(found)


@pytest.mark.parametrize("line", UNKNOWN)
def test_a_service_that_is_there_and_not_resolved_points_to_dns(line: str) -> None:
    wanted = env(LEDGER_ADDR="ledger:8080")
    rollout = Rollout(wanted, wanted, minutes_ago=9000)
    pods = rollout.pods(crash_loop(1))
    found = rollout.diagnose(pods, ledger(), works(), logs={pods[0]: line})
    assert causes(found) == ["dns_fails"]
    assert best(found).verdict is Verdict.ESCALATE


def test_a_name_elsewhere_says_nothing_about_services() -> None:
    wanted = env(LEDGER_ADDR="ledger:8080")
    rollout = Rollout(wanted, wanted, minutes_ago=9000)
    pods = rollout.pods(crash_loop(1))
    line = "dial tcp: lookup api.partner.example on 10.96.0.10:53: no such host"
    assert causes(rollout.diagnose(pods, logs={pods[0]: line})) == ["crash_without_change"]


def test_pods_that_ask_a_foreign_dns_server_since_a_change_go_back() -> None:
    new = template(container(), dnsPolicy="None", dnsConfig={"nameservers": ["203.0.113.53"]})
    rollout = Rollout(template(container()), new)
    pods = rollout.pods(crash_loop(1))
    found = rollout.diagnose(pods, ledger(), works(), logs={pods[0]: UNKNOWN[0]})
    assert causes(found) == ["pod_dns_wrong"]
    assert (best(found).verdict, best(found).remedies[0].parameters) == (Verdict.ACT, {"revision": 6})
    old = Rollout(new, new, minutes_ago=9000)
    pods = old.pods(crash_loop(1))
    assert best(old.diagnose(pods, ledger(), works(), logs={pods[0]: UNKNOWN[0]})).verdict is Verdict.ESCALATE


def test_a_variable_that_a_second_entry_overrides_goes_back() -> None:
    old = template(container(env=[{"name": "FRONT", "value": "web"}]))
    new = template(container(env=[{"name": "FRONT", "value": "web"}, {"name": "FRONT", "value": "localhost"}]))
    rollout = Rollout(old, new)
    found = rollout.diagnose(rollout.pods(crash_loop(1)))
    assert causes(found) == ["variable_shadowed"]
    assert best(found).verdict is Verdict.ACT
    assert "web, then localhost, which wins" in best(found).summary


def test_the_values_of_a_password_set_twice_are_not_shown() -> None:
    new = template(container(env=[{"name": "DB_PASSWORD", "value": "one"}, {"name": "DB_PASSWORD", "value": "two"}]))
    rollout = Rollout(template(container()), new)
    found = rollout.diagnose(rollout.pods(crash_loop(1)))
    assert "two" not in best(found).summary
    assert "variable DB_PASSWORD is set twice" in texts(found)


def edited(kind: str, minutes: float) -> KubeObject:
    mark = managed("kubectl-edit", ago(minutes=minutes), "data", "A")
    return configuration(kind, "settings", ["A"], managedFields=[mark])


def reading(kind: str) -> Parts:
    reference = {"configMapRef" if kind == "ConfigMap" else "secretRef": {"name": "settings"}}
    return template(container(envFrom=[reference]))


@pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
def test_crashes_that_follow_an_edit_are_told_with_who_made_it(kind: str) -> None:
    rollout = Rollout(reading(kind), reading(kind), minutes_ago=9000)
    pods = rollout.pods(crash_loop(1, restarts=3))
    found = rollout.diagnose(pods, edited(kind, 5))
    assert causes(found) == ["configuration_edited"]
    assert best(found).verdict is Verdict.ESCALATE
    assert f"{kind} settings was edited by kubectl-edit" in texts(found)


def test_an_edit_long_before_the_crashes_is_doubted_and_one_after_them_is_none() -> None:
    rollout = Rollout(reading("ConfigMap"), reading("ConfigMap"), minutes_ago=9000)
    pods = rollout.pods(crash_loop(1, restarts=3))
    near = best(rollout.diagnose(pods, edited("ConfigMap", 5)))
    far = best(rollout.diagnose(pods, edited("ConfigMap", 90)))
    assert far.contradicting
    assert far.confidence < near.confidence
    assert causes(rollout.diagnose(pods, edited("ConfigMap", 400))) == ["crash_without_change"]


REFUSED = 'FATAL: password authentication failed for user "shop"'


def test_a_secret_that_changed_after_the_start_is_read_again_by_a_restart() -> None:
    rollout = Rollout(reading("Secret"), reading("Secret"), minutes_ago=9000)
    pods = rollout.pods(running(ready=False, since=ago(hours=5)))
    scene = scene_of(rollout.parts, node(), pods, edited("Secret", 30), logs={pods[0]: REFUSED}, previous=False)
    top = best(diagnose(scene, rollout.deployment.ref))
    assert (top.cause, top.verdict) == ("stale_secret", Verdict.ACT)
    assert (top.remedies[0].action, top.remedies[0].target) == ("restart_workload", rollout.deployment.ref)


def test_a_container_that_started_with_the_new_secret_is_not_restarted_for_it() -> None:
    rollout = Rollout(reading("Secret"), reading("Secret"), minutes_ago=9000)
    pods = rollout.pods(running(ready=False, since=ago(minutes=10)))
    scene = scene_of(rollout.parts, node(), pods, edited("Secret", 30), logs={pods[0]: REFUSED}, previous=False)
    top = best(diagnose(scene, rollout.deployment.ref))
    assert (top.cause, top.verdict) == ("credentials_refused", Verdict.ESCALATE)


def test_a_younger_container_that_is_refused_as_well_speaks_against_a_restart() -> None:
    rollout = Rollout(reading("Secret"), reading("Secret"), minutes_ago=9000)
    old, young = running(ready=False, since=ago(hours=5)), running(ready=False, since=ago(minutes=10))
    pods = [*rollout.pods(old, 1), *rollout.pods(young, 2)[1:]]
    logs = dict.fromkeys(pods, REFUSED)
    scene = scene_of(rollout.parts, node(), pods, edited("Secret", 30), logs=logs, previous=False)
    top = best(diagnose(scene, rollout.deployment.ref))
    assert top.cause == "stale_secret"
    assert top.contradicting
    assert top.verdict is Verdict.APPROVE


def test_the_files_of_a_secret_are_renewed_without_a_restart() -> None:
    wanted = template(container(), volumes=[{"name": "s", "secret": {"secretName": "settings"}}])
    rollout = Rollout(wanted, wanted, minutes_ago=9000)
    pods = rollout.pods(running(ready=False, since=ago(hours=5)))
    scene = scene_of(rollout.parts, node(), pods, edited("Secret", 30), logs={pods[0]: REFUSED}, previous=False)
    assert best(diagnose(scene, rollout.deployment.ref)).cause == "credentials_refused"
