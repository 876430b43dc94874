"""The scored suite of diagnoses: what it makes, and how it counts."""

from __future__ import annotations

import json

import pytest

import bench.diagnosis.faults  # noqa: F401  # declares the faults
from bench.diagnosis.__main__ import all_cases, chosen, main, options_of
from bench.diagnosis.cases import FAULTS, VARIANTS, Policy, Symptom, about
from bench.diagnosis.controls import CONTROLS, VARIANT_CONTROLS
from bench.diagnosis.names import HINTS, Names
from bench.diagnosis.running import Case, cases_of, drawn, made
from bench.diagnosis.scoring import Result, p95, summary, table, wilson
from bench.diagnosis.system import System
from bench.diagnosis.uncovered import not_covered
from kubernaut.domain.diagnosis import Verdict
from kubernaut.domain.objects import ObjectRef
from kubernaut.investigation.causes import catalogue
from kubernaut.sandbox.kinds import STORED

# The names that every cluster has.
OWN = frozenset({"default", "kube-controller-manager"})
DRAW = drawn(Case(FAULTS[0], "Deployment", 1))
LIMIT = next(fault for fault in FAULTS if fault.name == "limit_lowered")


def stored(system: System) -> dict[str, list[str]]:
    return {kind.key: sorted(item.name for item in system.cluster.storage.views(kind)) for kind in STORED}


def result(**fields: object) -> Result:
    given: dict[str, object] = {
        "row": 54, "case": "x/Deployment/1", "control": False, "symptom": "simulated", "right_cause": True,
        "right_target": True, "right_verdict": True, "proposed": (), "wanted": "a", "said": "b", "milliseconds": 4.0,
        "cpu_ms": 3.0, "calls": 5,
    }  # fmt: skip
    return Result(**(given | fields))  # type: ignore[arg-type]  # the fields of the test


def test_a_case_is_the_same_system_each_time_it_is_made() -> None:
    first = stored(System(drawn(Case(LIMIT, "Deployment", 3))))
    assert stored(System(drawn(Case(LIMIT, "Deployment", 3)))) == first


def test_another_seed_is_another_system() -> None:
    assert len({System(drawn(Case(LIMIT, "Deployment", seed))).target.name for seed in (1, 2)}) == 2


def test_every_fault_and_control_has_a_name_of_its_own() -> None:
    names = [fault.name for fault in (*FAULTS, *VARIANTS)] + [each.name for each in (*CONTROLS, *VARIANT_CONTROLS)]
    assert len(names) == len(set(names))


def test_every_cause_that_is_expected_exists() -> None:
    known = {cause.id for cause in catalogue()}
    assert {cause for fault in (*FAULTS, *VARIANTS) for cause in fault.causes} <= known


def test_every_row_has_a_case_or_a_reason() -> None:
    covered, left_out = {fault.row for fault in FAULTS}, {entry["row"] for entry in not_covered()}
    assert covered | left_out == set(range(1, 114))
    assert not covered & left_out


def test_no_row_is_left_out_without_a_reason() -> None:
    assert "no case yet" not in {entry["reason"] for entry in not_covered()}


def test_no_drawn_name_tells_what_is_the_matter() -> None:
    names = Names(DRAW)
    found = [make() for _ in range(150) for make in (names.namespace, names.workload, names.store, names.word)]
    found += names.nodes(5)
    assert not [name for name in found if any(hint in name for hint in HINTS)]


def test_names_are_drawn_only_once() -> None:
    names = Names(DRAW)
    found = [names.word() for _ in range(300)]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("name", ["limit_lowered", "tag_not_published", "selects_no_pod", "cpu_used_up"])
def test_no_object_of_a_broken_system_has_a_name_that_tells_its_answer(name: str) -> None:
    fault = next(each for each in FAULTS if each.name == name)
    system, _, _ = made(Case(fault, "Deployment", 1))
    kinds = [kind for kind in STORED if kind.name != "Event"]
    names = [item.name for kind in kinds for item in system.cluster.storage.views(kind) if item.name not in OWN]
    words = (*HINTS, *fault.causes, fault.name)
    assert not [item for item in names if any(word in item for word in words)]


def test_a_written_symptom_says_so_in_its_definition() -> None:
    written = [fault for fault in (*FAULTS, *VARIANTS) if fault.symptom is Symptom.WRITTEN]
    assert written
    assert not [fault.name for fault in written if not (fault.inject.__doc__ or _module_doc(fault.inject.__module__))]


def _module_doc(name: str) -> bool:
    return "written" in (__import__(name, fromlist=["x"]).__doc__ or "")


def test_the_kinds_of_workload_come_by_turns() -> None:
    kinds = [case.kind for case in cases_of([LIMIT], variants=4, seed=1)]
    assert kinds == ["Deployment", "StatefulSet", "DaemonSet", "Deployment"]


def test_as_many_controls_are_run_as_were_asked_for() -> None:
    cases = all_cases(options_of(["--faults", "none", "--controls", "53"]))
    assert len(cases) == len({case.name for case in cases}) == 53


def test_a_row_names_all_its_faults() -> None:
    assert {fault.row for fault in chosen("54", FAULTS)} == {54}
    assert len(chosen("54,limit_lowered", FAULTS)) == len(chosen("54", FAULTS)) + 1


def test_escalating_what_may_be_mended_is_not_right() -> None:
    assert Verdict.ESCALATE not in LIMIT.right_verdicts
    assert LIMIT.policy is Policy.ACT


def test_an_alert_names_a_cluster_scoped_object_without_a_namespace() -> None:
    assert about(ObjectRef("v1", "Node", "", "pool-1")).labels == {"node": "pool-1"}


@pytest.mark.parametrize(
    ("right", "of", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 300, 0.0, 0.0127), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634)],
)
def test_the_interval_is_wilsons(right: int, of: int, low: float, high: float) -> None:
    assert wilson(right, of) == pytest.approx((low, high), abs=2e-4)


def test_the_95th_percentile_is_a_value_that_was_measured() -> None:
    assert p95([float(value) for value in range(1, 101)]) == 95.0
    assert p95([]) == 0.0


def test_a_summary_counts_faults_and_controls_apart() -> None:
    control = result(control=True, row=117, right_cause=False, proposed=("scale_workload on Deployment a for b",))
    told = summary([result(), result(right_cause=False), control], [])
    assert (told["cases"], told["right_cause"], told["controls"], told["actions_on_controls"]) == (2, 1, 1, 1)
    assert [one["row"] for one in told["failures"]] == [54, 117]  # type: ignore[union-attr,index,call-overload]
    assert json.loads(json.dumps(told)) == told


def test_a_control_that_is_not_acted_on_is_no_failure() -> None:
    told = summary([result(control=True, right_verdict=False)], [])
    assert told["failures"] == []


def test_a_table_lists_what_was_not_right() -> None:
    assert "not right: row 54 x/Deployment/1" in table(summary([result(right_target=False)], []))


@pytest.mark.parametrize(
    "arguments",
    [["--faults", "999"], ["--variants", "0"], ["--controls", "-1"], ["--on", "elsewhere"], ["--seed", "x"]],
)
def test_a_wrong_option_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_an_object_that_a_case_needs_and_that_is_not_there_is_told() -> None:
    with pytest.raises(LookupError, match="ConfigMap never-made"):
        System(drawn(Case(LIMIT, "Deployment", 1))).find("v1", "ConfigMap", "never-made")


def test_the_second_set_has_cases_and_controls_of_its_own() -> None:
    cases = all_cases(options_of(["--set", "variants", "--variants", "1", "--controls", "9"]))
    names = {case.happening.name for case in cases}
    assert len(names) == len(VARIANTS) + 9
    assert not names & {fault.name for fault in FAULTS}
