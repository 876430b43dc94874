"""Whether the models help, and at what price: who was asked, how fast they were, why they failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles

from prometheus_client.parser import text_string_to_metric_families

from kubernaut.domain.objects import JsonObject, Tree
from kubernaut.entrypoints.dashboard.tally import Call, Tally

_FEWEST = 10
_NEWEST = 20
_CIRCUITS = {0.0: "closed", 1.0: "half open", 2.0: "open"}


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider in its order. `p50_s` and `p95_s` are None under ten calls; `circuit` is empty where none is kept.

    `answered` of `asked` gave a usable reply.
    """

    name: str
    model: str
    asked: int
    answered: int
    p50_s: float | None
    p95_s: float | None
    tokens: int
    usd: float
    circuit: str
    failovers: int
    last: Call | None


@dataclass(frozen=True, slots=True)
class Models:
    """The page. `questions` are the newest calls."""

    complete: bool
    providers: tuple[Provider, ...]
    incidents: int
    questions: tuple[Call, ...]


def read_models(tally: Tally, settings: JsonObject, metrics: Callable[[], bytes]) -> Models:
    """Configured providers in their order, then those that only the journal knows."""
    configured = _configured(settings)
    measured = _measured(metrics())
    # A call names its provider with the model that answered, which may have been another one before.
    labels = {f"{name}:{model}" if model else name: name for name, model in configured.items()}
    names = dict.fromkeys([*configured, *(labels.get(call.provider, call.provider) for call in tally.calls)])
    own = {name: [call for call in tally.calls if labels.get(call.provider, call.provider) == name] for name in names}
    providers = tuple(_provider(name, configured.get(name, ""), own[name], measured) for name in names)
    asked = len({call.incident for call in tally.calls})
    return Models(tally.is_complete, providers, asked, tuple(reversed(tally.calls[-_NEWEST:])))


def _configured(settings: JsonObject) -> dict[str, str]:
    """Name and model of each provider."""
    listed = Tree(settings).trees("models", "providers")
    return {one.text("name"): one.text("model") for one in listed}


def _measured(exposition: bytes) -> dict[tuple[str, str], float]:
    """Our own samples about providers, by metric and provider."""
    found = {}
    for family in text_string_to_metric_families(exposition.decode()):
        for sample in family.samples:
            if sample.name.startswith("kubernaut_model_") and "provider" in sample.labels:
                found[sample.name.removeprefix("kubernaut_model_"), sample.labels["provider"]] = sample.value
    return found


def _provider(name: str, model: str, own: Sequence[Call], measured: Mapping[tuple[str, str], float]) -> Provider:
    times = [call.took_s for call in own if not call.failure]
    cuts = quantiles(times, n=20, method="inclusive") if len(times) >= _FEWEST else None
    circuit = measured.get(("circuit", name))
    return Provider(
        name=name,
        model=model,
        asked=len(own),
        answered=sum(not call.failure for call in own),
        p50_s=cuts[9] if cuts else None,
        p95_s=cuts[18] if cuts else None,
        tokens=sum(call.tokens for call in own),
        usd=sum(call.usd for call in own),
        circuit="" if circuit is None else _CIRCUITS.get(circuit, "unknown"),
        failovers=int(measured.get(("failovers_total", name), 0)),
        last=own[-1] if own else None,
    )
