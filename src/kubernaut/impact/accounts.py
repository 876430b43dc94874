"""One closed incident in numbers that need no declared input, from its events alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernaut.domain.execution import Effect
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import EventKind, attempt_of, is_undoing, was_done
from kubernaut.domain.lifecycle import FOR_PEOPLE, Ending
from kubernaut.domain.objects import Tree
from kubernaut.impact.clocks import History, clocks

# Alerts that fire before users notice anything: a volume that is filling up, a certificate that runs out.
PRECURSORS = frozenset(
    {
        "CPUThrottlingHigh",
        "KubeClientCertificateExpiration",
        "KubePersistentVolumeFillingUp",
        "KubePersistentVolumeInodesFillingUp",
        "KubeQuotaAlmostFull",
        "NodeFilesystemSpaceFillingUp",
        "NodeMemoryHighUtilization",
    }
)
# Planning's own words for "this scope is only watched": what people did then is measured without our help.
_SHADOWED = frozenset({"autonomy_observe", "autonomy_suggest", "shadow"})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One remedy that was applied and verified."""

    strategy: str
    cause: str
    effect: str
    at: datetime
    undone: bool

    @property
    def healed(self) -> bool:
        """Whether verification saw it help."""
        return self.effect == Effect.HEALED


@dataclass(frozen=True, slots=True)
class Account:
    """`ended_s` is how long the alert fired, whoever ended it; None where it was not seen to end by `seen_s`."""

    incident: IncidentId
    ending: Ending
    cause: str
    target: str
    namespace: str
    team: str
    alert: str
    severity: str
    detected_at: datetime
    closed_at: datetime
    resolve_s: float
    mitigate_s: float | None
    ended_s: float | None
    seen_s: float
    decisions: int
    tokens: int
    harm_minutes: float
    shadowed: bool
    attempts: tuple[Attempt, ...]

    @property
    def healed(self) -> bool:
        """Whether a remedy of ours mended it."""
        return self.ending is Ending.HEALED

    @property
    def handed_over(self) -> bool:
        """Whether people had to do the work."""
        return self.ending in FOR_PEOPLE

    @property
    def attended(self) -> bool:
        """Whether somebody would have worked on it without us, and reads its report now."""
        return self.healed or self.handed_over


def accounts(histories: Iterable[History], *, until: datetime) -> list[Account]:
    """The closed ones, in the order in which they closed."""
    closed = [made for history in histories if (made := _account(history, until)) is not None]
    return sorted(closed, key=lambda made: (made.closed_at, made.incident))


def _account(history: History, until: datetime) -> Account | None:
    ending, times, incident = history.ending, clocks(history), history.incident
    if ending is None or times.closed is None:
        return None
    received = history.of(EventKind.RECEIVED)
    labels = Tree(received[0].body).mapping("labels") if received else {}
    ended = _ended(history, times.detected)
    return Account(
        incident=incident.id,
        ending=ending,
        cause=_cause(history),
        target=str(incident.target),
        namespace=incident.target.namespace,
        team=labels.get("team", ""),
        alert=incident.alert,
        severity=incident.severity,
        detected_at=times.detected,
        closed_at=times.closed,
        resolve_s=(times.closed - times.began).total_seconds(),
        mitigate_s=None if times.to_mitigate is None else times.to_mitigate.total_seconds(),
        ended_s=ended,
        seen_s=max(0.0, (max(until, times.closed) - times.detected).total_seconds()),
        decisions=len(history.of(EventKind.APPROVED)) + len(history.of(EventKind.REJECTED)),
        tokens=sum(Tree(event.body).integer("tokens") for event in history.of(EventKind.MODEL_ASKED)),
        harm_minutes=_minutes_with_undone_remedies(history),
        shadowed=any(Tree(event.body).text("plan", "guard") in _SHADOWED for event in history.of(EventKind.PLANNED)),
        attempts=_attempts(history),
    )


def _ended(history: History, detected: datetime) -> float | None:
    """From the alert to its end; the last of several alerts counts, and a healed one ended when it was well."""
    mitigated = clocks(history).to_mitigate
    if history.ending is Ending.HEALED and mitigated is not None:
        return mitigated.total_seconds()
    compared = history.of(EventKind.COMPARED)
    mended = Tree(compared[-1].body).time("comparison", "mended_at") if compared else None
    if mended is not None:
        # What was left to people was watched: it ended when it was mended, which alerts tell later.
        return max(0.0, (mended - detected).total_seconds())
    resolved = history.of(EventKind.RESOLVED)
    return max(0.0, (resolved[-1].at - detected).total_seconds()) if resolved else None


def _cause(history: History) -> str:
    diagnosed = history.of(EventKind.DIAGNOSED)
    best = Tree(diagnosed[-1].body).trees("diagnosis", "hypotheses") if diagnosed else []
    return best[0].text("cause") if best else "unknown"


def _attempts(history: History) -> tuple[Attempt, ...]:
    undone = {attempt_of(event) for event in history.of(EventKind.UNDONE) if was_done(event)}
    made = []
    for event in history.of(EventKind.VERIFIED):
        body = Tree(event.body)
        if body.text("verification", "effect") == Effect.PREPARED:
            continue
        made.append(
            Attempt(
                strategy=body.text("action") or "unknown",
                cause=body.text("cause") or "unknown",
                effect=body.text("verification", "effect"),
                at=event.at,
                undone=attempt_of(event) in undone,
            )
        )
    return tuple(made)


def _minutes_with_undone_remedies(history: History) -> float:
    total, since = timedelta(), None
    for event in history.events:
        if event.kind is EventKind.APPLIED and was_done(event):
            since = event.at
        elif is_undoing(event) and since is not None:
            total, since = total + (event.at - since), None
    return total.total_seconds() / 60


def weight_of(group: Sequence[Account]) -> tuple[int, int, int]:
    """Healed, attended and decided upon, as sums need them."""
    return (
        sum(one.healed for one in group),
        sum(one.attended for one in group),
        sum(one.decisions for one in group),
    )
