"""Every promise with its check. What has none is not built, is shown as such, and counts as failed."""

from __future__ import annotations

from kubernaut.entrypoints.readiness import crowd_checks as load
from kubernaut.entrypoints.readiness import endurance_checks as lasting
from kubernaut.entrypoints.readiness import guidance_checks as guided
from kubernaut.entrypoints.readiness import sandbox_checks as box
from kubernaut.entrypoints.readiness import truth_checks as truth
from kubernaut.entrypoints.readiness import unit_checks as unit
from kubernaut.entrypoints.readiness import worth_checks as worth
from kubernaut.entrypoints.readiness.availability import stays_available
from kubernaut.entrypoints.readiness.verdicts import Check, Layer

_U, _I, _E = Layer.UNIT, Layer.INTEGRATION, Layer.END_TO_END

CHECKS: tuple[Check, ...] = (
    Check("tampering", "every changed, missing, added or moved event is found", "all", _U, unit.tampering_is_found),
    Check("way-back", "every action says how it is taken back", "all", _U, unit.every_action_says_its_way_back),
    Check("redaction", "no secret leaves", "all", _U, unit.secrets_are_redacted),
    Check("malformed", "what is no alert is refused, not guessed", "all", _U, unit.malformed_alerts_are_refused),
    Check("inverse", "a change taken back leaves nothing behind", "all", _U, unit.undo_gives_back_what_was),
    Check("no-figure", "no number out of thin air", "all", _U, unit.no_figure_out_of_nothing),
    Check("causes", "causes are told from their look-alikes", "all", _U, unit.every_cause_tells_its_rivals_apart),
    Check("ranking", "what healed more surely is tried first", "all", _U, guided.proven_first),
    Check("made-up", "what a model makes up is not taken", "all", _U, guided.made_up_is_refused),
    Check("budget", "a model never takes more than it may", "all", _U, guided.budgets_hold),
    Check("blank", "a blank text has no embedding", "all", _U, guided.blank_is_refused),
    Check("apart", "kept answers never cross a change", "all", _U, guided.kept_answers_stay_apart),
    Check("intervals", "an interval of 95 % holds 95 %", "94 to 97 %", _U, unit.intervals_hold),
    Check(
        "decided",
        "an alert is decided, rule path, p95",
        "< 5 s",
        _I,
        load.decided_in_time,
        "avg_response_time",
        quick=False,
    ),
    Check(
        "crowd", "100 within 5 s are decided", ">= 95 %", _I, load.crowd_is_decided, "concurrent_capacity", quick=False
    ),
    Check("latencies", "with a model of 0, 1 and 3 s, p95", "< 5 s", _I, load.decided_with_models, quick=False),
    Check("sustained", "alerts taken a minute, through kills", ">= 1,000", _I, load.sustained, quick=False),
    Check("degradation", "100 within 5 s slow each down", "< 50 %", _I, load.degradation, quick=False),
    Check(
        "degradation-model",
        "100 in flight at a model slow each down",
        "< 50 %",
        _I,
        load.degradation_with_model,
        quick=False,
    ),
    Check("utilisation", "CPU and memory with 100 within 5 s", "< 80 %", _I, load.utilisation, quick=False),
    Check("none-lost", "no alert lost", "0", _I, load.none_lost, quick=False),
    Check("one-each", "no two faults in one incident", "all", _I, load.one_incident_each, quick=False),
    Check("accuracy", "metrics equal a second count", "> 85 %", _I, box.metrics_accuracy, "metrics_accuracy"),
    Check("success", "executed strategies heal", "> 80 %", _I, box.strategy_success, "strategy_success_rate"),
    Check("value", "each figure of value, or why there is none", "all", _I, worth.figures_are_there),
    Check("roi", "return on investment, pessimistic end", "> 0.25", _I, worth.return_on_investment, "measurable_roi"),
    Check("evidence", "no cause without evidence", "all", _I, box.claims_have_evidence),
    Check("intent", "no action without its snapshot", "all", _I, box.intent_before_action),
    Check("once", "no action twice", "all", _I, box.applied_once),
    Check("undo", "undo restores the object", "all", _I, box.undo_restores),
    Check("chain", "the log is whole", "whole", _I, box.chain_is_whole),
    Check("rebuild", "state can be rebuilt from events", "all", _I, box.rebuilt_from_events),
    Check("from-events", "figures come from events alone", "equal", _I, box.figures_come_from_events),
    Check(
        "availability",
        "alerts are taken and kept through kills and faults",
        ">= 99.9 %, 0 lost",
        _I,
        stays_available,
        "system_availability",
        quick=False,
    ),
    Check("takeover", "a dead replica's work is taken over", "< 30 s", _I, lasting.taken_over, quick=False),
    Check("restore", "a backup restored goes on", "works", _I, lasting.backup_goes_on),
    Check("cache", "model replies are cached for 15 minutes", "hits", _I, lasting.answers_are_kept),
    Check("calibration", "confidence means what it says", "ECE < 0.1", _I, truth.confidence_is_calibrated),
    Check("alert-to-resolution", "an alert ends as it must", "all", _E, box.ended_rightly, "success_rate"),
    Check("left-alone", "what is not ours stays untouched", "all", _E, box.left_alone),
    Check("failover", "a dead model stops nothing", "all", _E, load.provider_failover, quick=False),
    Check("learning", "the second time it knows", "known", _E, box.learns),
    Check("model-order", "providers fail over in order", "< 500 ms", _E, lasting.asked_in_order),
)
