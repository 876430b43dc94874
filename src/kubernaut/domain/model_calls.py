"""What it took to ask a model, and how it can fail."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ModelFailure(StrEnum):
    """Why a provider gave no usable reply."""

    REFUSED = "refused"
    DNS = "dns"
    TLS = "tls"
    AUTH = "auth"
    MODEL_MISSING = "model_missing"
    THROTTLED = "throttled"
    SERVER_ERROR = "server_error"
    REJECTED = "rejected"
    HANG = "hang"
    SLOW_DRIP = "slow_drip"
    CUT = "cut"
    PROSE = "prose"
    NOT_JSON = "not_json"
    WRONG_SCHEMA = "wrong_schema"
    UNKNOWN_ID = "unknown_id"
    UNSUPPORTED = "unsupported"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    TOO_LARGE = "too_large"
    NOT_CONFIGURED = "not_configured"
    BUSY = "busy"
    OVER_BUDGET = "over_budget"
    CIRCUIT_OPEN = "circuit_open"
    OUTRUN = "outrun"
    SUSPICIOUS = "suspicious"


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One provider that was asked; `failure` is empty where its reply was taken.

    `switch_s` is the time from the failure of the provider before it to its own first request. `lookups` counts what
    it looked up, `said` quotes a reply in words, which decides nothing.
    """

    provider: str
    failure: str = ""
    requests: int = 0
    tokens: int = 0
    usd: float = 0.0
    took_s: float = 0.0
    switch_s: float = 0.0
    lookups: int = 0
    said: str = ""
