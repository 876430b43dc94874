"""An analyst that says what it was told to say."""

from __future__ import annotations

from collections.abc import Iterable

from kubernaut.domain.errors import ModelError, ModelUnavailable
from kubernaut.ports import Opinion, Question


class ScriptedAnalyst:
    """Gives its answers in order, raising those that are errors; then it is unavailable. Keeps the questions."""

    def __init__(self, answers: Iterable[Opinion | ModelError] = ()) -> None:
        self._answers = iter(answers)
        self.questions: list[Question] = []

    async def analyse(self, question: Question) -> Opinion:
        """The next answer."""
        self.questions.append(question)
        match next(self._answers, None):
            case Opinion() as opinion:
                return opinion
            case ModelError() as error:
                raise error
            case None:
                raise ModelUnavailable("nothing more is scripted")
