"""The only reader of the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class TerminalWishes(NamedTuple):
    """What the environment says about colours."""

    no_color: bool
    force_color: bool
    dumb: bool


def state_directory() -> Path:
    """Where a laptop keeps its database: `$XDG_STATE_HOME/kubernaut`, by default `~/.local/state/kubernaut`."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "kubernaut"


def terminal_wishes(environ: Mapping[str, str] | None = None) -> TerminalWishes:
    """The wishes of `NO_COLOR`, `FORCE_COLOR` and `TERM`."""
    told = variables(environ)
    return TerminalWishes(
        no_color=bool(told.get("NO_COLOR")),
        force_color=bool(told.get("FORCE_COLOR")),
        dumb=told.get("TERM") == "dumb",
    )


def variables(environ: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """The given variables, those of the process where none are given."""
    return os.environ if environ is None else environ
