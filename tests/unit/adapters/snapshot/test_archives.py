import gzip
import io
import json
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from kubernaut.adapters.snapshot import archives
from kubernaut.adapters.snapshot.opening import read_snapshot
from kubernaut.domain.errors import SnapshotError

POD = json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1", "namespace": "shop"}}).encode()


def tar(path: Path, mode: str, *members: tuple[str, bytes | None]) -> Path:
    """A member without content is a link to /etc/passwd."""
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members:
            member = tarfile.TarInfo(name)
            if content is None:
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
                archive.addfile(member)
            else:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize(("name", "mode"), [("a.tar", "w"), ("a.tar.gz", "w:gz"), ("whatever", "w:gz")])
def test_an_archive_is_read_whatever_it_is_called(tmp_path: Path, name: str, mode: str) -> None:
    snapshot = read_snapshot(tar(tmp_path / name, mode, ("dump/shop/pod.json", POD)))
    assert [str(ref) for ref in snapshot.objects] == ["shop/pod/web-1"]


def test_a_zip_archive_and_a_packed_file_are_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("shop/pod.json", POD)
    (tmp_path / "pod.json.gz").write_bytes(gzip.compress(POD))
    for name in ("a.zip", "pod.json.gz"):
        assert len(read_snapshot(tmp_path / name).objects) == 1


def test_names_that_lead_out_of_the_archive_write_nothing_anywhere(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    path = tar(inside / "a.tar", "w", ("../../escaped.json", POD), ("/absolute.json", POD))
    assert len(read_snapshot(path).objects) == 1
    assert sorted(entry.name for entry in tmp_path.rglob("*")) == ["a.tar", "inside"]


def test_links_are_not_followed_in_archives_and_folders(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar", "w", ("pod.json", POD), ("passwd.log", None))
    assert [file.name for file in archives.files_of(path)] == ["pod.json"]
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "pod.json").write_bytes(POD)
    (folder / "secret.json").symlink_to("/etc/passwd")
    (folder / "up").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    assert [file.name for file in archives.files_of(folder)] == ["pod.json"]


@pytest.mark.parametrize("kind", ["tar.gz", "zip", "gz"])
def test_a_small_file_that_stands_for_a_large_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(archives, "LARGEST_FILE", 2**20)
    zeros = b"0" * (2**22)
    path = tmp_path / f"bomb.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.json", zeros)
    elif kind == "gz":
        path.write_bytes(gzip.compress(zeros))
    else:
        tar(path, "w:gz", ("a.json", zeros))
    assert path.stat().st_size < 2**16
    with pytest.raises(SnapshotError, match="larger than 1 MiB") as raised:
        read_snapshot(path)
    assert str(path) in str(raised.value)
    assert "kubernaut snapshot -n" in raised.value.help


@pytest.mark.parametrize("kind", ["tar.gz", "zip", "folder"])
def test_many_files_that_are_too_much_together_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(archives, "LARGEST_SNAPSHOT", 2**20)
    path = tmp_path / f"much.{kind}"
    parts = [(f"{number}.log", b"0" * 2**18) for number in range(8)]
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in parts:
                archive.writestr(name, content)
    elif kind == "folder":
        path.mkdir()
        for name, content in parts:
            (path / name).write_bytes(content)
    else:
        tar(path, "w:gz", *parts)
    with pytest.raises(SnapshotError, match="larger than 1 MiB"):
        read_snapshot(path)


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_FILES", 3)
    path = tar(tmp_path / "a.tar", "w", *((f"{number}.json", POD) for number in range(5)))
    with pytest.raises(SnapshotError, match="more than 3 files"):
        read_snapshot(path)


def test_a_broken_archive_is_said_to_be_one(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar.gz", "w:gz", ("pod.json", POD * 1000))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(SnapshotError, match="broken archive"):
        read_snapshot(path)


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="No such file"):
        read_snapshot(tmp_path / "gone")
