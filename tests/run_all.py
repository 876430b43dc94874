"""Runs all tests: those on a real API server and on a real cluster beside the others, since they wait a lot.

Ends with 0 only where all parts passed; what the parts beside it printed follows at the end, whole.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PYTEST = [sys.executable, "-m", "pytest", "-q", "-rsfE"]
OTHERS = [*PYTEST, "--dist", "loadgroup", "-m", "not cluster", "--ignore=tests/cluster", "tests"]
# They bring an API server of their own, without controllers.
BARE = tuple(f"tests/cluster/test_{name}.py" for name in ("actions", "faulty_api_server", "strategies"))
BESIDE = {
    "a real API server": [*PYTEST, "-m", "cluster", *BARE],
    "the real cluster": [*PYTEST, "-m", "cluster", "tests/cluster", *(f"--ignore={each}" for each in BARE)],
}
# A file system in memory: databases of tests write through to the disk a thousand times, which proves nothing here.
MEMORY = Path("/dev/shm")
ROOM = 4 << 30
PREFIX = "kubernaut-tests-"
# Go's servers collect their garbage more seldom: a test does not live long enough for it to matter.
SELDOM = {"GOGC": "400"}
# Pytest's own code for "no test was collected": a machine without root or Go has none of this part.
NONE_COLLECTED = 5


@contextmanager
def surroundings() -> Iterator[dict[str, str]]:
    """The environment of the tests, in which temporary files are in memory where there is room for them."""
    inherited = {**os.environ, **SELDOM}  # noqa: TID251  # of the programs that are started
    if not (MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM):
        yield inherited
        return
    for left in MEMORY.glob(f"{PREFIX}*"):
        # Whoever was killed could not clear up.
        if not Path("/proc", left.name.removeprefix(PREFIX).partition("-")[0]).exists():
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=MEMORY, prefix=f"{PREFIX}{os.getpid()}-") as folder:
        # PostgreSQL runs as an account of its own, which has to get through.
        Path(folder).chmod(0o755)
        yield {**inherited, "TMPDIR": folder}


def main(workers: str) -> int:
    began = time.monotonic()
    print(f"tests: all that need neither; beside them, with results that follow: {', '.join(BESIDE)}", flush=True)
    with ExitStack() as stack:
        environment = stack.enter_context(surroundings())
        printed = {name: stack.enter_context(tempfile.TemporaryFile()) for name in BESIDE}
        beside = {
            name: subprocess.Popen(command, env=environment, stdout=printed[name], stderr=subprocess.STDOUT)
            for name, command in BESIDE.items()
        }
        try:
            codes = [subprocess.run([*OTHERS, "-n", workers], env=environment, check=False).returncode]
        finally:
            # After Ctrl-C, which reaches all, they take their clusters down; nothing of them may be left running.
            ended = [process.wait() for process in beside.values()]
        for name, output in printed.items():
            print(f"tests: {name}", flush=True)
            output.seek(0)
            os.write(sys.stdout.fileno(), output.read())
    print(f"tests: {time.monotonic() - began:.0f} s in all", flush=True)
    codes += [0 if code == NONE_COLLECTED else code for code in ended]
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
