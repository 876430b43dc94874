"""All sections together."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, PrivateAttr

from kubernaut.settings.connections import (
    ClusterSettings,
    HttpSettings,
    LogSettings,
    PrometheusSettings,
    StoreSettings,
    TracesSettings,
)
from kubernaut.settings.gitops import GitOpsSettings
from kubernaut.settings.guardrails import PolicySettings, VerificationSettings
from kubernaut.settings.memory import EmbedderSettings, MemorySettings
from kubernaut.settings.messages import NotifySettings
from kubernaut.settings.models import ModelsSettings
from kubernaut.settings.section import Section, content_of
from kubernaut.settings.strategies import StrategySettings
from kubernaut.settings.value import ValueSettings


class Settings(Section):
    """Everything."""

    http: HttpSettings = HttpSettings()
    store: StoreSettings = Field(default_factory=StoreSettings)
    cluster: ClusterSettings = ClusterSettings()
    policy: PolicySettings = PolicySettings()
    strategies: StrategySettings = StrategySettings()
    gitops: GitOpsSettings = GitOpsSettings()
    verification: VerificationSettings = VerificationSettings()
    prometheus: PrometheusSettings = PrometheusSettings()
    models: ModelsSettings = ModelsSettings()
    memory: MemorySettings = MemorySettings()
    embedder: EmbedderSettings = EmbedderSettings()
    notify: NotifySettings = NotifySettings()
    value: ValueSettings = ValueSettings()
    traces: TracesSettings = TracesSettings()
    log: LogSettings = LogSettings()
    in_flight: int = Field(default=100, ge=1, le=1000)
    """Incidents worked on at once by one process; the others wait in the inbox."""
    _source: Path | None = PrivateAttr(default=None)

    @property
    def source(self) -> Path | None:
        """The file that they were read from."""
        return self._source

    def bearer_token(self) -> str | None:
        """The token that callers must carry, None where none is wanted."""
        if self.http.token_file is not None:
            return content_of(self.http.token_file, "http.token_file")
        return self.http.token.get_secret_value() if self.http.token else None
