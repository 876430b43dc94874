"""From text to strategies. What is wrong is named with its file, line, column and field, and what there is instead."""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import yaml
from pydantic import ValidationError

from kubernaut.domain.diagnosis import ActionCall, ActionId, Parameter
from kubernaut.domain.errors import InputError, PolicyError, StrategyError
from kubernaut.domain.objects import ObjectRef
from kubernaut.planning.strategies.document import Document, Step
from kubernaut.planning.strategies.facts import FIELDS, NAMES
from kubernaut.planning.strategies.strategy import ActionForm, Formula, Known, Strategy
from kubernaut.planning.yaml_places import Place, field_name, mark_of, parsed_documents, problems_of, scalar_at

LARGEST = 256 * 2**10
MOST_STRATEGIES = 200
# Each looks at every item of a list, so those inside each other multiply.
_MOST_COMPREHENSIONS = 2
_COMPREHENSION = re.compile(r"\.\s*(?:all|exists|exists_one|existsOne|map|filter|transformList|transformMap)\s*\(")
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_IN_EXPRESSION = re.compile(r"^Failed to parse expression .*?: (\d+):(\d+): ", re.DOTALL)


@dataclass(frozen=True, slots=True)
class StrategyText:
    """A text that holds strategies, and what people call it."""

    name: str
    text: str


def read_strategies(texts: Sequence[StrategyText], known: Known) -> tuple[Strategy, ...]:
    """The strategies of all texts, in their order; raises `StrategyError` that names what is wrong in any of them."""
    found: list[Strategy] = []
    wrong: list[str] = []
    for text in texts:
        try:
            found += _read(text, known)
        except StrategyError as error:
            wrong.append(str(error))
    places: dict[str, str] = {}
    for strategy in found:
        other = places.setdefault(strategy.name, strategy.place)
        if other != strategy.place:
            wrong.append(f"{strategy.place}: metadata.name: {strategy.name} stands at {other} already")
    if len(found) > MOST_STRATEGIES:
        wrong.append(f"{len(found)} strategies, and {MOST_STRATEGIES} are taken")
    if wrong:
        raise StrategyError("; ".join(wrong[:5]), help="kubernaut strategies lint")
    return tuple(found)


def _read(text: StrategyText, known: Known) -> list[Strategy]:
    if len(text.text) > LARGEST:
        raise StrategyError(f"{text.name}: larger than {LARGEST // 1024} KiB")
    try:
        documents = parsed_documents(text.text, text.name)
    except PolicyError as error:
        raise StrategyError(str(error)) from error
    return [_Reading(text.name, root, known).strategy(tree) for root, tree in documents]


@dataclass(frozen=True, slots=True)
class _Reading:
    source: str
    root: yaml.Node
    known: Known

    def strategy(self, tree: object) -> Strategy:
        try:
            written = json.dumps(tree, default=str, sort_keys=True, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise self._wrong((), f"keys are text, and numbers are finite ({error})") from error
        try:
            document = Document.model_validate_json(written)
        except ValidationError as error:
            told = [self._told(place, message) for place, _, message in problems_of(error)]
            raise StrategyError("; ".join(told)) from error
        self._names_causes(document)
        formulas: dict[str, Formula] = {}
        self._compile(formulas, ("spec", "when"), document.spec.when, is_condition=True)
        for index, step in enumerate(document.spec.steps):
            self._take_step(formulas, index, step)
        digest = hashlib.sha256(written.encode()).hexdigest()[:12]
        line, column = mark_of(self.root, ())
        return Strategy(document, f"{self.source}:{line}:{column}", digest, formulas)

    def _names_causes(self, document: Document) -> None:
        for index, cause in enumerate(document.spec.causes):
            if cause != "*" and cause not in self.known.causes:
                near = _near(cause, self.known.causes)
                message = f"there is no cause {cause}{near}; `kubernaut causes list` has them all"
                raise self._wrong(("spec", "causes", index), message)

    def _take_step(self, formulas: dict[str, Formula], index: int, step: Step) -> None:
        place = ("spec", "steps", index)
        form = self.known.actions.get(step.action)
        if form is None:
            near = _near(step.action, self.known.actions)
            message = f"there is no action {step.action}{near}; `kubernaut actions list` has them all"
            raise self._wrong((*place, "action"), message)
        if not form.changes:
            raise self._wrong((*place, "action"), f"{step.action} changes nothing, so it is no step")
        self._compile(formulas, (*place, "when"), step.when, is_condition=True)
        for name, value in step.parameters.items():
            self._take_parameter(formulas, (*place, "parameters", name), form, name, value)
        if not form.required - step.parameters.keys() and not any(isinstance(v, str) for v in step.parameters.values()):
            self._check_whole(place, step, form)

    def _take_parameter(
        self, formulas: dict[str, Formula], place: Place, form: ActionForm, name: str, value: Parameter
    ) -> None:
        if name not in form.parameters:
            takes = ", ".join(sorted(form.parameters)) or "no parameters"
            raise self._wrong(place, f"there is no such parameter{_near(name, form.parameters)}; it takes {takes}")
        formula = None
        if isinstance(value, str):
            formula = self._compile(formulas, place, value, is_condition=False, remedy=form.parameters)
            if formula is None:
                return
        try:
            form.check_parameter(name, parameter_of(formula({})) if formula else value)
        except InputError as error:
            raise self._wrong(place, str(error)) from error

    def _check_whole(self, place: Place, step: Step, form: ActionForm) -> None:
        kind = form.targets[0] if form.targets else "Deployment"
        try:
            form.check(ActionCall(ActionId(step.action), ObjectRef("v1", kind, "default", "any"), step.parameters))
        except InputError as error:
            raise self._wrong(place, str(error)) from error

    def _compile(
        self,
        formulas: dict[str, Formula],
        place: Place,
        text: str,
        *,
        is_condition: bool,
        remedy: Iterable[str] = (),
    ) -> Formula | None:
        """Compiles an expression; it is given back where it looks at nothing, so that it can be tried at once."""
        if is_condition and text == "true":
            return None
        if len(_COMPREHENSION.findall(_QUOTED.sub("''", text))) > _MOST_COMPREHENSIONS:
            raise self._wrong(place, f"looks at lists more than {_MOST_COMPREHENSIONS} times")
        # Most of a second to import, and strategies without expressions do not need it.
        from kubernaut.planning.policy.expressions import Expression  # noqa: PLC0415

        try:
            expression = Expression(text, NAMES)
            self._looks_at_what_there_is(place, text, remedy)
            formula: Formula = expression.holds if is_condition else expression.value
            if not expression.names:
                formula({})
        except PolicyError as error:
            raise self._wrong(place, str(error), help_=error.help) from error
        formulas[field_name(place[1:])] = formula
        return None if expression.names else formula

    def _looks_at_what_there_is(self, place: Place, text: str, remedy: Iterable[str]) -> None:
        plain = _QUOTED.sub("''", text)
        fields = {**FIELDS, **({"remedy": frozenset(remedy)} if remedy else {})}
        for name, known in fields.items():
            for used in re.findall(rf"(?<![\w.]){name}\.(\w+)", plain):
                if used not in known:
                    raise self._wrong(place, f"{name} has no {used}{_near(used, known)}")

    def _wrong(self, place: Place, message: str, *, help_: str = "") -> StrategyError:
        return StrategyError(self._told(place, message), help=help_)

    def _told(self, place: Place, message: str) -> str:
        line, column = mark_of(self.root, place)
        scalar, inside = scalar_at(self.root, place), _IN_EXPRESSION.match(message)
        if inside and scalar is not None and scalar.start_mark.line == scalar.end_mark.line:
            # The expression stands on one line: the very character can be named.
            line = scalar.start_mark.line + 1
            column = scalar.start_mark.column + (1 if scalar.style in {"'", '"'} else 0) + int(inside[2])
            message = message[inside.end() :]
        return f"{self.source}:{line}:{column}: {field_name(place)}: {message}"


def _near(name: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {found[0]}?" if found else ""


def parameter_of(value: object) -> Parameter:
    """The value of an expression as a parameter; raises `PolicyError` where it is none."""
    if isinstance(value, float) and not math.isfinite(value):
        raise PolicyError(f"gives {value}, which is no number to work with")
    if isinstance(value, str | int | float | bool):
        return value
    raise PolicyError(f"gives {type(value).__name__}, and a parameter is text, a number, true or false")
