"""Builds the book of strategies from settings: what they may name, and where they are kept."""

from __future__ import annotations

from functools import partial
from typing import get_type_hints

import msgspec

from kubernaut.adapters.text_file import WatchedFolder
from kubernaut.domain.diagnosis import Parameter
from kubernaut.domain.errors import InputError
from kubernaut.domain.objects import ObjectRef
from kubernaut.execution.catalogue import AnyAction, Catalogue
from kubernaut.investigation.causes import catalogue as causes
from kubernaut.planning.strategies.book import StrategyBook, StrategySource
from kubernaut.planning.strategies.sources import ConfigMapSource, FolderSource, ResourceSource
from kubernaut.planning.strategies.strategy import ActionForm, Known
from kubernaut.ports import Clock, ClusterReader
from kubernaut.settings import StrategySettings


def known_names(catalogue: Catalogue) -> Known:
    """The causes and the actions that strategies may name."""
    return Known(frozenset(str(cause.id) for cause in causes()), {action.id: _form(action) for action in catalogue})


def strategies_of(
    settings: StrategySettings, reader: ClusterReader, clock: Clock, catalogue: Catalogue
) -> StrategyBook:
    """The book, with the sources that are set."""
    sources: list[StrategySource] = []
    if settings.folder:
        sources.append(FolderSource(WatchedFolder(settings.folder)))
    if settings.config_map:
        namespace, _, name = settings.config_map.partition("/")
        sources.append(ConfigMapSource(reader, ObjectRef("v1", "ConfigMap", namespace, name)))
    if settings.resources:
        sources.append(ResourceSource(reader))
    return StrategyBook(known_names(catalogue) if sources else Known(), sources, clock)


def _form(action: AnyAction) -> ActionForm:
    fields = msgspec.structs.fields(action.parameters)
    return ActionForm(
        targets=action.targets,
        parameters=frozenset(field.name for field in fields),
        required=frozenset(field.name for field in fields if field.required),
        changes=action.changes,
        check=action.check,
        check_parameter=partial(_check_parameter, action),
    )


def _check_parameter(action: AnyAction, name: str, value: Parameter) -> None:
    kind = get_type_hints(action.parameters, include_extras=True)[name]
    try:
        msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as error:
        raise InputError(str(error)) from error
