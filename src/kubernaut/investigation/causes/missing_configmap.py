"""A pod cannot start because a ConfigMap it needs does not exist."""

from __future__ import annotations

from kubernaut.investigation.missing import cause_of_missing

CAUSE = cause_of_missing("ConfigMap", fault=42, look_alike="missing_secret")
