"""Conditions in CEL, the expression language that Kubernetes uses for admission policies.

Importing this takes most of a second, so only `reading` does, and only where a policy file is set.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from kubernaut.domain.errors import PolicyError
from kubernaut.domain.objects import JsonObject

try:
    import cel
except ImportError as missing:
    raise PolicyError(
        "a policy file needs the expression language, which is not installed",
        help='pip install "kubernaut[policy]"',
    ) from missing

# What the library raises for an expression that cannot be parsed or evaluated.
_REFUSALS = (ValueError, RuntimeError, TypeError, LookupError, ArithmeticError)
# CEL's macros, of which the first word in brackets is a variable of their own.
_BOUND = re.compile(r"\b(?:all|exists|exists_one|map|filter)\(\s*([A-Za-z_]\w*)\s*,")


class Expression:
    """A compiled condition over known names; `names` are those that it uses."""

    __slots__ = ("_program", "names", "text")

    def __init__(self, text: str, names: Collection[str], hidden: Iterable[str] = ()) -> None:
        """Raises `PolicyError` for what is no expression, or looks at what there is not."""
        self.text = text
        try:
            self._program = cel.compile(text)
        except _REFUSALS as error:
            raise PolicyError(_first_line(error)) from error
        # The library counts the variable of a comprehension among the free ones.
        used = set(self._program.variables()) - set(_BOUND.findall(text))
        concealed = sorted(used & set(hidden))
        if concealed:
            raise PolicyError(f"a rule that loosens may not look at {', '.join(concealed)}")
        self.names = frozenset(used)
        unknown = sorted(used - set(names))
        if unknown:
            raise PolicyError(f"there is no {', '.join(unknown)}; conditions know {', '.join(sorted(names))}")

    def holds(self, variables: JsonObject) -> bool:
        """Whether it is true; raises `PolicyError` where it has no answer, which is neither true nor false."""
        answer = self.value(variables)
        # Nothing is taken for true here: a condition that gives a number was meant otherwise by whoever wrote it.
        if not isinstance(answer, bool):
            raise PolicyError(f"`{self.text}` is no condition: it gives {type(answer).__name__}, not true or false")
        return answer

    def value(self, variables: JsonObject) -> object:
        """What it gives; raises `PolicyError` where it has no answer."""
        try:
            return self._program.execute(variables)
        except LookupError as error:
            key = str(error).strip("'\"")
            raise PolicyError(f'`{self.text}` needs "{key}", which is not there; ask first: "{key}" in …') from error
        except _REFUSALS as error:
            raise PolicyError(f"`{self.text}`: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    text = str(error).replace("ERROR: <input>:", "")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]
