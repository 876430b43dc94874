"""What every section of the settings has in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from kubernaut.domain.errors import SettingsError
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.domain.redaction import redact_text

Seconds = Annotated[float, Field(gt=0, le=86_400)]


Share = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A part of the settings: frozen, and what it does not know is refused by name."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    def shown(self) -> JsonObject:
        """What people may see: secrets hidden, also those within addresses."""
        return {name: _without_credentials(value) for name, value in self.model_dump(mode="json").items()}


def _without_credentials(value: Json) -> Json:
    match value:
        case dict():
            return {name: _without_credentials(each) for name, each in value.items()}
        case list():
            return [_without_credentials(each) for each in value]
        case str() if "://" in value:
            return redact_text(value)
        case _:
            return value


def secret_of(file: Path | None, value: SecretStr | None, field: str) -> str | None:
    """The secret of the file where one is named, else the given one."""
    if file is not None:
        return content_of(file, field)
    return value.get_secret_value() if value else None


def address(url: str) -> str:
    """The address, or nothing where none is given. Raises `ValueError` for what is no HTTP address."""
    if url and not is_address(url):
        raise ValueError("an address is such as http://host:9090/path")
    return url


def secret_address(url: SecretStr) -> SecretStr:
    """The same where it is a secret."""
    address(url.get_secret_value())
    return url


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
