"""Which kind a table is of, by its columns: a paste may have lost its command, or hold the tables of several."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from kubernaut.ports import Resource
from kubernaut.resources import (
    AUTOSCALER,
    CONFIG_MAP,
    CRON_JOB,
    DAEMON_SET,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    ENDPOINT_SLICE,
    ENDPOINTS,
    EVENT,
    INGRESS,
    JOB,
    LEASE,
    NAMESPACE,
    NETWORK_POLICY,
    NODE,
    POD,
    PRIORITY_CLASS,
    REPLICA_SET,
    RESOURCE_QUOTA,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    STORAGE_CLASS,
    VOLUME,
    VOLUME_CLAIM,
)

# The first whose columns are all there: the narrower ones stand before the wider ones.
_SIGNS: Final[tuple[tuple[Resource, frozenset[str]], ...]] = (
    (POD, frozenset({"READY", "STATUS", "RESTARTS"})),
    (DAEMON_SET, frozenset({"DESIRED", "UP-TO-DATE"})),
    (DEPLOYMENT, frozenset({"UP-TO-DATE", "AVAILABLE"})),
    (REPLICA_SET, frozenset({"DESIRED", "CURRENT", "READY"})),
    (SERVICE, frozenset({"CLUSTER-IP", "PORT(S)"})),
    (ENDPOINT_SLICE, frozenset({"ADDRESSTYPE", "ENDPOINTS"})),
    (ENDPOINTS, frozenset({"ENDPOINTS"})),
    (NODE, frozenset({"STATUS", "ROLES", "VERSION"})),
    (EVENT, frozenset({"TYPE", "REASON", "OBJECT"})),
    (VOLUME, frozenset({"CAPACITY", "RECLAIM POLICY"})),
    (VOLUME_CLAIM, frozenset({"STATUS", "VOLUME", "CAPACITY"})),
    (STORAGE_CLASS, frozenset({"PROVISIONER"})),
    (AUTOSCALER, frozenset({"REFERENCE", "MINPODS"})),
    (DISRUPTION_BUDGET, frozenset({"ALLOWED DISRUPTIONS"})),
    (INGRESS, frozenset({"HOSTS", "PORTS"})),
    (CRON_JOB, frozenset({"SCHEDULE", "SUSPEND"})),
    (JOB, frozenset({"COMPLETIONS", "DURATION"})),
    (NETWORK_POLICY, frozenset({"POD-SELECTOR"})),
    (PRIORITY_CLASS, frozenset({"GLOBAL-DEFAULT"})),
    (RESOURCE_QUOTA, frozenset({"REQUEST", "LIMIT"})),
    (LEASE, frozenset({"HOLDER"})),
    (SECRET, frozenset({"TYPE", "DATA"})),
    (CONFIG_MAP, frozenset({"DATA"})),
)
# Too plain to be told by a column of their own.
_PLAIN: Final[Mapping[frozenset[str], Resource]] = MappingProxyType(
    {
        frozenset({"NAME", "READY", "AGE"}): STATEFUL_SET,
        frozenset({"NAME", "READY", "AGE", "CONTAINERS", "IMAGES"}): STATEFUL_SET,
        frozenset({"NAME", "STATUS", "AGE"}): NAMESPACE,
    }
)


def kind_of_headings(headings: Collection[str]) -> Resource | None:
    """The kind that has these columns, None where they do not tell."""
    names = frozenset(headings)
    found = next((resource for resource, sign in _SIGNS if sign <= names), None)
    return found or _PLAIN.get(names - {"NAMESPACE", "LABELS"})


def kind_under(headings: Collection[str], asked: Sequence[Resource]) -> Resource | None:
    """The kind of a table's rows: what was asked for, unless the columns are those of something else."""
    only = asked[0] if len(asked) == 1 else None
    told = kind_of_headings(headings)
    if only is None or told is None:
        return only or told
    sign = next((sign for resource, sign in _SIGNS if resource == only), None)
    return only if sign is None or sign <= frozenset(headings) else told
