"""An incident on an object that a tool keeps, with its manifest in a real bare repository."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from kubernaut.adapters.git.repository import GitRepositories
from kubernaut.adapters.memory.engine import MemoryEngine, Moment
from kubernaut.domain.errors import SourceUnavailable
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import EventKind
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.domain.sources import DeclaredSource, Submission, ValueField
from kubernaut.engine import Run
from kubernaut.engine.codec import dump
from kubernaut.execution.catalogue import discover
from kubernaut.execution.proposing import PROPOSABLE, Proposing
from kubernaut.healing.deciding import DECISION
from kubernaut.planning.submitting import Submissions
from kubernaut.ports.sources import ProposedChange
from tests.bare_repository import BareRepository
from tests.misrouted_shop import SERVICE, MisroutedShop

MANIFEST = """\
apiVersion: v1
kind: Service
metadata:
  name: cart
spec:
  selector:
    app: cart
    tier: wbe   # as in the plan
  ports:
    - port: 80
"""
BRANCH = "kubernaut/inc-"
MARK = {"argocd.argoproj.io/instance": "cart"}


@dataclass
class Ended:
    shop: MisroutedShop
    incident: Incident
    repository: BareRepository

    @property
    def branches(self) -> list[str]:
        return [name for name in self.repository.branches() if name != "main"]

    async def undo(self) -> str:
        execution = await self.shop.stages.execution.undo_last(self.incident, by="ada")
        return f"{execution.applied}: {execution.reason}"


def owned(shop: MisroutedShop, source: DeclaredSource, repositories: GitRepositories) -> None:
    """The shop's Service is kept by Argo CD, and its source is declared."""
    service = dict(shop.cluster.raw(SERVICE))
    metadata = service["metadata"]
    assert isinstance(metadata, dict)
    shop.cluster.put({**service, "metadata": {**metadata, "labels": MARK}})
    shop.stages = replace(
        shop.stages,
        planning=replace(
            shop.stages.planning, submissions=Submissions((source,), PROPOSABLE, shop.stages.execution.claim)
        ),
        execution=replace(shop.stages.execution, proposing=Proposing((source,), repositories)),
    )


async def go(
    folder: Path,
    manifest: str = MANIFEST,
    *crashes: tuple[str, Moment],
    autonomy: str = "auto",
    approves: bool = False,
    repositories: GitRepositories | None = None,
    **of_source: object,
) -> Ended:
    repository = BareRepository(folder, {"deploy/cart.yaml": manifest})
    shop = MisroutedShop(answers=False, autonomy=autonomy)
    source = replace(DeclaredSource("shop", str(repository.path)), **of_source)  # type: ignore[arg-type]
    owned(shop, source, repositories or GitRepositories())
    opened = await shop.open_incident()
    argument: JsonObject = {"do": "heal", "incident": dump(opened)}

    async def workflow(run: Run, argument: JsonObject) -> Json:
        return await shop.workflow(run, argument)

    async with MemoryEngine(workflow, shop.clock) as engine:
        for step, moment in crashes:
            engine.crash_at(step, moment)
        await engine.start(opened.id, argument)
        if approves:
            await engine.send(opened.id, DECISION, {"approved": True, "by": "ada"})
        for _ in crashes:
            await engine.recover()
        await engine.outcome(opened.id)
    ended = await shop.incidents.get(opened.id)
    assert ended is not None
    return Ended(shop, ended, repository)


async def test_the_remedy_is_proposed_to_the_owner_and_nothing_live_is_changed(tmp_path: Path) -> None:
    ended = await go(tmp_path, prefix="deploy", owners=("cart",))

    [branch] = ended.branches
    assert branch == f"kubernaut/{ended.incident.id}"
    assert ended.repository.show(branch, "deploy/cart.yaml") == MANIFEST.replace("tier: wbe ", "tier: web ")
    assert ended.shop.written == []
    assert ended.incident.ending == "escalated"
    reason = ended.incident.reason or ""
    assert "owned by Argo CD cart, so fix_service_selector was proposed and nothing live was changed" in reason
    assert reason.endswith(f"{ended.repository.path} branch {branch}")
    message = ended.repository.message(branch)
    assert message.startswith(f"fix_service_selector for shop/service/cart ({ended.incident.id})")
    assert "+    tier: web   # as in the plan" in message
    assert "service_selector_wrong" in message
    [told] = [sent for sent in ended.shop.notifier.sent if sent.facts["outcome"] == "escalated"]
    assert branch in told.lines[0]


@pytest.mark.parametrize("moment", list(Moment))
async def test_a_crash_while_it_is_proposed_leaves_one_proposal(tmp_path: Path, moment: Moment) -> None:
    ended = await go(tmp_path, MANIFEST, ("submit-1", moment))
    assert len(ended.branches) == 1
    kinds = [event.kind for event in await ended.shop.incidents.events(ended.incident.id)]
    assert kinds.count(EventKind.SUBMITTED) == 1


async def test_a_proposal_is_taken_back_by_undo(tmp_path: Path) -> None:
    ended = await go(tmp_path)
    assert (await ended.undo()).startswith("done: kubernaut/inc-")
    assert ended.branches == []
    assert "nothing is applied" in await ended.undo()


async def test_a_proposal_that_somebody_worked_on_is_not_taken_back(tmp_path: Path) -> None:
    ended = await go(tmp_path)
    ended.repository.commit_on(ended.branches[0])
    assert (await ended.undo()).startswith("refused: somebody else committed")
    assert len(ended.branches) == 1


async def test_where_consent_is_wanted_the_diff_of_the_file_is_shown_first(tmp_path: Path) -> None:
    ended = await go(tmp_path, autonomy="approve")
    [asked] = [sent for sent in ended.shop.notifier.sent if sent.facts["outcome"] == "approval"]
    assert "Do: propose_change" in asked.lines
    assert "+    tier: web   # as in the plan" in asked.lines
    assert ended.branches == []


async def test_with_consent_it_is_proposed(tmp_path: Path) -> None:
    ended = await go(tmp_path, autonomy="approve", approves=True)
    assert (len(ended.branches), ended.shop.written) == (1, [])


async def test_what_the_cluster_said_stands_in_a_fence_where_it_calls_nobody(tmp_path: Path) -> None:
    ended = await go(tmp_path)
    before, fenced, *_ = ended.repository.message(ended.branches[0]).split("```")
    title = f"fix_service_selector for shop/service/cart ({ended.incident.id})"
    assert before.split() == [*title.split(), "Incident", ended.incident.id]
    assert "ServiceHasNoEndpoints" in fenced


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        (MANIFEST.replace("name: cart", "name: basket"), "no file of 1 holds shop/service/cart"),
        (MANIFEST.replace("tier: wbe", "tier: api"), 'deploy/cart.yaml has "api" at spec.selector.tier'),
        (MANIFEST + "  bad: [", "no file of 1 holds shop/service/cart"),
        (MANIFEST.replace("app: cart", "app: &a cart\n    b: *a"), "no file of 1 holds shop/service/cart"),
    ],
)
async def test_what_cannot_be_carried_over_is_told_and_nothing_is_pushed(
    tmp_path: Path, manifest: str, why: str
) -> None:
    ended = await go(tmp_path, manifest)
    assert (ended.incident.ending, ended.branches, ended.shop.written) == ("escalated", [], [])
    assert "nothing was proposed: source shop: " in (ended.incident.reason or "")
    assert why in (ended.incident.reason or "")


async def test_an_object_in_two_files_is_not_guessed_at(tmp_path: Path) -> None:
    repository = BareRepository(tmp_path, {"a.yaml": MANIFEST, "b.yaml": MANIFEST})
    ended = await go(tmp_path / "other", url=str(repository.path))
    assert "stands in 2 files: a.yaml, b.yaml" in (ended.incident.reason or "")


async def test_of_a_chart_only_declared_values_are_changed(tmp_path: Path) -> None:
    values = "front:\n  tier: wbe  # typo?\n"
    declared = ValueField("Service", "cart", "spec.selector.tier", "deploy/cart.yaml", "front.tier")
    ended = await go(tmp_path / "a", values, values=(declared,))
    assert ended.repository.show(ended.branches[0], "deploy/cart.yaml") == "front:\n  tier: web  # typo?\n"

    other = await go(tmp_path / "b", values, values=(replace(declared, field="spec.selector.app"),))
    assert "no value is declared for spec.selector.tier" in (other.incident.reason or "")


async def test_without_a_source_that_serves_it_the_object_is_left_to_people_as_before(tmp_path: Path) -> None:
    ended = await go(tmp_path, namespaces=("elsewhere",))
    assert (ended.incident.ending, ended.branches, ended.shop.written) == ("escalated", [], [])


class Down(GitRepositories):
    """Nothing answers."""

    __slots__ = ()

    async def propose(self, source: DeclaredSource, change: ProposedChange) -> Submission:
        raise SourceUnavailable(f"{source.name} does not answer {change.branch}")


async def test_a_repository_that_does_not_answer_leaves_the_incident_blocked(tmp_path: Path) -> None:
    ended = await go(tmp_path, repositories=Down())
    assert (ended.incident.ending, ended.branches, ended.shop.written) == ("blocked", [], [])
    assert "source_unavailable" in (ended.incident.reason or "")


class Unsure(GitRepositories):
    """The push arrives, and its answer is lost."""

    __slots__ = ()

    async def propose(self, source: DeclaredSource, change: ProposedChange) -> Submission:
        made = await super().propose(source, change)
        if not made.existed:
            raise SourceUnavailable("the answer was lost")
        return made


async def test_a_push_whose_answer_was_lost_is_found_again(tmp_path: Path) -> None:
    ended = await go(tmp_path, repositories=Unsure())
    assert len(ended.branches) == 1
    assert "was proposed" in (ended.incident.reason or "")


def test_every_proposable_action_is_one_of_the_catalogue() -> None:
    assert {action for action in PROPOSABLE if action not in discover()} == set()
