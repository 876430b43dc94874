"""Runs all tests: those on the real cluster beside the others, since they wait more than they compute.

Ends with 0 only where both parts passed; what the part beside it printed follows at the end, whole.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

PYTEST = [sys.executable, "-m", "pytest", "-q", "-rsfE"]
OTHERS = [*PYTEST, "--dist", "loadgroup", "-m", "not cluster", "tests"]
CLUSTER = [*PYTEST, "-m", "cluster", "tests/cluster"]
# Pytest's own code for "no test was collected": a machine without root or Go has none of this part.
NONE_COLLECTED = 5


def main(workers: str) -> int:
    began = time.monotonic()
    print("tests: everything but the real cluster; those on it run beside, and their result follows", flush=True)
    with tempfile.TemporaryFile() as beside:
        cluster = subprocess.Popen(CLUSTER, stdout=beside, stderr=subprocess.STDOUT)
        try:
            others = subprocess.run([*OTHERS, "-n", workers], check=False).returncode
        finally:
            # After Ctrl-C, which reaches both, it takes its cluster down; nothing of it may be left running.
            cluster.wait()
        print("tests: the real cluster", flush=True)
        beside.seek(0)
        os.write(sys.stdout.fileno(), beside.read())
    print(f"tests: {time.monotonic() - began:.0f} s in all", flush=True)
    return others or (0 if cluster.returncode == NONE_COLLECTED else cluster.returncode)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
