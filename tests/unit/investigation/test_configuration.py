from __future__ import annotations

import pytest

from kubernaut.domain.diagnosis import Verdict
from tests.objects import Part, Parts, ago, configuration, container, event, managed, running, template, waiting
from tests.unit.investigation.scenes import Rollout, best, causes, texts


def with_env(kind: str, name: str, key: str, **extra: Part) -> Parts:
    source = {"name": name, "key": key, **extra}
    return template(container(env=[{"name": "MODE", "valueFrom": {kind: source}}]))


def with_volume(**volume: Part) -> Parts:
    return template(container(), volumes=[{"name": "settings", **volume}])


PLAIN = template(container())


def test_a_reference_to_a_configmap_that_never_was_is_rolled_back() -> None:
    rollout = Rollout(PLAIN, with_env("configMapKeyRef", "flags-v2", "mode"), old_available=3)
    pods = rollout.pods(waiting("CreateContainerConfigError", 'configmap "flags-v2" not found'), 1)
    found = rollout.diagnose(pods, configuration("ConfigMap", "flags", ["mode"]))
    top = best(found)
    assert (top.cause, top.verdict) == ("missing_configmap", Verdict.ACT)
    assert top.remedies[0].parameters == {"revision": 6}
    assert "it is none of the 1 in shop" in texts(found)


def test_a_configmap_that_was_removed_goes_to_people() -> None:
    both = with_env("configMapKeyRef", "flags", "mode")
    rollout = Rollout(both | {}, template(container(args=["x"], env=both["spec"]["containers"][0]["env"])))
    top = best(rollout.diagnose(rollout.pods(waiting("CreateContainerConfigError", 'configmap "flags" not found'))))
    assert (top.cause, top.verdict) == ("missing_configmap", Verdict.ESCALATE)


def test_a_volume_of_a_secret_that_is_not_there_is_found_by_its_event() -> None:
    rollout = Rollout(PLAIN, with_volume(secret={"secretName": "tls"}), old_available=3)
    pods = rollout.pods(waiting("ContainerCreating"), 1)
    words = 'MountVolume.SetUp failed for volume "settings" : secret "tls" not found'
    found = rollout.diagnose(pods, event(pods[0], "FailedMount", words, count=9))
    assert (best(found).cause, best(found).verdict) == ("missing_secret", Verdict.ACT)


def test_a_key_that_was_renamed_is_told_from_a_missing_object() -> None:
    rollout = Rollout(PLAIN, with_env("secretKeyRef", "login", "pass"), old_available=3)
    pods = rollout.pods(waiting("CreateContainerConfigError", "couldn't find key pass in Secret shop/login"), 1)
    edited = configuration("Secret", "login", ["passphrase"], managedFields=[managed("helm", ago(minutes=4), "data")])
    found = rollout.diagnose(pods, edited)
    assert causes(found) == ["missing_config_key"]
    assert "Secret login has passphrase, not pass" in texts(found)
    assert "was last written by helm" in texts(found)


@pytest.mark.parametrize("message", ["failed to sync configmap cache: timed out waiting for the condition", ""])
def test_a_kubelet_that_is_late_is_not_a_missing_object(message: str) -> None:
    rollout = Rollout(PLAIN, with_volume(configMap={"name": "flags"}), minutes_ago=1)
    pods = rollout.pods(waiting("ContainerCreating"))
    events = [event(pods[0], "FailedMount", message)] if message else []
    found = rollout.diagnose(pods, events, configuration("ConfigMap", "flags", ["a"]))
    assert causes(found) == ["rollout_in_progress"]


def test_an_optional_reference_is_never_missed() -> None:
    rollout = Rollout(PLAIN, with_env("configMapKeyRef", "flags", "mode", optional=True), minutes_ago=1)
    found = rollout.diagnose(rollout.pods(waiting("ContainerCreating")))
    assert causes(found) == ["rollout_in_progress"]


def test_an_object_that_is_there_by_now_is_not_missed_whatever_the_old_message_says() -> None:
    rollout = Rollout(PLAIN, with_env("configMapKeyRef", "flags", "mode"))
    pods = rollout.pods(waiting("CreateContainerConfigError", 'configmap "flags" not found'))
    found = rollout.diagnose(pods, configuration("ConfigMap", "flags", ["mode"]))
    assert "missing_configmap" not in causes(found)


def test_a_list_that_could_not_be_read_leaves_the_kubelets_word_and_no_action() -> None:
    rollout = Rollout(PLAIN, with_env("configMapKeyRef", "flags-v2", "mode"), old_available=3)
    pods = rollout.pods(waiting("CreateContainerConfigError", 'configmap "flags-v2" not found'), 1)
    found = rollout.diagnose(pods, unread=frozenset({"ConfigMap"}))
    assert best(found).cause == "missing_configmap"
    assert best(found).verdict is Verdict.APPROVE
    assert "none of the" not in texts(found)


def test_a_way_back_that_is_broken_itself_is_said() -> None:
    rollout = Rollout(
        with_env("configMapKeyRef", "flags-v1", "mode"),
        with_env("configMapKeyRef", "flags-v2", "mode"),
        old_available=3,
    )
    pods = rollout.pods(waiting("CreateContainerConfigError", 'configmap "flags-v2" not found'), 1)
    found = rollout.diagnose(pods)
    assert best(found).verdict is Verdict.APPROVE
    assert "revision 6 needs ConfigMap flags-v1 mode, too" in texts(found)


def test_a_running_pod_whose_configmap_was_removed_is_still_healthy() -> None:
    rollout = Rollout(PLAIN, with_env("configMapKeyRef", "flags", "mode"), minutes_ago=9000, new_available=3)
    assert causes(rollout.diagnose(rollout.pods(running()))) == ["healthy"]
