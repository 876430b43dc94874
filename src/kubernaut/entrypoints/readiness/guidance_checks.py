"""Checks of what guides a choice: records of remedies, the word of a model, and the memory of texts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

from kubernaut.adapters.embeddings.hashed import HashedEmbedder
from kubernaut.adapters.embeddings.minilm import MiniLMEmbedder
from kubernaut.adapters.models.budget import Budget
from kubernaut.adapters.models.checking import QUESTION
from kubernaut.adapters.models.prompting import Hiding, build_prompt, key_of
from kubernaut.adapters.models.provider import Limits
from kubernaut.adapters.models.reply_schema import Choice, parse
from kubernaut.domain.diagnosis import ActionCall, ActionId
from kubernaut.domain.errors import EmptyText, ModelReplyInvalid
from kubernaut.domain.plans import Candidate, Standing
from kubernaut.entrypoints.readiness.ground import Ground
from kubernaut.entrypoints.readiness.unit_checks import counted
from kubernaut.entrypoints.readiness.verdicts import Measured
from kubernaut.planning.ranking import rank

_ROUNDS = 500
_ENOUGH, _ALIKE = 5, 0.05
_MODELS = {"local": "any"}
_RIGHT = (
    '{"cause": "memory_limit_too_low", "action": "increase_memory_limit", "confidence_percent": 90, '
    '"evidence": ["e1", "e2"], "explanation": "It was killed at its limit."}'
)
# Each is the right reply with one thing made up or out of form.
_MADE_UP = (
    _RIGHT.replace("memory_limit_too_low", "the_moon"),
    _RIGHT.replace("increase_memory_limit", "delete_namespace"),
    _RIGHT.replace('"e1", "e2"', '"e1", "e99"'),
    _RIGHT.replace('"e1", "e2"', ""),
    _RIGHT.replace("90", "190"),
    _RIGHT.replace("90", '"quite sure"'),
    _RIGHT.replace('{"cause"', '{"command": "kubectl delete ns shop", "cause"'),
    _RIGHT.replace("It was killed at its limit.", "x" * 5000),
    f"[{_RIGHT}]",
    _RIGHT[:-1],
    "Certainly! You should restart the pod.",
    "",
)


async def proven_first(_ground: Ground) -> Measured:
    """Random records of remedies: of those tried often enough none stands before one that is clearly surer to heal."""
    chance, good, pairs = Random(3), 0, 0  # noqa: S311  # invents records, hides nothing
    for _ in range(_ROUNDS):
        records = {f"action_{n}": _record(chance) for n in range(chance.randint(2, 6))}
        candidates = [
            Candidate(ActionCall(ActionId(name), QUESTION.diagnosis.target, {}), 0, 0, 0.0) for name in records
        ]
        ranked = rank(candidates, record=lambda one, of=records: of[one.call.action])  # type: ignore[misc]
        bounds = [one.lower_bound for one in ranked if one.tried >= _ENOUGH]
        for ahead, behind in pairwise(bounds):
            pairs += 1
            good += behind - ahead <= _ALIKE
    return counted(good, pairs, "neighbours in the order of their lower bound (or alike to 0.05)")


def _record(chance: Random) -> Standing:
    tried = chance.randint(0, 30)
    return Standing(chance.randint(0, tried), tried, chance.random(), 60 * chance.random())


async def made_up_is_refused(_ground: Ground) -> Measured:
    """Replies with an invented cause, action, fact, number or form; and the right one, which is taken."""
    choice = build_prompt(QUESTION, Hiding(), window=8192).choice
    refused = sum(not _is_taken(text, choice) for text in _MADE_UP)
    if not _is_taken(_RIGHT, choice):
        return Measured("the right reply is not taken", reached=False, value=None, n=0, evidence={})
    note = (
        "How good a model is, nobody can tell without one: schema validity, claims with evidence and agreement of the "
        "models that were really asked are in kubernaut models metrics, from stored events."
    )
    return replace(counted(refused, len(_MADE_UP), "made-up replies refused, the right one taken"), note=note)


def _is_taken(text: str, choice: Choice) -> bool:
    try:
        choice.check(parse(text))
    except ModelReplyInvalid:
        return False
    return True


async def budgets_hold(_ground: Ground) -> Measured:
    """A thousand questions at random moments of an hour: in no minute more is let through than was allowed."""
    chance, allowed = Random(5), 10_000  # noqa: S311  # invents questions, hides nothing
    budget, spent = Budget(Limits(tokens_per_minute=allowed)), dict[int, int]()
    refused = 0
    for second in sorted(chance.uniform(0, 3600) for _ in range(1000)):
        tokens = chance.randint(100, 3000)
        if budget.reserve(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second), tokens=tokens, usd=0.0):
            spent[int(second // 60)] = spent.get(int(second // 60), 0) + tokens
        else:
            refused += 1
    if not refused:
        return Measured("nothing was ever refused", reached=False, value=None, n=0, evidence={})
    return counted(sum(one <= allowed for one in spent.values()), len(spent), f"minutes kept to; {refused} refused")


async def blank_is_refused(_ground: Ground) -> Measured:
    """Texts with nothing in them, alone and among others, to the embedders that need no server."""
    good = total = 0
    for embedder in (HashedEmbedder(), MiniLMEmbedder()):
        for texts in ([""], [" "], ["\n\t"], ["a text", ""]):
            total += 1
            try:
                await embedder.embed(texts)
            except EmptyText:
                good += 1
    return counted(good, total, "blank texts refused, none embedded as zeros")


@dataclass(frozen=True, slots=True)
class _Changed:
    """A change after which a kept answer must not be taken, in words."""

    what: str
    key: str


async def kept_answers_stay_apart(_ground: Ground) -> Measured:
    """The key of a kept answer after each change that must not share it; and the same where nothing changed."""
    diagnosis = QUESTION.diagnosis
    key = key_of(QUESTION, Hiding(), _MODELS)
    other = replace(diagnosis.evidence[0], text="exit code 1")
    changed = (
        _Changed("mails are hidden", key_of(QUESTION, Hiding(mails=True), _MODELS)),
        _Changed("addresses are hidden", key_of(QUESTION, Hiding(addresses=True), _MODELS)),
        _Changed("another model", key_of(QUESTION, Hiding(), {"local": "other"})),
        _Changed("another remedy is allowed", key_of(replace(QUESTION, candidates={}), Hiding(), _MODELS)),
        _Changed("other causes", key_of(replace(QUESTION, causes={"unknown": ""}), Hiding(), _MODELS)),
        _Changed(
            "another fact",
            key_of(replace(QUESTION, diagnosis=replace(diagnosis, evidence=(other,))), Hiding(), _MODELS),
        ),
    )
    shared = [one.what for one in changed if one.key == key]
    if key_of(QUESTION, Hiding(), _MODELS) != key:
        return Measured("an equal question has another key", reached=False, value=None, n=0, evidence={})
    return counted(len(changed) - len(shared), len(changed), "changes have an answer of their own", shared=shared)
