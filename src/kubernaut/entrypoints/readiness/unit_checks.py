"""Checks of single parts, without a cluster."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from math import comb
from random import Random

from kubernaut.domain.chain import Recorded, check, link
from kubernaut.domain.changes import ObjectPatch, PatchOperation
from kubernaut.domain.errors import InputError
from kubernaut.domain.objects import Json, JsonObject, KubeObject
from kubernaut.domain.patches import patched
from kubernaut.domain.redaction import redact_text
from kubernaut.domain.shares import wilson_interval
from kubernaut.domain.snapshots import inverse_of
from kubernaut.entrypoints.readiness.ground import Ground
from kubernaut.entrypoints.readiness.verdicts import Measured
from kubernaut.execution.catalogue import discover
from kubernaut.impact.figures import Figure
from kubernaut.impact.inputs import ValueInputs
from kubernaut.impact.value import business_value
from kubernaut.intake import parse_webhook
from kubernaut.investigation.causes import catalogue

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_LENGTH = 40
_CHANGES = 500
_SECRETS = (
    "password=hunter2hunter2", "Authorization: Bearer abcdef0123456789abcdef", "api_key: 9f8e7d6c5b4a39281706",
    "postgres://app:s3cretpass@db:5432/shop", "AKIAIOSFODNN7EXAMPLE", "token=ghp_0123456789abcdefghijABCDEFGHIJ012345",
)  # fmt: skip
_HIDDEN = ("hunter2", "abcdef0123456789", "9f8e7d6c5b4a", "s3cretpass", "AKIAIOSFODNN7", "ghp_0123456789")
_MALFORMED = (
    b"", b"{", b"[]", b"null", b'"text"', b"{}", b'{"alerts": 3}', b'{"alerts": [3]}', b'{"alerts": [{}]}', b"\xff\xfe",
    b'{"version": "4", "alerts": [{"status": "firing", "labels": 7}]}', b"[" * 5000,
    b'{"alerts": [{"labels": {"a": []}}]}',
    b'{"version": "4", "alerts": [{"status": "odd", "labels": {"alertname": "x"}, "startsAt": "soon"}]}',
)  # fmt: skip


def counted(good: int, total: int, what: str, **evidence: object) -> Measured:
    """All of so many."""
    noted = {key: str(value) for key, value in evidence.items()}
    reached = total > 0 and good == total
    return Measured(f"{good:,} of {total:,} {what}", reached, good / total if total else None, total, {**noted})


def above(figure: Figure, goal: float, evidence: JsonObject) -> Measured:
    """A share with its interval, held against a goal."""
    if figure.value is None or figure.low is None or figure.high is None:
        return Measured(str(figure), reached=False, value=None, n=figure.n, evidence=evidence)
    words = f"{100 * figure.value:.0f} % (CI {100 * figure.low:.0f}-{100 * figure.high:.0f}), n = {figure.n}"
    return Measured(words, figure.value >= goal, figure.value, figure.n, evidence)


async def tampering_is_found(_ground: Ground) -> Measured:
    """Every event of a log changed, taken out, doubled and moved, one at a time."""
    log = _log()
    attempts = 0
    found = 0
    for place in range(_LENGTH):
        rest = log[:place] + log[place + 1 :]
        tampered = [[*log[:place], replace(log[place], body='{"n":-1}'), *log[place + 1 :]]]
        tampered.append([*log[: place + 1], *log[place:]])
        if place < _LENGTH - 1:
            tampered += [rest, [*rest[: place + 1], log[place], *rest[place + 1 :]]]
        attempts += len(tampered)
        found += sum(not check(each).is_whole for each in tampered)
    return counted(found, attempts, "tampered logs found")


def _log() -> list[Recorded]:
    head, log = "", []
    for number in range(_LENGTH):
        bare = Recorded(number, "inc", f"k{number}", "observed", _NOW, "", "", f'{{"n":{number}}}', "")
        head = link(head, bare.digest)
        log.append(replace(bare, hash=head))
    return log


async def every_action_says_its_way_back(_ground: Ground) -> Measured:
    """Every action that changes something says how it is taken back, names its writes, and is none that cannot."""
    changing = [action for action in discover() if action.changes]
    told = [action for action in changing if action.undo and action.writes and action.targets]
    odd = [str(action.id) for action in changing if not action.reversible]
    words = f"changing actions; {len(odd)} cannot be taken back and want consent"
    return counted(len(told), len(changing), words, irreversible=odd)


async def secrets_are_redacted(_ground: Ground) -> Measured:
    """Texts with a secret in each."""
    kept = [text for text in _SECRETS if any(hidden in redact_text(text) for hidden in _HIDDEN)]
    return counted(len(_SECRETS) - len(kept), len(_SECRETS), "kinds of secrets redacted", kept=len(kept))


async def malformed_alerts_are_refused(_ground: Ground) -> Measured:
    """Bodies that are no webhook: each is refused with our own error, or read as no alert at all."""
    good = 0
    for body in _MALFORMED:
        try:
            good += not parse_webhook(body, received_at=_NOW, new_id=lambda: "sig").signals
        except InputError:
            good += 1
    return counted(good, len(_MALFORMED), "malformed bodies refused")


async def undo_gives_back_what_was(_ground: Ground) -> Measured:
    """Random changes to random Deployments, each taken back by the patch that was worked out before."""
    chance, good = Random(7), 0  # noqa: S311  # invents objects, hides nothing
    for _ in range(_CHANGES):
        before = _deployment(chance)
        patch = _change(chance, before)
        after = KubeObject(patched(before.raw, patch.operations))
        back = inverse_of(patch, before, after)
        good += patched(after.raw, back.operations) == before.raw and after.raw != before.raw
    return counted(good, _CHANGES, "random changes taken back to the letter")


def _deployment(chance: Random) -> KubeObject:
    env: list[Json] = [{"name": f"V{number}", "value": str(chance.random())} for number in range(chance.randint(0, 4))]
    container: JsonObject = {"name": "main", "image": f"app:{chance.randint(1, 9)}", "env": env}
    spec: JsonObject = {"replicas": chance.randint(0, 9), "template": {"spec": {"containers": [container]}}}
    metadata: JsonObject = {"name": "app", "namespace": "shop", "uid": "u", "resourceVersion": "1"}
    return KubeObject({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})


def _change(chance: Random, before: KubeObject) -> ObjectPatch:
    container = "/spec/template/spec/containers/0"
    choices = (
        PatchOperation("replace", "/spec/replicas", before.integer("spec", "replicas") + chance.randint(1, 5)),
        PatchOperation("replace", f"{container}/image", f"app:{chance.randint(10, 99)}"),
        PatchOperation("add", f"{container}/args", ["--verbose"]),
        PatchOperation("remove", f"{container}/env"),
        PatchOperation("add", "/spec/paused", chance.random()),
    )
    picked = chance.sample(choices, chance.randint(1, len(choices)))
    return ObjectPatch(before.ref, before.uid, before.resource_version, tuple(picked))


async def no_figure_out_of_nothing(_ground: Ground) -> Measured:
    """Without events and without declared inputs every figure says why there is none."""
    value = business_value((), ValueInputs())
    figures = [getattr(value, name) for name in value.__slots__]
    return counted(
        sum(f.value is None and bool(f.why) for f in figures), len(figures), "figures say why they are missing"
    )


async def every_cause_tells_its_rivals_apart(_ground: Ground) -> Measured:
    """Causes say what they need to read, what they mean, and how they differ from those that look alike."""
    causes = list(catalogue())
    known = {str(cause.id) for cause in causes}
    good = [cause for cause in causes if cause.title and cause.know and all(str(o) in known for o in cause.look_alikes)]
    wrong = sorted(known - {str(cause.id) for cause in good})
    return counted(len(good), len(causes), "causes tell what they rest on", wrong=wrong)


async def intervals_hold(_ground: Ground) -> Measured:
    """The mean exact coverage of the interval of shares, over all shares, for samples of 10 to 60."""
    coverages = [_coverage(size, step / 40) for size in (10, 20, 40, 60) for step in range(1, 40)]
    mean = sum(coverages) / len(coverages)
    return Measured(f"{100 * mean:.1f} % on average", 0.94 <= mean <= 0.97, mean, len(coverages), {})  # noqa: PLR2004


def _coverage(size: int, share: float) -> float:
    covered = 0.0
    for part in range(size + 1):
        low, high = wilson_interval(part, size)
        if low <= share <= high:
            covered += comb(size, part) * share**part * (1 - share) ** (size - part)
    return covered
