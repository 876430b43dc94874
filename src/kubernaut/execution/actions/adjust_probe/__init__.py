"""Gives a container's probe back its former form, or more time."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from msgspec import Meta

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import Json, KubeObject, copied
from kubernaut.execution.catalogue import Action, Parameters, Prepared, Risk, Situation
from kubernaut.execution.editing import edit, setting
from kubernaut.execution.preconditions import rolling_reach
from kubernaut.execution.revisions import READS, WRITES, container_at, former_container, paused, replaced_by_hand
from kubernaut.execution.targets import WORKLOADS, find

_DEFAULTS = {"initialDelaySeconds": 0, "periodSeconds": 10, "timeoutSeconds": 1, "failureThreshold": 3}


class ProbeParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """Which probe, and either the revision that it is taken from or the more patient timings; 0 leaves a timing."""

    container: Annotated[str, Meta(min_length=1, max_length=63, description="name of the container")]
    probe: Annotated[Literal["liveness", "readiness", "startup"], Meta(description="which of the three")]
    revision: Annotated[int, Meta(ge=0, description="a revision whose probe was good; 0 to change timings")] = 0
    initial_delay_s: Annotated[int, Meta(ge=0, le=600, description="seconds before the first try")] = 0
    period_s: Annotated[int, Meta(ge=0, le=300, description="seconds between tries")] = 0
    timeout_s: Annotated[int, Meta(ge=0, le=60, description="seconds for one try")] = 0
    failure_threshold: Annotated[int, Meta(ge=0, le=30, description="failures in a row that count")] = 0

    def timings(self) -> dict[str, int]:
        """The wanted timings by their field."""
        wanted = (self.initial_delay_s, self.period_s, self.timeout_s, self.failure_threshold)
        return {field: value for field, value in zip(_DEFAULTS, wanted, strict=True) if value}


async def prepare(on: Situation[ProbeParameters]) -> Prepared | Refused:
    """The probe of the revision, or the present one with more time. A probe is never taken out."""
    if on.parameters.revision:
        return await _former(on)
    return await _patient(on)


async def _former(on: Situation[ProbeParameters]) -> Prepared | Refused:
    field = f"{on.parameters.probe}Probe"
    found = await former_container(on, on.parameters.container, on.parameters.revision)
    if isinstance(found, Refused):
        return found
    if not found.former.has(field):
        where = f"revision {on.parameters.revision} of {found.workload.ref}"
        return Refused("probe_missing", f"{where} has no {on.parameters.probe} probe, and none is ever taken out")
    return found.changed(field)


async def _patient(on: Situation[ProbeParameters]) -> Prepared | Refused:
    wanted = on.parameters.timings()
    workload = await find(on, paused, replaced_by_hand)
    if isinstance(workload, Refused):
        return workload
    place = container_at(workload, on.parameters.container)
    field = f"{on.parameters.probe}Probe"
    if place is None or not place[1].has(field):
        text = f"{workload.ref} has no container {on.parameters.container} with a {on.parameters.probe} probe"
        return Refused("probe_missing", text)
    path, container = place
    probe = copied(dict(container.tree(field).raw))
    present = {key: container.integer(field, key, default=value) for key, value in _DEFAULTS.items()}
    if any(value < present[key] for key, value in wanted.items()):
        return Refused("stricter", "a timing would become shorter: a probe is only given more time")
    if all(value == present[key] for key, value in wanted.items()):
        return Refused("no_effect", f"the {on.parameters.probe} probe has these timings already")
    return _prepared(workload, {**probe, **wanted}, *path, field)


def _prepared(workload: KubeObject, probe: Json, *path: str | int) -> Prepared:
    prepared = Prepared(workload, edit(workload, setting(workload, probe, *path)), rolling_reach(workload))
    return replace(prepared, reach=f"{prepared.reach}; the probe stays")


ACTION = Action[ProbeParameters](
    id=ActionId("adjust_probe"),
    summary="gives a container's probe the form of a good revision, or more time",
    targets=WORKLOADS,
    parameters=ProbeParameters,
    when="a probe was changed and fails since, or gives a slow start too little time",
    never="to take a probe out, or to make it stricter; not when the program itself is ill",
    before="same uid; the container has that probe (or had it); a change for the more patient; owner free",
    risk=Risk.MEDIUM,
    undo="probe back to the snapshot",
    reads=READS,
    writes=WRITES,
    prepare=prepare,
)
