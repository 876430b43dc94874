"""What is in force: one frozen tree, read once from a YAML file and `KUBERNAUT_*` variables, validated whole.

A variable is the path of its field in capitals, joined by two underscores: `KUBERNAUT_STORE__URL`. Variables win over
the file. Secrets are read from files, or from variables, and print as `**********`.
"""

from __future__ import annotations

from kubernaut.settings.connections import (
    ClusterSettings,
    HttpSettings,
    LogSettings,
    PrometheusSettings,
    StoreSettings,
    TracesSettings,
)
from kubernaut.settings.environment import TerminalWishes, state_directory, terminal_wishes
from kubernaut.settings.gitops import GitOpsSettings
from kubernaut.settings.guardrails import PolicySettings, VerificationSettings
from kubernaut.settings.memory import EmbedderSettings, MemorySettings
from kubernaut.settings.messages import ChannelSettings, NotifySettings, SlackSettings
from kubernaut.settings.models import ModelsSettings, ProviderSettings
from kubernaut.settings.reading import PREFIX, load_settings
from kubernaut.settings.section import Seconds, Share
from kubernaut.settings.strategies import StrategySettings
from kubernaut.settings.value import Declared, ValueSettings
from kubernaut.settings.whole import Settings

__all__ = [
    "PREFIX",
    "ChannelSettings",
    "ClusterSettings",
    "Declared",
    "EmbedderSettings",
    "GitOpsSettings",
    "HttpSettings",
    "LogSettings",
    "MemorySettings",
    "ModelsSettings",
    "NotifySettings",
    "PolicySettings",
    "PrometheusSettings",
    "ProviderSettings",
    "Seconds",
    "Settings",
    "Share",
    "SlackSettings",
    "StoreSettings",
    "StrategySettings",
    "TerminalWishes",
    "TracesSettings",
    "ValueSettings",
    "VerificationSettings",
    "load_settings",
    "state_directory",
    "terminal_wishes",
]
