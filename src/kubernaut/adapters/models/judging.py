"""From the text of a reply to an opinion, whoever wrote it: its form, ids and citations, and whether it was led."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kubernaut.adapters.models.prompting import Prompt
from kubernaut.adapters.models.reply_schema import NO_REMEDY, Reply, parse
from kubernaut.adapters.models.suspicion import led_by, said_as_told
from kubernaut.domain.errors import ModelReplySuspicious
from kubernaut.domain.evidence import Evidence, EvidenceId
from kubernaut.ports import Opinion, Question


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges the replies to one question from one provider; `canary` is the word that no honest reply holds."""

    question: Question
    label: str
    canary: str

    def opinion(self, text: str, prompt: Prompt, found: tuple[Evidence, ...], also: Iterable[str] = ()) -> Opinion:
        """The opinion. Raises `ModelReplyInvalid` or `ModelReplySuspicious`.

        `found` are the facts that were looked up for it, `also` other texts of the cluster that its writer has read.
        """
        self.refuse_canary(text)
        reply = parse(text)
        # Before the ids are checked: a reply that was led must not be asked to correct itself.
        led = led_by([*self.texts(found), *also], reply, offered=prompt.choice.actions)
        if led:
            raise ModelReplySuspicious(f"{self.label}: {led}")
        prompt.choice.check(reply)
        return self._opinion(reply, found)

    def refuse_canary(self, text: str) -> None:
        """Raises `ModelReplySuspicious` where the text holds the canary."""
        if self.canary in text:
            raise ModelReplySuspicious(f"{self.label}: the reply holds the secret word of its instructions")

    def refuse_led_words(self, text: str, also: Iterable[str]) -> None:
        """Raises `ModelReplySuspicious` where words that decide nothing still do what a text of the cluster says."""
        self.refuse_canary(text)
        led = said_as_told([*self.texts(()), *also], text)
        if led:
            raise ModelReplySuspicious(f"{self.label}: {led}")

    def texts(self, found: Iterable[Evidence]) -> list[str]:
        """Everything from the cluster that the model was shown."""
        diagnosis = self.question.diagnosis
        return [
            *(fact.text for fact in diagnosis.evidence),
            *(gap.what for gap in diagnosis.not_read),
            *(one.summary for one in diagnosis.hypotheses),
            *(fact.text for fact in found),
        ]

    def _opinion(self, reply: Reply, found: tuple[Evidence, ...]) -> Opinion:
        return Opinion(
            cause=reply.cause,
            action="" if reply.action == NO_REMEDY else reply.action,
            confidence=reply.confidence_percent / 100,
            evidence=tuple(map(EvidenceId, dict.fromkeys(reply.evidence))),
            explanation=reply.explanation,
            provider=self.label,
            found=found,
        )
