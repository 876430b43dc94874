"""What `kubernaut diagnose --snapshot` says of tickets of one system, beside what is said of the live one."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from bench.diagnosis.deciding import holds_deciding_facts, listed_by, words_of
from bench.diagnosis.system import System
from bench.diagnosis.tickets import Writer
from bench.diagnosis.watching import Bench, Looked, answer, asked, named
from kubernaut.adapters.kubernetes.reader import KubernetesReader
from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.entrypoints.doors import DiagnosisRequest
from kubernaut.entrypoints.looking import look
from kubernaut.investigation.gathering import BUDGET
from kubernaut.sandbox.kinds import STORED
from kubernaut.sandbox.shapes import encoded
from kubernaut.settings import Settings


@dataclass(frozen=True, slots=True)
class Told:
    """What was said of a ticket of that style; `is_decidable` where it holds what the live diagnosis rests on."""

    style: str
    looked: Looked
    is_decidable: bool


async def look_at_tickets(
    bench: Bench, system: System, body: bytes, draw: random.Random, keep: Path | None
) -> AsyncIterator[Told]:
    """What is said of a ticket in each style; the tickets stay in `keep` where it is given."""
    bench.stage.show(system)
    reader, of_logs = KubernetesReader(bench.api), bench.folder / "kubeconfig"
    target = await named(reader, system.clock, body)
    if bench.real is not None:
        await asyncio.to_thread(bench.real.show, system)
    live = (await asked(reader, system.clock, body, BUDGET, system.metrics)).diagnosis
    vocabulary = words_of("\n".join(_said_by(system)))
    with nullcontext(str(keep)) if keep else tempfile.TemporaryDirectory(dir=bench.folder) as name:
        kubeconfig = bench.real.kubeconfig if bench.real else of_logs
        for ticket in await Writer(system, target, kubeconfig, of_logs, Path(name), draw).write():
            report = await look(DiagnosisRequest(Settings(), snapshot=ticket.path))
            first, *others = report.diagnoses or (Diagnosis(target, (), ()),)
            looked = Looked(first, tuple(others), 0, 0, 0, agrees=answer(live)[:2] == answer(first)[:2])
            listed = frozenset(listed_by(ticket.commands))
            is_decidable = holds_deciding_facts(live, ticket.text, listed, vocabulary)
            yield Told(ticket.style, looked, is_decidable)


def _said_by(system: System) -> Iterator[str]:
    """All that the objects say, but for who wrote them, which kubectl leaves out and no diagnosis rests on."""
    for kind in STORED:
        for item in system.cluster.storage.views(kind):
            metadata = {key: value for key, value in item.tree("metadata").raw.items() if key != "managedFields"}
            yield encoded({**item.raw, "metadata": metadata}).decode()
