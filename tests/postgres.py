"""A throwaway PostgreSQL on loopback, and a fresh database in it for each test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, NullPool, create_engine, text

_VERSIONS = Path("/usr/lib/postgresql")
# What a test left open must not hold the next one up.
_CUT_OTHERS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
_TABLES = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'kubernaut_schema'")


def missing() -> str:
    """Why no PostgreSQL can be started here; empty where one can."""
    if installed_programs() is None:
        return f"no PostgreSQL server under {_VERSIONS} (apt-get install postgresql)"
    return ""


class Cluster:
    """A server with its own files; `stop` and `start` as often as a test likes."""

    def __init__(self, programs: Path, files: Path, *, durable: bool) -> None:
        self.port = free_port()
        self._programs = programs
        self._files = files
        self._settings = ["fsync=on"] if durable else ["fsync=off", "full_page_writes=off"]
        self._process: subprocess.Popen[bytes] | None = None

    def create(self) -> None:
        if os.getuid() == 0:
            shutil.chown(self._files, "postgres", "postgres")
        options = ["-D", str(self._files / "data"), "-U", "kubernaut", "-A", "trust", "-E", "UTF8", "--no-locale"]
        self._run("initdb", *options, "-N")

    def start(self) -> None:
        command = [str(self._programs / "postgres"), "-D", str(self._files / "data")]
        command += ["-p", str(self.port), "-h", "127.0.0.1"]
        for setting in [*self._settings, f"unix_socket_directories={self._files}"]:
            command += ["-c", setting]
        with (self._files / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._files, user=_account())
        deadline = time.monotonic() + 30
        while self._run("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port), check=False) != 0:
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError((self._files / "log").read_text())
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            # SIGINT: "fast shutdown", which cuts the connections that are open.
            self._process.send_signal(2)
            self._process.wait(timeout=30)
            self._process = None

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://kubernaut@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        name = f"test_{uuid4().hex}"
        self.sql(f"CREATE DATABASE {name}")
        return name

    def sql(self, statement: str, database: str = "postgres") -> None:
        self._run("psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-c", statement)

    def _run(self, program: str, *arguments: str, check: bool = True) -> int:
        command = [str(self._programs / program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self._files, user=_account(), check=False)
        if check and done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")
        return done.returncode


def missing_vectors() -> str:
    """Why no PostgreSQL with pgvector can be started here; empty where one can."""
    programs = installed_programs()
    if programs is None:
        return missing()
    version = programs.parent.name
    if not (Path("/usr/share/postgresql") / version / "extension" / "vector.control").exists():
        return f"no pgvector for PostgreSQL {version} (python -m tests.prepare_vectors)"
    return ""


@contextmanager
def running_cluster(*, durable: bool) -> Iterator[Cluster]:
    """A started cluster that leaves nothing behind."""
    programs = installed_programs()
    if programs is None:
        raise RuntimeError(missing())
    files = Path(tempfile.mkdtemp(prefix="kubernaut-postgres-"))
    cluster = Cluster(programs, files, durable=durable)
    try:
        cluster.create()
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(files)


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    if missing():
        pytest.skip(missing())
    with running_cluster(durable=False) as cluster:
        yield cluster


@pytest.fixture
def postgres_url(postgres_cluster: Cluster) -> Iterator[str]:
    name = postgres_cluster.new_database()
    yield postgres_cluster.url(name)
    postgres_cluster.sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def shared_database(postgres_cluster: Cluster) -> Engine:
    """A database that many tests use one after the other; the first of them makes its schema."""
    url = postgres_cluster.url(postgres_cluster.new_database()).replace("://", "+psycopg://")
    # No connection is kept: tests of outages stop the server.
    return create_engine(url, poolclass=NullPool)


@pytest.fixture
def empty_database(shared_database: Engine) -> str:
    """The address of a database in which no table has a row. Emptying takes a tenth of what making one anew takes."""
    with shared_database.begin() as connection:
        connection.execute(_CUT_OTHERS)
        tables = connection.execute(_TABLES).scalars().all()
        # Few have rows, and to truncate one that has none costs as much.
        filled = [name for name in tables if connection.execute(text(f"SELECT EXISTS (TABLE {name})")).scalar()]
        if filled:
            connection.execute(text(f"TRUNCATE {', '.join(filled)} RESTART IDENTITY CASCADE"))
    return shared_database.url.render_as_string().replace("+psycopg://", "://")


@pytest.fixture
def vector_url(request: pytest.FixtureRequest) -> str:
    """A fresh database of a server that has pgvector; the extension is not created in it yet."""
    if missing_vectors():
        pytest.skip(missing_vectors())
    url: str = request.getfixturevalue("postgres_url")
    return url


def installed_programs() -> Path | None:
    found = sorted(_VERSIONS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def _account() -> str | None:
    return "postgres" if os.getuid() == 0 else None


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
