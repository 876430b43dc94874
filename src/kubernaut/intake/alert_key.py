"""The identity of an alert instance."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from kubernaut.domain.signals import AlertKey

_in_order = msgspec.json.Encoder(order="sorted")


def alert_key(source: str, labels: Mapping[str, str]) -> AlertKey:
    """The same key for every repetition of one alert: a hash of source and labels, in whatever order they came."""
    # JSON keeps name and value apart, so that no two label sets spell the same text.
    return AlertKey(hashlib.blake2b(_in_order.encode((source, labels)), digest_size=16).hexdigest())
