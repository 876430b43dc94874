"""Longer histories, two faults at once, and faults that are looked at early."""

from __future__ import annotations

from dataclasses import replace

from bench.diagnosis.cases import Aim, Policy, about
from bench.diagnosis.system import System, container, first, pod_spec
from bench.diagnosis.variants.outfits import CRASH, PULL, revision_of, variant
from kubernaut.domain.objects import JsonObject
from kubernaut.sandbox.applications import Misfortune
from kubernaut.sandbox.kinds import CONFIG_MAP
from kubernaut.sandbox.shapes import entries, section

_DEPLOYMENT = ("Deployment",)


def _ending(system: System, *lines: str) -> str:
    """An image whose program ends at once."""
    image = system.publish(system.image(), system.target.application())
    system.strike(1, *lines, program=replace(system.target, tag=image.rpartition(":")[2]), after_s=1)
    return image


def _bad_and_back(system: System) -> int:
    """A release that crashed and was taken back; gives the number of the good revision."""
    system.apply(container(image=_ending(system, "panic: no route /v1")), live=True)
    system.wait(4)
    system.apply(container(image=system.target.image), live=True)
    system.wait(6)
    return revision_of(system)


@variant(63, "crash_after_change", Policy.ACT, alerts=CRASH, kinds=_DEPLOYMENT)
def second_try_ends_too(system: System) -> Aim:
    """The second revision crashed and was taken back, and now another one crashes."""
    good = _bad_and_back(system)
    system.apply(container(image=_ending(system, "Error: cannot find module 'pages'")), live=True)
    return replace(about(system.target.ref), back_to=good)


@variant(38, "image_not_found", Policy.ACT, alerts=PULL, kinds=_DEPLOYMENT)
def bad_twice_without_a_way_back_between(system: System) -> Aim:
    """The last two revisions are both bad: the one before them is the way back."""
    good = revision_of(system)
    system.apply(container(image=_ending(system, "panic: nil map")), live=True)
    system.wait(4)
    system.apply(container(image=system.image()), live=True)
    return replace(about(system.target.ref), back_to=good)


@variant(20, "unschedulable_node_selector", Policy.ACT, alerts=PULL, kinds=_DEPLOYMENT)
def other_fault_after_the_way_back(system: System) -> Aim:
    good = _bad_and_back(system)
    system.apply(pod_spec(nodeSelector={"zone": "west-9"}), live=True)
    return replace(about(system.target.ref), back_to=good)


@variant(45, "crash_after_change", Policy.ACT, alerts=CRASH, kinds=_DEPLOYMENT)
def harmless_change_after_the_harmful_one(system: System) -> Aim:
    """Impatient, somebody restarts the rollout: the last revision differs from the bad one by a stamp alone."""
    good = revision_of(system)

    def edit(item: JsonObject) -> None:
        first(item)["env"] = [each for each in entries(first(item), "env") if each.get("name") != "REGION"]

    system.apply(edit, live=True)
    system.wait(4)

    def stamp(item: JsonObject) -> None:
        notes = section(item, "spec", "template", "metadata", "annotations")
        notes["kubectl.kubernetes.io/restartedAt"] = "2026-03-02T10:31:07Z"

    system.apply(stamp, live=True)
    return replace(about(system.target.ref), back_to=good)


@variant(61, "readiness_probe_wrong", Policy.ACT, alerts=PULL)
def neighbour_ill_too(system: System) -> None:
    """Two faults in one namespace: the alert is about this one."""
    other = system.neighbours[0]
    system.apply(container(image=f"{other.image}7"), other)
    wanted: JsonObject = {"path": "/ready-now", "port": system.target.port}
    system.apply(lambda item: section(first(item), "readinessProbe").update(httpGet=wanted))


@variant(44, "configuration_edited missing_config_key", Policy.ACT, alerts=CRASH)
def innocent_release_before_the_edit(system: System) -> None:
    """A release that works, and an edited map ten minutes later: the pods that start anew end."""
    system.apply(container(image=system.publish(system.image(), system.target.application())))
    system.wait(10)
    name = system.target.settings_name
    system.change(CONFIG_MAP, system.namespace, name, lambda item: section(item, "data").update(LOG_LEVEL=""))
    system.recreate_pods()


@variant(
    67, "rollout_stuck readiness_probe_wrong crash_after_change application_hangs", Policy.ACT,
    alerts="KubeDeploymentReplicasMismatch", kinds=_DEPLOYMENT, minutes=(6, 9),
)  # fmt: skip
def replaced_at_once_and_looked_at_early(system: System) -> None:
    """Every pod is replaced at once by a version that answers 503; somebody looks before ten minutes are over.

    A start is given five minutes.
    """
    image = system.publish(system.image(), system.target.application())
    paths = frozenset({system.target.ready_path})
    system.universe.strike(image, Misfortune(system.clock.now(), paths=paths))

    def edit(manifest: JsonObject) -> None:
        rolling: JsonObject = {"maxUnavailable": "100%", "maxSurge": 0}
        section(manifest, "spec")["strategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
        first(manifest)["image"] = image

    system.apply(edit)


@variant(64, "crash_after_change", Policy.ACT, alerts=CRASH, kinds=_DEPLOYMENT)
def one_version_in_two_namespaces(system: System) -> None:
    """The same bad image goes out to two teams; the alert is about one."""
    image = _ending(system, "fatal: unsupported schema version 41")
    for program in (system.neighbours[1], system.target):
        system.apply(container(image=image), program)
