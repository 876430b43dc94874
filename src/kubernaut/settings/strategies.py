"""Where people keep the strategies that they declare."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from kubernaut.settings.section import Section


class StrategySettings(Section):
    """Remedies of several steps, beside those that the causes recommend (docs/strategies.md).

    All are read again when they change; wrong ones leave the former ones in force.
    """

    folder: Path | None = None
    """A folder of YAML files."""
    config_map: str | None = Field(default=None, pattern=r"^[a-z0-9]([a-z0-9-]{0,62})/[a-z0-9]([a-z0-9.-]{0,252})$")
    """A ConfigMap whose entries are such files, as `NAMESPACE/NAME`."""
    resources: bool = False
    """Whether objects of kind RemediationStrategy are read; `kubernaut strategies crd` declares the kind."""
