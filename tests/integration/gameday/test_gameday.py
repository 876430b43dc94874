"""Problems played on the simulated cluster over its REST API: set up, broken, judged and cleared."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from kubernaut.adapters.kubernetes.connection import ClusterOptions
from kubernaut.adapters.kubernetes.reader import KubernetesReader
from kubernaut.adapters.kubernetes.requests import KubernetesApi
from kubernaut.domain.errors import Conflict, Forbidden, ObjectMissing
from kubernaut.domain.objects import JsonObject, KubeObject
from kubernaut.gameday.arms import Arm, restart_everything, roll_back_everything
from kubernaut.gameday.catalogue import chosen
from kubernaut.gameday.caution import doubts, may_make_namespaces
from kubernaut.gameday.fault import Fault, Policy, Problem, problems_of, random_namespace
from kubernaut.gameday.hand import RUN_LABEL, Hand
from kubernaut.gameday.playing import Ground, NotHealthy, Pace, play
from kubernaut.gameday.run import Gameday, Moved, NotPlayed
from kubernaut.gameday.shop import Shop
from kubernaut.gameday.simulated import publish
from kubernaut.gameday.steps import Apply, Delete, DeletePods, Edit, Scale, Step, section
from kubernaut.sandbox import Sandbox
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.kinds import CONFIG_MAP, DEPLOYMENT, POD, SERVICE
from kubernaut.sandbox.kinds import NAMESPACE as NAMESPACES

SPACE = "gameday-x7k2p4"
QUICK = Pace(
    poll=timedelta(seconds=5),
    hold=timedelta(seconds=15),
    reaction=timedelta(seconds=15),
    patience=timedelta(seconds=60),
)


@asynccontextmanager
async def grounded(speed: float = 200) -> AsyncIterator[tuple[Sandbox, Ground]]:
    async with Sandbox(speed=speed) as sandbox:
        publish(sandbox.universe)
        async with KubernetesApi(ClusterOptions(kubeconfig=str(sandbox.kubeconfig()))) as api:
            hand = Hand(api, KubernetesReader(api))
            yield sandbox, Ground(hand, sandbox.clock, QUICK, "run-1", random.Random(1))  # noqa: S311  # the same names each time


def problem_of(sandbox: Sandbox, fault: str | Fault, variant: int = 1) -> Problem:
    faults = chosen([fault]) if isinstance(fault, str) else [fault]
    images = publish(sandbox.universe)
    return problems_of(faults, images, nodes=3, variants=variant, seed=1)[0][variant - 1]


def spaces(sandbox: Sandbox) -> list[str]:
    found = [item.name for item in sandbox.cluster.storage.views(NAMESPACES)]
    return [name for name in found if name.startswith("gameday-")]


async def gone(sandbox: Sandbox) -> None:
    """A namespace takes a moment to end, as on every cluster."""
    async with asyncio.timeout(5):
        while spaces(sandbox):
            await asyncio.sleep(0.01)


@asynccontextmanager
async def shop_in_place(name: str = "image-tag-missing", variant: int = 1) -> AsyncIterator[tuple[Sandbox, Hand, Shop]]:
    async with grounded() as (sandbox, ground):
        problem = problem_of(sandbox, name, variant).in_namespace(SPACE)
        await ground.hand.make_namespace(SPACE, {RUN_LABEL: "run-1"})
        for manifest in problem.shop.manifests():
            await ground.hand.apply(manifest)
        yield sandbox, ground.hand, problem.shop


async def test_what_is_applied_again_takes_up_the_change_and_keeps_the_rest() -> None:
    async with shop_in_place() as (sandbox, hand, shop):
        manifest = shop.app.service()
        section(manifest, "spec", "selector")["tier"] = "web"
        before = sandbox.cluster.get(SERVICE, SPACE, shop.app.name).view
        await hand.do([Edit(shop.app.service_ref, lambda draft: section(draft, "metadata", "labels").update(a="b"))])
        settings = shop.app.settings()
        section(settings, "data")["LOG_LEVEL"] = "debug"
        await hand.do([Apply(settings)])
        after = sandbox.cluster.get(SERVICE, SPACE, shop.app.name).view
        assert after.text("spec", "clusterIP") == before.text("spec", "clusterIP")
        assert after.labels == {"app": shop.app.name, "a": "b"}
        held = sandbox.cluster.get(CONFIG_MAP, SPACE, shop.app.settings_ref.name).view
        assert held.mapping("data")["LOG_LEVEL"] == "debug"


async def test_every_write_bears_the_name_of_the_tool_that_people_use() -> None:
    async with shop_in_place() as (sandbox, hand, shop):
        await hand.do([Scale(shop.app.ref, 1), Edit(shop.app.ref, lambda _: None), Apply(shop.app.workload())])
        managers = {write.manager for write in sandbox.cluster.audit if write.namespace == SPACE}
        assert {"kubectl", "kubectl-edit", "kubectl-client-side-apply"} <= managers
        assert "kubernaut" not in managers


async def test_a_write_that_came_too_late_is_made_anew() -> None:
    async with shop_in_place() as (sandbox, hand, shop):
        tries = []

        def change(draft: JsonObject) -> None:
            if not tries:
                sandbox.cluster.change(
                    DEPLOYMENT, SPACE, shop.app.name, lambda other: section(other, "spec").update(paused=True), By("x")
                )
            tries.append(1)
            section(draft, "spec")["replicas"] = 5

        await hand.do([Edit(shop.app.ref, change)])
        after = sandbox.cluster.get(DEPLOYMENT, SPACE, shop.app.name).view
        assert (len(tries), after.integer("spec", "replicas"), after.flag("spec", "paused")) == (2, 5, True)


async def test_a_write_that_is_always_too_late_is_given_up() -> None:
    async with shop_in_place() as (sandbox, hand, shop):

        def change(_draft: JsonObject) -> None:
            sandbox.cluster.change(
                DEPLOYMENT,
                SPACE,
                shop.app.name,
                lambda other: section(other, "metadata", "labels").update(at=str(sandbox.cluster.storage.version)),
                By("x"),
            )

        with pytest.raises(Conflict):
            await hand.do([Edit(shop.app.ref, change)])


async def test_editing_what_is_not_there_is_an_error_and_deleting_it_is_none() -> None:
    async with shop_in_place() as (_, hand, shop):
        lost = replace(shop.app.ref, name="nobody")
        await hand.do([Delete(lost)])
        with pytest.raises(ObjectMissing):
            await hand.do([Edit(lost, lambda _: None)])


async def test_a_namespace_that_is_there_already_is_refused() -> None:
    async with shop_in_place() as (_, hand, _shop):
        with pytest.raises(Conflict):
            await hand.make_namespace(SPACE, {})


async def test_pods_of_one_app_are_deleted_and_those_of_its_neighbour_stay() -> None:
    async with shop_in_place(variant=2) as (sandbox, hand, shop):
        async with asyncio.timeout(5):
            while len(sandbox.cluster.storage.views(POD, SPACE)) < sum(app.replicas for app in shop.apps):
                await asyncio.sleep(0.01)
        neighbour = shop.neighbours[0].name
        kept = {pod.uid for pod in sandbox.cluster.storage.views(POD, SPACE) if pod.labels["app"] == neighbour}
        await hand.do([DeletePods(SPACE, shop.app.name)])
        deleted = {write.name for write in sandbox.cluster.audit if (write.kind, write.verb) == ("Pod", "delete")}
        left = {pod.uid for pod in sandbox.cluster.storage.views(POD, SPACE) if pod.labels["app"] == neighbour}
        assert left == kept
        assert not any(name.startswith(neighbour) for name in deleted)


async def test_restarting_everything_restarts_the_healthy_too() -> None:
    async with shop_in_place(variant=2) as (sandbox, hand, shop):
        assert await restart_everything(hand, SPACE, at=sandbox.clock.now()) == len(shop.apps)
        for app in shop.apps:
            item = sandbox.cluster.get(DEPLOYMENT, SPACE, app.name).view
            marks = item.mapping("spec", "template", "metadata", "annotations")
            assert "kubectl.kubernetes.io/restartedAt" in marks


def _is_taken_up(item: KubeObject) -> bool:
    return item.integer("status", "observedGeneration") == item.generation


async def test_rolling_back_everything_leaves_what_has_no_earlier_revision() -> None:
    async with shop_in_place(variant=2) as (sandbox, hand, shop):
        async with asyncio.timeout(5):
            while not sandbox.cluster.get(DEPLOYMENT, SPACE, shop.app.name).view.integer("status", "readyReplicas"):
                await asyncio.sleep(0.01)
        before = sandbox.cluster.get(DEPLOYMENT, SPACE, shop.app.name).view.at("spec", "template")
        await hand.do([*chosen(["flag-unknown"])[0].inject(shop)])
        async with asyncio.timeout(5):
            while not _is_taken_up(sandbox.cluster.get(DEPLOYMENT, SPACE, shop.app.name).view):
                await asyncio.sleep(0.01)
        assert await roll_back_everything(hand, SPACE) == 1
        after = sandbox.cluster.get(DEPLOYMENT, SPACE, shop.app.name).view.at("spec", "template")
        assert after == before


async def test_a_rollback_heals_a_bad_release_and_the_namespace_is_gone_afterwards() -> None:
    async with grounded() as (sandbox, ground):
        result = await play(ground, problem_of(sandbox, "image-tag-missing"), Arm.ROLLBACK)
        assert (result.healed, result.verified, result.mutations, result.outside_target) == (True, False, 1, 0)
        assert result.seconds is not None
        await gone(sandbox)


async def test_doing_nothing_leaves_a_bad_release_broken_and_writes_nothing() -> None:
    async with grounded() as (sandbox, ground):
        result = await play(ground, problem_of(sandbox, "image-tag-missing"), Arm.NOTHING)
        assert (result.healed, result.mutations, result.seconds) == (False, 0, None)
        assert "not what was deployed" in result.why


async def test_restarting_everything_writes_outside_of_the_target() -> None:
    async with grounded() as (sandbox, ground):
        result = await play(ground, problem_of(sandbox, "scaled-to-zero", variant=3), Arm.RESTART)
        assert (result.healed, result.mutations, result.outside_target) == (False, 3, 2)


class Stranger:
    """The cluster's clock; the first who waits on it after the mistake was made has a neighbour changed behind him.

    What comes before the mistake is no write that anybody is judged by, and waiting is done after it was looked around.
    """

    def __init__(self, sandbox: Sandbox, problem: Problem) -> None:
        self._sandbox = sandbox
        self._app, self._neighbour = problem.shop.app.name, problem.shop.neighbours[0].name
        self.has_written = False

    def now(self) -> datetime:
        return self._sandbox.clock.now()

    async def sleep(self, duration: timedelta) -> None:
        cluster = self._sandbox.cluster
        broken = [
            item.namespace
            for item in cluster.storage.views(DEPLOYMENT)
            if item.name == self._app and item.at("spec", "replicas") == 0
        ]
        if broken and not self.has_written:
            self.has_written = True
            cluster.change(
                DEPLOYMENT,
                broken[0],
                self._neighbour,
                lambda draft: section(draft, "spec").update(minReadySeconds=7),
                By("stranger"),
            )
        await self._sandbox.clock.sleep(duration)


async def test_the_audit_finds_a_write_by_somebody_else() -> None:
    async with grounded() as (sandbox, ground):
        problem = problem_of(sandbox, "scaled-to-zero", variant=2)
        stranger = Stranger(sandbox, problem)
        # Long enough that it is waited for at all, however busy the machine is.
        patient = replace(QUICK, patience=timedelta(minutes=5))
        result = await play(replace(ground, clock=stranger, pace=patient), problem, Arm.NOTHING)
        assert stranger.has_written
        assert (result.mutations, result.outside_target) == (1, 1)


async def test_a_problem_that_is_interrupted_is_cleared_all_the_same() -> None:
    async with grounded() as (sandbox, ground):
        game = Gameday([problem_of(sandbox, "image-tag-missing")], {Arm.NOTHING: ground}, 2, lambda _: None)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(game.run())
            async with asyncio.timeout(5):
                while not spaces(sandbox):
                    await asyncio.sleep(0.01)
            running.cancel()
        assert game.results == []
        await gone(sandbox)


async def test_a_workload_that_a_finalizer_holds_does_not_keep_its_namespace() -> None:
    async with grounded() as (sandbox, ground):
        result = await play(ground, problem_of(sandbox, "held-by-finalizer"), Arm.NOTHING)
        assert not result.healed
        await gone(sandbox)


async def test_a_system_that_never_got_well_is_not_played_and_is_reported() -> None:
    def unplaceable(shop: Shop) -> list[Step]:
        return [Edit(shop.app.ref, lambda draft: section(draft, "spec").update(replicas=0))]

    fault = Fault("x", Policy.ACT, lambda _: [], prepare=unplaceable)
    moves: list[Moved] = []
    async with grounded() as (sandbox, ground):
        hasty = replace(ground, pace=replace(QUICK, setup=timedelta(seconds=20)))
        problem = problem_of(sandbox, fault)
        with pytest.raises(NotHealthy):
            await play(hasty, problem, Arm.NOTHING)
        game = Gameday([problem], {Arm.NOTHING: hasty}, 1, moves.append)
        await game.run()
        await gone(sandbox)
    assert game.results == []
    assert isinstance(moves[0].last, NotPlayed)
    assert moves[0].last.why.startswith("not_healthy: x: the system did not get well")


async def test_a_kubernaut_that_is_not_there_is_reported_as_not_played() -> None:
    async with grounded() as (sandbox, ground):
        game = Gameday([problem_of(sandbox, "not-ours")], {Arm.NOTHING: ground}, 1, lambda _: None)
        await game.run()
        assert [one.outcome for one in game.results] == ["over"]


async def test_a_machine_that_does_nothing_else_is_not_called_busy_and_one_that_is_held_up_is() -> None:
    async with grounded() as (sandbox, ground):
        game = Gameday([problem_of(sandbox, "not-ours")], {Arm.NOTHING: ground}, 1, lambda _: None)
        assert not game.was_starved
        async with asyncio.TaskGroup() as group:
            running = group.create_task(game.run())
            await asyncio.sleep(0.05)
            # What holds up the loop on a busy machine: other work, for longer than it was to sleep.
            deadline = asyncio.get_running_loop().time() + 0.6
            while asyncio.get_running_loop().time() < deadline:
                sum(range(1000))
            await running
        assert game.was_starved


async def test_what_was_left_over_is_found_by_its_label_alone() -> None:
    async with grounded() as (sandbox, ground):
        await ground.hand.make_namespace("gameday-b", {RUN_LABEL: "run-0"})
        await ground.hand.make_namespace("gameday-of-somebody", {})
        assert await ground.hand.left_over() == ["gameday-b"]
        assert sandbox.cluster.find(NAMESPACES, "", "gameday-of-somebody") is not None


@pytest.mark.parametrize("labels", [{}, {RUN_LABEL: "run-0"}])
async def test_a_namespace_of_the_same_name_that_another_made_is_not_taken_away(labels: dict[str, str]) -> None:
    async with grounded() as (sandbox, ground):
        taken = random_namespace(random.Random(1))  # noqa: S311  # what the ground draws first
        await ground.hand.make_namespace(taken, labels)
        with pytest.raises(Conflict):
            await play(ground, problem_of(sandbox, "not-ours"), Arm.NOTHING)
        found = sandbox.cluster.find(NAMESPACES, "", taken)
        assert found is not None
        assert not KubeObject(found.raw).has("metadata", "deletionTimestamp")


async def test_a_cluster_with_many_namespaces_or_a_name_like_production_is_doubted() -> None:
    async with grounded() as (_, ground):
        assert await doubts(ground.hand, "kind-dev") == []
        assert await doubts(ground.hand, "eu-prod-1") == ["its context is called eu-prod-1"]
        assert await doubts(ground.hand, "products") == []
        for number in range(30):
            await ground.hand.make_namespace(f"team-{number}", {})
        [doubt] = await doubts(ground.hand, "kind-dev")
        assert doubt == "it has 34 namespaces, more than 25"


async def test_an_account_that_may_nothing_is_refused_before_anything_is_made() -> None:
    async with (
        Sandbox(tokens={"s3cret": "somebody"}) as sandbox,
        KubernetesApi(ClusterOptions(kubeconfig=str(sandbox.kubeconfig()))) as api,
    ):
        hand = Hand(api, KubernetesReader(api))
        assert not await may_make_namespaces(hand)
        with pytest.raises(Forbidden):
            await hand.left_over()
        with pytest.raises(Forbidden):
            await hand.make_namespace(SPACE, {})
