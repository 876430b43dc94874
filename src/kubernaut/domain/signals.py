"""What comes in: one alert or event, as it was sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NewType

SignalId = NewType("SignalId", str)
AlertKey = NewType("AlertKey", str)


@dataclass(frozen=True, slots=True)
class Signal:
    """One alert of a webhook, or one Kubernetes event. Its annotations are a hint to people, never evidence.

    `alert_key` is the same for every repetition of one alert instance: a hash of source and labels.
    """

    id: SignalId
    source: str
    name: str
    firing: bool
    alert_key: AlertKey
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime | None
    received_at: datetime

    @property
    def severity(self) -> str:
        """The `severity` label, `none` without one."""
        return self.labels.get("severity", "none")
