"""The sandbox prints the tables of a real API server: their columns, their ages, what a pod's status is called."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kubernaut.domain.objects import Json, JsonObject, KubeObject
from kubernaut.sandbox.kinds import KINDS, Kind
from kubernaut.sandbox.rest.cells import human_duration
from kubernaut.sandbox.rest.tables import render_table
from kubernaut.sandbox.rest.workload_columns import pod_status
from kubernaut.sandbox.storage import Stored

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR_AGO = "2026-03-02T11:00:00Z"


def kind_of(plural: str) -> Kind:
    return next(kind for kind in KINDS if kind.plural == plural)


def row(plural: str, *, of: str = "", **fields: Json) -> dict[str, Json]:
    raw: JsonObject = {"apiVersion": "v1", "metadata": {"name": "web", "creationTimestamp": HOUR_AGO}, **fields}
    table = KubeObject(render_table(kind_of(plural), [Stored(raw, 1)], NOW, of=of))
    (only,) = table.trees("rows")
    cells = only.at("cells")
    assert isinstance(cells, list)
    names = [column.text("name") for column in table.trees("columnDefinitions")]
    return dict(zip(names, cells, strict=True)) | {"object": only.at("object")}


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0s"), (119, "119s"), (120, "2m"), (192, "3m12s"), (600, "10m"), (10_799, "179m"), (10_800, "3h"),
        (18_240, "5h4m"), (100_000, "27h"), (190_000, "2d4h"), (40_000_000, "462d"), (70_000_000, "2y80d"),
    ],
)  # fmt: skip
def test_an_age_is_told_as_kubectl_tells_it(seconds: int, shown: str) -> None:
    assert human_duration(seconds) == shown


def test_restarts_say_when_the_last_one_was() -> None:
    ended: JsonObject = {"terminated": {"exitCode": 1, "finishedAt": "2026-03-02T11:57:30Z"}}
    status: JsonObject = {"restartCount": 5, "lastState": ended, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    shown = row("pods", spec={"containers": [{"name": "app"}]}, status={"containerStatuses": [status]})
    assert (shown["Ready"], shown["Status"], shown["Restarts"]) == ("0/1", "CrashLoopBackOff", "5 (2m30s ago)")


@pytest.mark.parametrize(
    ("first", "shown"),
    [
        ({"state": {"terminated": {"exitCode": 1, "reason": "Error"}}}, "Init:Error"),
        ({"state": {"waiting": {"reason": "ImagePullBackOff"}}}, "Init:ImagePullBackOff"),
        ({"state": {"running": {}}}, "Init:0/1"),
        ({"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}, "CrashLoopBackOff"),
    ],
)
def test_a_pod_is_called_after_the_init_container_that_it_waits_for(first: JsonObject, shown: str) -> None:
    app: JsonObject = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    status: JsonObject = {"phase": "Pending", "initContainerStatuses": [first], "containerStatuses": [app]}
    assert pod_status(KubeObject({"spec": {"initContainers": [{"name": "wait"}]}, "status": status})) == shown


def test_wide_columns_name_what_a_deployment_is_made_of() -> None:
    template: JsonObject = {"spec": {"containers": [{"name": "app", "image": "acme/web:1"}]}}
    shown = row("deployments", spec={"template": template, "selector": {"matchLabels": {"app": "web"}}})
    assert (shown["Containers"], shown["Images"], shown["Selector"]) == ("app", "acme/web:1", "app=web")


def test_rows_carry_the_whole_object_where_kubectl_sorts_by_a_field() -> None:
    whole, partial = row("configmaps", of="Object", data={"a": "b"}), row("configmaps", data={"a": "b"})
    assert isinstance(whole["object"], dict)
    assert whole["object"]["data"] == {"a": "b"}
    assert isinstance(partial["object"], dict)
    assert "data" not in partial["object"]
    assert row("configmaps", of="None")["object"] is None


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.qualified)
def test_every_kind_has_a_cell_under_each_heading(kind: Kind) -> None:
    raw: JsonObject = {"metadata": {"name": "web"}}
    (only,) = KubeObject(render_table(kind, [Stored(raw, 1)], NOW)).trees("rows")
    columns = render_table(kind, [], NOW)["columnDefinitions"]
    cells = only.at("cells")
    assert isinstance(columns, list)
    assert isinstance(cells, list)
    assert len(cells) == len(columns)
