"""Builds what the tests of vector stores use: pgvector, and with `--weaviate` Weaviate's server.

    python -m tests.prepare_vectors [--weaviate]

pgvector comes as Debian's source of a later release and is compiled for the PostgreSQL that is installed, without
instructions that this processor may lack: seconds. Weaviate is compiled from its Go module: ten minutes on two cores,
once. Whatever cannot be had is said, and the tests that need it skip themselves.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.postgres import installed_programs, missing_vectors
from tests.weaviate_server import SERVER, VERSION

_SUITE = "trixie"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weaviate", action="store_true", help="also build Weaviate's server")
    say(_pgvector())
    if parser.parse_args().weaviate:
        say(_weaviate())


def say(line: str) -> None:
    sys.stdout.write(f"machine: {line}\n")
    sys.stdout.flush()


def _pgvector() -> str:
    programs = installed_programs()
    if not missing_vectors():
        return "pgvector is here"
    if programs is None or os.geteuid() != 0 or shutil.which("apt-get") is None or shutil.which("gcc") is None:
        return "left out: tests with pgvector: they need PostgreSQL, gcc, apt-get and root"
    with tempfile.TemporaryDirectory() as folder:
        try:
            _build_pgvector(Path(folder), programs)
        except subprocess.CalledProcessError as error:
            return f"left out: tests with pgvector: {error.cmd[0]} failed: {error.stderr[-300:]}"
    return f"pgvector was built for PostgreSQL {programs.parent.name}"


def _build_pgvector(folder: Path, programs: Path) -> None:
    version = programs.parent.name
    (folder / "sources.list").write_text(f"deb-src [signed-by={_KEYRING}] http://deb.debian.org/debian {_SUITE} main\n")
    (folder / "lists").mkdir()
    alone = ["-qq", "-o", f"Dir::Etc::sourcelist={folder}/sources.list", "-o", "Dir::Etc::sourceparts=/dev/null"]
    alone += ["-o", f"Dir::State::lists={folder}/lists"]
    _run(["apt-get", *alone, "update"], folder)
    _run(["apt-get", *alone, "source", "pgvector"], folder)
    _run(["apt-get", "-qq", "download", f"postgresql-server-dev-{version}"], folder)
    # The headers alone: installed, the package brings a compiler of 500 MB along.
    _run(["dpkg-deb", "-x", str(next(folder.glob("*.deb"))), "headers"], folder)
    source = next(path for path in folder.glob("pgvector-*") if path.is_dir())
    headers = folder / "headers" / "usr"
    pgxs = headers / "lib" / "postgresql" / version / "lib" / "pgxs" / "src"
    shutil.copytree(programs.parent / "lib" / "pgxs" / "src", pgxs, dirs_exist_ok=True)
    _run(
        [
            "make", "install", "OPTFLAGS=", "with_llvm=no", f"PG_CONFIG={programs / 'pg_config'}",
            f"PGXS={pgxs / 'makefiles' / 'pgxs.mk'}",
            f"PG_CPPFLAGS=-I{headers}/include/postgresql/{version}/server -I{headers}/include/postgresql/internal",
        ],
        source,
    )  # fmt: skip


def _weaviate() -> str:
    if SERVER.exists():
        return "Weaviate's server is here"
    if shutil.which("go") is None:
        return "left out: tests with Weaviate: no Go here"
    place = {**os.environ, "GOBIN": str(SERVER.parent), "GOFLAGS": "-buildvcs=false"}  # noqa: TID251  # of Go
    module = f"github.com/weaviate/weaviate/cmd/weaviate-server@v{VERSION}"
    done = subprocess.run(["go", "install", "-ldflags=-s -w", module], env=place, check=False)
    return f"left out: tests with Weaviate: go ended with {done.returncode}" if done.returncode else f"built {SERVER}"


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)


if __name__ == "__main__":
    main()
