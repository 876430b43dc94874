from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

from kubernaut.adapters.memory.incidents import MemoryIncidentStore
from kubernaut.domain.objects import ObjectRef
from kubernaut.entrypoints.demo import Teller
from kubernaut.entrypoints.doors import Ended, Told
from kubernaut.entrypoints.reports import ScenarioResult, scenarios_json
from kubernaut.entrypoints.terminal.demo import closing_lines, opening_lines
from kubernaut.entrypoints.terminal.look import Look
from tests.told import a_healed_one, a_store, an_escalated_one

HEALED = ScenarioResult(
    name="rollout-a",
    alert="KubePodCrashLooping",
    control=False,
    expected="healed",
    outcome="healed",
    cause="crash_after_change",
    target="shop/deployment/checkout",
    actions=("rollback_deployment",),
    time_to_resolution=74.0,
    passed=True,
)
LEFT_ALONE = replace(
    HEALED,
    name="control-a",
    control=True,
    expected="declined",
    outcome="declined",
    cause="image_not_found",
    target="lab/deployment/prototype",
    actions=(),
    time_to_resolution=None,
)


@dataclass
class Played:
    happened: list[Told | Ended]
    scenarios: tuple[str, ...] = ("rollout-a", "control-a")

    async def happenings(self) -> AsyncIterator[Told | Ended]:
        for happening in self.happened:
            yield happening


@dataclass
class Drawn:
    moves: list[tuple[int, int, str]] = field(default_factory=list)

    def move(self, done: int, total: int, what: str) -> None:
        self.moves.append((done, total, what))


async def told_of(store: MemoryIncidentStore, teller: Teller) -> list[Told]:
    return [Told(await store.get(teller.id), event) for event in await store.events(teller.id)]


async def played(happened: Sequence[Told | Ended]) -> tuple[list[str], Teller, Drawn]:
    said, drawn = [], Drawn()
    teller = Teller(said.append, Look(80), drawn, 2)
    await teller.tell(Played(happened))
    return said, teller, drawn


async def test_the_first_incident_that_is_acted_on_is_told_in_full_and_the_others_in_a_line() -> None:
    store = a_store()
    other = await an_escalated_one(store, number=2, target=ObjectRef("apps/v1", "StatefulSet", "data", "orders"))
    healed = await a_healed_one(store, number=1)
    first, second = await told_of(store, other), await told_of(store, healed)
    said, teller, _ = await played(
        [*first, *second[:6], Ended(LEFT_ALONE), *second[6:], Ended(HEALED, incident=healed.id)]
    )
    assert said == [
        "inc-4f7k01   KubePodCrashLooping   shop/deployment/checkout",
        "   0.0 s  received   KubePodCrashLooping · stored, then answered",
        "   0.1 s  recalled   1 incident alike, nearest inc-1a0c (healed)",
        "   0.1 s  cause      crash_after_change, confidence 0.94",
        '                     e1  revision 6 → 7: args [] → ["--cache-ttl=30s"]',
        "                     e2  exit code 1, 5 restarts, first 41 s after e1",
        "                     e3  flag provided but not defined: -cache-ttl",
        "   0.1 s  plan       rollback_deployment revision=6",
        "   0.1 s  stored     dry run first · the object as it was is kept · undo ready",
        '                     - args: ["--cache-ttl=30s"]',
        "                     + args: []",
        "   0.9 s  applied    rollback_deployment revision=6",
        "  74.0 s  verified   health 40/40 · alert 35/35 · metrics not measured (no",
        "                     Prometheus is set)",
        "  ✓ healed after 74.0 s",
        "    3 of 3 ready for 60 s, and the alert has cleared",
        "",
        "  ⊘ declined      lab/deploy/prototype      image_not_found                control",
    ]
    assert teller.results == [LEFT_ALONE, HEALED]


async def test_a_scenario_that_ended_wrongly_is_said_even_when_its_story_was_told() -> None:
    store = a_store()
    healed = await a_healed_one(store, number=1)
    wrong = replace(HEALED, expected="escalated", passed=False)
    said, _, _ = await played([*await told_of(store, healed), Ended(wrong, incident=healed.id)])
    assert said[-1].endswith("74 s wrong")


async def test_progress_names_what_goes_on() -> None:
    store = a_store()
    healed = await a_healed_one(store, number=1)
    _, _, drawn = await played([*await told_of(store, healed), Ended(HEALED, incident=healed.id)])
    assert drawn.moves[-1] == (1, 2, "rollout-a")
    assert drawn.moves[0][2].startswith("shop/deployment/checkout · ")


def test_the_opening_says_what_is_simulated_and_that_nothing_outside_is_touched() -> None:
    assert opening_lines("0.1.0", 60.0, "http://127.0.0.1:8080/", Look(80)) == [
        "Kubernaut 0.1.0 · simulated cluster, its clock runs ×60 · no model, no network",
        "Watch   http://127.0.0.1:8080/    Ctrl-C ends it; nothing outside is touched",
        "",
    ]


def test_the_sum_names_what_ended_wrongly_and_gives_no_interval_for_few() -> None:
    results = [HEALED, LEFT_ALONE, replace(HEALED, name="rollout-b", expected="escalated|declined", passed=False)]
    assert closing_lines(results, 1, Look(), page="http://127.0.0.1:1/", stays=False) == [
        "",
        "2 of 3 ended rightly: 2 healed · 1 declined · 1 taken back on the way",
        "Time to resolution 74 s median (n = 2, too few for an interval), simulated time",
        "rollout-b: expected escalated or declined, ended healed",
    ]


def test_the_report_for_machines_has_the_documented_names() -> None:
    report = scenarios_json([HEALED, replace(LEFT_ALONE, passed=False)])
    assert (report["passed"], report["failed"]) == (1, 1)
    assert report["scenarios"][0] == {
        "name": "rollout-a",
        "alert": "KubePodCrashLooping",
        "control": False,
        "expected": "healed",
        "outcome": "healed",
        "cause": "crash_after_change",
        "target": "shop/deployment/checkout",
        "actions": ["rollback_deployment"],
        "time_to_resolution": 74.0,
        "passed": True,
    }
