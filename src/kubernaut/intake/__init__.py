"""From the bytes of a sender to signals. Pure: the HTTP side is in `entrypoints.http`, the inbox behind a port."""

from kubernaut.intake.alert_key import alert_key
from kubernaut.intake.alertmanager import Batch, parse_webhook
from kubernaut.intake.kubernetes_event import parse_event

__all__ = ["Batch", "alert_key", "parse_event", "parse_webhook"]
