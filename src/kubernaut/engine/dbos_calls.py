"""The calls to DBOS, in our words. Nothing of DBOS or SQLAlchemy leaves this module as an error."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import structlog
from dbos import DBOS, SetWorkflowID, WorkflowStatus
from dbos import error as dbos_errors
from sqlalchemy.exc import SQLAlchemyError

from kubernaut.domain.errors import JournalMismatch, StoreUnavailable, UnknownName
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.engine.outcome import error_in
from kubernaut.engine.run import RunState, RunStatus

log = structlog.get_logger(__name__)

_ALIVE = ("PENDING", "ENQUEUED", "DELAYED")
_ABANDONED = "MAX_RECOVERY_ATTEMPTS_EXCEEDED"
Execute = Callable[[JsonObject], Awaitable[Json]]


async def start(execute: Execute, run_id: str, argument: JsonObject) -> None:
    """Stores the run and begins it here; nothing happens where it is stored already."""
    with _store_errors("starting a run"), SetWorkflowID(run_id):
        await DBOS.start_workflow_async(execute, argument)  # type: ignore[arg-type]  # Awaitable is all it needs


async def send(run_id: str, topic: str, payload: Json, key: str) -> None:
    """Stores a message."""
    with _store_errors("sending to a run"):
        try:
            await DBOS.send_async(run_id, payload, topic, idempotency_key=f"{run_id}/{topic}/{key}" if key else None)
        except dbos_errors.DBOSNonExistentWorkflowError as error:
            raise UnknownName(f"no run {run_id}") from error


async def cancel(run_ids: Sequence[str]) -> None:
    """Marks the runs as cancelled, unless they ended before."""
    with _store_errors("cancelling runs"):
        await DBOS.cancel_workflows_async(list(run_ids))


async def status(run_id: str) -> RunStatus:
    """The run as it is stored."""
    with _store_errors("reading a run"):
        found = await DBOS.list_workflows_async(workflow_ids=[run_id], load_input=False)
    return _status(found[0]) if found else RunStatus(run_id, RunState.UNKNOWN)


async def unfinished() -> list[str]:
    """All runs that have not ended, oldest first."""
    return await _ids(list(_ALIVE))


async def begun_by(executor: str) -> list[str]:
    """The runs that this executor began and has not ended."""
    return await _ids(["PENDING"], executor)


async def abandoned() -> list[str]:
    """The runs that were begun too often."""
    return await _ids([_ABANDONED])


async def owner(run_id: str) -> str:
    """The executor that may act for the run; empty where none may."""
    with _store_errors("reading a run's owner"):
        found = await DBOS.list_workflows_async(
            workflow_ids=[run_id], status="PENDING", load_input=False, load_output=False
        )
    return found[0].executor_id or "" if found else ""


async def resume(run_ids: Sequence[str]) -> None:
    """Hands the runs to whichever process takes them first; who had them may not write to their journals any more."""
    with _store_errors("resuming runs"):
        await DBOS.resume_workflows_async(list(run_ids))


class DbosJournal:
    """The journal of the run that calls it: DBOS knows which by its context."""

    def __init__(self, run_id: str, pace: float) -> None:
        self._run_id = run_id
        self._pace = pace

    async def record(self, name: str, produce: Callable[[], Awaitable[JsonObject]]) -> Json:
        """The stored entry, or a new one. `produce` raises nothing, so what is raised here is the journal's."""

        # DBOS looks whether it was given an `async def`, and a lambda is none.
        async def entry() -> JsonObject:
            return await produce()

        with self._journal_errors():
            return cast("Json", await DBOS.run_step_async({"name": name}, entry))

    async def sleep(self, seconds: float) -> None:
        """Waits until the stored end."""
        with self._journal_errors():
            await DBOS.sleep_async(seconds / self._pace)

    async def receive(self, topic: str, seconds: float) -> Json | None:
        """The stored message, the next one, or None."""
        with self._journal_errors():
            return cast("Json", await DBOS.recv_async(topic, seconds / self._pace))

    @contextmanager
    def _journal_errors(self) -> Iterator[None]:
        try:
            yield
        except (dbos_errors.DBOSUnexpectedStepError, dbos_errors.DBOSStepNondeterminismError) as error:
            raise JournalMismatch(str(error)) from error
        except SQLAlchemyError as error:
            # Neither a result nor a failure of the run: it stays pending, and the sweeper resumes it.
            log.warning("journal does not answer, the run waits", run=self._run_id, error=str(error))
            raise asyncio.CancelledError from error


async def _ids(states: list[str], executor: str | None = None) -> list[str]:
    with _store_errors("listing runs"):
        found = await DBOS.list_workflows_async(
            status=states, executor_id=executor, load_input=False, load_output=False
        )
    return [entry.workflow_id for entry in found]


def _status(found: WorkflowStatus) -> RunStatus:
    run_id = found.workflow_id
    if found.status in _ALIVE:
        return RunStatus(run_id, RunState.ALIVE)
    if found.status == "CANCELLED":
        return RunStatus(run_id, RunState.CANCELLED)
    if found.status != "SUCCESS":
        return RunStatus(run_id, RunState.FAILED, error=f"{found.status}: {found.error or 'begun too often'}")
    entry = cast("JsonObject", found.output)
    error = error_in(entry)
    if error is not None:
        return RunStatus(run_id, RunState.FAILED, error=f"{type(error).__name__}: {error}")
    return RunStatus(run_id, RunState.DONE, result=entry["value"])


@contextmanager
def _store_errors(doing: str) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, dbos_errors.DBOSException) as error:
        raise StoreUnavailable(f"{doing}: {error}") from error
