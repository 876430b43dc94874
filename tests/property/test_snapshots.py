"""Whatever is handed in as a snapshot is read or refused; what kubectl prints of an object is read back as it was."""

from __future__ import annotations

import tarfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kubernaut.adapters.snapshot.ages import parse_age
from kubernaut.adapters.snapshot.contents import Collection, Snapshot
from kubernaut.adapters.snapshot.opening import read_snapshot
from kubernaut.adapters.snapshot.templates import probe
from kubernaut.adapters.snapshot.transcript import Transcript
from kubernaut.domain.errors import NotInSnapshot, SnapshotError
from tests.unit.adapters.snapshot.saved import diagnosed, found

RECORDED = sorted((Path(__file__).parents[1] / "data" / "transcripts").glob("*.txt"))
LINES = [line for path in RECORDED for line in path.read_text().splitlines()]
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,20}[a-z0-9]", fullmatch=True)
WORDS = st.from_regex(r"[A-Z][a-zA-Z]{2,20}", fullmatch=True)
MESSAGES = st.from_regex(r"[!-~]+( [!-~]+){0,10}", fullmatch=True)
COUNTS = st.integers(0, 10_000)
IN_FOLDER = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def read_text(text: str) -> Snapshot:
    collection, transcript = Collection("a test", saved_at=datetime(2026, 3, 1, tzinfo=UTC)), Transcript()
    transcript.read("a test", text)
    transcript.finish(collection)
    return collection.finished()


def table(rows: Sequence[Sequence[str]]) -> str:
    """The rows as kubectl's tab writer lays them out."""
    widths = [max(map(len, column)) + 3 for column in zip(*rows, strict=True)]
    lines = ("".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines) + "\n"


@IN_FOLDER
@given(content=st.binary(max_size=2_000) | st.text(max_size=2_000).map(str.encode))
def test_any_file_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "anything"
    path.write_bytes(content)
    try:
        read_snapshot(path)
    except SnapshotError as error:
        assert "anything" in str(error)  # noqa: PT017  # both endings are right


@IN_FOLDER
@given(cuts=st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 255)), max_size=8), size=st.integers(1, 2_000))
def test_any_broken_archive_is_read_or_refused(tmp_path: Path, cuts: list[tuple[int, int]], size: int) -> None:
    path = tmp_path / "broken.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(RECORDED[0], "ticket.txt")
    content = bytearray(path.read_bytes())
    for position, value in cuts:
        content[position % len(content)] = value
    path.write_bytes(content[:size])
    try:
        read_snapshot(path)
    except SnapshotError as error:
        assert "broken.tar.gz" in str(error)  # noqa: PT017


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(LINES)
        | st.text(max_size=60)
        | st.sampled_from(["$ kubectl get all -A", "$ kubectl describe po x"]),
        max_size=80,
    )
)
def test_lines_of_transcripts_in_any_order_are_read(lines: list[str]) -> None:
    read_text("\n".join(lines))


@IN_FOLDER
@given(
    source=st.sampled_from(RECORDED[:3]),
    cuts=st.lists(st.tuples(st.integers(0, 100), st.integers(0, 90)), max_size=12),
    dropped=st.lists(st.integers(0, 100), max_size=8),
    prompt=st.sampled_from(["$ ", "# ", "> ", "u@h:~$ ", "", "\x1b[32m$\x1b[0m "]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_a_ticket_that_was_cut_anywhere_is_diagnosed_without_an_error(
    tmp_path: Path, source: Path, cuts: list[tuple[int, int]], dropped: list[int], prompt: str, end: str
) -> None:
    lines = source.read_text().replace("ops@bastion:~$ ", prompt).splitlines()
    for at, width in cuts:
        lines[at % len(lines)] = lines[at % len(lines)][:width]
    kept = [line for at, line in enumerate(lines) if at not in dropped]
    path = tmp_path / "ticket.txt"
    path.write_text(end.join(kept), newline="")
    try:
        snapshot = read_snapshot(path)
    except SnapshotError as error:
        assert "ticket.txt" in str(error)  # noqa: PT017  # nothing that is known was left of it
        return
    for one in diagnosed(snapshot):
        assert one.best is None or 0 <= one.best.confidence <= 1


@given(st.integers(0, 3_000_000))
def test_an_age_is_read_as_kubectl_prints_it(seconds: int) -> None:
    printed = human_duration(seconds)
    age = parse_age(printed)
    assert age is not None
    assert age.seconds <= seconds < age.seconds + age.unit


def human_duration(seconds: int) -> str:  # noqa: PLR0911  # a case a size
    """As k8s.io/apimachinery's duration.HumanDuration writes it."""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    return f"{days}d"


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        NAMES, st.tuples(COUNTS, st.booleans(), NAMES, st.dictionaries(NAMES, NAMES, max_size=3)), min_size=1
    ),
    st.booleans(),
)
def test_a_table_of_pods_is_read_as_it_was_printed(
    pods: dict[str, tuple[int, bool, str, dict[str, str]]],
    everywhere: bool,  # noqa: FBT001
) -> None:
    head = ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE", "LABELS"]
    rows = [
        [
            name, "1/1" if ready else "0/1", "Running" if ready else "CrashLoopBackOff", str(count), "5m", "<none>",
            node,
            ",".join(f"{key}={value}" for key, value in labels.items()) or "<none>",
        ]
        for name, (count, ready, node, labels) in pods.items()
    ]  # fmt: skip
    shown = [["NAMESPACE", *head], *(["shop", *row] for row in rows)] if everywhere else [head, *rows]
    place = "-A" if everywhere else "-n shop"
    snapshot = read_text(f"$ kubectl get pods {place} -o wide --show-labels\n{table(shown)}")
    for name, (count, ready, node, labels) in pods.items():
        pod = found(snapshot, "Pod", "shop", name)
        (status,) = pod.trees("status", "containerStatuses")
        assert (status.integer("restartCount"), status.flag("ready")) == (count, ready)
        assert pod.text("spec", "nodeName") == node
        assert pod.labels == labels
    assert sum(ref.kind == "Pod" for ref in snapshot.objects) == len(pods)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(WORDS, NAMES, MESSAGES, st.integers(1, 3000)), min_size=1, max_size=10))
@example([("Failed", "web", "the disk is full to 99%/k 0", 1)])
def test_events_are_read_as_they_were_printed(events: list[tuple[str, str, str, int]]) -> None:
    rows = [["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]]
    rows += [[human_duration(age), "Warning", reason, f"pod/{name}", text] for reason, name, text, age in events]
    snapshot = read_text(f"$ kubectl get events -n shop\n{table(rows)}")
    told = {
        (event.text("reason"), event.text("involvedObject", "name"), event.text("message")) for event in snapshot.events
    }
    assert told == {(reason, name, text) for reason, name, text, _ in events}


@given(
    st.sampled_from(["http", "https"]),
    st.integers(1, 65_535) | NAMES,
    st.from_regex(r"/[a-z0-9/_.-]{0,20}", fullmatch=True),
    st.tuples(*[st.integers(0, 600)] * 5),
)
def test_a_probe_is_read_as_it_was_printed(
    scheme: str, port: int | str, path: str, times: tuple[int, int, int, int, int]
) -> None:
    delay, timeout, period, success, failure = times
    counted = f"delay={delay}s timeout={timeout}s period={period}s #success={success} #failure={failure}"
    read = probe(f"http-get {scheme}://:{port}{path} {counted}")
    assert read["httpGet"] == {"scheme": scheme.upper(), "path": path, "port": port}
    assert (read.get("initialDelaySeconds", 0), read["failureThreshold"]) == (delay, failure)


OUTPUT = "\n".join(path.read_text() for path in RECORDED)


@settings(max_examples=40, deadline=None)
@given(
    kept=st.sets(st.integers(0, len(LINES) - 1), max_size=120), stop=st.integers(0, len(OUTPUT)), whole=st.booleans()
)
def test_whatever_is_left_of_tickets_is_never_acted_on_at_once(
    kept: set[int],
    stop: int,
    whole: bool,  # noqa: FBT001
) -> None:
    text = OUTPUT[:stop] if whole else "\n".join(LINES[number] for number in sorted(kept))
    try:
        found_all = diagnosed(read_text(text))
    except NotInSnapshot:
        return  # nothing that is known was left of it
    for one in found_all:
        assert all(told.verdict in ("approve", "escalate", "decline") for told in one.hypotheses)
        assert all(0 <= told.confidence <= 1 and told.target.name for told in one.hypotheses)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(LINES)
        | st.sampled_from(
            ["Name: x", "Namespace: y", "NAME   READY   STATUS   RESTARTS   AGE", "apiVersion: v1", "{", "}"]
        )
        | st.text(alphabet=" \tNAMEadxyz:/-[]{}<>|`$", max_size=40),
        max_size=60,
    )
)
def test_lines_without_any_command_are_read(lines: list[str]) -> None:
    read_text("\n".join(line.replace("kubectl", "") for line in lines))
