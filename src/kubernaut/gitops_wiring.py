"""Builds the repositories of owned objects from settings."""

from __future__ import annotations

from contextlib import AsyncExitStack

from kubernaut.adapters.git.pull_requests import PullRequests
from kubernaut.adapters.git.repository import GitRepositories
from kubernaut.domain.sources import DeclaredSource, ValueField
from kubernaut.settings import GitOpsSettings


def declared_sources(settings: GitOpsSettings) -> tuple[DeclaredSource, ...]:
    """The sources as values."""
    return tuple(
        DeclaredSource(
            name=source.name,
            url=source.url,
            branch=source.branch,
            prefix=source.prefix,
            owners=source.owners,
            namespaces=source.namespaces,
            labels=source.labels,
            values=tuple(ValueField(**value.model_dump()) for value in source.values),
            provider=source.provider,
        )
        for source in settings.sources
    )


def repositories_of(settings: GitOpsSettings, closing: AsyncExitStack) -> GitRepositories:
    """The repositories with their tokens and the services around them."""
    pulls: dict[str, PullRequests] = {}
    tokens: dict[str, str] = {}
    for source in settings.sources:
        token = source.token()
        if token is None:
            continue
        tokens[source.name] = token
        if source.provider != "none" and source.api and source.project:
            pulls[source.name] = PullRequests(source.provider, source.api, source.project, token)
            closing.push_async_callback(pulls[source.name].aclose)
    return GitRepositories(pulls, tokens)
