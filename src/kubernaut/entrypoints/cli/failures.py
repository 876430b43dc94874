"""The one form of an error: a sentence with place and cause, indented facts, and a command that works as printed."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass

from kubernaut.entrypoints.terminal.escaping import visible


@dataclass(frozen=True, slots=True)
class Failure:
    """`message` may have several lines: the first is the sentence, the others are facts."""

    code: str
    message: str
    help: str = ""


def unforeseen(error: BaseException) -> Failure:
    """What we did not think of, said as such."""
    place = ""
    trace = error.__traceback__
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    text = f"this was not foreseen: {type(error).__name__}: {error}\nat {place}\nplease report it with this text"
    return Failure("unforeseen", text, "run the same command with --debug for the traceback")


def failure_lines(failure: Failure) -> list[str]:
    """The lines of the text form."""
    first, *facts = failure.message.splitlines() or ["failed"]
    lines = [f"error: {visible(first)}", *(f"  {visible(fact.strip())}" for fact in facts)]
    return [*lines, *(f"  help: {visible(line)}" for line in failure.help.splitlines())]


def json_text(document: object, *, indent: int | None = None) -> str:
    r"""One document for stdout; what its encoding has no letters for is written as JSON does it, as `\u00e9`."""
    text = json.dumps(document, ensure_ascii=False, indent=indent)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(document, indent=indent)
    return text


def show(failure: Failure, *, as_json: bool) -> None:
    """As JSON on stdout, or as text on stderr."""
    if as_json:
        body = {"code": failure.code, "message": failure.message, "help": failure.help}
        print(json_text({"error": body}))
        return
    for line in failure_lines(failure):
        print(line, file=sys.stderr)
