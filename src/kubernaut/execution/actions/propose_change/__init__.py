"""Proposes the change of another action to whoever owns the object: a branch and a pull request, nothing live."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kubernaut.domain.sources import PROPOSE
from kubernaut.execution.catalogue import Action, Parameters, Risk


class ProposeParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """Which action's change is proposed."""

    action: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$", description="the action whose change is proposed")]
    parameters: Annotated[str, Meta(max_length=4000, description="its parameters, as JSON")] = "{}"


ACTION = Action[ProposeParameters](
    id=PROPOSE,
    summary="proposes the change to the source of an object that Argo CD, Flux or Helm owns",
    targets=(),
    parameters=ProposeParameters,
    when="the spec of the object is kept in a repository that the settings declare (gitops.sources)",
    never="where no declared source serves the object, or its text does not say what the cluster has",
    before="same owner; the manifest, or the declared value, is found once and says what runs",
    risk=Risk.NONE,
    undo="the pull request is closed and its branch deleted, while nobody else committed to it",
    reads=(),
)
"""The change itself is worked out by `execution/proposing.py`: it takes a repository, and no write to a cluster."""
