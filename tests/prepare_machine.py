"""Gets Debian's packages that tests of real components use, and says what is left out where that cannot be.

Nothing is started: packages that would start a service are kept from it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

# What it is found by -> the package that brings it.
WANTED = {
    "/usr/lib/postgresql/*/bin/initdb": "postgresql",
    "/usr/bin/prometheus-alertmanager": "prometheus-alertmanager",
    "/usr/bin/prometheus": "prometheus",
    "/usr/bin/wrk": "wrk",
    "/usr/bin/chromium*": "chromium-headless-shell",
    "/usr/bin/npm": "npm",
}
POLICY = Path("/usr/sbin/policy-rc.d")


AXE = "axe-core@4.14.1"
AXE_FOLDER = Path.home() / ".cache" / "kubernaut-tests" / "axe-core"


def main() -> None:
    _get_packages()
    _get_axe()


def _get_axe() -> None:
    """The accessibility checks that browser tests run, from npm, kept outside the tree."""
    if (AXE_FOLDER / "package" / "axe.min.js").exists():
        return
    npm = shutil.which("npm")
    if npm is None:
        print("machine: left out: accessibility checks: npm is not installed")
        return
    AXE_FOLDER.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([npm, "pack", "--silent", AXE], cwd=AXE_FOLDER, capture_output=True, check=False, timeout=120)
    archives = list(AXE_FOLDER.glob("*.tgz"))
    if done.returncode or not archives:
        print(f"machine: left out: accessibility checks: npm cannot fetch {AXE}")
        return
    script = AXE_FOLDER / "package" / "axe.min.js"
    script.parent.mkdir(exist_ok=True)
    with tarfile.open(archives[0]) as archive:
        content = archive.extractfile("package/axe.min.js")
        if content is not None:
            script.write_bytes(content.read())


def _get_packages() -> None:
    missing = [package for place, package in WANTED.items() if not list(Path("/").glob(place.lstrip("/")))]
    if not missing:
        print("machine: PostgreSQL, Alertmanager, Prometheus, wrk, Chromium and npm are here")
        return
    reason = _obstacle()
    if reason:
        print(f"machine: left out: tests with {', '.join(missing)}: {reason}")
        return
    print(f"machine: installing {', '.join(missing)}", flush=True)
    installed = _install(missing)
    if not installed:
        print(f"machine: left out: tests with {', '.join(missing)}: apt-get failed")


def _obstacle() -> str:
    if not sys.platform.startswith("linux") or shutil.which("apt-get") is None:
        return "this is no Debian machine (apt-get is missing)"
    return "" if os.geteuid() == 0 else "installing packages needs root"


def _install(packages: list[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    made = not POLICY.exists()
    if made:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
            done = subprocess.run(
                ["apt-get", "-o", "DPkg::Lock::Timeout=300", *command],
                env=environment, stdout=subprocess.DEVNULL, check=False,
            )  # fmt: skip
            if done.returncode:
                return False
    finally:
        if made:
            POLICY.unlink()
    return True


if __name__ == "__main__":
    main()
