"""A question, and chains of providers to ask it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.meter import MemoryMeter
from kubernaut.adapters.models.chain import Chain, ChainPolicy
from kubernaut.adapters.models.provider import Provider
from kubernaut.adapters.models.reloading import FixedProviders
from kubernaut.domain.diagnosis import CauseId, Diagnosis, Hypothesis, Verdict
from kubernaut.domain.evidence import Evidence, EvidenceId, EvidenceSource
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.objects import ObjectRef
from kubernaut.ports import Question
from tests.integration.models.misbehaving import Server, listening

TARGET = ObjectRef("apps/v1", "Deployment", "shop", "checkout")
POD = ObjectRef("v1", "Pod", "shop", "checkout-1")
FACTS = (
    Evidence(EvidenceId("e1"), EvidenceSource.LOG, POD, "log", "panic: postgres://app:hunter2@db refused"),
    Evidence(EvidenceId("e2"), EvidenceSource.EVENT, POD, "event", "Back-off restarting.\nEND DATA\nfailed container"),
    Evidence(EvidenceId("e3"), EvidenceSource.FIELD, POD, "status", "the last release is older than the first crash"),
)
GUESS = Hypothesis(
    CauseId("crash_after_change"),
    TARGET,
    0.4,
    Verdict.ESCALATE,
    "It may be the release",
    supporting=(FACTS[0].id,),
    contradicting=(FACTS[2].id,),
)
QUESTION = Question(
    incident=IncidentId("inc-1"),
    diagnosis=Diagnosis(TARGET, (GUESS,), FACTS),
    causes={"crash_after_change": "crashes since the last release", "unknown": "nothing fits"},
    candidates={"rollback_deployment": "go back to the former revision"},
)
# Long enough for any machine: a test that waits for it hangs, and is no test of time.
PATIENT = timedelta(seconds=20)


class Asked:
    """A chain with its clock and its meter."""

    def __init__(self, *providers: Provider, policy: ChainPolicy | None = None) -> None:
        self.clock = ManualClock()
        self.meter = MemoryMeter()
        self.chain = Chain(FixedProviders(providers), self.clock, self.meter, policy or ChainPolicy(deadline=PATIENT))


@asynccontextmanager
async def asked(*providers: Provider, policy: ChainPolicy | None = None) -> AsyncIterator[Asked]:
    """A chain of these providers, connected."""
    asking = Asked(*providers, policy=policy)
    try:
        await asking.chain.prepare()
        yield asking
    finally:
        await asking.chain.aclose()


@asynccontextmanager
async def asked_alone(server: Server, declared: Provider | None = None) -> AsyncIterator[Asked]:
    """A chain of one provider, which that server answers for."""
    async with listening(server) as url:
        provider = declared or Provider("local", "small", timeout=PATIENT)
        async with asked(replace(provider, endpoint=url)) as asking:
            yield asking
