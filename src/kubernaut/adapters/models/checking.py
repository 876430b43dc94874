"""Tries each provider with a question of known form, whatever the others answer."""

from __future__ import annotations

from dataclasses import dataclass

from kubernaut.adapters.models.chain import Chain
from kubernaut.adapters.models.link import Answered, Failed, Spending
from kubernaut.adapters.models.provider import Provider
from kubernaut.domain.diagnosis import CauseId, Diagnosis, Hypothesis, Verdict
from kubernaut.domain.evidence import Evidence, EvidenceId, EvidenceSource
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.model_calls import ModelCall
from kubernaut.domain.objects import ObjectRef
from kubernaut.ports import Question

_TARGET = ObjectRef("apps/v1", "Deployment", "example", "example")
_FACTS = (
    Evidence(EvidenceId("e1"), EvidenceSource.FIELD, _TARGET, "status", "last state: exit code 137, OOMKilled"),
    Evidence(EvidenceId("e2"), EvidenceSource.FIELD, _TARGET, "spec", "limits.memory is 64Mi"),
)
QUESTION = Question(
    incident=IncidentId("check"),
    diagnosis=Diagnosis(
        _TARGET,
        (Hypothesis(CauseId("unknown"), _TARGET, 0.2, Verdict.ESCALATE, "The container restarts", ()),),
        _FACTS,
    ),
    causes={
        "memory_limit_too_low": "the container needs more memory than its limit",
        "image_not_found": "the image does not exist",
        "unknown": "nothing fits",
    },
    candidates={"increase_memory_limit": "raise the limit"},
)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a provider made of the question; `reason` says why it is not usable."""

    provider: Provider
    call: ModelCall
    reason: str = ""

    @property
    def works(self) -> bool:
        """Whether its reply could be taken."""
        return not self.call.failure


async def try_each(chain: Chain) -> list[Trial]:
    """One trial a provider, in their order, one after the other: a small machine serves one model at a time."""
    trials = []
    for link in await chain.prepare():
        seconds = link.provider.timeout.total_seconds()
        match await link.ask(QUESTION, Spending(link.provider), left_s=seconds):
            case Answered(_, call):
                trials.append(Trial(link.provider, call))
            case Failed(error, call):
                trials.append(Trial(link.provider, call, str(error)))
    return trials
