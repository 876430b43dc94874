"""What a model may look up: a closed set of tools, each with typed and bounded arguments. None changes anything.

There is no tool for a query, a command, a path or an address: a model names objects of kinds that the rules may read,
and one of the measures that the rules use. Names are checked as Kubernetes writes them, so that none can become part
of a selector.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from kubernaut.domain import measures
from kubernaut.domain.measures import Measure
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.ports import Resource, Tool
from kubernaut.resources import EVENT, RESOURCES

_LONGEST_NAME = 253
_MOST_MISTAKES = 4

MEASURES: Mapping[str, Measure] = MappingProxyType(
    {name.lower(): value for name, value in vars(measures).items() if isinstance(value, Measure)}
)
KINDS: Mapping[str, Resource] = MappingProxyType({one.kind: one for one in RESOURCES if one is not EVENT})


def _one_of(known: Mapping[str, object]) -> AfterValidator:
    def check(value: str) -> str:
        if value not in known:
            raise ValueError(f"{value[:60]!r} is not one of the given words")
        return value

    return AfterValidator(check)


_Name = Annotated[str, Field(max_length=_LONGEST_NAME, pattern=r"^[A-Za-z0-9]([A-Za-z0-9.:_-]*[A-Za-z0-9])?$")]
_Label = Annotated[str, Field(max_length=63, pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")]
_Kind = Annotated[str, Field(json_schema_extra={"enum": sorted(KINDS)}), _one_of(KINDS)]
_Measure = Annotated[str, Field(json_schema_extra={"enum": sorted(MEASURES)}), _one_of(MEASURES)]
_Place = Annotated[str, Field(max_length=63, pattern=r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?)?$")]


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name_of_tool: ClassVar[str]
    purpose: ClassVar[str]

    namespace: _Place = ""
    """That of the incident where it is left out."""


class ReadEvents(_Arguments):
    """The events about one object."""

    name_of_tool = "read_events"
    purpose = "The newest events about one object."

    kind: _Kind
    name: _Name


class ReadLogs(_Arguments):
    """Lines of a container's log."""

    name_of_tool = "read_logs"
    purpose = "Lines of a container's log: those that contain the text, or those that tell of a failure and the last."

    pod: _Name
    container: _Label
    previous: bool = False
    contains: Annotated[str, Field(max_length=80)] = ""


class GetObject(_Arguments):
    """One object, or the part of it at a path."""

    name_of_tool = "get_object"
    purpose = "One object, without secrets. With field (such as spec.template) only that part of it."

    kind: _Kind
    name: _Name
    field: Annotated[str, Field(max_length=120, pattern=r"^[A-Za-z0-9_./\[\]-]*$")] = ""


class ListChanges(_Arguments):
    """What was rolled out in a namespace."""

    name_of_tool = "list_changes"
    purpose = "What was changed in the workloads of a namespace, newest first."


class QueryMetric(_Arguments):
    """A measure of Prometheus."""

    name_of_tool = "query_metric"
    purpose = "A measure of Prometheus in the namespace; pod and container where it is about one container."

    metric: _Measure
    pod: Annotated[str, Field(max_length=_LONGEST_NAME, pattern=r"^[a-z0-9.-]*$")] = ""
    container: Annotated[str, Field(max_length=63, pattern=r"^[a-z0-9-]*$")] = ""


Look: TypeAlias = ReadEvents | ReadLogs | GetObject | ListChanges | QueryMetric
_FORMS: tuple[type[Look], ...] = (ReadEvents, ReadLogs, GetObject, ListChanges, QueryMetric)


def offered(*, measurable: bool) -> tuple[Tool, ...]:
    """The tools; without a Prometheus there is none that asks it."""
    return _ALL if measurable else _ALL[:-1]


def look_of(tool: str, arguments: Mapping[str, Json], *, measurable: bool) -> Look | str:
    """The look that is meant, or what is wrong with it in words for the model."""
    names = [one.name for one in offered(measurable=measurable)]
    if tool not in names:
        return f"there is no tool {tool[:60]!r}; there are {', '.join(names)}"
    form = next(form for form in _FORMS if form.name_of_tool == tool)
    try:
        return form.model_validate(dict(arguments))
    except ValidationError as error:
        mistakes = error.errors(include_input=False, include_url=False)[:_MOST_MISTAKES]
        return "; ".join(f"{'.'.join(map(str, one['loc']))[:60]}: {one['msg'][:120]}" for one in mistakes)


def _tool(form: type[Look]) -> Tool:
    schema = form.model_json_schema()
    properties: JsonObject = {key: _bare(value) for key, value in schema["properties"].items()}
    parameters: JsonObject = {
        "type": "object",
        "properties": properties,
        "required": list(schema.get("required", [])),
        "additionalProperties": False,
    }
    return Tool(form.name_of_tool, form.purpose, parameters)


def _bare(schema: JsonObject) -> JsonObject:
    """Without what a model does not need: every word of it is paid for with each request."""
    return {key: value for key, value in schema.items() if key not in {"title", "description", "default", "pattern"}}


_ALL = tuple(map(_tool, _FORMS))
