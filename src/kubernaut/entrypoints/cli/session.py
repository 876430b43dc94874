"""One call of the command line: where it writes, how that looks, and whom it asks."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, TextIO, cast

from kubernaut.entrypoints.cli.failures import json_text

if TYPE_CHECKING:
    # `kubernaut --help` needs none of it.
    from kubernaut.domain.objects import Json
    from kubernaut.entrypoints.doors import Doors
    from kubernaut.entrypoints.terminal.look import Look

_NARROWEST = 40


class ColourChoice(StrEnum):
    """`--color`."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Session:
    """`given` is what tests hand in for the rest of the program."""

    colour: ColourChoice = ColourChoice.AUTO
    given: Doors | None = None

    def look(self, stream: TextIO | None = None) -> Look:
        """What the stream (stdout) can show."""
        target = stream or sys.stdout
        width = max(_NARROWEST, shutil.get_terminal_size().columns) if target.isatty() else None
        unicode = "utf" in (target.encoding or "").lower()
        make = import_module("kubernaut.entrypoints.terminal.look").Look
        return cast("Look", make(width, self._coloured(target), unicode))

    def _coloured(self, stream: TextIO) -> bool:
        if self.colour is not ColourChoice.AUTO:
            return self.colour is ColourChoice.ALWAYS
        wishes = import_module("kubernaut.settings").terminal_wishes()
        if wishes.no_color:
            return False
        return bool(wishes.force_color or (stream.isatty() and not wishes.dumb))

    def doors(self) -> Doors:
        """The rest of the program; imported by name, because it brings everything with it."""
        return self.given or cast("Doors", import_module("kubernaut.entrypoints.composition").DOORS)

    def write(self, lines: Iterable[str]) -> None:
        """Results, on stdout."""
        for line in lines:
            print(line)

    def write_json(self, document: Json) -> None:
        """The one document of `--json`."""
        print(json_text(document, indent=2))

    def write_json_line(self, document: Json) -> None:
        """One object a line, for what goes on for a while."""
        print(json_text(document), flush=True)

    def note(self, text: str) -> None:
        """Progress, prompts and warnings, on stderr."""
        print(text, file=sys.stderr, flush=True)
