"""Builds adapters from settings and hands them to the stages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from kubernaut.adapters.clock import SystemClock, since_boot
from kubernaut.adapters.ids import RandomIds
from kubernaut.adapters.kubernetes.coalescing import CoalescingReader
from kubernaut.adapters.kubernetes.connection import ClusterOptions
from kubernaut.adapters.kubernetes.reader import KubernetesReader
from kubernaut.adapters.kubernetes.requests import KubernetesApi
from kubernaut.adapters.kubernetes.trying import TryingWriter
from kubernaut.adapters.kubernetes.writer import KubernetesWriter
from kubernaut.adapters.models.configured import chain_of
from kubernaut.adapters.models.keeping import KeptAnswers
from kubernaut.adapters.prometheus.meter import PrometheusMeter
from kubernaut.adapters.prometheus.notifying import CountedNotifier
from kubernaut.adapters.prometheus.queries import PrometheusMetrics, prometheus_of
from kubernaut.adapters.prometheus.steps import begin_at_zero, metered_run
from kubernaut.adapters.store import Store, open_store
from kubernaut.adapters.text_file import WatchedFile
from kubernaut.adapters.traces.opening import open_tracer
from kubernaut.adapters.traces.steps import traced_run
from kubernaut.adapters.vectors.failover import FailoverPatterns
from kubernaut.declared import value_inputs
from kubernaut.domain.diagnosis import ActionCall
from kubernaut.domain.errors import KubernautError
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.engine.durable import DurableEngine
from kubernaut.engine.policy import EnginePolicy
from kubernaut.engine.run import Run
from kubernaut.execution.catalogue import Catalogue, Risk, discover
from kubernaut.execution.previewing import ExecutionPorts
from kubernaut.execution.proposing import PROPOSABLE, Proposing
from kubernaut.execution.stage import ExecutionStage
from kubernaut.gitops_wiring import declared_sources, repositories_of
from kubernaut.healing.ending import end_broken
from kubernaut.healing.stages import PipelinePolicy, Stages
from kubernaut.impact.stage import ImpactStage
from kubernaut.investigation.stage import InvestigationStage, SecondOpinion
from kubernaut.learning.effectiveness import TrackRecord
from kubernaut.learning.repeating import RepeatPolicy
from kubernaut.learning.stage import LearningStage
from kubernaut.memory_wiring import build_embedder, open_patterns, recollect
from kubernaut.notifying import notifier_of
from kubernaut.orders import Orders
from kubernaut.pipeline import run_incident
from kubernaut.planning.exploring import ExplorationBudget
from kubernaut.planning.guardrails import Guardrails, guardrails
from kubernaut.planning.guards import Autonomy
from kubernaut.planning.permitting import Permit
from kubernaut.planning.planning import PlanningPolicy, PlanningStage
from kubernaut.planning.policy.book import PolicyBook
from kubernaut.planning.submitting import Submissions
from kubernaut.planning.surveying import Nature
from kubernaut.ports import Analyst, Clock, ClusterReader, ClusterWriter, Embedder, Notifier, PatternStore
from kubernaut.ports.sources import SourceRepositories
from kubernaut.reception import Reception
from kubernaut.settings import PolicySettings, Settings
from kubernaut.strategy_wiring import strategies_of
from kubernaut.triage.admission import TriagePolicy, TriageStage
from kubernaut.verification.judging import VerificationPolicy
from kubernaut.verification.stage import VerificationStage
from kubernaut.verification.watching import WatchPolicy

# A target stays with the incident that acts on it for the whole watch and a while for the undo.
_BUSY_MARGIN = timedelta(minutes=10)
# How old a shared list may be, by the cluster's clock.
# Short enough that a decision sees what the one before it did; long enough for a burst of incidents to share a list.
_FRESH = timedelta(milliseconds=500)


@dataclass(frozen=True, slots=True)
class Outside:
    """What a service is connected to."""

    reader: ClusterReader
    writer: ClusterWriter
    store: Store
    clock: Clock
    meter: PrometheusMeter
    notifier: Notifier
    analyst: Analyst
    embedder: Embedder
    patterns: PatternStore
    metrics: PrometheusMetrics | None = None
    repositories: SourceRepositories | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A running service, without its HTTP side."""

    outside: Outside
    ids: RandomIds
    stages: Stages
    engine: DurableEngine
    orders: Orders
    reception: Reception


@asynccontextmanager
async def running(
    settings: Settings, *, executor: str, clock: Clock | None = None, pace: float = 1.0
) -> AsyncIterator[Service]:
    """A service that takes signals from its inbox until the context ends.

    `executor` names this process for the takeover of its work. `clock` and `pace` are those of a simulated cluster.
    """
    async with AsyncExitStack() as closing:
        outside = await _connect(settings, clock or SystemClock(), closing, pace=pace)
        ids = RandomIds()
        stages = build_stages(settings, outside, ids)
        tracer = open_tracer(settings.traces, executor, closing)

        async def workflow(run: Run, argument: JsonObject) -> Json:
            watched = metered_run(run, argument, outside.meter, outside.clock)
            if tracer is not None:
                watched = traced_run(watched, argument, tracer, outside.clock)
            return await run_incident(watched, stages, argument)

        async def on_failure(run_id: str, error: KubernautError) -> None:
            await _close_failed(stages, outside.store, run_id, error)

        store = outside.store
        engine = DurableEngine(
            store.runs,
            workflow,
            executor=executor,
            heartbeats=store.heartbeats,
            leases=store.leases,
            on_failure=on_failure,
            policy=EnginePolicy(pace=pace, steps_at_once=settings.in_flight, clock=since_boot),
        )
        # Before anything can start a run, and left after all of it has ended.
        await closing.enter_async_context(engine)
        arrived = asyncio.Event()
        reception = Reception(
            executor, stages, engine, store.signals, store.incidents, store.leases, outside.meter, arrived, tracer
        )
        orders = Orders(engine, store.incidents, store.switch, outside.clock, _check_against(discover()))
        async with asyncio.TaskGroup() as group:
            receiving = group.create_task(reception.work())
            # Beside the start: while the weights are read, alerts are taken in already.
            group.create_task(stages.learning.warm())
            group.create_task(recollect(outside.embedder, outside.patterns))
            working = [receiving]
            if isinstance(outside.patterns, FailoverPatterns):
                working.append(group.create_task(outside.patterns.work()))
            yield Service(outside, ids, stages, engine, orders, reception)
            for task in working:
                task.cancel()


async def _connect(settings: Settings, clock: Clock, closing: AsyncExitStack, *, pace: float) -> Outside:
    meter = PrometheusMeter()
    begin_at_zero(meter)
    options = ClusterOptions(kubeconfig=settings.cluster.kubeconfig, context=settings.cluster.context or "")
    api = await closing.enter_async_context(KubernetesApi(options, meter))
    store = await asyncio.to_thread(open_store, settings.store.url, meter)
    closing.callback(store.close)
    analyst = KeptAnswers(
        chain_of(settings, clock, meter),
        store.shelf,
        clock,
        meter,
        keep=timedelta(seconds=settings.models.keep_answers_s),
    )
    closing.push_async_callback(analyst.aclose)
    metrics = prometheus_of(settings.prometheus)
    if metrics is not None:
        closing.push_async_callback(metrics.aclose)
    notifier = CountedNotifier(await notifier_of(settings.notify, closing), meter)
    return Outside(
        reader=CoalescingReader(KubernetesReader(api), freshness=_FRESH / pace),
        writer=TryingWriter(KubernetesWriter(api)) if settings.policy.shadow else KubernetesWriter(api),
        store=store,
        clock=clock,
        meter=meter,
        notifier=notifier,
        analyst=analyst,
        metrics=metrics,
        repositories=repositories_of(settings.gitops, closing) if settings.gitops.sources else None,
        embedder=build_embedder(settings.embedder, clock, closing),
        patterns=open_patterns(settings, store.database_engine, clock, closing),
    )


def build_stages(settings: Settings, outside: Outside, ids: RandomIds) -> Stages:
    """All stages on the given outside."""
    store, clock, reader = outside.store, outside.clock, outside.reader
    catalogue = discover()
    policy, watch = settings.policy, settings.verification
    busy_for = timedelta(seconds=watch.deadline_s) + _BUSY_MARGIN
    learning = _learning(settings, outside)
    sources = declared_sources(settings.gitops)
    execution = ExecutionStage(
        ExecutionPorts(reader, outside.writer, clock, catalogue),
        store.incidents,
        store.leases,
        outside.notifier,
        busy_for,
        learning.like,
        Proposing(sources, outside.repositories),
        Permit(reader, store.incidents, store.switch, clock).objection,
    )
    return Stages(
        triage=TriageStage(
            reader,
            store.signals,
            store.incidents,
            clock,
            ids,
            TriagePolicy(settings.cluster.name, hold=timedelta(seconds=policy.hold_s)),
        ),
        investigation=InvestigationStage(
            reader,
            store.incidents,
            clock,
            outside.meter,
            learning.recall,
            _second_opinion(settings, outside, catalogue),
            outside.metrics,
        ),
        planning=PlanningStage(
            reader,
            store.incidents,
            store.leases,
            store.switch,
            clock,
            TrackRecord(store.incidents, clock).of,
            frozenset(action.id for action in catalogue if action.is_asked_about),
            PlanningPolicy(
                Autonomy(policy.autonomy),
                timedelta(seconds=policy.cooldown_s),
                timedelta(seconds=policy.patience_s),
                busy_for,
                timedelta(seconds=policy.look_back_s),
                policy.shadow,
            ),
            _rails(settings, outside, catalogue),
            {action.id: list(Risk).index(action.risk) for action in catalogue},
            ExplorationBudget(policy.explorations_per_day),
            strategies_of(settings.strategies, reader, clock, catalogue),
            Submissions(sources, PROPOSABLE, execution.claim),
        ),
        execution=execution,
        verification=VerificationStage(
            reader,
            store.incidents,
            clock,
            VerificationPolicy(
                timedelta(seconds=watch.window_s),
                timedelta(seconds=watch.interval_s),
                timedelta(seconds=watch.deadline_s),
            ),
            outside.metrics,
            WatchPolicy(timedelta(seconds=policy.shadow_horizon_s)),
        ),
        impact=ImpactStage(store.incidents, clock, value_inputs(settings.value)),
        learning=learning,
        policy=_pipeline_policy(policy),
    )


def _rails(settings: Settings, outside: Outside, catalogue: Catalogue) -> Guardrails:
    file = settings.policy.file
    return guardrails(
        outside.reader,
        outside.store.incidents,
        outside.clock,
        outside.meter,
        book=PolicyBook(WatchedFile(file) if file else None),
        natures={action.id: Nature(action.risk.value, action.reversible) for action in catalogue},
        cluster=settings.cluster.name,
    )


def _check_against(catalogue: Catalogue) -> Callable[[ActionCall], object]:
    return lambda call: catalogue[call.action].check(call)


def _pipeline_policy(policy: PolicySettings) -> PipelinePolicy:
    return PipelinePolicy(
        attempts=policy.attempts,
        looks=policy.looks,
        recheck=timedelta(seconds=policy.recheck_s),
        settle=timedelta(seconds=policy.settle_s),
        approval=timedelta(seconds=policy.approval_s),
    )


def _learning(settings: Settings, outside: Outside) -> LearningStage:
    repeats = RepeatPolicy(settings.memory.repeat_likeness, settings.memory.repeat_successes)
    return LearningStage(outside.store.incidents, outside.embedder, outside.patterns, outside.clock, repeats)


async def _close_failed(stages: Stages, store: Store, run_id: str, error: KubernautError) -> None:
    incident = await store.incidents.get(IncidentId(run_id))
    if incident is not None and incident.is_open:
        await end_broken(stages, incident, error)


def _second_opinion(settings: Settings, outside: Outside, catalogue: Catalogue) -> SecondOpinion | None:
    # Providers may be declared while it runs, in the file that it was started with.
    if not settings.models.providers and settings.source is None:
        return None
    meanings = {str(action.id): action.summary for action in catalogue}
    return SecondOpinion(outside.analyst, meanings, settings.models.ask_below)
