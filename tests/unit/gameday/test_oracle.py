import copy
from datetime import timedelta
from typing import Any

import pytest

from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.gameday.oracle import Oracle, Watch
from kubernaut.gameday.seeing import View
from kubernaut.gameday.shop import App, Shop, live_images
from tests.objects import NOW

IMAGES = live_images("busybox:1.36")
APP = App("gameday-x7k2p4", "ledger", "busybox:1.36")
NEIGHBOUR = App("gameday-x7k2p4", "intake", "busybox:1.36", replicas=1)
SHOP = Shop(APP, None, (NEIGHBOUR,), IMAGES)
Objects = dict[ObjectRef, dict[str, Any]]


def ready(name: str, number: int, *, is_ready: bool = True, restarts: int = 0) -> dict[str, Any]:
    condition = {"type": "Ready", "status": "True" if is_ready else "False"}
    status = {"conditions": [condition], "containerStatuses": [{"restartCount": restarts}]}
    place = {"name": f"{name}-{number}", "uid": f"{name}-{number}", "labels": {"app": name}}
    return {"metadata": place, "status": status}


def of_app(app: App) -> Objects:
    """The app as an API server shows it while it is well."""
    workload: dict[str, Any] = copy.deepcopy(app.workload())
    workload["metadata"]["generation"] = 1
    workload["status"] = {
        "observedGeneration": 1,
        "readyReplicas": app.replicas,
        "updatedReplicas": app.replicas,
    }
    part = {
        "metadata": {"namespace": app.namespace, "labels": {"kubernetes.io/service-name": app.name}},
        "ports": [{"port": 8080}],
        "endpoints": [{"conditions": {"ready": True}}],
    }
    objects = {
        app.ref: workload,
        app.service_ref: app.service() | {},
        app.settings_ref: app.settings() | {},
        ObjectRef("discovery.k8s.io/v1", "EndpointSlice", app.namespace, f"{app.name}-1"): part,
    }
    for number in range(app.replicas):
        objects[ObjectRef("v1", "Pod", app.namespace, f"{app.name}-{number}")] = ready(app.name, number)
    return objects


@pytest.fixture
def well() -> Objects:
    return of_app(APP) | of_app(NEIGHBOUR)


def seen(objects: Objects) -> View:
    return View({ref: KubeObject(copy.deepcopy(item)) for ref, item in objects.items()})


def complaints(before: Objects, now: Objects, *tolerates: str) -> list[str]:
    return Oracle(SHOP, seen(before), frozenset(tolerates)).complaints(seen(now))


def container(objects: Objects, app: App = APP) -> dict[str, Any]:
    first: dict[str, Any] = objects[app.ref]["spec"]["template"]["spec"]["containers"][0]
    return first


def test_a_system_as_it_was_deployed_has_no_complaints(well: Objects) -> None:
    assert complaints(well, well) == []


def test_a_system_with_the_wrong_spec_is_not_well_though_every_pod_is_ready(well: Objects) -> None:
    now = copy.deepcopy(well)
    container(now)["args"] = ["--listen=:8080", "--workers=9"]
    assert complaints(well, now) == ["ledger is not what was deployed"]


def test_a_spec_that_was_put_back_is_not_enough_while_pods_are_not_ready(well: Objects) -> None:
    now = copy.deepcopy(well)
    now[APP.ref]["status"]["readyReplicas"] = 1
    assert complaints(well, now) == ["1 of 2 replicas of ledger are ready, 2 as deployed"]


def test_a_pod_left_over_from_the_fault_is_seen(well: Objects) -> None:
    now = copy.deepcopy(well)
    now[ObjectRef("v1", "Pod", APP.namespace, "ledger-9")] = ready("ledger", 9, is_ready=False)
    assert complaints(well, now) == ["2 of 2 replicas of ledger are ready, 2 as deployed"]


def test_a_change_that_was_not_taken_up_yet_is_not_judged_by_the_old_status(well: Objects) -> None:
    now = copy.deepcopy(well)
    now[APP.ref]["metadata"]["generation"] = 2
    assert complaints(well, now) == ["the last change of ledger is not taken up yet"]


def test_fewer_replicas_than_intended_are_seen_though_all_of_them_are_ready(well: Objects) -> None:
    now = copy.deepcopy(well)
    now[APP.ref]["spec"]["replicas"] = 1
    assert "ledger is not what was deployed" in complaints(well, now)


def test_a_service_that_nobody_answers_behind_is_seen(well: Objects) -> None:
    now = copy.deepcopy(well)
    del now[ObjectRef("discovery.k8s.io/v1", "EndpointSlice", APP.namespace, "ledger-1")]
    assert complaints(well, now) == ["nobody answers behind the Service ledger"]


def test_a_service_with_another_port_is_seen(well: Objects) -> None:
    now = copy.deepcopy(well)
    now[APP.service_ref]["spec"]["ports"][0]["targetPort"] = 8090
    assert complaints(well, now) == ["the Service ledger is not what was deployed"]


def test_settings_that_lack_a_value_are_seen(well: Objects) -> None:
    now = copy.deepcopy(well)
    del now[APP.settings_ref]["data"]["LOG_LEVEL"]
    assert complaints(well, now) == ["the settings of ledger are not what was deployed"]


def test_a_neighbour_that_was_changed_is_seen(well: Objects) -> None:
    now = copy.deepcopy(well)
    container(now, NEIGHBOUR)["image"] = "busybox:1.37"
    assert complaints(well, now) == ["intake is not what was deployed"]


def test_a_workload_that_is_being_deleted_is_gone(well: Objects) -> None:
    now = copy.deepcopy(well)
    now[APP.ref]["metadata"]["deletionTimestamp"] = "2026-03-01T10:00:00Z"
    assert complaints(well, now) == ["ledger is gone"]


def test_a_larger_limit_is_right_where_the_fault_allows_it(well: Objects) -> None:
    now = copy.deepcopy(well)
    container(now)["resources"] = {"limits": {"memory": "512Mi"}}
    assert complaints(well, now) != []
    assert complaints(well, now, "resources") == []


def test_a_restart_changes_nothing_that_was_intended(well: Objects) -> None:
    now = copy.deepcopy(well)
    now[APP.ref]["spec"]["template"]["metadata"]["annotations"] = {"kubectl.kubernetes.io/restartedAt": "now"}
    assert complaints(well, now) == []


def test_a_failed_job_is_a_complaint(well: Objects) -> None:
    job = {"metadata": {"name": "export"}, "status": {"conditions": [{"type": "Failed", "status": "True"}]}}
    now = well | {ObjectRef("batch/v1", "Job", APP.namespace, "export"): job}
    assert complaints(well, now) == ["export failed"]


def test_well_is_what_stays_well(well: Objects) -> None:
    watch = Watch(timedelta(seconds=30))
    assert not watch.look([], seen(well), NOW)
    assert not watch.look([], seen(well), NOW + timedelta(seconds=20))
    assert watch.look([], seen(well), NOW + timedelta(seconds=30))
    assert watch.since == NOW


def test_a_complaint_in_between_starts_the_time_anew(well: Objects) -> None:
    watch = Watch(timedelta(seconds=30))
    watch.look([], seen(well), NOW)
    watch.look(["one pod is not ready"], seen(well), NOW + timedelta(seconds=10))
    assert not watch.look([], seen(well), NOW + timedelta(seconds=35))


def test_a_restart_in_between_starts_the_time_anew(well: Objects) -> None:
    watch = Watch(timedelta(seconds=30))
    watch.look([], seen(well), NOW)
    crashed = well | {ObjectRef("v1", "Pod", APP.namespace, "ledger-0"): ready("ledger", 0, restarts=1)}
    assert not watch.look([], seen(crashed), NOW + timedelta(seconds=30))
    assert watch.look([], seen(crashed), NOW + timedelta(seconds=60))
