"""Questions before a change. Words are taken, empty means no, and there is no "always": that is what policy is for."""

from __future__ import annotations

import getpass
import socket
import sys

import typer

from kubernaut.entrypoints.cli.session import Session

_LONGEST_REASON = 500


def who(by: str | None) -> str:
    """The name that goes into the record: the given one, or account@machine."""
    if by:
        return by
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):
        return "unknown"


def confirmed(session: Session, question: str, *, reason: str | None, yes: bool) -> str:
    """The reason, once the person said yes. Raises wrong use without a terminal, and ends with 1 on a no."""
    if yes:
        if not reason:
            raise typer.BadParameter("--yes needs --reason TEXT, so that the record says why")
        return reason[:_LONGEST_REASON]
    if not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask on: give --yes --reason TEXT")
    if not _said_yes(session, f"{question}?  yes / no   [no]: "):
        session.note("Nothing was changed.")
        raise typer.Exit(1)
    return (reason or _line("Why (kept in the record): ") or "no reason given")[:_LONGEST_REASON]


def reason_given(session: Session, question: str, *, reason: str | None, yes: bool) -> str:
    """The reason of somebody who said yes already; raises wrong use where nobody can be asked for it."""
    if yes:
        return confirmed(session, question, reason=reason, yes=True)
    return (reason or _line("Why (kept in the record): ") or "no reason given")[:_LONGEST_REASON]


def picked(session: Session, question: str, *, proposed: int, most: int) -> int:
    """The number of the option that the person took, `proposed` on a yes; 0 on a no.

    Raises wrong use without a terminal.
    """
    if not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask on: give --yes --reason TEXT")
    numbers = [str(number) for number in range(1, most + 1) if number != proposed]
    prompt = f"{question}?  {' / '.join(['yes', 'no', *numbers])}   [no]: "
    while True:
        answer = _line(prompt).strip().lower()
        if answer in {"", "n", "no"}:
            return 0
        if answer in {"y", "yes"}:
            return proposed
        if answer in numbers:
            return int(answer)
        session.note(f"Please answer {', '.join(['yes', 'no', *numbers])}.")


def _said_yes(session: Session, prompt: str) -> bool:
    while True:
        answer = _line(prompt).strip().lower()
        if answer in {"", "n", "no"}:
            return False
        if answer in {"y", "yes"}:
            return True
        session.note('Please answer "yes" or "no".')


def _line(prompt: str) -> str:
    print(prompt, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise typer.Abort
    return line.strip()
