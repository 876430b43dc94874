from datetime import timedelta

from kubernaut.entrypoints.story import Story, tell
from kubernaut.entrypoints.terminal.incidents import list_lines, question_lines, story_lines
from kubernaut.entrypoints.terminal.look import Look
from kubernaut.ports import IncidentFilter
from tests.told import NOON, a_healed_one, a_store, a_waiting_one, an_escalated_one, an_undone_one

LATER = NOON + timedelta(minutes=6)


async def stories() -> list[Story]:
    store = a_store()
    for number, happen in enumerate((a_healed_one, a_waiting_one, an_undone_one, an_escalated_one), start=1):
        await happen(store, number=number)
    return [tell(one, await store.events(one.id)) for one in await store.find(IncidentFilter())]


async def test_the_list_ends_with_who_needs_a_person() -> None:
    assert list_lines(await stories(), 52, Look(80), now=LATER) == [
        "ID          STATUS             AGE  TARGET                    CAUSE",
        "inc-4f7k04  ↑ escalated 0.2 s  6m   shop/deployment/checkout  crash_after_change",
        "inc-4f7k03  ↶ undone 94 s      6m   shop/deployment/checkout  crash_after_change",
        "inc-4f7k02  ◆ approval         6m   shop/deployment/checkout  crash_after_change",
        "inc-4f7k01  ✓ healed 74 s      6m   shop/deployment/checkout  crash_after_change",
        "4 of 52 incidents · 1 needs you: kubernaut incidents approve inc-4f7k02",
    ]


def test_an_empty_list_says_what_to_do() -> None:
    assert list_lines([], 0, Look(80), now=LATER) == ["No incident yet. Try one: kubernaut demo"]
    assert list_lines([], 7, Look(80), now=LATER) == ["No incident matches."]


async def test_a_healed_incident_is_told_from_verdict_to_undo() -> None:
    story = (await stories())[-1]
    assert story_lines(story, Look(80), now=LATER, page="http://127.0.0.1:8080/incidents/inc-4f7k01") == [
        "inc-4f7k01  ✓ healed in 74 s   KubePodCrashLooping ×3   shop/deployment/checkout",
        "Every pod of revision 7 of checkout exits 1: it does not know the flag",
        "--cache-ttl.",
        "3 of 3 ready for 60 s, and the alert has cleared",
        "",
        "CAUSE     crash_after_change 0.94 · decided by rules · 1 incident alike",
        '  e1  deployment/checkout       revision 6 → 7: args [] → ["--cache-ttl=30s"]',
        "  e2  pod/checkout-7d9f8b6…x2x  exit code 1, 5 restarts, first 41 s after e1",
        "  e3  pod/checkout-7d9f8b6…x2x  flag provided but not defined: -cache-ttl",
        "  not read: metrics (no Prometheus is set)",
        "TIMELINE  since alert",
        "  12:00:00Z     0.0 s  received  KubePodCrashLooping",
        "  12:00:00Z     0.1 s  recalled  1 incident alike, nearest inc-1a0c (healed)",
        "  12:00:00Z     0.1 s  cause     crash_after_change, confidence 0.94",
        "  12:00:00Z     0.1 s  plan      rollback_deployment revision=6 · bounded and",
        "                                 reversible",
        "  12:00:00Z     0.1 s  stored    the object as it was, and the way back",
        "  12:00:00Z     0.9 s  applied   rollback_deployment revision=6",
        "  12:01:14Z    74.0 s  verified  healed · health 40/40 · alert 35/35 · metrics",
        "                                 not measured (no Prometheus is set)",
        "  12:01:14Z    74.0 s  closed    healed · 3 of 3 ready for 60 s, and the alert",
        "                                 has cleared",
        "  4 more: --all",
        "CHANGE    rollback_deployment revision=6 · shop/deployment/checkout · 3 of 3",
        "          replicas, one at a time",
        '  - args: ["--cache-ttl=30s"]',
        "  + args: []",
        "VERIFIED  healed · health 40/40 · alert 35/35 · metrics not measured (no",
        "          Prometheus is set)",
        "COST      0 tokens · no model was asked",
        "Undo: kubernaut incidents undo inc-4f7k01",
        "Page: http://127.0.0.1:8080/incidents/inc-4f7k01",
    ]


async def test_in_a_pipe_no_line_of_a_story_is_broken() -> None:
    story = (await stories())[-1]
    lines = story_lines(story, Look(), now=LATER)
    assert "VERIFIED  healed · health 40/40 · alert 35/35 · metrics not measured (no Prometheus is set)" in lines


async def test_what_was_taken_back_cannot_be_taken_back_again() -> None:
    story = (await stories())[1]
    lines = story_lines(story, Look(80), now=LATER)
    assert "UNDONE    back to the object as it was" in lines
    assert not [line for line in lines if line.startswith("Undo:")]


async def test_the_question_shows_the_very_change_and_its_reach() -> None:
    story = (await stories())[2]
    assert question_lines(story, Look(80), now=LATER) == [
        "inc-4f7k02  ◆ approval  waiting 5m   shop/deployment/checkout",
        "Cause     crash_after_change 0.94: Every pod of revision 7 of checkout exits 1:",
        "          it does not know the flag --cache-ttl.",
        "Do        rollback_deployment revision=6",
        '          - args: ["--cache-ttl=30s"]',
        "          + args: []",
        "Touches   3 of 3 replicas, one at a time",
        "Asked     this scope acts only with consent",
        "Record    healed 11 of 12 here",
        "Instead   2 restart_workload (never tried here)",
    ]
