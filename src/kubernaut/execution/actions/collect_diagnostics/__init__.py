"""Gathers what a person would ask for into one bundle; changes nothing."""

from __future__ import annotations

from kubernaut.domain.diagnosis import ActionId
from kubernaut.execution.actions.collect_diagnostics.gathering import Bundle, gather_bundle
from kubernaut.execution.catalogue import Action, NoParameters, Risk, Rule

__all__ = ["ACTION", "Bundle", "gather_bundle"]

ACTION = Action[NoParameters](
    id=ActionId("collect_diagnostics"),
    summary="reads objects, events and logs around the target into a bundle",
    targets=(),
    parameters=NoParameters,
    when="people take over, and the facts may be gone when they look",
    never="as a remedy: it mends nothing",
    before="nothing",
    risk=Risk.NONE,
    undo="none needed: it changes nothing",
    reads=(
        Rule("", "pods", ("get", "list")),
        Rule("", "pods/log", ("get",)),
        Rule("", "events", ("list",)),
        Rule("", "services", ("get",)),
        Rule("", "nodes", ("get",)),
        Rule("apps", "deployments", ("get",)),
        Rule("apps", "replicasets", ("list",)),
        Rule("apps", "statefulsets", ("get",)),
        Rule("apps", "daemonsets", ("get",)),
    ),
)
