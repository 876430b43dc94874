"""Which step of which strategy fits now.

What the cause recommends is always offered. Before it stand the declared strategies, each with its first step that
holds, and first of all the next step of the one under way. Nothing here allows anything: what is offered is held
against labels, policy and surroundings like every remedy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kubernaut.domain.diagnosis import ActionCall, ActionId, Hypothesis, Parameter
from kubernaut.domain.errors import InputError
from kubernaut.domain.objects import JsonObject
from kubernaut.domain.plans import Candidate, OnFailure, Outcome, Trial
from kubernaut.planning.strategies.facts import remedy_of
from kubernaut.planning.strategies.reading import parameter_of
from kubernaut.planning.strategies.strategy import Known, Strategy


@dataclass(frozen=True, slots=True)
class Offer:
    """What may be done, in the order in which it was declared: `going` is the next step of what is under way.

    `passed_over` says of strategies that are meant for the cause why they do not fit.
    """

    fresh: tuple[Candidate, ...] = ()
    going: Candidate | None = None
    passed_over: tuple[JsonObject, ...] = ()


@dataclass(slots=True)
class _Offering:
    best: Hypothesis
    known: Known
    facts: Callable[[], JsonObject]
    trials: Sequence[Trial]
    notes: list[JsonObject] = field(default_factory=list)

    def first_fitting(self, strategy: Strategy, begin: int) -> Candidate | None:
        """The first step from that index on that holds and was not tried."""
        for index in range(begin, len(strategy.steps)):
            try:
                call = self._call(strategy, index)
            except InputError as error:
                self.note(strategy.name, f"step {index + 1}: {error}")
                return None
            if call is not None and not self._was_tried(call):
                return Candidate(call, 0, 0, 0.0, strategy.course(index))
        self.note(strategy.name, "none of its steps fits")
        return None

    def note(self, strategy: str, why: str) -> None:
        """Keeps why a strategy does not fit, in the form of what objects to a remedy."""
        self.notes.append({"action": f"strategy {strategy}", "guard": "strategy", "then": "pass", "reason": why})

    def holds(self, strategy: Strategy) -> bool:
        """Whether the strategy's own condition holds; one without an answer does not."""
        formula = strategy.formulas.get("when")
        if formula is None:
            return True
        try:
            return formula(self._variables(None)) is True
        except InputError as error:
            self.note(strategy.name, f"when: {error}")
            return False

    def _call(self, strategy: Strategy, index: int) -> ActionCall | None:
        """The step as a call, None where its condition does not hold; raises `InputError` for what cannot be made."""
        step, form = strategy.steps[index], self.known.actions.get(strategy.steps[index].action)
        if form is None:
            raise InputError(f"there is no action {step.action}")
        own = remedy_of(self.best, step.action)
        variables = self._variables(own) if strategy.formulas else {}
        condition = strategy.formulas.get(f"steps[{index}].when")
        if condition is not None and condition(variables) is not True:
            return None
        given: dict[str, Parameter] = dict(own.parameters) if own else {}
        for name, value in step.parameters.items():
            formula = strategy.formulas.get(f"steps[{index}].parameters.{name}")
            given[name] = parameter_of(formula(variables)) if formula else value
        call = ActionCall(ActionId(step.action), own.target if own else self.best.target, given)
        form.check(call)
        return call

    def _variables(self, own: ActionCall | None) -> JsonObject:
        remedy: JsonObject = dict(own.parameters) if own else {}
        return {**self.facts(), "remedy": remedy}

    def _was_tried(self, call: ActionCall) -> bool:
        return any(trial.call.action == call.action and trial.call.target == call.target for trial in self.trials)


def offer(
    strategies: Sequence[Strategy],
    best: Hypothesis,
    trials: Sequence[Trial],
    known: Known,
    facts: Callable[[], JsonObject],
) -> Offer:
    """What the strategies and the cause offer now. `facts` are only asked for where an expression needs them."""
    own = tuple(Candidate(call, 0, 0, 0.0) for call in best.remedies)
    if not strategies and not any(trial.candidate.course for trial in trials):
        return Offer(own)
    made = _Offering(best, known, _once(facts), trials)
    going = _next_step(made, strategies)
    begun = {trial.candidate.course.strategy for trial in trials if trial.candidate.course}
    fresh = []
    for strategy in strategies:
        if strategy.is_for(best.cause) and strategy.name not in begun and made.holds(strategy):
            first = made.first_fitting(strategy, 0)
            fresh += [first] if first else []
    return Offer((*fresh, *own), going, tuple(made.notes))


def _next_step(made: _Offering, strategies: Sequence[Strategy]) -> Candidate | None:
    last = made.trials[-1] if made.trials else None
    course = last.candidate.course if last else None
    if last is None or course is None or course.step == course.of:
        return None
    if last.outcome is not Outcome.PREPARED and course.on_failure is not OnFailure.NEXT:
        return None
    strategy = next((each for each in strategies if each.name == course.strategy), None)
    if strategy is None or strategy.digest != course.digest:
        # The steps that are left may mean something else now.
        made.note(course.strategy, "it changed while it was under way")
        return None
    if not strategy.is_for(made.best.cause):
        made.note(strategy.name, f"the cause is {made.best.cause} now")
        return None
    return made.first_fitting(strategy, course.step)


def _once(facts: Callable[[], JsonObject]) -> Callable[[], JsonObject]:
    kept: list[JsonObject] = []

    def known() -> JsonObject:
        if not kept:
            kept.append(facts())
        return kept[0]

    return known
