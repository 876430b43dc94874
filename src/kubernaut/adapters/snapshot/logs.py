"""Log files of pods as `cluster-info dump`, must-gather and our own capture lay them down."""

from __future__ import annotations

import re
from typing import Final

from kubernaut.adapters.snapshot.contents import Collection, LogKey
from kubernaut.domain.objects import parse_time

_START: Final = re.compile(r"^==== START logs for container (\S+) of pod (\S+?)/(\S+) ====\r?$", re.MULTILINE)
_END: Final = "==== END logs for container"
# .../namespaces/NS/pods/POD/CONTAINER/CONTAINER/logs/current.log, as must-gather and `oc adm inspect` write it.
_GATHERED: Final = re.compile(
    r"(?:^|/)namespaces/([^/]+)/pods/([^/]+)/([^/]+)/(?:[^/]+/)?logs/(current|previous)(?:\.insecure)?\.log$"
)
_OURS: Final = re.compile(r"(?:^|/)logs/([^/]+)/([^/]+)/([^/]+)/(current|previous)\.log$")
# The time that the kubelet or the program put in front of a line.
_STAMP: Final = re.compile(r"\b(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,]\d{1,9})?(Z|[+-]\d\d:?\d\d)?")


def path_of_log(key: LogKey) -> str:
    """Where our capture puts that log."""
    namespace, pod, container, previous = key
    return f"logs/{namespace}/{pod}/{container}/{'previous' if previous else 'current'}.log"


def key_of_path(name: str) -> LogKey | None:
    """Whose log a file of that path is, None where it is none."""
    match = _OURS.search(name) or _GATHERED.search(name)
    return (match[1], match[2], match[3], match[4] == "previous") if match else None


def take_dumped_logs(collection: Collection, text: str) -> str:
    """The text without the logs in it, which are in the collection now."""
    rest, position = [], 0
    for match in _START.finditer(text):
        if match.start() < position:
            continue
        rest.append(text[position : match.start()])
        end = text.find(f"\n{_END} {match[1]} of pod {match[2]}/{match[3]} ====", match.end() - 1)
        stop = end if end >= 0 else len(text)
        body = text[match.end() : stop].strip("\n")
        if body and not body.startswith("Request log error:"):
            add_log(collection, (match[2], match[3], match[1], False), body + "\n")
        following = text.find("\n", stop + 1) if end >= 0 else -1
        position = following + 1 if following >= 0 else len(text)
    rest.append(text[position:])
    return "".join(rest)


def add_log(collection: Collection, key: LogKey, text: str) -> None:
    """Takes in a log, and the last time that its lines carry: the snapshot is not older."""
    collection.add_log(key, text)
    found = [match for match in _STAMP.finditer(text[-20_000:]) if match[3]]
    if found:
        collection.see_time(parse_time(f"{found[-1][1]}T{found[-1][2]}{found[-1][3]}"))
