"""One problem in one arm: a healthy system, the mistake, what the arm makes of it, and the judgement. Always cleared.

Order matters for the audit: what stands right after the mistake is what every later write is told from.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernaut.domain.errors import ClusterError
from kubernaut.gameday.alarm import alert_body, shows
from kubernaut.gameday.arms import Arm, restart_everything, roll_back_everything
from kubernaut.gameday.audit import OURS, writes_between, writes_by
from kubernaut.gameday.autopilot import Account, Autopilot
from kubernaut.gameday.fault import PREFIX, Policy, Problem, random_namespace
from kubernaut.gameday.hand import RUN_LABEL, Hand
from kubernaut.gameday.oracle import Oracle, Watch
from kubernaut.gameday.results import Result
from kubernaut.gameday.rightness import belongs, outside_of, verified
from kubernaut.gameday.seeing import ELSEWHERE, SERVING, WRITTEN, View, see
from kubernaut.ports import Clock

# What a record of requests holds beside the API's own traces: (kind, name) of each write of ours in a namespace.
Record = Callable[[str, datetime], Iterable[tuple[str, str]]]
_CLEAR_S = 60.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How long is waited for what, on the cluster's clock; `poll` is the time between two looks.

    `hold` is how long a system has to be well, `reaction` what passes before somebody restarts or rolls back,
    `patience` how long an arm without a story of its own is watched, `limit` how long Kubernaut is.
    """

    poll: timedelta = timedelta(seconds=3)
    hold: timedelta = timedelta(seconds=45)
    setup: timedelta = timedelta(minutes=5)
    reaction: timedelta = timedelta(seconds=45)
    patience: timedelta = timedelta(minutes=3)
    quiet: timedelta = timedelta(seconds=75)
    limit: timedelta = timedelta(minutes=20)


@dataclass(frozen=True, slots=True)
class Ground:
    """Where problems are played. `autopilot` is None where Kubernaut is no arm.

    `rings_after` is how long after the mistake we raise the alert, where nobody else has.
    """

    hand: Hand
    clock: Clock
    pace: Pace
    run: str
    chance: random.Random
    autopilot: Autopilot | None = None
    rings_after: timedelta = timedelta(seconds=30)
    record: Record = lambda _namespace, _since: ()


@dataclass
class _Play:
    """One problem that is being played."""

    ground: Ground
    problem: Problem
    arm: Arm
    oracle: Oracle
    after: View
    elsewhere: View
    began: datetime
    watch: Watch
    account: Account | None = None
    rang: datetime | None = None
    closed_at: datetime | None = None
    healed_at: datetime | None = None
    complained: bool = False
    acted: bool = False


class NotHealthy(ClusterError):
    """The system that a fault was to be put into did not get well by itself."""

    code = "not_healthy"


async def play(ground: Ground, problem: Problem, arm: Arm) -> Result:
    """What became of the problem in that arm; raises a `ClusterError` where it cannot be played."""
    async with _namespace(ground, problem) as name:
        placed = problem.in_namespace(name)
        going = await _begin(ground, placed, arm)
        await _until_over(going)
        return await _judge(going)


@asynccontextmanager
async def _namespace(ground: Ground, problem: Problem) -> AsyncIterator[str]:
    """A new namespace that is gone afterwards, whatever happens in between."""
    name = random_namespace(ground.chance)
    labels = {RUN_LABEL: ground.run, "kubernaut.ai/autonomy": problem.fault.autonomy}
    if problem.fault.managed:
        labels["kubernaut.ai/managed"] = "true"
    try:
        await ground.hand.make_namespace(name, labels)
        yield name
    finally:
        # Ctrl-C cancels what is above: the clean-up is finished all the same, within its own time.
        async with asyncio.timeout(_CLEAR_S):
            await ground.hand.release(name, ground.run)


async def _begin(ground: Ground, problem: Problem, arm: Arm) -> _Play:
    """The healthy system, seen to be healthy, and then the mistake."""
    hand, pace = ground.hand, ground.pace
    for manifest in problem.shop.manifests():
        await hand.apply(manifest)
    await hand.do(list(problem.fault.prepare(problem.shop)))
    intended = await _settled(ground, problem)
    elsewhere = await see(hand.reader, "", ELSEWHERE)
    await hand.do(list(problem.fault.inject(problem.shop)))
    # Right after our own mistake, so that none of our writes is counted as somebody else's.
    after = await see(hand.reader, problem.shop.namespace, WRITTEN)
    oracle = Oracle(problem.shop, intended, problem.fault.tolerates)
    return _Play(ground, problem, arm, oracle, after, elsewhere, ground.clock.now(), Watch(pace.hold))


async def _settled(ground: Ground, problem: Problem) -> View:
    """The system once it is well; raises `NotHealthy` where it is not in time."""
    # A third of what healing needs: nothing is proven here but that it runs.
    watch, deadline = Watch(ground.pace.hold / 3), ground.clock.now() + ground.pace.setup
    while True:
        view = await see(ground.hand.reader, problem.shop.namespace, SERVING)
        now = ground.clock.now()
        complaints = Oracle(problem.shop, view).complaints(view)
        if watch.look(complaints, view, now):
            return view
        if complaints and now > deadline:
            raise NotHealthy(f"{problem.fault.name}: the system did not get well: {'; '.join(complaints)}")
        await ground.clock.sleep(ground.pace.poll)


async def _until_over(going: _Play) -> None:
    ground, problem = going.ground, going.problem
    while True:
        view = await see(ground.hand.reader, problem.shop.namespace, SERVING)
        now = ground.clock.now()
        complaints = going.oracle.complaints(view)
        going.complained = going.complained or bool(complaints)
        held = going.watch.look(complaints, view, now)
        # Nothing is healed that was not seen to be broken.
        going.healed_at = going.watch.since if held and going.complained else None
        await _act(going, now, view, well=not complaints)
        if _is_over(going, now, held=held) and await _is_quiet(going, now):
            return
        await ground.clock.sleep(ground.pace.poll)


async def _act(going: _Play, now: datetime, view: View, *, well: bool) -> None:
    ground, namespace = going.ground, going.problem.shop.namespace
    late = now - going.began >= ground.pace.reaction
    match going.arm:
        case Arm.KUBERNAUT:
            await _attend(going, now, view, well=well)
        case Arm.RESTART if late and not going.acted:
            going.acted = True
            await restart_everything(ground.hand, namespace, at=now)
        case Arm.ROLLBACK if late and not going.acted:
            going.acted = True
            await roll_back_everything(ground.hand, namespace)
        case _:
            pass


async def _attend(going: _Play, now: datetime, view: View, *, well: bool) -> None:
    """Tells Kubernaut what it would be told, answers where it asks, and hears what it did."""
    autopilot = going.ground.autopilot
    if autopilot is None:
        raise RuntimeError("the arm kubernaut needs a Kubernaut")
    incidents = await autopilot.incidents(going.problem.shop.namespace)
    if going.rang is not None or not incidents:
        await _ring(going, autopilot, now, view, well=well)
    going.account = Account(incidents, 0)
    if going.problem.fault.policy is Policy.APPROVE:
        await autopilot.consent(incidents)
    if not going.account.is_closed:
        going.closed_at = None
    elif going.closed_at is None:
        going.closed_at = now


async def _ring(going: _Play, autopilot: Autopilot, now: datetime, view: View, *, well: bool) -> None:
    """Raises the alert once, and resolves it once the symptom is gone: a rule that does not hold does not fire."""
    fault, passed = going.problem.fault, now - going.began
    if going.rang is None:
        holds = fault.control or (not well and (shows(fault.alert, view) or passed >= going.ground.pace.patience))
        if holds and not going.acted and passed >= _rings_after(going):
            going.rang = now
            await autopilot.tell(alert_body(going.problem, began=now, ended=None))
    elif well and not going.acted:
        going.acted = True
        await autopilot.tell(alert_body(going.problem, began=going.rang, ended=now))


def _rings_after(going: _Play) -> timedelta:
    return going.problem.fault.rings_after or going.ground.rings_after


def _is_over(going: _Play, now: datetime, *, held: bool) -> bool:
    if now - going.began >= going.ground.pace.limit:
        return True
    if going.watch.since is not None and not held and going.complained:
        # It is well, and has to stay so for a while yet.
        return False
    return (
        _kubernaut_is_over(going, now, held=held) if going.arm is Arm.KUBERNAUT else _arm_is_over(going, now, held=held)
    )


def _kubernaut_is_over(going: _Play, now: datetime, *, held: bool) -> bool:
    pace = going.ground.pace
    if going.closed_at is not None:
        return held or now - going.closed_at >= pace.quiet
    # No alert and no incident: a control that never looked ill.
    quiet = going.account is None or not going.account.incidents
    return quiet and held and now - going.began >= pace.patience


def _arm_is_over(going: _Play, now: datetime, *, held: bool) -> bool:
    pace = going.ground.pace
    late = pace.reaction if going.arm in {Arm.RESTART, Arm.ROLLBACK} else timedelta(0)
    healed = held and going.complained and (going.acted or not late)
    return healed or now - going.began >= pace.patience + late


async def _is_quiet(going: _Play, now: datetime) -> bool:
    """Whether Kubernaut is not at work again: an alert that came late may have opened another incident."""
    autopilot = going.ground.autopilot
    if going.arm is not Arm.KUBERNAUT or autopilot is None or now - going.began >= going.ground.pace.limit:
        return True
    again = any(one.is_open for one in await autopilot.incidents(going.problem.shop.namespace))
    if again:
        going.closed_at = None
    return not again


async def _judge(going: _Play) -> Result:
    ground, problem = going.ground, going.problem
    namespace = problem.shop.namespace
    after = await see(ground.hand.reader, namespace, WRITTEN)
    writes = writes_between(going.after, after)
    # What is written in another namespace of a gameday is judged with its own problem.
    away = writes_by(OURS, going.elsewhere, await see(ground.hand.reader, "", ELSEWHERE), apart_from=PREFIX)
    account = None
    if ground.autopilot is not None and going.arm is Arm.KUBERNAUT:
        account = await ground.autopilot.account(namespace)
    recorded = [] if going.arm is not Arm.KUBERNAUT else list(ground.record(namespace, going.began))
    strays = sum(1 for kind, name in recorded if not belongs(problem, kind, name))
    outside = max(outside_of(problem, writes), strays) + len(away)
    # The largest of three ways of counting: each may miss a write, and none invents one.
    mutations = max(sum(one.times for one in writes), len(recorded), account.writes if account else 0) + len(away)
    # On a control there is nothing to heal.
    healed_at = None if problem.fault.control else going.healed_at
    healed = healed_at is not None
    return Result(
        fault=problem.fault.name,
        variant=problem.variant,
        control=problem.fault.control,
        policy=problem.fault.policy,
        arm=going.arm,
        healed=healed,
        verified=verified(problem, account, mutations=mutations),
        mutations=mutations,
        outside_target=outside,
        seconds=(healed_at - going.began).total_seconds() if healed_at else None,
        outcome=_outcome(going, account),
        why="; ".join(going.watch.complaints) if not healed else "",
        strategies=account.strategies if account else (),
    )


def _outcome(going: _Play, account: Account | None) -> str:
    if account is None:
        if going.problem.fault.control:
            return "over"
        return "healed" if going.healed_at else "still broken"
    if not account.incidents:
        return "no incident"
    endings = dict.fromkeys(str(one.ending or f"open in {one.phase}") for one in account.incidents)
    return " and ".join(endings) + (f" ({', '.join(account.causes)})" if account.causes else "")
