import json
from dataclasses import replace
from datetime import timedelta

import pytest

from kubernaut.domain.objects import KubeObject
from kubernaut.entrypoints.terminal.gameday import moved_line, report_lines
from kubernaut.entrypoints.terminal.look import Look
from kubernaut.gameday.alarm import alert_body, shows
from kubernaut.gameday.arms import Arm
from kubernaut.gameday.catalogue import chosen
from kubernaut.gameday.fault import Problem, problems_of
from kubernaut.gameday.run import Gameday, Moved, NotPlayed
from kubernaut.gameday.seeing import View
from kubernaut.gameday.shop import live_images
from kubernaut.intake.alertmanager import parse_webhook
from tests.objects import NOW
from tests.unit.gameday.test_results import CONTROL, HANDED_OVER, HEALED


def ended(*results: object, not_played: tuple[NotPlayed, ...] = ()) -> Gameday:
    game = Gameday([], dict.fromkeys((Arm.KUBERNAUT, Arm.RESTART)), 1, lambda _: None)  # type: ignore[arg-type]
    game.results, game.not_played = list(results), list(not_played)  # type: ignore[arg-type]
    return game


def problem(name: str) -> Problem:
    [found] = problems_of(chosen([name]), live_images("busybox:1.36"), nodes=1, variants=1, seed=1)[0]
    return found.in_namespace("gameday-x7k2p4")


def test_the_table_sets_the_arms_beside_each_other() -> None:
    restarted = replace(HEALED, arm=Arm.RESTART, healed=False, seconds=None, outside_target=2)
    lines = report_lines(ended(HEALED, HANDED_OVER, CONTROL, restarted), [], Look())
    table = [" ".join(line.split()) for line in lines[1:4]]
    assert table == [
        "ARM HEALED 95 % INTERVAL ON CONTROLS WRITES OUTSIDE TARGET MEDIAN TIME",
        "kubernaut 1 of 1 21 % to 100 % 0 on 1 1 0 80 s",
        "restart 0 of 1 0 % to 79 % 0 on 0 1 2 not computable",
    ]


def test_what_kubernaut_got_wrong_is_listed_with_what_was_right() -> None:
    wrong = replace(HEALED, healed=False, verified=False, mutations=0, outcome="escalated (unknown)", why="not ready")
    [line] = [line for line in report_lines(ended(wrong), [], Look()) if line.startswith("wrong")]
    assert line == "wrong  a 1  had to be healed  escalated (unknown) - not ready"


def test_a_touched_control_is_listed() -> None:
    touched = replace(CONTROL, mutations=2)
    assert report_lines(ended(touched), [], Look())[-1].endswith("had to be left alone  declined - 2 writes")


def test_what_was_not_played_is_said_with_its_reason() -> None:
    game = ended(HEALED, not_played=(NotPlayed("b", 2, Arm.RESTART, "not_healthy: no image"),))
    assert "Not played: b 2 restart: not_healthy: no image" in report_lines(game, [], Look())


def test_what_a_cluster_cannot_show_is_said() -> None:
    assert "Not to be shown on this cluster: image-private" in report_lines(ended(HEALED), ["image-private"], Look())


def test_in_a_pipe_there_are_no_colours_and_on_a_terminal_there_are() -> None:
    assert not any("\x1b" in line for line in report_lines(ended(HEALED), [], Look()))
    assert any("\x1b[32m" in line for line in report_lines(ended(HEALED), [], Look(100, colour=True)))


def test_text_of_the_cluster_cannot_write_to_the_terminal() -> None:
    evil = NotPlayed("a", 1, Arm.KUBERNAUT, "said \x1b[2J")
    assert "\x1b" not in moved_line(Moved(1, 2, evil), Look())


def test_a_line_says_how_far_it_is_and_what_came_of_the_last() -> None:
    assert moved_line(Moved(3, 12, HEALED), Look()) == "   3 of 12  a 1  kubernaut: healed in 80 s"


def test_an_alert_that_we_raise_is_one_that_intake_takes() -> None:
    one = problem("image-tag-missing")
    body = json.dumps(alert_body(one, began=NOW, ended=None)).encode()
    [signal] = parse_webhook(body, received_at=NOW, new_id=lambda: "sig-1").signals
    assert (signal.name, signal.labels["namespace"]) == ("KubePodNotReady", "gameday-x7k2p4")
    assert signal.labels["deployment"] == one.shop.app.name


def test_a_resolved_alert_has_the_identity_of_the_one_that_fired() -> None:
    one = problem("service-target-moved")
    fired = alert_body(one, began=NOW, ended=None)["alerts"][0]  # type: ignore[index,call-overload]
    resolved = alert_body(one, began=NOW, ended=NOW + timedelta(minutes=2))["alerts"][0]  # type: ignore[index,call-overload]
    assert fired["fingerprint"] == resolved["fingerprint"]
    assert (fired["status"], resolved["status"]) == ("firing", "resolved")


def test_the_alert_of_a_task_names_the_job() -> None:
    labels = alert_body(problem("task-fails"), began=NOW, ended=None)["commonLabels"]
    assert "job_name" in labels  # type: ignore[operator]


def seen(**pod: object) -> View:
    """One pod that is not ready, with that status of its container."""
    status = {"containerStatuses": [{"name": "app", **pod}], "conditions": [{"type": "Ready", "status": "False"}]}
    raw = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1", "namespace": "shop"}, "status": status}
    item = KubeObject(raw)  # type: ignore[arg-type]  # nested dicts are no `Json` to a type checker
    return View({item.ref: item})


@pytest.mark.parametrize(
    ("alert", "container", "fires"),
    [
        ("KubePodCrashLooping", {"restartCount": 1}, False),
        ("KubePodCrashLooping", {"restartCount": 2}, True),
        ("KubePodCrashLooping", {"state": {"waiting": {"reason": "CrashLoopBackOff"}}}, True),
        ("KubePodCrashLooping", {"state": {"waiting": {"reason": "ErrImagePull"}}}, False),
        ("KubernetesContainerOomKiller", {"lastState": {"terminated": {"reason": "Error"}}}, False),
        ("KubernetesContainerOomKiller", {"lastState": {"terminated": {"reason": "OOMKilled"}}}, True),
        ("KubePodNotReady", {}, True),
        ("BlackboxProbeFailed", {}, True),
    ],
)
def test_an_alert_fires_once_its_symptom_shows(alert: str, container: dict[str, object], fires: bool) -> None:  # noqa: FBT001
    assert shows(alert, seen(**container)) is fires
