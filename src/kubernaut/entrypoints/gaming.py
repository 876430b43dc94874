"""A gameday from its cluster and its Kubernaut to its end: on the sandbox, or on a cluster that somebody lends."""

from __future__ import annotations

import random
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import httpx2

from kubernaut.adapters.clock import SystemClock
from kubernaut.adapters.kubernetes.connection import ClusterOptions
from kubernaut.adapters.kubernetes.reader import KubernetesReader
from kubernaut.adapters.kubernetes.requests import KubernetesApi
from kubernaut.entrypoints.http.app import ALERTMANAGER_PATH
from kubernaut.entrypoints.logs import configure_logs
from kubernaut.entrypoints.serving import serving
from kubernaut.gameday.arms import Arm
from kubernaut.gameday.autopilot import Autopilot
from kubernaut.gameday.catalogue import chosen
from kubernaut.gameday.fault import Problem, problems_of
from kubernaut.gameday.hand import Hand
from kubernaut.gameday.playing import Ground, Pace
from kubernaut.gameday.run import Gameday, Moved
from kubernaut.gameday.shop import live_images
from kubernaut.gameday.simulated import publish, record_of
from kubernaut.resources import NODE
from kubernaut.sandbox import AlertPolicy, Sandbox
from kubernaut.settings import LogSettings, Settings

# Simulated time: rules fire soon, so that seconds show what takes an hour elsewhere.
_WATCH = {"window_s": 60.0, "interval_s": 10.0, "deadline_s": 300.0}
_POLICY = {"approval_s": 240.0, "recheck_s": 30.0, "hold_s": 1800.0, "patience_s": 420.0, "cooldown_s": 60.0}
_NODES = 3
# The rules of the sandbox come first; what they do not see, we tell.
_RULES_FIRST = timedelta(minutes=2)
# Looking more often would cost more than what is looked at.
_LOOKS_EVERY = timedelta(seconds=10)
_HTTP_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class GamedayPlan:
    """What is played: faults (all where none is named), variants of each, arms, and how much at once.

    `strategies` is the folder of those that Kubernaut has beside the built-in remedies.
    """

    faults: tuple[str, ...] = ()
    variants: int = 1
    seed: int = 1
    arms: tuple[Arm, ...] = tuple(Arm)
    at_once: int = 1
    strategies: Path | None = None

    def armed(self, settings: Settings) -> Settings:
        """The settings with the strategies of the plan."""
        if self.strategies is None:
            return settings
        declared = settings.strategies.model_copy(update={"folder": self.strategies})
        return settings.model_copy(update={"strategies": declared})


@dataclass(frozen=True, slots=True)
class Prepared:
    """A gameday that can start, and the faults that this cluster cannot show."""

    gameday: Gameday
    left_out: Sequence[str]


def _free_listener() -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    return listener


@dataclass(frozen=True, slots=True)
class Lent:
    """A cluster that somebody lends. `image` has a busybox shell; `server` is a Kubernaut that runs already."""

    settings: Settings
    image: str = "busybox:1.36"
    server: str = ""


@asynccontextmanager
async def lending(lent: Lent) -> AsyncIterator[Hand]:
    """A connection to the cluster, to look at it before anything is done, or to clear up."""
    cluster = lent.settings.cluster
    async with AsyncExitStack() as stack:
        yield await _hand(stack, cluster.kubeconfig, cluster.context or "")


@asynccontextmanager
async def on_cluster(
    plan: GamedayPlan, lent: Lent, on_move: Callable[[Moved], None], pace: Pace | None = None
) -> AsyncIterator[Prepared]:
    """A gameday on a real cluster. A write outside its namespaces is held against every problem of that time."""
    configure_logs(LogSettings(level="error"))
    # The names have to be new on a cluster where earlier gamedays may have left some.
    chance = random.SystemRandom()
    run = f"run-{chance.randrange(16**6):06x}"
    async with AsyncExitStack() as stack:
        cluster = lent.settings.cluster
        hand = await _hand(stack, cluster.kubeconfig, cluster.context or "")
        # Alerts of a real Prometheus take minutes; ours tells what it sees after half of one.
        ground = Ground(hand, SystemClock(), pace or Pace(), run, chance)
        grounds = dict.fromkeys(plan.arms, ground)
        if Arm.KUBERNAUT in plan.arms:
            address = lent.server or await _served_here(stack, plan.armed(lent.settings))
            autopilot = await _spoken_to(stack, address, lent.settings.bearer_token() if lent.server else None)
            grounds[Arm.KUBERNAUT] = replace(ground, autopilot=autopilot)
        nodes = len((await hand.reader.list(NODE)).items)
        problems, left_out = problems_of(
            chosen(plan.faults), live_images(lent.image), nodes=nodes, variants=plan.variants, seed=plan.seed
        )
        yield Prepared(_gameday(problems, grounds, plan, on_move), left_out)


async def _served_here(stack: AsyncExitStack, settings: Settings) -> str:
    """A Kubernaut of our own over that cluster, with a database that goes with it; its address."""
    listener = _free_listener()
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="kubernaut-gameday-"))
    store = settings.store.model_copy(update={"url": f"sqlite:///{Path(folder) / 'gameday.sqlite'}"})
    http = settings.http.model_copy(update={"host": "127.0.0.1", "token": None, "token_file": None})
    await stack.enter_async_context(serving(settings.model_copy(update={"store": store, "http": http}), listener))
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


@asynccontextmanager
async def on_sandbox(
    plan: GamedayPlan, speed: float, on_move: Callable[[Moved], None], pace: Pace | None = None
) -> AsyncIterator[Prepared]:
    """A gameday on two simulated clusters: Kubernaut has one for itself, the arms that are compared share the other."""
    configure_logs(LogSettings(level="error"))
    chance = random.Random(plan.seed)  # noqa: S311  # names, no secrets
    run = f"run-{plan.seed}"
    pace = pace or Pace(poll=_LOOKS_EVERY)
    async with AsyncExitStack() as stack:
        grounds: dict[Arm, Ground] = {}
        images = None
        if Arm.KUBERNAUT in plan.arms:
            listener = _free_listener()
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            sandbox = await stack.enter_async_context(
                Sandbox(speed=speed, nodes=_NODES, seed=plan.seed, alerts=_alerts(address))
            )
            images = publish(sandbox.universe)
            settings = plan.armed(_simulated_settings(sandbox, stack.enter_context(tempfile.TemporaryDirectory())))
            await stack.enter_async_context(serving(settings, listener, clock=sandbox.clock, pace=speed))
            autopilot = await _spoken_to(stack, address, None)
            hand = await _hand(stack, str(sandbox.kubeconfig()), "")
            record = partial(record_of, sandbox.universe)
            grounds[Arm.KUBERNAUT] = Ground(hand, sandbox.clock, pace, run, chance, autopilot, _RULES_FIRST, record)
        others = [arm for arm in plan.arms if arm is not Arm.KUBERNAUT]
        if others:
            sandbox = await stack.enter_async_context(Sandbox(speed=speed, nodes=_NODES, seed=plan.seed + 1))
            images = publish(sandbox.universe)
            hand = await _hand(stack, str(sandbox.kubeconfig()), "")
            grounds |= {arm: Ground(hand, sandbox.clock, pace, run, chance) for arm in others}
        assert images is not None  # noqa: S101  # there is at least one arm
        problems, left_out = problems_of(
            chosen(plan.faults), images, nodes=_NODES, variants=plan.variants, seed=plan.seed
        )
        yield Prepared(_gameday(problems, grounds, plan, on_move), left_out)


def _gameday(
    problems: Sequence[Problem], grounds: Mapping[Arm, Ground], plan: GamedayPlan, on_move: Callable[[Moved], None]
) -> Gameday:
    ordered = {arm: grounds[arm] for arm in Arm if arm in grounds}
    return Gameday(problems, ordered, plan.at_once, on_move)


def _alerts(address: str) -> AlertPolicy:
    return AlertPolicy(
        f"{address}{ALERTMANAGER_PATH}",
        hold=timedelta(seconds=30),
        every=timedelta(seconds=15),
        group_wait=timedelta(seconds=5),
        group_interval=timedelta(seconds=15),
        repeat_interval=timedelta(minutes=10),
    )


def _simulated_settings(sandbox: Sandbox, folder: str) -> Settings:
    return Settings.model_validate(
        {
            "store": {"url": f"sqlite:///{Path(folder) / 'gameday.sqlite'}"},
            "cluster": {"name": "sandbox", "kubeconfig": str(sandbox.kubeconfig())},
            "policy": _POLICY,
            "verification": _WATCH,
        }
    )


async def _hand(stack: AsyncExitStack, kubeconfig: str, context: str) -> Hand:
    api = await stack.enter_async_context(KubernetesApi(ClusterOptions(kubeconfig=kubeconfig, context=context)))
    return Hand(api, KubernetesReader(api))


async def _spoken_to(stack: AsyncExitStack, address: str, token: str | None) -> Autopilot:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    client = httpx2.AsyncClient(base_url=address, headers=headers, timeout=_HTTP_TIMEOUT_S, trust_env=False)
    return Autopilot(await stack.enter_async_context(client))
