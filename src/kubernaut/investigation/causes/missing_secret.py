"""A pod cannot start because a Secret it needs does not exist."""

from __future__ import annotations

from kubernaut.investigation.missing import cause_of_missing

CAUSE = cause_of_missing("Secret", fault=43, look_alike="missing_configmap")
