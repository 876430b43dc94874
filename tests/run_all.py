"""Runs all tests: those on a real API server and on a real cluster beside the others, since they wait a lot.

Ends with 0 only where all parts passed; what the parts beside it printed follows at the end, whole.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack

PYTEST = [sys.executable, "-m", "pytest", "-q", "-rsfE"]
OTHERS = [*PYTEST, "--dist", "loadgroup", "-m", "not cluster", "tests"]
# They bring an API server of their own, without controllers.
BARE = tuple(f"tests/cluster/test_{name}.py" for name in ("actions", "faulty_api_server", "strategies"))
BESIDE = {
    "a real API server": [*PYTEST, "-m", "cluster", *BARE],
    "the real cluster": [*PYTEST, "-m", "cluster", "tests/cluster", *(f"--ignore={each}" for each in BARE)],
}
# Pytest's own code for "no test was collected": a machine without root or Go has none of this part.
NONE_COLLECTED = 5


def main(workers: str) -> int:
    began = time.monotonic()
    print(f"tests: all that need neither; beside them, with results that follow: {', '.join(BESIDE)}", flush=True)
    with ExitStack() as stack:
        printed = {name: stack.enter_context(tempfile.TemporaryFile()) for name in BESIDE}
        beside = {
            name: subprocess.Popen(command, stdout=printed[name], stderr=subprocess.STDOUT)
            for name, command in BESIDE.items()
        }
        try:
            codes = [subprocess.run([*OTHERS, "-n", workers], check=False).returncode]
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
