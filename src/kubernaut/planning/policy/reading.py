"""From the text of a policy file to a policy. What is wrong is named with its line and its field."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import yaml
from pydantic import ValidationError

from kubernaut.domain.errors import PolicyError
from kubernaut.planning.policy.document import Document, Rule, Window
from kubernaut.planning.policy.expressions import Expression
from kubernaut.planning.policy.facts import HIDDEN_FROM_LOOSENING, NAMES, Facts
from kubernaut.planning.policy.ruling import Opening, Policy
from kubernaut.planning.yaml_places import explained, parsed_whole

try:
    from cronsim import CronSim, CronSimError
except ImportError as missing:
    raise PolicyError(
        "a policy file needs cronsim, which is not installed", help='pip install "kubernaut[policy]"'
    ) from missing

# Hundreds of rules; a ConfigMap could hold four times as much.
LARGEST = 256 * 2**10
# Any moment: conditions and patterns are tried on it, and no decision is made by it.
_SAMPLE_TIME = datetime(2026, 1, 5, 12, tzinfo=UTC)


def read_policy(text: str, *, source: str) -> Policy:
    """The policy of a text; raises `PolicyError` that names source, line and field."""
    if len(text) > LARGEST:
        raise PolicyError(f"{source}: larger than {LARGEST // 1024} KiB")
    root, tree = parsed_whole(text, source)
    try:
        # As JSON, since strict validation of Python values takes no list where a tuple is meant.
        document = Document.model_validate_json(json.dumps(tree, default=plain))
    except ValidationError as error:
        raise PolicyError(explained(error, root, source)) from error
    parts: tuple[Rule | Window, ...] = (*document.rules, *document.windows)
    lines = _lines(root)
    conditions = {}
    for part in parts:
        place = f"{source} line {lines[part.name]}, {part.name}.when"
        conditions[part.name] = _condition(part, Expression, place, ZoneInfo(document.timezone))
    openings = {
        window.name: _opening(window, document, f"{source} line {lines[window.name]}, {window.name}")
        for window in document.windows
    }
    # Stored with every decision, so that it can be said which version of the file made it.
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return Policy(document, {n: c.holds for n, c in conditions.items()}, openings, lines, source, digest)


def _condition(part: Rule | Window, made: type[Expression], place: str, zone: ZoneInfo) -> Expression:
    hidden = HIDDEN_FROM_LOOSENING if isinstance(part, Rule) and part.loosens else ()
    try:
        condition = made(part.when, NAMES, hidden)
        # Tried on plain facts without any label: what is misspelt shows here, not in the night it is needed.
        condition.holds(Facts().variables(_SAMPLE_TIME, zone))
    except PolicyError as error:
        raise PolicyError(f"{place}: {error}", help=error.help) from error
    return condition


def _opening(window: Window, document: Document, place: str) -> Opening:
    zone = ZoneInfo(window.timezone or document.timezone)
    if window.start is not None and window.end is not None:
        start, end = _in(zone, window.start), _in(zone, window.end)
        return lambda now: start <= now < end
    cron, length = window.cron or "", timedelta(minutes=window.duration_minutes or 0)
    try:
        CronSim(cron, _SAMPLE_TIME)
    except CronSimError as error:
        raise PolicyError(f"{place}.cron: {cron!r}: {error}") from error
    return lambda now: _is_within(cron, length, now.astimezone(zone))


def _is_within(cron: str, length: timedelta, now: datetime) -> bool:
    # A minute on, since looking back leaves out the very moment it starts from.
    latest = next(CronSim(cron, now + timedelta(minutes=1), reverse=True), None)
    # The end is outside, so that two windows in a row do not both hold at their border.
    return latest is not None and latest <= now < latest + length


def _in(zone: ZoneInfo, moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _lines(root: yaml.Node | None) -> dict[str, int]:
    """The line on which each named part begins."""
    found: dict[str, int] = {}
    sections = root.value if isinstance(root, yaml.MappingNode) else []
    for _, section in sections:
        for item in section.value if isinstance(section, yaml.SequenceNode) else []:
            pairs = item.value if isinstance(item, yaml.MappingNode) else []
            found |= {value.value: item.start_mark.line + 1 for key, value in pairs if key.value == "name"}
    return found


def plain(value: object) -> str:
    """A date or a time as JSON has it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day).isoformat()  # noqa: DTZ001  # the window's zone is put in
    raise PolicyError(f"{str(value)[:80]!r} is nothing that a policy holds")
