"""Answers are kept for a while: an equal question is not asked again, and equal questions at once are asked once."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from kubernaut.adapters.models.chain import Chain
from kubernaut.adapters.models.prompting import key_of
from kubernaut.domain.errors import ModelError, StoreError
from kubernaut.domain.evidence import Evidence, EvidenceId, EvidenceSource
from kubernaut.domain.objects import JsonObject, ObjectRef, Tree
from kubernaut.ports import Clock, Meter, Opinion, Question, Shelf

# An address of an object: version, kind, namespace, name.
_PARTS = 4


class KeptAnswers:
    """An analyst that asks the chain where neither the shelf nor a question in flight has the answer.

    A shelf that fails costs the hit, never the answer. Replies that were thrown away and failures are not kept, and
    nothing is where `keep` is zero.
    """

    def __init__(self, chain: Chain, shelf: Shelf, clock: Clock, meter: Meter, *, keep: timedelta) -> None:
        self._chain = chain
        self._shelf = shelf
        self._clock = clock
        self._meter = meter
        self._keep = keep
        self._flights: dict[str, asyncio.Future[Opinion]] = {}

    async def analyse(self, question: Question) -> Opinion:
        """The opinion, kept or new."""
        key = key_of(question, self._chain.hiding, await self._chain.models())
        while (flight := self._flights.get(key)) is not None:
            try:
                # Shielded: one of many that wait may be cancelled without taking the answer from the others.
                opinion = await asyncio.shield(flight)
            except asyncio.CancelledError:
                if not flight.cancelled():
                    raise
                # Whoever asked was cancelled, not we: the question is asked again.
                continue
            except ModelError as error:
                # What it took is told once, by the question that was asked.
                shared = type(error)(str(error))
                shared.failure = error.failure
                raise shared from error
            self._meter.count("model_answers_kept", where="in flight")
            return replace(opinion, calls=(), kept=True)
        return await self._lead(key, question)

    async def aclose(self) -> None:
        """Gives all connections back."""
        await self._chain.aclose()

    async def _lead(self, key: str, question: Question) -> Opinion:
        flight = self._flights[key] = asyncio.get_running_loop().create_future()
        try:
            opinion = await self._found_or_asked(key, question)
        except ModelError as error:
            flight.set_exception(error)
            # Nobody may be waiting for it, which is no mistake.
            flight.exception()
            raise
        else:
            flight.set_result(opinion)
            return opinion
        finally:
            del self._flights[key]
            flight.cancel()

    async def _found_or_asked(self, key: str, question: Question) -> Opinion:
        if not self._keep:
            return await self._chain.analyse(question)
        with suppress(StoreError):
            text = await self._shelf.get(key, now=self._clock.now())
            opinion = None if text is None else _opinion(text, question)
            if opinion is not None:
                self._meter.count("model_answers_kept", where="shelf")
                return opinion
        opinion = await self._chain.analyse(question)
        with suppress(StoreError):
            await self._shelf.put(key, _text(opinion), until=self._clock.now() + self._keep)
        return opinion


def _text(opinion: Opinion) -> str:
    body: JsonObject = {
        "cause": opinion.cause,
        "action": opinion.action,
        "confidence": opinion.confidence,
        "evidence": list(opinion.evidence),
        "explanation": opinion.explanation,
        "provider": opinion.provider,
        "found": [_fact_body(fact) for fact in opinion.found],
    }
    return json.dumps(body)


def _opinion(text: str, question: Question) -> Opinion | None:
    """The kept opinion where it is one on this question: whoever can write the database may not add ids to it."""
    raw = json.loads(text)
    body = Tree(raw)
    sure = raw.get("confidence")
    found = tuple(filter(None, map(_fact, body.trees("found"))))
    opinion = Opinion(
        cause=body.text("cause"),
        action=body.text("action"),
        confidence=min(1.0, max(0.0, sure)) if isinstance(sure, float | int) else 0.0,
        evidence=tuple(map(EvidenceId, body.texts("evidence"))),
        explanation=body.text("explanation"),
        provider=body.text("provider"),
        kept=True,
        found=found,
    )
    read = {fact.id for fact in question.diagnosis.evidence}
    known = read | {fact.id for fact in found}
    offered = opinion.action in {"", *question.candidates} and opinion.cause in question.causes
    return opinion if offered and known.issuperset(opinion.evidence) else None


def _fact_body(fact: Evidence) -> JsonObject:
    where = fact.object
    return {
        "id": fact.id,
        "source": fact.source.value,
        "object": [where.api_version, where.kind, where.namespace, where.name],
        "ref": fact.ref,
        "text": fact.text,
        "at": fact.at.isoformat() if fact.at else "",
    }


def _fact(body: Tree) -> Evidence | None:
    """A fact that was looked up for the kept answer; None where it is none."""
    where, source = body.texts("object"), body.text("source")
    if len(where) != _PARTS or source not in set(EvidenceSource) or not body.text("id"):
        return None
    return Evidence(
        EvidenceId(body.text("id")),
        EvidenceSource(source),
        ObjectRef(*where),
        body.text("ref"),
        body.text("text"),
        body.time("at"),
    )
