"""Alertmanager's part: grouping, waiting, repeating, and the webhook with retries."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import httpx2
import structlog

from kubernaut.domain.objects import Json, JsonObject
from kubernaut.sandbox.alerting.evaluation import Alert, Evaluator, fingerprint
from kubernaut.sandbox.alerting.rules import AlertPolicy
from kubernaut.sandbox.shapes import encoded, micro_stamp
from kubernaut.sandbox.universe import Universe

log = structlog.get_logger()
_ATTEMPTS = 8
# The receiver lives on the wall, so waiting between attempts does too.
_FIRST_RETRY_S = 0.25
_TIMEOUT_S = 10.0
_SERVER_ERROR = 500
_NO_END = "0001-01-01T00:00:00Z"
_ADDRESS = "http://alertmanager.monitoring:9093"


@dataclass(slots=True)
class Group:
    """The alerts that travel together."""

    labels: dict[str, str]
    next_flush: datetime
    sent: dict[str, str] = field(default_factory=dict)
    last_sent: datetime | None = None
    sending: bool = False


def message(group: Group, alerts: Iterable[Alert], receiver: str = "kubernaut") -> JsonObject:
    """The webhook body, version 4."""
    listed = sorted(alerts, key=lambda alert: (alert.resolved is not None, alert.fired or alert.since))
    firing = any(alert.resolved is None for alert in listed)
    matcher = ", ".join(f'{key}="{value}"' for key, value in sorted(group.labels.items()))
    return {
        "receiver": receiver,
        "status": "firing" if firing else "resolved",
        "alerts": [_alert_json(alert) for alert in listed],
        "groupLabels": {**group.labels},
        "commonLabels": _common([alert.labels for alert in listed]),
        "commonAnnotations": _common([alert.annotations for alert in listed]),
        "externalURL": _ADDRESS,
        "version": "4",
        "groupKey": f"{{}}:{{{matcher}}}",
        "truncatedAlerts": 0,
    }


def _alert_json(alert: Alert) -> Json:
    return {
        "status": "resolved" if alert.resolved else "firing",
        "labels": {**alert.labels},
        "annotations": {**alert.annotations},
        "startsAt": micro_stamp(alert.fired or alert.since),
        "endsAt": micro_stamp(alert.resolved) if alert.resolved else _NO_END,
        "generatorURL": f"http://prometheus.monitoring:9090/graph?g0.expr={alert.labels['alertname']}",
        "fingerprint": fingerprint(alert.labels),
    }


def _common(maps: list[dict[str, str]]) -> JsonObject:
    if not maps:
        return {}
    return {key: value for key, value in maps[0].items() if all(other.get(key) == value for other in maps)}


class AlertDelivery:
    """Evaluates the rules on the sandbox's clock and sends what is due."""

    def __init__(self, universe: Universe, policy: AlertPolicy) -> None:
        self._clock = universe.clock
        self._policy = policy
        self.evaluator = Evaluator(universe, hold=policy.hold, external=policy.external)
        self._groups: dict[tuple[str, ...], Group] = {}

    async def run(self) -> None:
        """Runs until it is cancelled."""
        headers = {"content-type": "application/json", "user-agent": "Alertmanager/0.27.0"}
        if self._policy.token:
            headers["authorization"] = f"Bearer {self._policy.token}"
        async with httpx2.AsyncClient(headers=headers, timeout=_TIMEOUT_S) as client, asyncio.TaskGroup() as group:
            while True:
                now = self._clock.now()
                self.evaluator.evaluate(now)
                for due in self.due_groups(now):
                    due.sending = True
                    group.create_task(self._flush(client, due))
                await self._clock.sleep(self._policy.every)

    def due_groups(self, now: datetime) -> list[Group]:
        """The groups that have something to say now."""
        self._drop_untold()
        for alert in self.evaluator.alerts.values():
            if alert.fired is not None:
                key = self._key(alert)
                labels = {name: alert.labels[name] for name in self._policy.group_by if name in alert.labels}
                self._groups.setdefault(key, Group(labels, now + self._policy.group_wait))
        found: list[Group] = []
        for group in self._groups.values():
            if group.sending or now < group.next_flush:
                continue
            group.next_flush = now + self._policy.group_interval
            if self._has_news(group, now):
                found.append(group)
        return found

    def _drop_untold(self) -> None:
        """Forgets what resolved before anybody was told of it."""
        for mark, alert in list(self.evaluator.alerts.items()):
            group = self._groups.get(self._key(alert))
            told = group is not None and (group.sending or mark in group.sent)
            if alert.resolved is not None and not told:
                del self.evaluator.alerts[mark]

    def _key(self, alert: Alert) -> tuple[str, ...]:
        return tuple(alert.labels.get(name, "") for name in self._policy.group_by)

    def members(self, group: Group) -> dict[str, Alert]:
        """The alerts of the group, by fingerprint."""
        key = tuple(group.labels.get(name, "") for name in self._policy.group_by)
        return {mark: alert for mark, alert in self.evaluator.alerts.items() if alert.fired and self._key(alert) == key}

    def _has_news(self, group: Group, now: datetime) -> bool:
        members = self.members(group)
        state = {mark: "resolved" if alert.resolved else "firing" for mark, alert in members.items()}
        changed = {mark for mark, value in state.items() if group.sent.get(mark) != value}
        # A resolution is told only to those who were told of the alert.
        news = {mark for mark in changed if state[mark] == "firing" or mark in group.sent}
        repeat = group.last_sent is None or now >= group.last_sent + self._policy.repeat_interval
        return bool(news) or (repeat and "firing" in state.values())

    async def _flush(self, client: httpx2.AsyncClient, group: Group) -> None:
        members = {
            mark: alert
            for mark, alert in self.members(group).items()
            if alert.resolved is None or group.sent.get(mark) == "firing"
        }
        state = {mark: "resolved" if alert.resolved else "firing" for mark, alert in members.items()}
        try:
            if await self._send(client, encoded(message(group, members.values()))):
                group.last_sent = self._clock.now()
                group.sent = {mark: value for mark, value in state.items() if value == "firing"}
                self._forget({mark: members[mark] for mark, value in state.items() if value == "resolved"})
        finally:
            group.sending = False

    def _forget(self, told: dict[str, Alert]) -> None:
        """Drops what the receiver knows to be resolved; what resolved while the message was under way is told next."""
        for mark, alert in told.items():
            if self.evaluator.alerts.get(mark) is alert:
                del self.evaluator.alerts[mark]

    async def _send(self, client: httpx2.AsyncClient, body: bytes) -> bool:
        for attempt in range(_ATTEMPTS):
            try:
                reply = await client.post(self._policy.url, content=body)
            except httpx2.TransportError as error:
                log.debug("alert receiver unreachable", error=str(error))
            else:
                if reply.is_success:
                    return True
                if reply.status_code < _SERVER_ERROR:
                    log.warning("alert receiver refused", status=reply.status_code)
                    return False
            await asyncio.sleep(_FIRST_RETRY_S * 2**attempt)
        log.warning("alert not delivered", attempts=_ATTEMPTS)
        return False
