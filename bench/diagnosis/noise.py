"""What goes on beside a fault in any cluster: none of it is the cause of anything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from bench.diagnosis.system import System, container
from kubernaut.domain.objects import JsonObject
from kubernaut.sandbox.applications import Misfortune
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.kinds import BY_NAME, CONFIG_MAP
from kubernaut.sandbox.recorder import warning
from kubernaut.sandbox.shapes import section

Noise = Callable[[System], None]


def neighbour_rolled_out(system: System) -> None:
    """A neighbour gets a new version, which works."""
    program = system.neighbours[0]
    image = system.publish(f"{program.image}1", program.application())
    system.apply(container(image=image), program)


def neighbour_stumbled(system: System) -> None:
    """A neighbour ended for two minutes, and runs again."""
    program, now = system.neighbours[0], system.clock.now()
    lines = ('level=error msg="shutting down" err="upstream: EOF"',)
    system.universe.strike(program.image, Misfortune(now, until=now + timedelta(minutes=2), exit_code=1, lines=lines))


def neighbour_unready_for_a_moment(system: System) -> None:
    """A neighbour's probe failed for half a minute."""
    program, now = system.neighbours[0], system.clock.now()
    paths = frozenset({"/", "/readyz", "/healthz"})
    system.universe.strike(program.image, Misfortune(now, until=now + timedelta(seconds=25), paths=paths))


def target_had_a_version_before(system: System) -> None:
    """The target was rolled out some minutes ago, and that version works."""
    target = system.target

    def edit(manifest: JsonObject) -> None:
        section(manifest, "spec", "template", "metadata", "annotations")["released"] = system.names.word()

    kind = BY_NAME[target.ref.api_version, target.kind]
    system.change(kind, target.namespace, target.name, edit, By("deployer"))
    system.wait(3)


def settings_of_neighbour_edited(system: System) -> None:
    """Somebody edits a ConfigMap that the target does not read."""
    name = system.neighbours[0].settings_name
    system.change(CONFIG_MAP, system.namespace, name, lambda item: section(item, "data").update(PAGE_SIZE="75"))


def old_warning_about_a_pod(system: System) -> None:
    """A pod of the target had trouble when it was first started, and has an event of it."""
    for pod in system.pods()[:1]:
        text = f'MountVolume.SetUp failed for volume "kube-api-access-{pod.uid[:5]}" : failed to sync configmap cache'
        system.say("kubelet", pod, warning("FailedMount", f"{text}: timed out waiting for the condition"))


def neighbour_scaled(system: System) -> None:
    """A neighbour gets one more pod."""
    program = system.neighbours[0]
    system.scale(program.replicas + 1, program)


NOISES: tuple[Noise, ...] = (
    neighbour_rolled_out,
    neighbour_stumbled,
    neighbour_unready_for_a_moment,
    target_had_a_version_before,
    settings_of_neighbour_edited,
    old_warning_about_a_pod,
    neighbour_scaled,
)


def make_noise(system: System, count: int) -> tuple[str, ...]:
    """Makes so many of them, and gives their names."""
    chosen = system.draw.sample(NOISES, count)
    for noise in chosen:
        noise(system)
    return tuple(noise.__name__ for noise in chosen)
