"""The identity of an alert instance."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from kubernaut.domain.signals import AlertKey


def alert_key(source: str, labels: Mapping[str, str]) -> AlertKey:
    """The same key for every repetition of one alert: a hash of source and labels, in whatever order they came."""
    # JSON of a sorted list keeps name and value apart, so that no two label sets spell the same text.
    text = msgspec.json.encode([source, sorted(labels.items())])
    return AlertKey(hashlib.blake2b(text, digest_size=16).hexdigest())
