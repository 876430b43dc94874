"""`kubernaut` as a process of its own, forked from one that has imported it: imports are most of a short command."""

from __future__ import annotations

import multiprocessing
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from kubernaut.entrypoints.cli.main import COMMANDS, main

_PATIENCE_S = 60
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    ["kubernaut.wiring", __name__, *(f"kubernaut.entrypoints.cli.{module}" for module, _ in COMMANDS.values())]
)


@dataclass(frozen=True)
class Printed:
    """How it ended, and what it printed."""

    code: int
    output: str
    errors: str


def typed(words: list[str], place: Path, environment: dict[str, str]) -> Printed:
    """Runs the command there, with nothing but that environment."""
    with TemporaryDirectory() as folder:
        output, errors = Path(folder) / "output", Path(folder) / "errors"
        process = _FORKS.Process(target=_become, args=(words, place, environment, output, errors))
        process.start()
        process.join(_PATIENCE_S)
        if process.exitcode is None:
            process.kill()
            process.join()
        assert process.exitcode is not None
        return Printed(process.exitcode, output.read_text(encoding="utf-8"), errors.read_text(encoding="utf-8"))


def _become(words: list[str], place: Path, environment: dict[str, str], output: Path, errors: Path) -> None:
    os.chdir(place)
    os.environ.clear()  # noqa: TID251  # as a shell gives it to a program
    os.environ.update(environment)  # noqa: TID251
    for file, number in ((output, 1), (errors, 2)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    sys.argv = words
    main()
