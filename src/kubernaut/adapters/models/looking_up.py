"""The part of a conversation in which a model looks things up before it answers.

Bounded in rounds, in looks and in mistakes: a model that asks for what it may not see, or for the same again, is told
so, and after a few times is asked for its answer without tools.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic_ai.messages import ToolCallPart, ToolReturnPart
from pydantic_ai.tools import ToolDefinition

from kubernaut.adapters.models.judging import Judge
from kubernaut.adapters.models.link import Spending
from kubernaut.adapters.models.prompting import CHARACTERS_A_TOKEN, Prompt
from kubernaut.adapters.models.suspicion import led_to_look
from kubernaut.domain.errors import ModelReplySuspicious
from kubernaut.domain.evidence import Evidence, EvidenceId
from kubernaut.ports import Looked, Lookups, Tool

MOST_ROUNDS = 4
_MOST_AT_ONCE = 3
_MOST_REFUSALS = 3
_LONGEST_ARGUMENTS = 2000


def definitions(tools: Sequence[Tool]) -> list[ToolDefinition]:
    """The tools in the words of the library."""
    return [
        ToolDefinition(name=one.name, description=one.purpose, parameters_json_schema=one.parameters) for one in tools
    ]


def size_of(tools: Sequence[Tool], prompt: Prompt) -> int:
    """About how many tokens it takes to offer them."""
    shown = [[one.name, one.purpose, one.parameters] for one in tools]
    return (len(json.dumps(shown)) + len(prompt.invitation())) // CHARACTERS_A_TOKEN


@dataclass(slots=True)
class LookingUp:
    """What one model looked up for one question."""

    lookups: Lookups
    judge: Judge
    spent: Spending
    found: dict[EvidenceId, Evidence] = field(default_factory=dict)
    refusals: int = 0
    _asked: set[str] = field(default_factory=set)

    @property
    def is_over(self) -> bool:
        """Whether it has made too many mistakes to look further."""
        return self.refusals >= _MOST_REFUSALS

    async def answers(self, calls: Sequence[ToolCallPart], prompt: Prompt) -> list[ToolReturnPart]:
        """One answer a call, as the protocol wants it. Raises `ModelReplySuspicious`."""
        return [
            ToolReturnPart(call.tool_name, await self._answer(call, prompt, number), call.tool_call_id)
            for number, call in enumerate(calls)
        ]

    async def _answer(self, call: ToolCallPart, prompt: Prompt, number: int) -> str:
        given = call.args_as_json_str()
        self.judge.refuse_canary(call.tool_name + given)
        if number >= _MOST_AT_ONCE:
            # Answered all the same: the protocol wants a result for every call, or servers refuse what follows.
            return f"left out: {_MOST_AT_ONCE} looks at once are enough"
        self.spent.lookups += 1
        looked = await self._looked(call, given)
        self.refusals += looked.refused
        self.found |= {fact.id: fact for fact in looked.facts}
        return prompt.told(looked)

    async def _looked(self, call: ToolCallPart, given: str) -> Looked:
        if len(given) > _LONGEST_ARGUMENTS:
            return Looked(note="the arguments are too long", refused=True)
        try:
            arguments = call.args_as_dict(raise_if_invalid=True)
        except (ValueError, AssertionError):
            return Looked(note="the arguments are no JSON object", refused=True)
        # In one spelling, so that the same look in another order of arguments is known as the same.
        key = json.dumps([call.tool_name, arguments], sort_keys=True)
        if key in self._asked:
            return Looked(note="you have looked there already: answer, or look elsewhere", refused=True)
        self._asked.add(key)
        looked = await self.lookups.look(call.tool_name, arguments)
        if looked.refused:
            led = led_to_look(self.judge.texts(self.found.values()), call.tool_name, given)
            if led:
                raise ModelReplySuspicious(f"{self.judge.label}: {led}")
        return looked
