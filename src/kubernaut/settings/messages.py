"""Messages to people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, field_validator

from kubernaut.domain.zones import zone_name
from kubernaut.settings.section import Section, secret_address, secret_of


class SlackSettings(Section):
    """Messages to Slack, and its buttons."""

    webhook_url: SecretStr | None = None
    """The address of an incoming webhook."""
    webhook_url_file: Path | None = None
    """File that holds it; wins over `webhook_url`."""
    signing_secret: SecretStr | None = None
    """The app's signing secret; without it no button is taken."""
    signing_secret_file: Path | None = None
    """File that holds it; wins over `signing_secret`."""
    answers: str = Field(default="https://hooks.slack.com/", pattern=r"^https?://[^/]+/")
    """Where answers to a click may go: the start of the addresses that Slack gives with it."""

    def webhook(self) -> str | None:
        """The address of the webhook."""
        return secret_of(self.webhook_url_file, self.webhook_url, "notify.slack.webhook_url_file")

    def secret(self) -> str | None:
        """What Slack signs clicks with."""
        return secret_of(self.signing_secret_file, self.signing_secret, "notify.slack.signing_secret_file")


class ChannelSettings(Section):
    """One channel by apprise, with what it wants to hear. Empty lists do not restrict."""

    name: str = Field(min_length=1, max_length=100)
    """Its name in the record."""
    url: SecretStr | None = None
    """Its address as apprise writes it, such as `mailto://USER:PASSWORD@HOST`."""
    url_file: Path | None = None
    """File that holds it; wins over `url`."""
    severities: tuple[str, ...] = ()
    """Severities of alerts."""
    namespaces: tuple[str, ...] = ()
    """Namespaces; `*` stands for anything."""
    outcomes: tuple[str, ...] = ()
    """`approval` for requests, the endings of incidents, and `summary`."""
    title: str = ""
    """Template (Jinja2) for the title; knows `incident`, `title`, `lines` and `facts`."""
    body: str = ""
    """Template for the text."""

    def address(self) -> str | None:
        """The address."""
        return secret_of(self.url_file, self.url, f"notify.channels.{self.name}.url_file")


class SummarySettings(Section):
    """The week in a few lines, once a week."""

    at: str = Field(default="", pattern=r"^((mon|tue|wed|thu|fri|sat|sun) ([01]\d|2[0-3]):[0-5]\d)?$")
    """When, such as `mon 08:00`; never where it is empty. It goes to every channel that takes it: one that names
    `outcomes` has to name `summary`, and one that names severities or namespaces does not get it."""
    timezone: str = "UTC"
    """The zone of that time, such as `Europe/Berlin`."""

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        return zone_name(name)


class NotifySettings(Section):
    """Where people are told."""

    webhook_url: Annotated[SecretStr, AfterValidator(secret_address)] | None = None
    """A URL that takes a JSON POST for every escalation, approval request and closed incident."""
    slack: SlackSettings = SlackSettings()
    channels: tuple[ChannelSettings, ...] = ()
    summary: SummarySettings = SummarySettings()
    tries: int = Field(default=3, ge=1, le=10)
    """Tries for one message and channel, with a pause that doubles between them."""
    patience_s: float = Field(default=10.0, gt=0, le=60)
    """Seconds after which a channel that does not answer is given up for one message."""
