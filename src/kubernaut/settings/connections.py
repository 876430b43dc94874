"""Where the service listens, keeps and looks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator

from kubernaut.settings.environment import state_directory
from kubernaut.settings.section import Seconds, Section, address


class HttpSettings(Section):
    """The address of the API, the webhook and the pages."""

    host: str = "127.0.0.1"
    """Address to listen on; `0.0.0.0` in a cluster."""
    port: int = Field(default=8080, ge=0, le=65_535)
    """Port to listen on; 0 takes a free one."""
    token: SecretStr | None = None
    """Bearer token that webhooks and API calls must carry; none by default."""
    token_file: Path | None = None
    """File that holds the token; wins over `token`."""

    @field_validator("token")
    @classmethod
    def _is_a_token(cls, token: SecretStr | None) -> SecretStr | None:
        # A variable whose source is missing is empty, and must not open the door to everybody.
        if token is not None and not token.get_secret_value().strip():
            raise ValueError("it is empty; leave it out where no token is wanted")
        return token and SecretStr(token.get_secret_value().strip())


class StoreSettings(Section):
    """Where everything is kept."""

    url: str = Field(default_factory=lambda: f"sqlite:///{state_directory() / 'kubernaut.sqlite'}")
    """`sqlite:///PATH` or `postgresql://USER@HOST/DATABASE`."""
    signals_kept_days: int = Field(default=7, ge=1, le=3650)
    """Days after which an alert as it was sent is let go of; what came of it stays with its incident."""


class ClusterSettings(Section):
    """Which cluster."""

    name: str = "default"
    """Its name in incidents and fingerprints."""
    kubeconfig: str = ""
    """A kubeconfig file, or several as in `$KUBECONFIG`; by default `$KUBECONFIG`, then the pod's own account,
    then `~/.kube/config`."""
    context: str | None = None
    """A context of the kubeconfig; by default its current one."""


class PrometheusSettings(Section):
    """A Prometheus-compatible server whose series are evidence; without one, objects, events and logs have to do."""

    url: Annotated[str, AfterValidator(address)] | None = None
    """Such as `http://prometheus-operated.monitoring:9090`; a path before `/api/v1` may follow."""
    token_file: Path | None = None
    """File that holds a bearer token, read again at each query."""
    timeout_s: Seconds = 5.0
    """Seconds until a query is given up; the diagnosis goes on without it."""


class TracesSettings(Section):
    """Where the trace of each incident is sent by OTLP; nowhere without an endpoint. Needs the extra `traces`."""

    endpoint: str | None = Field(default=None, pattern=r"^https?://[^\s/]+")
    """Such as `http://collector.monitoring:4318/v1/traces`."""


class LogSettings(Section):
    """Logs go to stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe level that is written."""
    json_lines: bool = False
    """One JSON object a line instead of text."""
