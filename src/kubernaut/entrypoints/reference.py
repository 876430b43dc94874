"""The page of settings, written from the settings themselves: `python -m kubernaut.entrypoints.reference`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import NoneType
from typing import Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from kubernaut.settings import PREFIX, Settings

_HEAD = """# Settings

Generated from `src/kubernaut/settings/`: `python -m kubernaut.entrypoints.reference > docs/settings.md`.

A YAML file (`--config FILE`, or `KUBERNAUT_CONFIG`) with these sections, every one optional. A variable wins over the
file: the path of its field in capitals, joined by two underscores. What is not a setting is refused by name.
`kubernaut config show` prints what is in force, `kubernaut config check` whether it would be taken.
"""


def settings_page() -> str:
    """`docs/settings.md`."""
    single = [(name, field) for name, field in Settings.model_fields.items() if section_of(field) is None]
    parts = [_HEAD, *(part for name, field in Settings.model_fields.items() for part in _described(name, field))]
    if single:
        parts.append("\n## On the top level\n")
        parts.append(_table("", single))
    return "".join(parts)


def _described(name: str, field: FieldInfo) -> Iterator[str]:
    section = section_of(field)
    if section is None:
        return
    yield f"\n## {name}\n{meaning_of(field)}\n\n"
    fields = list(section.model_fields.items())
    yield _table(f"{name}.", [(key, inner) for key, inner in fields if section_of(inner) is None])
    for key, inner in fields:
        yield from _described(f"{name}.{key}{'[]' * _is_many(inner)}", inner)


def _table(prefix: str, fields: list[tuple[str, FieldInfo]]) -> str:
    lines = ["| setting | type | default | what it is |", "|---|---|---|---|"]
    for name, field in fields:
        variable = PREFIX + f"{prefix}{name}".upper().replace(".", "__")
        what = _words(field) if "[]" in prefix else f"{_words(field)} `{variable}`"
        lines.append(f"| `{prefix}{name}` | {_type(field)} | {_default(field)} | {what} |")
    return "\n".join(lines) + "\n"


def field_at(path: str) -> FieldInfo | None:
    """The field of that path, such as `models.providers.0.name`; None where there is none."""
    model: type[BaseModel] | None = Settings
    field = None
    for part in path.split("."):
        if part.isdigit():
            continue
        field = model.model_fields.get(part) if model is not None else None
        if field is None:
            return None
        model = section_of(field)
    return field


def meaning_of(field: FieldInfo) -> str:
    """What it is, in the words of its section or of itself."""
    section = section_of(field)
    return " ".join(filter(None, [" ".join((section.__doc__ or "").split()) if section else "", _words(field)]))


def _words(field: FieldInfo) -> str:
    return " ".join((field.description or "").split())


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """The model of a section, where the field is one."""
    kinds = [kind for kind in (field.annotation, *get_args(field.annotation)) if isinstance(kind, type)]
    return next((kind for kind in kinds if issubclass(kind, BaseModel)), None)


def _is_many(field: FieldInfo) -> bool:
    """Whether it is a list of sections, which no variable can name."""
    return get_origin(field.annotation) is tuple


def _type(field: FieldInfo) -> str:
    bounds = [
        f"{word} {bound}"
        for rule in _rules(field)
        for word, bound in (
            ("from", getattr(rule, "ge", None)),
            ("above", getattr(rule, "gt", None)),
            ("to", getattr(rule, "le", None)),
        )
        if bound is not None
    ]
    return " ".join([_name(field.annotation), *bounds])


def _rules(field: FieldInfo) -> Iterator[object]:
    """The bounds of the field, and those of a type in it such as `Annotated[float, Field(gt=0)] | None`."""
    yield from field.metadata
    for part in get_args(field.annotation):
        for rule in getattr(part, "__metadata__", ()):
            yield from rule.metadata if isinstance(rule, FieldInfo) else [rule]


def _name(kind: object) -> str:
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    if kind is SecretStr:
        return "secret text"
    arguments = [argument for argument in get_args(kind) if argument is not NoneType]
    if get_origin(kind) is Union or type(kind).__name__ == "UnionType":
        return " or ".join(_name(argument) for argument in arguments)
    if arguments:
        return _name(arguments[0])
    names = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false", "Path": "path"}
    return names.get(getattr(kind, "__name__", ""), str(kind))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default_factory is not None:
        # A path below a home directory differs from machine to machine.
        return (
            "`sqlite:///` in the state directory"
            if "sqlite" in str(field.get_default(call_default_factory=True))
            else ""
        )
    value = field.default
    if value == ():
        return "none"
    return "none" if value in {None, ""} else re.sub(r"^'(.*)'$", r"\1", f"`{value}`")


if __name__ == "__main__":
    print(settings_page(), end="")  # noqa: T201  # the page is this module's output
