"""Gets what the tests on a real cluster need: Kubernetes is built, Debian's programs are unpacked or installed.

`tests/cluster/prepare` runs it; the second time it finds everything and touches neither network nor disk.
Whatever cannot be had is said with its reason and left out: the tests that need it then skip themselves.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.programs import (
    BINARIES,
    INSTALLED,
    KUBERNETES_VERSION,
    UNPACKED,
    built_kube,
    find_program,
    unpacked_packages,
)


def say(line: str) -> None:
    sys.stdout.write(f"cluster tests: {line}\n")
    sys.stdout.flush()


def main() -> int:
    """Prepares; 0 even where parts are left out, unless everything is demanded."""
    parser = argparse.ArgumentParser(description="Get and build what the tests on a real cluster need.")
    parser.add_argument("--strict", action="store_true", help="fail where a part is left out")
    strict = parser.parse_args().strict
    left_out = [*_get_packages(), *_build_kubernetes()]
    for reason in left_out:
        say(f"left out: {reason}")
    if not left_out:
        say("all programs are here")
    return 1 if left_out and strict else 0


def _get_packages() -> list[str]:
    to_unpack = sorted({package for name, package in UNPACKED.items() if find_program(name) is None})
    to_install = sorted({package for name, package in INSTALLED.items() if find_program(name) is None})
    if not to_unpack and not to_install:
        return []
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return [f"{', '.join(to_unpack + to_install)}: no apt-get here; install them by hand"]
    if os.geteuid() == 0:
        say("reading the list of Debian's packages")
        _run(["apt-get", "update", "--quiet", "--quiet"])
    failures = [_unpack(package) for package in to_unpack]
    if to_install:
        failures.append(_install(to_install))
    return [failure for failure in failures if failure]


def _unpack(package: str) -> str:
    """Unpacks a package into the cache, where it can start no service; the reason if that fails."""
    say(f"getting {package}")
    with tempfile.TemporaryDirectory() as folder:
        # The account that apt downloads with has to write here.
        Path(folder).chmod(0o755)
        said = _run(["apt-get", "download", "--quiet", "--quiet", package], folder)
        archives = list(Path(folder).glob("*.deb"))
        if not archives:
            return f"{package}: {said or 'could not be downloaded'}"
        unpacked_packages().mkdir(parents=True, exist_ok=True)
        said = _run(["dpkg-deb", "--extract", str(archives[0]), str(unpacked_packages())])
        return f"{package}: {said}" if said else ""


def _install(packages: Sequence[str]) -> str:
    if os.geteuid() != 0:
        return f"{', '.join(packages)}: installing needs root"
    say(f"installing {', '.join(packages)}")
    said = _run(["apt-get", "install", "--yes", "--no-remove", "--no-install-recommends", "--quiet", *packages])
    return f"{', '.join(packages)}: {said}" if said else ""


def _build_kubernetes() -> list[str]:
    target = built_kube()
    if target.is_file():
        return []
    if shutil.which("go") is None:
        return [f"Kubernetes {KUBERNETES_VERSION}: building it needs Go"]
    say(f"building Kubernetes {KUBERNETES_VERSION} from Go modules: minutes, and only this once")
    began = time.monotonic()
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    build = ["nice", "-n", "5", "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", _linker_flags()]
    said = _run([*build, "-o", str(unfinished), "."], str(BINARIES))
    if said:
        unfinished.unlink(missing_ok=True)
        return [f"Kubernetes {KUBERNETES_VERSION}: {said}"]
    unfinished.rename(target)
    say(f"built {target} in {time.monotonic() - began:.0f} s")
    for stale in target.parent.glob("kube-v*"):
        if stale != target:
            stale.unlink()
    return []


def _linker_flags() -> str:
    _, minor, _ = KUBERNETES_VERSION.split(".")
    values = {
        "gitVersion": KUBERNETES_VERSION,
        "gitMajor": "1",
        "gitMinor": minor,
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
    }
    return "-s -w " + " ".join(f"-X k8s.io/component-base/version.{name}={value}" for name, value in values.items())


def _run(command: Sequence[str], folder: str | None = None) -> str:
    """Runs to the end; the last words of a failure, or nothing."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}  # noqa: TID251 - apt and Go need the rest of it
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    return "; ".join((done.stderr or done.stdout).strip().splitlines()[-3:]) or f"exit {done.returncode}"


if __name__ == "__main__":
    sys.exit(main())
