"""Hands the incident to people, with its evidence, the alternatives and the commands."""

from __future__ import annotations

from kubernaut.domain.diagnosis import ActionId
from kubernaut.execution.catalogue import Action, NoParameters, Risk

ACTION = Action[NoParameters](
    id=ActionId("escalate"),
    summary="tells people what was found and what they can do",
    targets=(),
    parameters=NoParameters,
    when="no remedy is safe or sure enough",
    never="instead of a remedy that is",
    before="nothing",
    risk=Risk.NONE,
    undo="none needed: it changes nothing",
    reads=(),
)
