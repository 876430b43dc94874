"""For any owners of any fields: no action changes live what its owner would put back, and no other field is held up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping

from hypothesis import event, given, settings
from hypothesis import strategies as st

from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.domain.execution import Applied, Intent, Refused
from kubernaut.domain.objects import Json, JsonObject, KubeObject
from kubernaut.execution.catalogue import discover
from kubernaut.execution.previewing import ExecutionPorts, intend
from kubernaut.execution.sequences import apply
from tests.remedies import CASES, Case, StillClock, town

CATALOGUE = discover()
Leaf = tuple[str, ...]
Manager = tuple[str, str]

KEEPERS: tuple[Manager, ...] = (("argocd-controller", "Apply"), ("kustomize-controller", "Apply"), ("helm", "Update"))
OPERATORS: tuple[Manager, ...] = (("cart-operator", "Update"), ("shopkeeper", "Apply"))
OTHERS: tuple[Manager, ...] = (
    *(("kubectl-edit", "Update"), ("kubectl", "Apply"), ("kubectl-client-side-apply", "Update")),
    *(("kubernaut", "Update"), ("kube-controller-manager", "Update"), ("shopkeeper", "Update")),
)


def leaves(value: Json, path: Leaf = ()) -> Iterator[tuple[Leaf, Json]]:
    """Every field with its value; entries of a list by their names, where all have one."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*path, f"f:{key}"))
    elif isinstance(value, list) and value and all(isinstance(each, dict) and "name" in each for each in value):
        for each in value:
            assert isinstance(each, dict)
            yield from leaves(each, (*path, f"k:{json.dumps({'name': each['name']})}"))
    elif path:
        yield path, value


def written(item: KubeObject | None) -> dict[Leaf, Json]:
    """What people write in the object: all but its status and the server's bookkeeping."""
    if item is None:
        return {}
    body: JsonObject = {key: value for key, value in item.raw.items() if key not in {"metadata", "status"}}
    body["metadata"] = {"labels": dict(item.labels), "annotations": dict(item.annotations)}
    return dict(leaves(body))


def rendered(held: Mapping[Leaf, Manager]) -> list[Json]:
    entries: dict[Manager, JsonObject] = {}
    for leaf, manager in held.items():
        node = entries.setdefault(manager, {})
        for step in leaf:
            inner = node.setdefault(step, {})
            assert isinstance(inner, dict)
            node = inner
    return [{"manager": name, "operation": how, "fieldsV1": tree} for (name, how), tree in entries.items()]


def ports_over(items: list[JsonObject]) -> tuple[MemoryCluster, ExecutionPorts]:
    cluster = MemoryCluster(items)
    return cluster, ExecutionPorts(cluster, cluster, StillClock(), CATALOGUE)


async def changed_by(case: Case) -> set[Leaf]:
    """The fields of the target that the action changes, found by doing it."""
    cluster, ports = ports_over(town())
    before = written(await cluster.get(case.target))
    intent = await intend(ports, case.call)
    assert isinstance(intent, Intent)
    assert (await apply(ports, intent)).applied is Applied.DONE
    after = written(await cluster.get(case.target))
    return {leaf for leaf in before.keys() | after.keys() if before.get(leaf) != after.get(leaf)}


CHANGED = {index: asyncio.run(changed_by(case)) for index, case in enumerate(CASES)}


def is_marking(leaf: Leaf) -> bool:
    return any(step in {"f:labels", "f:annotations"} for step in leaf)


def is_owned(case: Case, changed: set[Leaf], held: Mapping[Leaf, Manager]) -> bool:
    kept = case.target.kind not in {"Pod", "Node"} and any(manager in KEEPERS for manager in held.values())
    whole = kept and any(not is_marking(leaf) for leaf in changed)
    return whole or any(held.get(leaf) in (*KEEPERS, *OPERATORS) for leaf in changed)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_no_action_changes_a_field_that_its_owner_would_put_back(data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(CASES) - 1))
    case, changed = CASES[index], CHANGED[index]
    items = town()
    target = next((raw for raw in items if KubeObject(raw).ref == case.target), None)
    if target is None or case.action in {"restart_pod", "delete_evicted_pods"}:
        # What is not there yet is nobody's, and a pod is no text that anybody keeps.
        return
    fields = sorted(written(KubeObject(target)))
    some = data.draw(st.lists(st.sampled_from(fields), unique=True, max_size=6)) if fields else []
    touched = sorted(changed & set(fields))
    some += data.draw(st.lists(st.sampled_from(touched), unique=True, max_size=3)) if touched else []
    held = {leaf: data.draw(st.sampled_from([*KEEPERS, *OPERATORS, *OTHERS])) for leaf in some}
    metadata = target["metadata"]
    assert isinstance(metadata, dict)
    metadata["managedFields"] = rendered(held)

    cluster, ports = ports_over(items)
    before = cluster.raw(case.target)
    answer = asyncio.run(intend(ports, case.call))
    event("owned" if isinstance(answer, Refused) else "free")
    if is_owned(case, changed, held):
        assert isinstance(answer, Refused)
        assert answer.guard == "owned"
        assert cluster.raw(case.target) == before
    else:
        assert isinstance(answer, Intent), answer
