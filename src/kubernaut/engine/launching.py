"""DBOS as we run it: an embedded library that writes JSON, talks to nobody and logs where we log."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import NoReturn

import structlog
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer
from dbos import _serialization as serialization
from dbos import error as dbos_errors

from kubernaut.domain.errors import SettingsError
from kubernaut.engine.liveness import settled
from kubernaut.engine.policy import EnginePolicy

log = structlog.get_logger(__name__)

# The default is a hash of the source, which would strand every pending run at each release. A run whose journal does
# not fit the code any more is found step by step instead, and ends as `JournalMismatch`.
JOURNAL_VERSION = "1"
_FULL_SYNC = 2


def configuration(url: str, executor: str, policy: EnginePolicy) -> DBOSConfig:
    """DBOS's settings. Few threads and connections: the work is bound by Python, so more of them only wait."""
    embedded = url.startswith("sqlite")
    return {
        "name": "kubernaut",
        "system_database_url": url,
        "executor_id": executor,
        "application_version": JOURNAL_VERSION,
        "serializer": DBOSPortableJSONSerializer(),
        "sys_db_pool_size": 2 if embedded else 6,
        "max_executor_threads": 8,
        "notification_listener_polling_interval_sec": policy.notice_every.total_seconds(),
        "log_level": "WARNING",
        "enable_otlp": False,
    }


def prepare(url: str) -> None:
    """Makes an embedded journal durable and readable while it is written; refuses one that cannot be."""
    if not url.startswith("sqlite"):
        return
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        sync = connection.execute("PRAGMA synchronous").fetchone()[0]
    if mode != "wal" or sync < _FULL_SYNC:
        raise SettingsError(f"SQLite runs with journal_mode={mode}, synchronous={sync}: commits could be lost")


def forbid_pickle() -> None:
    """Closes the way from a row of the journal to running code.

    DBOS unpickles any row that says it is a pickle, whatever serializer is set, so setting ours is not enough.
    """
    serialization.DefaultSerializer.deserialize = _refuse  # type: ignore[method-assign, assignment]


def _refuse(_: object, serialized_data: str) -> NoReturn:
    raise ValueError(f"a pickle of {len(serialized_data)} bytes in the journal: refused")


class _ToStructlog(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        cancelled = isinstance(error, dbos_errors.DBOSAwaitedWorkflowCancelledError)
        write = log.warning if record.levelno >= logging.ERROR and not cancelled else log.debug
        write("dbos", message=record.getMessage(), error=repr(error) if error else "")


def route_logging() -> None:
    """Sends what DBOS says to our log; with a handler in place it adds none of its own."""
    logger = logging.getLogger("dbos")
    if not any(isinstance(handler, _ToStructlog) for handler in logger.handlers):
        logger.handlers = [_ToStructlog()]
        logger.propagate = False


async def stop_runs(dbos: DBOS) -> None:
    """Cancels every task that DBOS runs here, those too that have not come to the workflow yet; all stay durable."""
    tasks = list(dbos._workflow_tasks)  # noqa: SLF001  # no public way leads to them
    await settled(tasks)


def shut_down(dbos: DBOS, *, wait: timedelta) -> None:
    """Ends DBOS once its threads have written what they were writing.

    DBOS itself does not wait for them, and lets them retry a database that is gone for ever: the process would then
    never exit.
    """
    # No public way leads to either.
    dbos._sys_db._retry_connection_errors = False  # noqa: SLF001
    threads = list(dbos._executor._threads)  # noqa: SLF001
    dbos._executor.shutdown(wait=False, cancel_futures=True)  # noqa: SLF001
    for thread in threads:
        thread.join(wait.total_seconds() / len(threads))
    DBOS.destroy(destroy_registry=True)
