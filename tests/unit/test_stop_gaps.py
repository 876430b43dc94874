"""An owned object that a rule of the policy lets be changed live, beside the proposal to its owner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from kubernaut.adapters.git.repository import GitRepositories
from kubernaut.adapters.memory.engine import MemoryEngine, Moment
from kubernaut.adapters.memory.meter import MemoryMeter
from kubernaut.domain.changes import Change
from kubernaut.domain.errors import ChangeRejected
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.objects import JsonObject, KubeObject, Tree
from kubernaut.domain.signals import AlertKey, SignalId
from kubernaut.domain.sources import DeclaredSource
from kubernaut.entrypoints.cli.policy import explanation, explanation_lines
from kubernaut.execution.proposing import PROPOSABLE, Proposing
from kubernaut.pipeline import beginning
from kubernaut.planning.submitting import Submissions
from kubernaut.ports import Admission
from tests.bare_repository import BareRepository
from tests.misrouted_shop import SERVICE, MisroutedShop
from tests.objects import NOW

MANIFEST = """\
apiVersion: v1
kind: Service
metadata:
  name: cart
spec:
  selector:
    app: cart
    tier: wbe
  ports:
    - port: 80
"""
RULE = """\
version: 1
rules:
  - name: shop-is-held-up
    when: ns.name == "shop" && owner.tool == "Argo CD"
    then: stop-gap
"""
ARGO = {"argocd.argoproj.io/instance": "cart"}
RIGHT = {"app": "cart", "tier": "web"}
WRONG = {"app": "cart", "tier": "wbe"}


@dataclass
class OwnedShop(MisroutedShop):
    """A shop whose Service Argo CD applied; `puts_back` says when it looks at it again."""

    puts_back: str = ""
    seen: int = field(default=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.puts_back == "by a stranger":
            self.own("shopkeeper", WRONG, operation="Update", marks={})
        else:
            self.own("argocd-controller", WRONG)

    def own(
        self, manager: str, selector: dict[str, str], *, operation: str = "Apply", marks: dict[str, str] = ARGO
    ) -> None:
        raw = dict(self.cluster.raw(SERVICE))
        held: JsonObject = {"f:spec": {"f:selector": {}}}
        entry: JsonObject = {
            "manager": manager, "operation": operation, "time": NOW.isoformat(), "fieldsV1": held
        }  # fmt: skip
        metadata = Tree(raw).tree("metadata").raw
        raw["metadata"] = {**metadata, "labels": dict(marks), "managedFields": [entry]}
        raw["spec"] = {**Tree(raw).tree("spec").raw, "selector": dict(selector)}
        self.cluster.put(raw)

    async def write(
        self, change: Change, *, dry_run: bool = False, warned: Callable[[str], None] | None = None
    ) -> KubeObject | None:
        if not dry_run and self.puts_back == "before it is there":
            raise ChangeRejected("a webhook said no")
        after = await super().write(change, dry_run=dry_run, warned=warned)
        if not dry_run and self.puts_back == "at once":
            self.own("argocd-controller", WRONG)
        if not dry_run and self.puts_back == "by hand":
            self.own("kubectl-edit", {"app": "basket"})
        if not dry_run and self.puts_back == "by a stranger":
            self.own("shopkeeper", WRONG, operation="Update", marks={})
        return after


@dataclass
class Ended:
    shop: OwnedShop
    incident: Incident
    repository: BareRepository
    events: list[Event]

    @property
    def branches(self) -> list[str]:
        return [name for name in self.repository.branches() if name != "main"]

    @property
    def reason(self) -> str:
        return self.incident.reason or ""

    async def undo(self) -> str:
        execution = await self.shop.stages.execution.undo_last(self.incident, by="ada")
        return f"{execution.applied}: {execution.reason}"


async def go(
    folder: Path,
    *crashes: tuple[str, Moment],
    policy: str = RULE,
    answers: bool = True,
    puts_back: str = "",
    declared: bool = True,
) -> Ended:
    repository = BareRepository(folder, {"cart.yaml": MANIFEST})
    shop = OwnedShop(answers=answers, policy=policy, puts_back=puts_back)
    sources = (DeclaredSource("shop", str(repository.path)),) if declared else ()
    shop.stages = replace(
        shop.stages,
        planning=replace(
            shop.stages.planning, submissions=Submissions(sources, PROPOSABLE, shop.stages.execution.claim)
        ),
        execution=replace(shop.stages.execution, proposing=Proposing(sources, GitRepositories())),
    )
    opened = await shop.open_incident()
    async with MemoryEngine(shop.workflow, shop.clock) as engine:
        for step, moment in crashes:
            engine.crash_at(step, moment)
        await engine.start(opened.id, beginning(opened))
        for _ in crashes:
            await engine.recover()
        await engine.outcome(opened.id)
    ended = await shop.incidents.get(opened.id)
    assert ended is not None
    return Ended(shop, ended, repository, list(await shop.incidents.events(opened.id)))


async def test_a_stop_gap_heals_and_says_that_its_owner_will_put_it_back(tmp_path: Path) -> None:
    ended = await go(tmp_path)

    assert (ended.incident.ending, ended.shop.selector()) == ("healed", RIGHT)
    [branch] = ended.branches
    until = f"unless {ended.repository.path} branch {branch} is merged"
    assert ended.reason.endswith(f"this is a stop-gap: Argo CD cart will put .spec.selector.tier back {until}")
    assert ended.incident.guard == "stop_gap"
    assert ended.repository.show(branch, "cart.yaml") == MANIFEST.replace("tier: wbe", "tier: web")
    assert "A stop-gap is made live beside this" in ended.repository.message(branch)
    [closing] = [sent for sent in ended.shop.notifier.sent if sent.facts["outcome"] == "healed"]
    assert any("stop-gap" in line for line in closing.lines)


async def test_policy_explain_names_the_rule_and_the_field_of_a_stop_gap(tmp_path: Path) -> None:
    ended = await go(tmp_path)
    planned = next(event for event in ended.events if event.kind is EventKind.PLANNED)
    lines = explanation_lines(ended.incident.id, explanation(planned))
    assert 'act by rule "shop-is-held-up"' in lines[0]
    assert "Argo CD cart owns .spec.selector.tier (field manager argocd-controller, Apply)" in lines[1]
    assert "Input     owner.field = .spec.selector.tier" in lines


@pytest.mark.parametrize("step", ["intend-1", "submit-1", "apply-1"])
@pytest.mark.parametrize("moment", list(Moment))
async def test_a_crash_on_the_way_leaves_one_proposal_and_one_change(tmp_path: Path, step: str, moment: Moment) -> None:
    ended = await go(tmp_path, (step, moment))
    assert (ended.incident.ending, len(ended.branches), len(ended.shop.written)) == ("healed", 1, 1)


async def test_undo_of_a_stop_gap_takes_back_the_change_and_the_proposal(tmp_path: Path) -> None:
    ended = await go(tmp_path)
    told = await ended.undo()
    assert told.startswith("done: equal to the snapshot; kubernaut/inc-")
    assert (ended.shop.selector(), ended.branches) == (WRONG, [])
    assert "nothing is applied" in await ended.undo()


async def test_a_stop_gap_that_did_not_help_is_taken_back_with_its_proposal(tmp_path: Path) -> None:
    ended = await go(tmp_path, answers=False)
    assert (ended.incident.ending, ended.shop.selector(), ended.branches) == ("undone", WRONG, [])


async def test_a_stop_gap_that_the_owner_put_back_is_neither_healed_nor_somebodys_edit(tmp_path: Path) -> None:
    ended = await go(tmp_path, puts_back="at once")
    assert (ended.incident.ending, ended.incident.guard) == ("escalated", "reverted")
    assert "fix_service_selector was reverted by its owner: Argo CD cart put /spec/selector back" in ended.reason
    assert f"unless {ended.repository.path} branch {ended.branches[0]} is merged" in ended.reason
    [verdict] = [event for event in ended.events if event.kind is EventKind.VERIFIED]
    assert Tree(verdict.body).text("verification", "effect") == "reverted"
    assert len(ended.shop.written) == 1


async def test_a_stop_gap_that_was_refused_leaves_its_proposal_and_says_so(tmp_path: Path) -> None:
    ended = await go(tmp_path, puts_back="before it is there")
    [branch] = ended.branches
    assert (ended.incident.ending, ended.shop.selector()) == ("escalated", WRONG)
    assert ended.reason == f"a webhook said no; it is proposed: {ended.repository.path} branch {branch}"
    assert (await ended.undo()).startswith("done: kubernaut/inc-")
    assert ended.branches == []


async def test_a_stop_gap_that_a_person_changed_is_not_blamed_on_the_owner(tmp_path: Path) -> None:
    ended = await go(tmp_path, puts_back="by hand")
    assert "somebody else changed /spec/selector" in ended.reason
    assert ended.incident.guard != "reverted"


async def test_a_stop_gap_without_a_source_to_propose_to_calls_people_though_it_healed(tmp_path: Path) -> None:
    ended = await go(tmp_path, declared=False)
    assert (ended.incident.ending, ended.shop.selector()) == ("escalated", RIGHT)
    assert "will put .spec.selector.tier back and nothing was proposed: no declared source" in ended.reason
    assert (await ended.undo()).startswith("done: equal to the snapshot")


@pytest.mark.parametrize(
    "policy",
    ["", RULE.replace('"Argo CD"', '"Flux"'), RULE.replace('== "shop"', '== "till"')],
    ids=["no policy", "another owner", "another namespace"],
)
async def test_without_a_rule_that_allows_it_the_change_is_only_proposed(tmp_path: Path, policy: str) -> None:
    ended = await go(tmp_path, policy=policy)
    assert (ended.incident.ending, ended.shop.written, len(ended.branches)) == ("escalated", [], 1)
    assert ended.reason.startswith("Argo CD cart owns .spec.selector.tier (field manager argocd-controller, Apply): ")
    planned = next(event for event in ended.events if event.kind is EventKind.PLANNED)
    told = "\n".join(explanation_lines(ended.incident.id, explanation(planned)))
    assert "fix_service_selector: propose by owned Argo CD cart owns .spec.selector.tier" in told
    assert "act by guard owned" in told


async def test_without_a_rule_and_a_source_people_are_told_who_owns_which_field(tmp_path: Path) -> None:
    ended = await go(tmp_path, policy="", declared=False)
    assert (ended.incident.ending, ended.incident.guard, ended.shop.written) == ("escalated", "owned", [])
    assert "Argo CD cart owns .spec.selector.tier (field manager argocd-controller, Apply)" in ended.reason


@pytest.mark.parametrize("then", ["deny", "ask", "suggest"])
async def test_a_stop_gap_rule_lifts_no_other_rule(tmp_path: Path, then: str) -> None:
    strict = f'{RULE}  - name: not-here\n    when: ns.name == "shop"\n    then: {then}\n'
    ended = await go(tmp_path, policy=strict)
    assert (ended.shop.written, ended.shop.selector()) == ([], WRONG)


async def test_a_manager_that_wrote_again_what_we_had_changed_owns_the_field_from_then_on(tmp_path: Path) -> None:
    first = await go(tmp_path, policy="", answers=False, puts_back="by a stranger")
    assert len(first.shop.written) == 1
    assert "somebody else changed /spec/selector meanwhile" in first.reason

    shop = first.shop
    await shop.clock.advance(timedelta(hours=5))
    now = shop.clock.now()
    signal = replace(shop._signal(firing=True), id=SignalId("sig-9"), alert_key=AlertKey("b"), received_at=now)
    admitted = await shop.stages.triage.admit(signal)
    assert isinstance(admitted, Admission)
    async with MemoryEngine(shop.workflow, shop.clock) as engine:
        await engine.start(admitted.incident.id, beginning(admitted.incident))
        await engine.outcome(admitted.incident.id)
    second = await shop.incidents.get(admitted.incident.id)
    assert second is not None
    assert (second.guard, len(shop.written)) == ("owned", 1)
    assert "operator shopkeeper owns .spec.selector.tier (field manager shopkeeper, Update)" in (second.reason or "")


async def test_decisions_about_owned_fields_are_counted_by_their_guard(tmp_path: Path) -> None:
    counted = {}
    for name, policy, declared in (("proposed", "", True), ("left", "", False), ("held up", RULE, True)):
        ended = await go(tmp_path / name.replace(" ", "-"), policy=policy, declared=declared)
        meter = ended.shop.stages.planning.rails.meter
        assert isinstance(meter, MemoryMeter)
        counted[name] = [dict(labels) for of, labels in meter.counts if of == "decisions"]
    assert counted == {
        "proposed": [{"decision": "act", "guard": "owned"}],
        "left": [{"decision": "close", "guard": "owned"}],
        "held up": [{"decision": "act", "guard": "stop_gap"}],
    }
