"""What a model may look up: read-only, bounded, within the incident, and without secrets."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.adapters.memory.metrics import MemoryMetrics
from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.evidence import Evidence, EvidenceId, EvidenceSource
from kubernaut.domain.measures import MEMORY_USED
from kubernaut.domain.objects import Json, JsonObject, KubeObject, ObjectRef
from kubernaut.investigation.further_reading import FurtherReading, looks_body
from kubernaut.investigation.gathering import BUDGET, Budget
from kubernaut.investigation.model_tools import offered
from kubernaut.ports import Looked, Metrics
from tests.objects import NOW, container, crash_loop, event, namespace, node, pod, template
from tests.unit.investigation.scenes import Rollout

OLD = template(container(args=["--workers=2"]))
NEW = template(container(args=["--workers=9"], env=[{"name": "DB_PASSWORD", "value": "hunter2hunter2"}]))
ROLLOUT = Rollout(OLD, NEW)
(POD,) = ROLLOUT.pods(crash_loop(), 1)
TARGET = ROLLOUT.deployment.ref
OTHER = pod("spy", [], namespace="payroll")
SECRET = KubeObject({
    "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "shop"},
    "data": {"password": "aHVudGVyMmh1bnRlcjI="},
})  # fmt: skip
CONFIG = KubeObject({
    "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop"},
    "data": {
        "DB_PASSWORD": "hunter2hunter2", "dsn": "hunter2hunter2", "MODE": "fast",
        **{f"K{number}": "x" * 90 for number in range(20)},
    },
})  # fmt: skip
FACT = Evidence(EvidenceId("e1"), EvidenceSource.FIELD, POD.ref, "status", "restarted 5 times")
LOG = "\n".join(["starting", "loading settings", "queue is at 17", "panic: no workers left", "bye"])


class Reading:
    """Further reading in a small cluster, with what is to be looked at."""

    def __init__(self, *items: KubeObject, left: Budget = BUDGET, metrics: Metrics | None = None) -> None:
        everything = [*ROLLOUT.parts, POD, OTHER, SECRET, CONFIG, node(), namespace(), *items]
        self.cluster = MemoryCluster(dict(item.raw) for item in everything)
        self.cluster.logs[POD.ref, "app", True] = LOG
        self.further = FurtherReading(self.cluster, ManualClock(NOW), metrics, Diagnosis(TARGET, (), (FACT,)), left)

    async def look(self, tool: str, **arguments: Json) -> Looked:
        return await self.further.look(tool, arguments)

    async def texts(self, tool: str, **arguments: Json) -> str:
        return "\n".join(fact.text for fact in (await self.look(tool, **arguments)).facts)


def test_no_tool_changes_anything_and_none_takes_a_query() -> None:
    names = {tool.name for tool in offered(measurable=True)}

    assert names == {"read_events", "read_logs", "get_object", "list_changes", "query_metric"}
    assert {tool.name for tool in offered(measurable=False)} == names - {"query_metric"}
    assert all(tool.parameters["additionalProperties"] is False for tool in offered(measurable=True))


async def test_events_of_one_object_become_facts_with_ids_that_go_on_from_those_of_the_rules() -> None:
    reading = Reading(event(POD, "BackOff", "back-off"), event(OTHER, "Failed", "not yours"))

    looked = await reading.look("read_events", kind="Pod", name=POD.name)

    assert [(fact.id, fact.source, fact.text) for fact in looked.facts] == [
        ("e2", EvidenceSource.EVENT, "BackOff: back-off")
    ]


async def test_that_there_is_no_event_and_no_object_is_a_fact_too() -> None:
    reading = Reading()

    none = [
        await reading.look("read_events", kind="Pod", name=POD.name),
        await reading.look("get_object", kind="ConfigMap", name="gone"),
    ]

    assert [[fact.source for fact in one.facts] for one in none] == [[EvidenceSource.ABSENCE]] * 2


async def test_a_log_is_read_for_what_it_contains_or_for_what_is_decisive() -> None:
    reading = Reading()
    where: JsonObject = {"pod": POD.name, "container": "app", "previous": True}

    assert await reading.texts("read_logs", **where, contains="QUEUE") == "queue is at 17"
    decisive = await reading.texts("read_logs", **where)
    assert decisive.startswith("panic: no workers left")
    assert decisive.endswith("bye")
    assert (await reading.look("read_logs", pod=POD.name, container="app")).note == "there is no such log"


async def test_changes_of_a_namespace_are_told_with_what_they_changed() -> None:
    told = await Reading().texts("list_changes")

    assert "Deployment checkout revision 6 -> 7, 10 min ago" in told
    assert "--workers=9" in told
    assert "hunter2" not in told


async def test_a_measure_is_asked_by_its_name_about_one_container() -> None:
    metrics = MemoryMetrics()
    metrics.say(MEMORY_USED.name, 5.0, 9.0, at=NOW, pod=POD.name)
    reading = Reading(metrics=metrics)

    looked = await reading.look("query_metric", metric="memory_used", pod=POD.name, container="app")

    assert looked.facts[0].source is EvidenceSource.METRIC
    assert f"(pod {POD.name}): 9, from 5, highest 9" in looked.facts[0].text
    assert f'pod="{POD.name}"' in metrics.asked[0].query


async def test_an_object_comes_in_short_parts_and_a_path_narrows_it() -> None:
    reading = Reading()

    whole = await reading.look("get_object", kind="Deployment", name=TARGET.name)
    part = await reading.texts("get_object", kind="Deployment", name=TARGET.name, field="spec.template.spec.containers")

    assert len(whole.facts) <= 8
    assert all(len(fact.text) <= 320 for fact in whole.facts)
    assert "--workers=9" in part
    assert "replicas" not in part


@pytest.mark.parametrize(
    ("kind", "name"), [("Secret", "db"), ("ConfigMap", "settings"), ("Deployment", TARGET.name), ("Pod", POD.name)]
)
@pytest.mark.parametrize("field", ["", "data", "spec.template.spec.containers"])
async def test_no_look_shows_a_secret(kind: str, name: str, field: str) -> None:
    reading = Reading()

    told = await reading.texts("get_object", kind=kind, name=name, field=field)

    assert "hunter2" not in told
    assert "aHVudGVy" not in told


async def test_the_keys_of_a_secret_can_be_seen() -> None:
    assert "password" in await Reading().texts("get_object", kind="Secret", name="db", field="data")


@pytest.mark.parametrize(
    ("tool", "arguments", "reason"),
    [
        ("kubectl_exec", {"command": "id"}, "there is no tool 'kubectl_exec'"),
        ("query_metric", {"metric": "cpu_used"}, "there is no tool"),
        ("get_object", {"kind": "Widget", "name": "x"}, "kind: "),
        ("get_object", {"kind": "Pod"}, "name: Field required"),
        ("get_object", {"kind": "Pod", "name": "../secrets/db"}, "name: "),
        ("get_object", {"kind": "Pod", "name": "x", "verb": "delete"}, "verb: Extra inputs"),
        ("read_events", {"kind": "Pod", "name": "x,involvedObject.namespace=payroll"}, "name: "),
        ("read_logs", {"pod": "x", "container": "app", "contains": "y" * 81}, "contains: "),
        ("read_logs", {"pod": "x", "container": "app", "previous": "yes"}, "previous: "),
        ("get_object", {"kind": "Pod", "name": "spy", "namespace": "payroll"}, "you may look into shop"),
        ("read_logs", {"pod": "spy", "container": "app", "namespace": "payroll"}, "you may look into shop"),
        ("list_changes", {"namespace": "kube-system"}, "you may look into shop"),
        ("read_events", {"kind": "Pod", "name": "spy", "namespace": "payroll"}, "you may look into shop"),
    ],
)
async def test_what_is_unknown_wrong_or_out_of_scope_is_refused_with_the_reason_and_nothing_is_read(
    tool: str, arguments: JsonObject, reason: str
) -> None:
    reading = Reading()

    looked = await reading.look(tool, **arguments)

    assert looked.refused
    assert looked.facts == ()
    assert reason in looked.note
    assert reading.further.left == BUDGET


async def test_kinds_of_the_whole_cluster_may_be_looked_at() -> None:
    assert "Node" in await Reading().texts("get_object", kind="Node", name=node().name)


async def test_where_the_rules_found_something_may_be_looked_into() -> None:
    reading = Reading()
    elsewhere = replace(FACT, object=OTHER.ref)
    reading.further = replace(reading.further, diagnosis=Diagnosis(TARGET, (), (elsewhere,)))

    assert not (await reading.look("get_object", kind="Pod", name="spy", namespace="payroll")).refused


async def test_what_the_rules_left_of_the_budget_is_all_there_is() -> None:
    reading = Reading(left=replace(BUDGET, calls=1))

    first = await reading.look("get_object", kind="Pod", name=POD.name)
    second = await reading.look("get_object", kind="Deployment", name=TARGET.name)

    assert first.facts
    assert (second.facts, second.refused) == ((), False)
    assert "used up" in second.note
    assert reading.further.tools == ()


async def test_bytes_are_counted_as_well() -> None:
    reading = Reading(left=replace(BUDGET, size=10))
    await reading.look("get_object", kind="Pod", name=POD.name)

    assert "used up" in (await reading.look("get_object", kind="Deployment", name=TARGET.name)).note


async def test_a_cluster_that_hangs_takes_no_more_than_the_seconds_that_are_left() -> None:
    class Hanging(MemoryCluster):
        async def get(self, ref: ObjectRef) -> KubeObject | None:  # noqa: ARG002
            await asyncio.Event().wait()
            raise AssertionError("never")

    further = FurtherReading(
        Hanging([]), ManualClock(NOW), None, Diagnosis(TARGET, (), ()), replace(BUDGET, timeout=timedelta(seconds=0.02))
    )

    looked = await further.look("get_object", {"kind": "Pod", "name": "x"})
    again = await further.look("get_object", {"kind": "Pod", "name": "y"})

    assert looked.note == "no answer in time"
    assert "used up" in again.note


async def test_what_may_not_be_read_is_said_and_is_no_mistake_of_the_model() -> None:
    reading = Reading()
    reading.cluster.denied.add(("get", "pods"))

    looked = await reading.look("get_object", kind="Pod", name=POD.name)

    assert (looked.facts, looked.refused) == ((), False)
    assert "forbidden" in looked.note


async def test_the_same_look_again_brings_the_same_facts_and_costs_nothing() -> None:
    reading = Reading()
    first = await reading.look("get_object", kind="Pod", name=POD.name)
    left = reading.further.left

    assert await reading.look("get_object", name=POD.name, kind="Pod") == first
    assert reading.further.left == left
    assert len(reading.further.done) == 1


async def test_there_is_an_end_to_looking() -> None:
    reading = Reading()
    notes = [(await reading.look("get_object", kind="Pod", name=f"p{number}")).note for number in range(10)]

    assert notes[7] == ""
    assert "8 looks were taken" in notes[8]


async def test_a_fact_that_the_rules_cite_keeps_its_id() -> None:
    reading = Reading()
    (line,) = (await reading.look("read_logs", pod=POD.name, container="app", previous=True, contains="panic")).facts
    known = Diagnosis(TARGET, (), (replace(line, id=EvidenceId("e1")),))
    reading.further = FurtherReading(reading.cluster, ManualClock(NOW), None, known, BUDGET)

    again = await reading.look("read_logs", pod=POD.name, container="app", previous=True, contains="panic")

    assert [fact.id for fact in again.facts] == ["e1"]


async def test_every_look_is_written_down_with_what_it_brought() -> None:
    reading = Reading()
    await reading.look("read_logs", pod=POD.name, container="app", previous=True, contains="panic")
    await reading.look("exec", command="psql postgres://app:hunter2@db")

    found, refused = looks_body(reading.further.done)

    assert isinstance(found, dict)
    assert isinstance(refused, dict)
    assert (found["tool"], found["refused"]) == ("read_logs", False)
    assert "panic: no workers left" in str(found["facts"])
    assert (refused["tool"], refused["refused"], refused["facts"]) == ("exec", True, [])
    assert "hunter2" not in str(refused)
