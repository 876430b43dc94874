"""What `kubernaut models` prints."""

from __future__ import annotations

from collections.abc import Sequence

from kubernaut.domain.objects import Json, JsonObject
from kubernaut.engine.codec import dump
from kubernaut.entrypoints.reports import ModelFigures, ModelTrial
from kubernaut.entrypoints.terminal.escaping import wrapped
from kubernaut.entrypoints.terminal.look import Look, aligned
from kubernaut.settings import ProviderSettings

_RULES = "rules"
_OF_KEYS = frozenset({"key_file", "key_env"})
# What a person can do about it, where that is more than to wait.
_HELP = {
    "auth": "put a valid key into the key file; it is read again at the next question",
    "model_missing": "name a model that the provider has",
    "refused": "start the server, or mend the endpoint",
    "dns": "mend the host in the endpoint",
    "tls": "give the server a certificate that this machine trusts",
    "prose": "it was asked for JSON by response_format: update it, or keep it for its quotations",
    "too_large": "raise window_tokens where the model can take more",
}


def declared_lines(providers: Sequence[ProviderSettings], look: Look) -> list[str]:
    """The providers in their order; the rules are always the last."""
    rows = [
        [str(place), one.name, one.kind, one.model or "-", str(one.shown()["endpoint"] or "-"), _limits(one)]
        for place, one in enumerate(providers, start=1)
    ]
    rows.append([str(len(providers) + 1), _RULES, "built in", "-", "-", "-"])
    return [look.text(line) for line in aligned([["#", "PROVIDER", "KIND", "MODEL", "ENDPOINT", "LIMITS"], *rows])]


def declared_json(providers: Sequence[ProviderSettings]) -> JsonObject:
    """The document of `models list --json`; keys are not in it."""
    return {
        "providers": [{name: value for name, value in one.shown().items() if name not in _OF_KEYS} for one in providers]
    }


def _limits(one: ProviderSettings) -> str:
    limits = [
        f"{one.timeout_s:g} s",
        f"{one.concurrency} at once",
        *([f"{one.tokens_per_minute} tokens a minute"] if one.tokens_per_minute else []),
        *([f"{one.tokens_per_day} tokens a day"] if one.tokens_per_day else []),
        *([f"{one.usd_per_day:g} USD a day"] if one.usd_per_day else []),
    ]
    return ", ".join(limits)


def trial_lines(trials: Sequence[ModelTrial], look: Look) -> list[str]:
    """The table, the order in which they are asked now, and what is wrong with the others."""
    rows = [
        [str(place), one.name, one.model, "ready" if one.works else one.failure, *_figures(one)]
        for place, one in enumerate(trials, start=1)
    ]
    rows.append([str(len(trials) + 1), _RULES, "built in", "ready", "-", "-"])
    lines = aligned([["#", "PROVIDER", "MODEL", "STATE", "WHOLE", "USD/CALL"], *rows])
    lines += ["", f"Order now: {' → '.join(_order(trials))}. Every incident still gets a decision."]
    for one in trials:
        if not one.works:
            lines += wrapped(one.reason, look.width)
            lines += [f"  help: {_HELP[one.failure]}"] if one.failure in _HELP else []
    return [look.text(line) for line in lines]


def trial_json(trials: Sequence[ModelTrial]) -> JsonObject:
    """The document of `models check --json`."""
    found: list[Json] = [
        {
            "name": one.name,
            "kind": one.kind,
            "model": one.model,
            "works": one.works,
            "failure": one.failure,
            "reason": one.reason,
            "seconds": round(one.seconds, 3),
            "usd": one.usd,
        }
        for one in trials
    ]
    return {"providers": found, "order": [*_order(trials)]}


def _figures(one: ModelTrial) -> list[str]:
    return [f"{one.seconds:.1f} s", f"{one.usd:.4f}"] if one.works else ["-", "-"]


def _order(trials: Sequence[ModelTrial]) -> list[str]:
    return [*(one.name for one in trials if one.works), _RULES]


def figures_lines(found: ModelFigures, look: Look) -> list[str]:
    """The metrics of a period."""
    metrics, checked = found.metrics, found.accuracy
    rows = [
        ["execution_duration", str(metrics.execution_duration)],
        ["step_count", str(metrics.step_count)],
        ["success_rate", str(metrics.success_rate)],
        ["ai_request_count", str(metrics.ai_request_count)],
        ["tool_calls", str(metrics.tool_calls)],
        ["questions", f"{metrics.questions}, {metrics.kept} from kept answers, {metrics.suspicious} suspicious"],
        ["failovers", str(metrics.failovers)],
        ["tokens", f"{metrics.tokens:,}"],
        ["usd", f"{metrics.usd:.4f}"],
        ["schema_validity", str(metrics.schema_validity)],
        ["evidence_support", str(metrics.evidence_support)],
        ["agreement", str(metrics.agreement)],
        ["brier", str(found.calibration.brier)],
        ["calibration_error", str(found.calibration.error)],
    ]
    lines = [f"{found.incidents} incidents", "", *aligned([["METRIC", "VALUE"], *rows])]
    if metrics.providers:
        table = [
            [name, str(one.asked), str(one.answered), str(one.requests), f"{one.tokens:,}", f"{one.usd:.4f}",
             ", ".join(f"{failure} {count}" for failure, count in one.failures.items()) or "-"]
            for name, one in metrics.providers.items()
        ]  # fmt: skip
        lines += ["", *aligned([["PROVIDER", "ASKED", "ANSWERED", "REQUESTS", "TOKENS", "USD", "FAILURES"], *table])]
    again = "no finished incident"
    if checked.share is not None:
        again = f"{100 * checked.share:.2f} % of {checked.compared} figures agree, n = {checked.incidents}"
    lines += ["", f"Recomputed from the events alone: {again}"]
    lines += [f"  {one.incident} {one.metric}: {one.reported} or {one.recomputed}" for one in checked.differences]
    return [look.text(line) for line in lines]


def figures_json(found: ModelFigures) -> JsonObject:
    """The document of `models metrics --json`."""
    checked = found.accuracy
    return {
        "incidents": found.incidents,
        "metrics": dump(found.metrics),
        "calibration": dump(found.calibration),
        "accuracy": checked.share,
        "figures_compared": checked.compared,
        "differences": dump(checked.differences),
    }
