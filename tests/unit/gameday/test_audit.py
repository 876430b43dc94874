import copy
from collections.abc import Callable
from typing import Any

from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.gameday.audit import writes_between, writes_by
from kubernaut.gameday.seeing import View

PLACE = "gameday-x7k2p4"


def entry(manager: str, at: str, subresource: str = "") -> dict[str, Any]:
    made = {"manager": manager, "operation": "Update", "time": at, "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    return made | ({"subresource": subresource} if subresource else {})


def deployment(name: str = "ledger") -> dict[str, Any]:
    place = {"name": name, "namespace": PLACE, "uid": f"uid-{name}", "generation": 1, "resourceVersion": "5"}
    place["managedFields"] = [entry("kubectl-client-side-apply", "2026-03-01T10:00:00Z")]
    return {"metadata": place, "spec": {"replicas": 2}, "status": {"readyReplicas": 2}}


def view(*items: dict[str, Any], kind: str = "Deployment", namespace: str = PLACE) -> View:
    listed = [KubeObject(item) for item in items]
    return View({ObjectRef("apps/v1", kind, namespace, item.name): item for item in listed})


def changed(item: dict[str, Any], edit: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    after = copy.deepcopy(item)
    edit(after)
    return after


def test_an_untouched_object_was_not_written() -> None:
    assert writes_between(view(deployment()), view(deployment())) == []


def test_a_status_that_moved_on_is_the_work_of_controllers() -> None:
    def move(item: dict[str, Any]) -> None:
        item["status"]["readyReplicas"] = 1
        item["metadata"]["resourceVersion"] = "9"
        item["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "2"}
        item["metadata"]["managedFields"].append(entry("kube-controller-manager", "2026-03-01T10:01:00Z", "status"))

    assert writes_between(view(deployment()), view(changed(deployment(), move))) == []


def test_a_write_by_somebody_else_is_found_with_the_name_of_its_manager() -> None:
    def scale(item: dict[str, Any]) -> None:
        item["spec"]["replicas"] = 5
        item["metadata"]["generation"] = 2
        item["metadata"]["managedFields"].append(entry("stranger", "2026-03-01T10:01:00Z"))

    [written] = writes_between(view(deployment()), view(changed(deployment(), scale)))
    assert (written.ref.name, written.times, written.managers) == ("ledger", 1, {"stranger"})


def test_a_change_that_was_taken_back_still_counts_twice() -> None:
    after = changed(deployment(), lambda item: item["metadata"].update(generation=3))
    [written] = writes_between(view(deployment()), view(after))
    assert written.times == 2


def test_a_field_that_was_only_taken_out_leaves_no_manager_and_is_found() -> None:
    before = changed(deployment(), lambda item: item["spec"].update(paused=True))
    [written] = writes_between(view(before), view(deployment()))
    assert (written.times, written.managers) == (1, frozenset())


def test_a_label_of_a_stranger_is_found() -> None:
    after = changed(deployment(), lambda item: item["metadata"].update(labels={"team": "x"}))
    assert len(writes_between(view(deployment()), view(after))) == 1


def test_an_object_that_was_deleted_and_one_that_was_made_are_writes() -> None:
    found = writes_between(view(deployment("ledger")), view(deployment("intake")))
    assert [one.ref.name for one in found] == ["intake", "ledger"]


def test_an_object_made_anew_under_its_name_counts_as_two_writes() -> None:
    again = changed(deployment(), lambda item: item["metadata"].update(uid="another"))
    assert writes_between(view(deployment()), view(again))[0].times == 2


def test_pods_come_and_go_by_their_controllers() -> None:
    assert writes_between(view(kind="Pod"), view(deployment("ledger-abc12"), kind="Pod")) == []


def test_a_pod_that_we_wrote_to_is_found() -> None:
    after = changed(
        deployment("ledger-abc12"),
        lambda item: item["metadata"]["managedFields"].append(entry("kubernaut", "2026-03-01T10:01:00Z")),
    )
    [written] = writes_between(view(deployment("ledger-abc12"), kind="Pod"), view(after, kind="Pod"))
    assert written.managers == {"kubernaut"}


def test_what_every_namespace_is_given_is_nobodys_write() -> None:
    assert writes_between(view(kind="ConfigMap"), view(deployment("kube-root-ca.crt"), kind="ConfigMap")) == []


def test_our_writes_elsewhere_are_found_and_those_of_others_are_theirs() -> None:
    def by(manager: str) -> Callable[[dict[str, Any]], object]:
        return lambda item: item["metadata"]["managedFields"].append(entry(manager, "2026-03-01T10:01:00Z"))

    before = view(deployment(), namespace="pay")
    assert (
        writes_by("kubernaut", before, view(changed(deployment(), by("helm")), namespace="pay"), apart_from="g-") == []
    )
    found = writes_by(
        "kubernaut", before, view(changed(deployment(), by("kubernaut")), namespace="pay"), apart_from="g-"
    )
    assert [one.ref.namespace for one in found] == ["pay"]


def test_another_namespace_of_a_gameday_is_judged_with_its_own_problem() -> None:
    after = changed(
        deployment(), lambda item: item["metadata"]["managedFields"].append(entry("kubernaut", "2026-03-01T10:01:00Z"))
    )
    assert writes_by("kubernaut", view(deployment()), view(after), apart_from="gameday-") == []
