"""What a journal entry holds: the result of a step, or the error it ended with.

Errors are entries too. A replay has to raise what the first execution raised, or the workflow would take another way
than the one it already went.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar, cast

import structlog
from typing_extensions import TypeForm

from kubernaut.domain.errors import KubernautError, StepBroke
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.engine.codec import dump, load
from kubernaut.engine.run import RunState, RunStatus

T = TypeVar("T")
log = structlog.get_logger(__name__)


async def capture(name: str, action: Callable[[], Awaitable[object]]) -> JsonObject:
    """The entry for what the action gave or raised. The one place that catches what nobody had foreseen."""
    try:
        return {"value": dump(await action())}
    except KubernautError as error:
        log.info("step failed", step=name, error=type(error).__name__, reason=str(error))
        return {"error": _written(error)}
    except Exception as error:  # the step runner: whatever it is becomes a recorded, named outcome
        log.exception("step broke", step=name)
        return {"error": _written(StepBroke(f"{name}: {type(error).__name__}: {error}"))}


def reveal(entry: Json, returns: TypeForm[T]) -> T:
    """The value of the entry, or its error raised."""
    fields = cast("JsonObject", entry)
    if "error" in fields:
        raise _read(cast("JsonObject", fields["error"]))
    return load(returns, fields["value"])


def error_in(entry: JsonObject) -> KubernautError | None:
    """The error of the entry, if it holds one."""
    return _read(cast("JsonObject", entry["error"])) if "error" in entry else None


def status_of(run_id: str, entry: JsonObject) -> RunStatus:
    """How a run stands that ended with this entry."""
    error = error_in(entry)
    if error is not None:
        return RunStatus(run_id, RunState.FAILED, error=f"{type(error).__name__}: {error}")
    return RunStatus(run_id, RunState.DONE, result=entry["value"])


def _written(error: KubernautError) -> JsonObject:
    # Attributes go along, since handlers decide by them: a throttled call by its Retry-After, a refusal by what it
    # lacked.
    return {"type": type(error).__name__, "message": str(error), "fields": dump(vars(error))}


def _read(entry: JsonObject) -> KubernautError:
    # An error that a later version no longer has is still told apart from success.
    kind = next((kind for kind in _family(KubernautError) if kind.__name__ == entry["type"]), StepBroke)
    # Past the constructor, since leaves have parameters of their own; their attributes are in `fields`.
    error = kind.__new__(kind)
    error.args = (entry["message"],)
    vars(error).update(cast("JsonObject", entry["fields"]))
    return error


def _family(root: type[KubernautError]) -> Iterator[type[KubernautError]]:
    yield root
    for kind in root.__subclasses__():
        yield from _family(kind)
