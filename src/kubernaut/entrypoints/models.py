"""What `kubernaut models` needs of the rest: a trial of each provider, and the events of the store."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from kubernaut.adapters.clock import SystemClock
from kubernaut.adapters.models.checking import Trial, try_each
from kubernaut.adapters.models.configured import chain_of
from kubernaut.adapters.prometheus.meter import PrometheusMeter
from kubernaut.adapters.store import Store, open_store
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import Event
from kubernaut.entrypoints.reports import ModelFigures, ModelTrial
from kubernaut.impact.ai_metrics import analysis_metrics
from kubernaut.impact.calibration import calibration
from kubernaut.impact.clocks import histories
from kubernaut.impact.recomputing import accuracy
from kubernaut.ports import IncidentFilter
from kubernaut.settings import Settings

_PAGE = 1000


async def try_models(settings: Settings) -> list[ModelTrial]:
    """A trial of each provider, in their order."""
    chain = chain_of(settings, SystemClock(), PrometheusMeter())
    try:
        return [_trial(trial) for trial in await try_each(chain)]
    finally:
        await chain.aclose()


async def model_figures(settings: Settings, since: timedelta) -> ModelFigures:
    """The metrics of the incidents opened in that time, and how many of their figures the events give again."""
    store = await asyncio.to_thread(open_store, settings.store.url)
    try:
        incidents = await _incidents(store, datetime.now(UTC) - since)
        events = [event for incident in incidents for event in await _events(store, incident)]
    finally:
        store.close()
    told = histories(incidents, events)
    return ModelFigures(len(incidents), analysis_metrics(told), accuracy(events), calibration(told))


def _trial(trial: Trial) -> ModelTrial:
    provider, call = trial.provider, trial.call
    return ModelTrial(
        provider.name, provider.kind.value, provider.model, call.failure, trial.reason, call.took_s, call.usd
    )


async def _incidents(store: Store, since: datetime) -> list[Incident]:
    found: list[Incident] = []
    while page := await store.incidents.find(IncidentFilter(since=since, limit=_PAGE, offset=len(found))):
        found += page
    return found


async def _events(store: Store, incident: Incident) -> list[Event]:
    found: list[Event] = []
    while page := await store.incidents.events(incident.id, after=found[-1].seq if found else 0, limit=_PAGE):
        found += page
    return found
