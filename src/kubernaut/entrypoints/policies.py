"""Policy files as the command line reads them."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path

from kubernaut.domain.errors import InputError, PolicyError
from kubernaut.entrypoints.trying import Tried, tried
from kubernaut.planning.policy.document import Effect
from kubernaut.planning.policy.reading import LARGEST, read_policy
from kubernaut.planning.policy.ruling import Policy
from kubernaut.planning.policy.trying import Came, PolicyCase, mismatch, read_cases, try_case


def read_policy_file(path: Path) -> Policy:
    """The policy of a file; raises `PolicyError` that names line and field."""
    return read_policy(_text(path), source=str(path))


def try_cases(path: Path, policy: Path | None) -> tuple[str, list[Tried[PolicyCase, Came]]]:
    """The policy that was tried, and all cases of a file tried on it."""
    cases = read_cases(_text(path), source=str(path))
    chosen = policy or (path.parent / cases.policy if cases.policy else None)
    if chosen is None:
        raise PolicyError(f"{path}: it names no policy", help="give --policy FILE, or `policy: FILE` in the cases")
    law = read_policy_file(chosen)
    return str(chosen), [tried(case, partial(try_case, law), _mismatch) for case in cases.cases]


def remarks(policy: Policy, now: datetime) -> list[str]:
    """What is allowed and may still not be meant."""
    document, found = policy.document, []
    for rule in document.rules:
        line = policy.lines[rule.name]
        if rule.beyond_labels:
            found.append(f"line {line}, {rule.name}: loosens what labels allow")
        elif rule.loosens:
            found.append(f"line {line}, {rule.name}: changes live what its owner will put back, beside the proposal")
        elif rule.when == "true" and rule.then in {Effect.OBSERVE, Effect.DENY}:
            found.append(f"line {line}, {rule.name}: holds always, so nothing is ever done")
    for window in document.windows:
        end = window.end
        if end is not None and (end if end.tzinfo else end.replace(tzinfo=policy.zone)) < now:
            found.append(f"line {policy.lines[window.name]}, {window.name}: is over")
    return found


def _mismatch(case: PolicyCase, came: Came) -> str:
    return mismatch(case.expect, came)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(f"{path}: larger than {LARGEST // 1024} KiB")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: no UTF-8 text (byte {error.start})") from error
