import json
import random
import re

import pytest

from kubernaut.domain.alerts import handling_of
from kubernaut.domain.errors import UnknownName
from kubernaut.gameday.catalogue import CONTROLS, FAULTS, chosen
from kubernaut.gameday.fault import Fault, Policy, Problem, problems_of, random_namespace
from kubernaut.gameday.shop import Images, live_images
from kubernaut.gameday.steps import Apply, Delete, DeletePods, Edit, Scale, Step

ROLES = ("web", "next", "caller", "store", "writer", "hungry", "private", "foreign")
IMAGES = Images({role: f"registry.example.com/apps/{role}:1.0.0" for role in ROLES})
EVERYTHING = (*FAULTS, *CONTROLS)


def problems(*faults: Fault, variants: int = 3, images: Images = IMAGES, nodes: int = 3) -> list[Problem]:
    return problems_of(faults, images, nodes=nodes, variants=variants, seed=1)[0]


def steps_of(problem: Problem) -> list[Step]:
    placed = problem.in_namespace("gameday-x7k2p4")
    return list(placed.fault.inject(placed.shop))


def test_there_are_at_least_fifty_faults_and_five_controls() -> None:
    assert len(FAULTS) >= 50
    assert len(CONTROLS) >= 5


def test_no_two_have_the_same_name() -> None:
    names = [fault.name for fault in EVERYTHING]
    assert len(set(names)) == len(names)


def test_a_control_is_left_alone_and_a_fault_is_not() -> None:
    assert {fault.policy for fault in CONTROLS} == {Policy.DECLINE}
    assert Policy.DECLINE not in {fault.policy for fault in FAULTS}
    assert all(fault.control for fault in CONTROLS)
    assert not any(fault.control for fault in FAULTS)


@pytest.mark.parametrize("fault", EVERYTHING, ids=lambda fault: fault.name)
def test_a_fault_is_some_plain_writes_in_its_own_namespace(fault: Fault) -> None:
    for problem in problems(fault):
        steps = steps_of(problem)
        assert steps
        for step in steps:
            match step:
                case Apply(manifest):
                    assert manifest["metadata"]["namespace"] == "gameday-x7k2p4"  # type: ignore[call-overload,index]
                case DeletePods(namespace, _):
                    assert namespace == "gameday-x7k2p4"
                case Edit(ref, _, _) | Scale(ref, _) | Delete(ref):
                    assert "gameday-x7k2p4" in {ref.namespace, ref.name}


@pytest.mark.parametrize("fault", EVERYTHING, ids=lambda fault: fault.name)
def test_nothing_in_the_cluster_tells_which_fault_it_is(fault: Fault) -> None:
    for problem in problems(fault):
        placed = problem.in_namespace("gameday-x7k2p4")
        written = placed.shop.manifests() + [step.manifest for step in steps_of(problem) if isinstance(step, Apply)]
        assert fault.name not in json.dumps(written)


@pytest.mark.parametrize("fault", EVERYTHING, ids=lambda fault: fault.name)
def test_the_alert_of_a_fault_is_one_that_is_known(fault: Fault) -> None:
    assert handling_of(fault.alert).is_known


def test_variants_differ_in_names_and_in_what_stands_beside() -> None:
    variants = problems(*FAULTS[:1])
    assert len({problem.shop.app.name for problem in variants}) == 3
    assert [len(problem.shop.neighbours) for problem in variants] == [0, 1, 2]
    assert variants[2].shop.app.kind == "StatefulSet"


def test_the_same_seed_gives_the_same_systems_and_another_seed_others() -> None:
    assert problems(*FAULTS) == problems(*FAULTS)
    others, _ = problems_of(FAULTS, IMAGES, nodes=3, variants=3, seed=2)
    assert [problem.shop.app.name for problem in others] != [problem.shop.app.name for problem in problems(*FAULTS)]


def test_no_app_begins_with_the_name_of_another_of_its_system() -> None:
    for problem in problems(*EVERYTHING):
        names = [app.name for app in problem.shop.apps]
        assert not any(a != b and b.startswith(a) for a in names for b in names)


def test_a_cluster_without_an_image_leaves_out_the_faults_that_need_it() -> None:
    played, left_out = problems_of(FAULTS, live_images("busybox:1.36"), nodes=3, variants=1, seed=1)
    assert left_out == ["image-private", "image-for-another-processor"]
    assert not {problem.fault.name for problem in played} & set(left_out)
    assert len(played) >= 40


def test_a_fault_that_needs_few_nodes_is_left_out_where_there_are_many() -> None:
    _, left_out = problems_of(FAULTS, IMAGES, nodes=50, variants=1, seed=1)
    assert left_out == ["pods-kept-apart"]


def test_another_tag_leaves_the_port_of_a_registry_alone() -> None:
    images = Images(dict.fromkeys(ROLES, "registry.example.com:5000/web"))
    [problem] = problems(*chosen(["image-tag-missing"]), variants=1, images=images)
    [step] = steps_of(problem)
    assert isinstance(step, Apply)
    assert '"registry.example.com:5000/web:0.0.0-none"' in json.dumps(step.manifest)


def test_a_remedy_may_touch_the_broken_app_and_what_it_depends_on_and_no_neighbour() -> None:
    [problem] = problems(*chosen(["dependency-scaled-to-zero"]), variants=2)[1:]
    declared = {ref.name for ref in problem.declared}
    assert {problem.shop.app.name, problem.shop.needed.name} <= declared
    assert not declared & {app.name for app in problem.shop.neighbours}


def test_a_fault_that_nobody_knows_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UnknownName, match="no fault 'typo'") as caught:
        chosen(["typo"])
    assert "image-tag-missing" in caught.value.help


def test_a_system_without_a_dependency_says_so() -> None:
    with pytest.raises(LookupError, match="depends on nothing"):
        _ = problems(*FAULTS[:1])[0].shop.needed


def test_the_name_of_a_namespace_tells_nothing() -> None:
    assert re.fullmatch(r"gameday-[a-z0-9]{6}", random_namespace(random.Random(1)))  # noqa: S311
