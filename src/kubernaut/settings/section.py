"""What every section of the settings has in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from kubernaut.domain.errors import SettingsError

Seconds = Annotated[float, Field(gt=0, le=86_400)]


Share = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A part of the settings: frozen, and what it does not know is refused by name."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def secret_of(file: Path | None, value: SecretStr | None, field: str) -> str | None:
    """The secret of the file where one is named, else the given one."""
    if file is not None:
        return content_of(file, field)
    return value.get_secret_value() if value else None


def is_address(url: str) -> bool:
    """Whether it is an HTTP address with a host."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def content_of(path: Path, field: str) -> str:
    """What the file holds, without white space around it. Raises `SettingsError` that names the field."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{field}: {path}: {error.strerror}") from error
    if not text:
        raise SettingsError(f"{field}: {path} is empty")
    return text
