"""The service with its HTTP side, as `serve` and the demo run it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from kubernaut.adapters.notify.slack import SlackAnswers
from kubernaut.auditing import Auditor
from kubernaut.declared import value_inputs
from kubernaut.domain.errors import OrderRefused
from kubernaut.entrypoints.dashboard.books import Books, open_books
from kubernaut.entrypoints.dashboard.health import HealthSources
from kubernaut.entrypoints.dashboard.parts import DashboardParts
from kubernaut.entrypoints.dashboard.patterns import Memory
from kubernaut.entrypoints.dashboard.routes import dashboard_routes
from kubernaut.entrypoints.http.app import HttpParts, create_app
from kubernaut.entrypoints.http.gate import LOOPBACK
from kubernaut.entrypoints.http.health import Check, Readiness
from kubernaut.entrypoints.http.operations import Answer, Done, Operations, Refused
from kubernaut.entrypoints.http.server import serve
from kubernaut.entrypoints.http.slack import SlackParts
from kubernaut.entrypoints.stocktaking import Stocktaking
from kubernaut.entrypoints.value.weekly import Moment, WeeklySummary
from kubernaut.execution.catalogue import discover
from kubernaut.execution.preflight import Preflight
from kubernaut.orders import Consent, Orders
from kubernaut.ports import Clock
from kubernaut.retention import Retention
from kubernaut.settings import Settings, SlackSettings
from kubernaut.wiring import Service, running


@dataclass(frozen=True, slots=True)
class _Watched:
    """What is worked on beside the requests, and what is told of the service's own state."""

    books: Books
    auditor: Auditor
    limits: Mapping[str, Check]


@asynccontextmanager
async def serving(
    settings: Settings, listener: socket.socket, *, clock: Clock | None = None, pace: float = 1.0
) -> AsyncIterator[Service]:
    """A service that also answers on the socket, until the context ends."""
    port = listener.getsockname()[1]
    # The same after a restart of the container, so that it takes up its own runs at once; unlike that of any other
    # replica.
    executor = f"{socket.gethostname()}-{port}"
    async with (
        AsyncExitStack() as leaving,
        running(settings, executor=executor, clock=clock, pace=pace) as service,
    ):
        slack = _slack(settings.notify.slack, leaving)
        outside = service.outside
        stop, ready = asyncio.Event(), asyncio.Event()
        preflight = Preflight(outside.reader, discover())
        books = open_books(outside.store.incidents, outside.clock, value_inputs(settings.value))
        auditor = Auditor(outside.store.event_log)
        planning = service.stages.planning
        limits = {
            # Limits and not checks: with a broken policy nothing is done, and alerts are taken in all the same.
            "policy": planning.rails.book.check, "strategies": planning.strategies.check, "rights": preflight.check
        }  # fmt: skip
        watched = _Watched(books, auditor, limits)
        parts = _parts(settings, service, watched, slack, closing=stop, simulated=clock is not None)
        app = create_app(parts)
        async with asyncio.TaskGroup() as group:
            group.create_task(serve(app, listener, stop=stop, on_ready=ready.set))
            # Work begins once the port answers: probes and senders should not find a process that is busy and deaf.
            await ready.wait()
            keep = timedelta(days=settings.store.signals_kept_days)
            retention = Retention(outside.store.signals, outside.clock, keep)
            beside = [group.create_task(each.work()) for each in (retention, preflight, books, auditor)]
            if settings.notify.summary.at:
                beside.append(group.create_task(_weekly(settings, service).work()))
            try:
                yield service
            finally:
                for task in beside:
                    task.cancel()
                stop.set()


def operations_of(orders: Orders) -> Operations:
    """People's orders as the HTTP side calls them."""
    return Operations(
        approve=lambda incident, told: _answered(
            lambda: orders.approve(incident, Consent(told.by, told.reason, told.choice, told.parameters))
        ),
        reject=lambda incident, told: _answered(lambda: orders.reject(incident, by=told.by, reason=told.reason)),
        undo=lambda incident, told: _answered(lambda: orders.undo(incident, by=told.by, reason=told.reason)),
        suspend=lambda told: _answered(lambda: orders.suspend(by=told.by, reason=told.reason)),
        resume=lambda told: _answered(lambda: orders.resume(by=told.by)),
    )


async def _answered(order: Callable[[], Awaitable[str]]) -> Answer:
    try:
        return Done(await order())
    except OrderRefused as refusal:
        return Refused(str(refusal), refusal.help)


def _weekly(settings: Settings, service: Service) -> WeeklySummary:
    outside, summary = service.outside, settings.notify.summary
    return WeeklySummary(
        outside.store.incidents,
        outside.store.leases,
        outside.notifier,
        outside.clock,
        service.ids,
        value_inputs(settings.value),
        settings.cluster.name,
        Moment.of(summary.at, summary.timezone),
    )


def _slack(settings: SlackSettings, closing: AsyncExitStack) -> SlackParts | None:
    secret = settings.secret()
    if secret is None:
        return None
    answers = SlackAnswers(settings.answers)
    closing.push_async_callback(answers.aclose)
    return SlackParts(secret, answers)


def _parts(
    settings: Settings,
    service: Service,
    watched: _Watched,
    slack: SlackParts | None,
    *,
    closing: asyncio.Event,
    simulated: bool,
) -> HttpParts:
    outside = service.outside
    store = outside.store
    operations = operations_of(service.orders)

    async def cluster_answers() -> None:
        await outside.reader.version()

    checks: dict[str, Check] = {"store": store.prove_writable, "cluster": cluster_answers}
    stock = Stocktaking(
        outside.meter, store, service.engine, outside.clock, Readiness(checks), watched.auditor, watched.books.appraisal
    )
    learning = service.stages.learning
    tree = settings.model_dump(mode="json")
    pages = DashboardParts(
        incidents=store.incidents,
        switch=store.switch,
        operations=operations,
        clock=outside.clock,
        cluster=settings.cluster.name,
        approval=timedelta(seconds=settings.policy.approval_s),
        books=watched.books,
        health=HealthSources(
            checks,
            outside.meter.exposition,
            store.heartbeats,
            store.signals,
            tree,
            str(settings.source or ""),
            watched.limits,
            lambda: watched.auditor.found,
        ),
        memory=Memory(learning.patterns, learning.embedder),
        token=settings.bearer_token(),
        loopback_only=settings.http.host in LOOPBACK,
        simulated=simulated,
        closing=closing,
    )
    return HttpParts(
        signals=store.signals,
        incidents=store.incidents,
        switch=store.switch,
        operations=operations,
        clock=outside.clock,
        ids=service.ids,
        meter=outside.meter,
        metrics=stock.exposition,
        checks=checks,
        limits=watched.limits,
        token=settings.bearer_token(),
        loopback_only=settings.http.host in LOOPBACK,
        on_accepted=service.reception.arrived.set,
        pages=(dashboard_routes(pages),),
        slack=slack,
        value=value_inputs(settings.value),
    )
