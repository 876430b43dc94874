"""What `diagnose` and the demo report, for people and, with names that never change their meaning, for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kubernaut.domain.diagnosis import ActionCall, Diagnosis, Hypothesis
from kubernaut.domain.evidence import Evidence, NotRead
from kubernaut.domain.objects import Json, JsonObject, ObjectRef
from kubernaut.impact.ai_metrics import AIMetrics
from kubernaut.impact.calibration import Calibration
from kubernaut.impact.recomputing import Accuracy


@dataclass(frozen=True, slots=True)
class ReadCall:
    """One request to the cluster."""

    what: str
    seconds: float


@dataclass(frozen=True, slots=True)
class DiagnosisReport:
    """What was looked at, and what was found, best first.

    `scope` is a namespace or empty for all; `managed` are the namespaces in which actions are allowed. Of a saved
    cluster, `taken_at` is the moment it shows and `notes` say what of it was passed over.
    """

    context: str
    scope: str
    seconds: float
    objects: int
    events: int
    logs: int
    workloads: int
    diagnoses: tuple[Diagnosis, ...]
    managed: frozenset[str] = frozenset()
    reads: tuple[ReadCall, ...] = ()
    not_read: tuple[NotRead, ...] = ()
    taken_at: datetime | None = None
    notes: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[Diagnosis, ...]:
        """The diagnoses that found something wrong."""
        return tuple(one for one in self.diagnoses if one.best is not None and one.best.cause not in WELL)


@dataclass(frozen=True, slots=True)
class CaptureReport:
    """What was saved, and what was wanted and could not be."""

    path: str
    bytes: int
    objects: int
    events: int
    logs: int
    redacted: int
    taken_at: datetime
    server: str
    left_out: tuple[NotRead, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelTrial:
    """What a provider of a language model made of one question; `failure` is empty where its reply could be taken."""

    name: str
    kind: str
    model: str
    failure: str
    reason: str
    seconds: float
    usd: float

    @property
    def works(self) -> bool:
        """Whether it is asked now."""
        return not self.failure


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """What the analysis of a period took, how far a second computation agrees, and what its confidence was worth."""

    incidents: int
    metrics: AIMetrics
    accuracy: Accuracy
    calibration: Calibration


# Causes that say that nothing is wrong.
WELL = frozenset({"healthy", "self_healed", "intended_state"})


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """One scenario of the demo: what it had to end as, and what it ended as. A control may not be touched."""

    name: str
    alert: str
    control: bool
    expected: str
    outcome: str
    cause: str
    target: str
    actions: tuple[str, ...]
    time_to_resolution: float | None
    passed: bool


def ref_json(ref: ObjectRef) -> JsonObject:
    """The object's address with the names of its fields."""
    return {"api_version": ref.api_version, "kind": ref.kind, "namespace": ref.namespace, "name": ref.name}


def diagnosis_json(report: DiagnosisReport) -> JsonObject:
    """The document of `diagnose --json`."""
    read: JsonObject = {
        "context": report.context,
        "namespace": report.scope,
        "objects": report.objects,
        "events": report.events,
        "logs": report.logs,
        "workloads": report.workloads,
        "seconds": round(report.seconds, 3),
    }
    gaps = [gap for one in report.diagnoses for gap in one.not_read] or report.not_read
    if report.taken_at is not None:
        read |= {"taken_at": report.taken_at.isoformat(), "notes": list(report.notes)}
    return {
        "incidents": [_finding_json(one, one.hypotheses[0]) for one in report.findings],
        "read": read,
        "not_read": [{"what": gap.what, "why": gap.why} for gap in gaps],
    }


def capture_json(report: CaptureReport) -> JsonObject:
    """The document of `snapshot --json`."""
    return {
        "path": report.path,
        "bytes": report.bytes,
        "objects": report.objects,
        "events": report.events,
        "logs": report.logs,
        "redacted_values": report.redacted,
        "taken_at": report.taken_at.isoformat(),
        "server": report.server,
        "left_out": [{"what": gap.what, "why": gap.why} for gap in report.left_out],
    }


def _finding_json(diagnosis: Diagnosis, best: Hypothesis) -> JsonObject:
    recommended: Json = _call_json(best.remedies[0]) if best.remedies else None
    return {
        "cause": best.cause,
        "target": ref_json(best.target),
        "confidence": round(best.confidence, 4),
        "verdict": best.verdict.value,
        "evidence": [_fact_json(fact) for fact in diagnosis.evidence],
        "supporting": list(best.supporting),
        "recommended": recommended,
        "alternatives": [_other_json(other) for other in diagnosis.hypotheses[1:]],
        "other_remedies": [_call_json(call) for call in best.remedies[1:]],
        "by_hand": list(best.by_hand),
        "decided_by": diagnosis.decided_by,
        "summary": best.summary,
    }


def _fact_json(fact: Evidence) -> JsonObject:
    return {
        "id": fact.id,
        "source": fact.source.value,
        "ref": f"{fact.object} {fact.ref}".strip(),
        "text": fact.text,
        "at": fact.at.isoformat() if fact.at else None,
    }


def _call_json(call: ActionCall) -> JsonObject:
    return {"action": call.action, "target": ref_json(call.target), "parameters": dict(call.parameters)}


def _other_json(other: Hypothesis) -> JsonObject:
    return {
        "cause": other.cause,
        "confidence": round(other.confidence, 4),
        "target": ref_json(other.target),
        "contradicting": list(other.contradicting),
        "summary": other.summary,
    }


def scenarios_json(results: Sequence[ScenarioResult]) -> JsonObject:
    """The document of `demo --once --json`."""
    return {
        "scenarios": [_scenario_json(result) for result in results],
        "passed": sum(result.passed for result in results),
        "failed": sum(not result.passed for result in results),
    }


def _scenario_json(result: ScenarioResult) -> JsonObject:
    return {
        "name": result.name,
        "alert": result.alert,
        "control": result.control,
        "expected": result.expected,
        "outcome": result.outcome,
        "cause": result.cause,
        "target": result.target,
        "actions": list(result.actions),
        "time_to_resolution": result.time_to_resolution,
        "passed": result.passed,
    }
