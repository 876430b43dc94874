"""`kubernaut backtest --model`: what asking again costs is shown and bounded, then the stored questions are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kubernaut.adapters.clock import SystemClock
from kubernaut.adapters.memory.meter import MemoryMeter
from kubernaut.adapters.models.chain import Chain
from kubernaut.adapters.models.configured import declared, policy_of
from kubernaut.adapters.models.provider import Provider
from kubernaut.adapters.models.reloading import Declared, WatchedProviders
from kubernaut.domain.errors import WrongValue
from kubernaut.domain.objects import JsonObject
from kubernaut.engine.codec import dump
from kubernaut.entrypoints.reasking import Asked, Bound, Compared, OtherModel, Replies, ask_again, bound_of, compared
from kubernaut.execution.catalogue import Catalogue, discover
from kubernaut.settings import Settings

RULES = "rules"


@dataclass(frozen=True, slots=True)
class Trial:
    """Which provider is asked how many of the stored questions; nothing is asked before it is `agreed`."""

    settings: Settings
    name: str
    most: int
    agreed: bool


@dataclass(frozen=True, slots=True)
class Prepared:
    """The questions with what they take at the most; `provider` is None where the rules decide alone."""

    asked: Sequence[Asked]
    left_out: int
    bound: Bound
    provider: Provider | None

    @property
    def costs(self) -> str:
        """In words, before anything is asked."""
        if self.provider is None:
            return f"{len(self.asked)} stored questions, left to the rules: nobody is asked"
        bound, left = self.bound, f"; {self.left_out} more are left out" if self.left_out else ""
        price = f"USD {bound.usd:.4f} by the declared prices" if bound.usd else "its price is not declared, or 0"
        said = f"{bound.questions} stored questions to {self.provider.label}"
        return f"{said}: at most {bound.tokens:,} tokens, {price}{left}"


def prepared(trial: Trial, questions: Sequence[Asked]) -> Prepared:
    """What the trial comes to; raises `WrongValue` for a provider that is not declared."""
    catalogue, chosen = discover(), questions[: trial.most]
    if trial.name == RULES:
        return Prepared(questions, 0, Bound(0, 0, 0.0), None)
    providers = declared(trial.settings.models, trial.settings.source).providers
    provider = next((each for each in providers if each.name == trial.name), None)
    if provider is None:
        names = ", ".join([RULES, *(each.name for each in providers)])
        raise WrongValue("--model", trial.name, f"no such provider is declared; there are: {names}")
    bound = bound_of(chosen, provider, policy_of(trial.settings.models).hiding, catalogue)
    return Prepared(chosen, len(questions) - len(chosen), bound, provider)


async def answered(trial: Trial, ready: Prepared, catalogue: Catalogue) -> Replies:
    """The replies; the provider's own budget is lowered to what was shown, so that no more can be spent."""
    if ready.provider is None:
        return Replies(RULES)
    limits = ready.provider.limits
    most = min(limits.tokens_per_day or ready.bound.tokens, ready.bound.tokens)
    bounded = replace(ready.provider, limits=replace(limits, tokens_per_day=most))
    only = Declared((bounded,), frozenset())
    meter = MemoryMeter()
    providers = WatchedProviders(lambda: only, only, meter)
    chain = Chain(providers, SystemClock(), meter, policy_of(trial.settings.models))
    try:
        return await ask_again(ready.asked, bounded.name, chain, catalogue)
    finally:
        await chain.aclose()


def instead_of(ready: Prepared, replies: Replies, catalogue: Catalogue) -> OtherModel:
    """What the replies put in the place of the diagnoses of then."""
    return OtherModel({one.seq: one for one in ready.asked}, replies, catalogue)


def comparison_lines(found: Compared) -> list[str]:
    """The answers in words."""
    return [
        "",
        "ANSWERS",
        f"  {found.answered} of {found.questions} questions answered, {found.tokens:,} tokens, USD {found.usd:.4f}",
        f"  the same cause as then           {found.same_cause}",
        f"  the cause whose remedy healed    {found.healed_cause}",
        f"  then, of the answers of then     {found.healed_cause_then}",
        "  Whether an answer was right is known only where a remedy was tried and healed; of the others nobody knows.",
    ]


def comparison_json(ready: Prepared, replies: Replies) -> JsonObject:
    """The same for scripts; null where nobody was asked."""
    found = compared(ready.asked, replies) if ready.provider else None
    return {"who": replies.who, "bound": dump(ready.bound), "left_out": ready.left_out, "answers": dump(found)}
