"""Containers that the kubelet restarts because a liveness or startup probe fails."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.investigation import facts
from kubernaut.investigation.containers import Container
from kubernaut.investigation.crashes import crashed
from kubernaut.investigation.facts import Fact, event_time
from kubernaut.investigation.probes import Answer, answer_of, probe_kill, target_of
from kubernaut.investigation.revisions import spell
from kubernaut.investigation.subjects import Workload

_GRACE = 30
_SLACK = timedelta(seconds=20)
_PASSED = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Restarted:
    """A container that a probe ends again and again: which probe, what it got, and how long the run lasted."""

    container: Container
    name: str
    probe: Tree
    answer: Answer
    ran: timedelta | None
    facts: tuple[Fact, ...]

    @property
    def asked(self) -> str:
        """`liveness probe GET :8080/healthz`."""
        return f"{self.name} probe {target_of(self.probe)}".rstrip()

    @property
    def patience(self) -> timedelta:
        """How long after its start a container that never answers is ended."""
        rounds = self.probe.integer("failureThreshold", default=3) * self.probe.integer("periodSeconds", default=10)
        return timedelta(seconds=min(self.probe.integer("initialDelaySeconds") + rounds, 86_400))

    @property
    def never_passed(self) -> bool:
        """Whether the run was ended at the first moment it could be, so that the probe cannot have passed."""
        if self.ran is None:
            return True
        grace = self.container.pod.integer("spec", "terminationGracePeriodSeconds", default=_GRACE)
        timeouts = self.probe.integer("timeoutSeconds", default=1) * self.probe.integer("failureThreshold", default=3)
        longest = self.patience + timedelta(seconds=min(grace + timeouts, 86_400)) + _SLACK
        return self.ran <= longest

    @property
    def passed_for_long(self) -> bool:
        """Whether the run lasted so long that the probe must have passed for a time."""
        return self.ran is not None and not self.never_passed and self.ran > _PASSED


def restarted(workload: Workload) -> Restarted | None:
    """The container that stands for those that a probe ends, the one restarted most."""
    found = [(entry, name) for entry in crashed(workload) if (name := _probe(workload, entry))]
    if not found:
        return None
    container, name = max(found, key=lambda pair: (pair[0].restarts, pair[0].pod.name))
    missed = _missed(workload, container, name)
    ended = container.ended
    started, finished = (ended.time("startedAt"), ended.time("finishedAt")) if ended else (None, None)
    ran = finished - started if started and finished else None
    lasted = f", the last run lasted {spell(ran)}" if ran is not None else ""
    text = f"{container.label} was ended by its {name} probe, {container.restarts} restarts{lasted}"
    told = [facts.field(container.pod, container.ended_path, text, finished)]
    told += [facts.event(entry) for entry in missed[:1]]
    answer = answer_of(missed[0].text("message")) if missed else Answer.OTHER
    return Restarted(container, name, container.spec.tree(f"{name}Probe"), answer, ran, tuple(told))


def _probe(workload: Workload, container: Container) -> str:
    """`liveness` or `startup` where such a probe ends the container."""
    named = probe_kill(workload.scene, container)
    if named:
        return named if container.spec.has(f"{named}Probe") or not container.is_spec_read else ""
    # Events are kept for an hour, and the kubelet says less often that it kills than that the probe fails.
    killed = container.exit_code in (137, 143) and not container.is_out_of_memory
    for name in ("liveness", "startup"):
        if killed and container.spec.has(f"{name}Probe") and _missed(workload, container, name):
            return name
    return ""


def _missed(workload: Workload, container: Container, name: str) -> list[KubeObject]:
    """The failures of that probe of that container, newest first."""
    field = f"{{{container.name}}}"
    found = []
    for entry in workload.scene.events_of(container.pod, "Unhealthy"):
        path = entry.text("involvedObject", "fieldPath")
        if entry.text("message").startswith(f"{name.capitalize()} probe") and (not path or path.endswith(field)):
            found.append(entry)
    created = container.pod.created_at
    return [entry for entry in found if (at := event_time(entry)) is None or created is None or at >= created]
