"""What is taken as a strategy, and how what is not is pointed at."""

from __future__ import annotations

import pytest
import yaml

from kubernaut.domain.errors import StrategyError
from kubernaut.entrypoints.strategies import crd_text
from kubernaut.execution.catalogue import discover
from kubernaut.planning.strategies.document import Document, Expected, Spec, Step, Verify
from kubernaut.planning.strategies.reading import LARGEST, StrategyText, read_strategies
from kubernaut.planning.strategies.strategy import Strategy
from kubernaut.strategy_wiring import known_names
from tests.strategies import a_strategy

KNOWN = known_names(discover())


def read(*texts: str) -> tuple[Strategy, ...]:
    return read_strategies([StrategyText(f"{number}.yaml", text) for number, text in enumerate(texts, 1)], KNOWN)


def wrong(*texts: str) -> str:
    with pytest.raises(StrategyError) as raised:
        read(*texts)
    return str(raised.value)


def test_several_documents_of_several_files_are_taken_in_their_order() -> None:
    step = "{action: restart_workload}"
    found = read(a_strategy(step, name="b") + "---\n" + a_strategy(step, name="a"), a_strategy(step, name="c"))
    assert [each.name for each in found] == ["b", "a", "c"]
    assert [each.place for each in found] == ["1.yaml:1:1", "1.yaml:10:1", "2.yaml:1:1"]


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (
            "{action: restart_workloat}",
            "1.yaml:8:8: spec.steps[0].action: there is no action restart_workloat; did",
        ),
        ("{action: escalate}", "1.yaml:8:8: spec.steps[0].action: escalate changes nothing"),
        ("{action: restart_workload, onFailure: retry}", "1.yaml:8:34: spec.steps[0].onFailure: Input should be"),
        ("{action: restart_workload, retries: 3}", "1.yaml:8:34: spec.steps[0].retries: there is no such field"),
        ("{action: restart_workload, verify: {window: 1h}}", "1.yaml:8:43: spec.steps[0].verify.window: give seconds"),
        ("{action: scale_workload, parameters: {replica: 3}}", "there is no such parameter; did you mean replicas?"),
        ("{action: scale_workload, parameters: {replicas: 0}}", "1.yaml:8:45: spec.steps[0].parameters.replicas: Exp"),
        ("{action: scale_workload, parameters: {replicas: '0 - 1'}}", "spec.steps[0].parameters.replicas: Expected"),
        ("{action: scale_workload, parameters: {replicas: '[1]'}}", "gives list, and a parameter is text, a number"),
        ("{action: restart_workload, when: 'target.kin == \"Pod\"'}", "target has no kin; did you mean kind?"),
        ("{action: restart_workload, when: 'node == 1'}", "there is no node; conditions know cause, confidence"),
        ("{action: increase_cpu_limit, parameters: {factor: '0.0 / 0.0'}}", "gives nan, which is no number"),
        ("{action: increase_cpu_limit, parameters: {factor: .nan}}", "numbers are finite"),
        ("{action: restart_workload, 1: 2}", "keys are text"),
        ("{action: restart_workload, when: '1 + 1'}", "is no condition: it gives int"),
        ("{action: restart_workload, when: 'cause == '}", "1.yaml:8:50: spec.steps[0].when: Syntax error"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_what_there_is_instead(step: str, told: str) -> None:
    assert told in wrong(a_strategy(step))


def test_an_unknown_cause_is_named_with_the_nearest_one() -> None:
    text = a_strategy("{action: restart_workload}", causes="memory_limit_to_low")
    assert "1.yaml:5:12: spec.causes[0]: there is no cause memory_limit_to_low; did you mean memory_limit_too_low?" in (
        wrong(text)
    )


def test_one_name_stands_for_one_strategy() -> None:
    text = a_strategy("{action: restart_workload}")
    assert wrong(text, text) == "2.yaml:1:1: metadata.name: s stands at 1.yaml:1:1 already"


def test_nothing_that_grows_while_it_is_read_is_taken() -> None:
    assert "larger than 256 KiB" in wrong("#" * (LARGEST + 1))
    assert "aliases" in wrong("a: &a [1]\nb: *a\n")
    assert "nested more than 100 levels" in wrong("[" * 20_000)
    assert "at most 10" in wrong(a_strategy("{action: restart_workload}\n" * 11))
    nested = "evidence.all(a, evidence.all(b, evidence.all(c, evidence.all(d, true))))"
    assert "looks at lists more than 2 times" in wrong(a_strategy(f"{{action: restart_workload, when: '{nested}'}}"))


def test_what_is_no_strategy_at_all_is_refused() -> None:
    for text in ("[]", "3", "kind: RemediationStrategy", "a: [", "\x00", "? {a: b}: c"):
        assert wrong(text).startswith("1.yaml")


def test_the_custom_resource_has_the_very_fields_of_the_form() -> None:
    crd, *_ = yaml.safe_load_all(crd_text())
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]

    def fields(model: type) -> set[str]:
        return {field.alias for field in model.model_fields.values()}  # type: ignore[attr-defined]

    step = schema["properties"]["steps"]["items"]
    assert set(schema["properties"]) == fields(Spec)
    assert set(step["properties"]) == fields(Step)
    assert set(step["properties"]["verify"]["properties"]) == fields(Verify)
    assert set(schema["properties"]["expected"]["properties"]) == fields(Expected)
    assert fields(Document) == {"apiVersion", "kind", "metadata", "spec"}
