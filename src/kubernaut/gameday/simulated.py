"""What the simulated cluster has to hold so that the programs of a gameday run on it, and its record of requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from kubernaut.gameday.audit import OURS
from kubernaut.gameday.shop import PORT, STORE_PORT, Images
from kubernaut.sandbox.applications import MEBIBYTE, Application, Listener
from kubernaut.sandbox.universe import Universe

_HOST = "registry.example.com"
_WEB = Application(
    listeners=(Listener(PORT),),
    commands=frozenset({"/bin/sh"}),
    flags=frozenset({"--listen", "--workers", "--cache-mib", "--calls", "--writes"}),
    required_env=("LOG_LEVEL", "UPSTREAM_URL"),
    working_set=24 * MEBIBYTE,
)
_PROGRAMS: dict[str, tuple[str, Application]] = {
    "web": (f"{_HOST}/apps/web:1.8.2", _WEB),
    "next": (f"{_HOST}/apps/web:1.9.0", _WEB),
    "caller": (f"{_HOST}/apps/caller:2.1.0", replace(_WEB, calls=("UPSTREAM_URL",))),
    "store": (f"{_HOST}/apps/store:4.0.1", replace(_WEB, listeners=(Listener(STORE_PORT),))),
    "writer": (f"{_HOST}/apps/writer:0.7.3", replace(_WEB, writes="/var/spool/mail")),
    "hungry": (f"{_HOST}/apps/images:3.1.0", replace(_WEB, working_set=150 * MEBIBYTE)),
    "private": ("private.example.com/apps/web:1.8.3", _WEB),
    "foreign": (f"{_HOST}/apps/web:1.8.4-arm64", replace(_WEB, arch="arm64")),
}


def publish(universe: Universe) -> Images:
    """Puts the programs into the registries of the sandbox, and gives their images."""
    universe.world.publish(dict(_PROGRAMS.values()))
    return Images({role: image for role, (image, _) in _PROGRAMS.items()})


def record_of(universe: Universe, namespace: str, since: datetime) -> Iterator[tuple[str, str]]:
    """Kind and name of every write of ours in the namespace; a dry run is none."""
    for write in universe.cluster.writes_by(OURS):
        if write.namespace == namespace and write.at >= since:
            yield write.kind, write.name
