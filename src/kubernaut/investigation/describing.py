"""The catalogue of causes as a page, so that the page cannot differ from the code."""

from __future__ import annotations

from collections.abc import Iterable

from kubernaut.investigation.causes import catalogue
from kubernaut.investigation.finding import Cause


def as_markdown(causes: Iterable[Cause] | None = None) -> str:
    """`docs/causes.md`."""
    head = (
        "# Causes\n\n"
        "Generated from `src/kubernaut/investigation/causes/`, one file each: "
        "`python -m kubernaut.investigation.describing > docs/causes.md`.\n\n"
        "A cause is acted on only where every list it needs was read to its end.\n"
    )
    return head + "".join(_section(cause) for cause in (catalogue() if causes is None else causes))


def _section(cause: Cause) -> str:
    lines = [f"\n## {cause.id}\n", f"{cause.title}.\n", f"- Needs: {', '.join(cause.needs)}"]
    lines += [f"- Not `{other}`: {difference}" for other, difference in cause.look_alikes.items()]
    lines.append(f"- {cause.know}")
    lines += [f"- By hand: `{command.replace('{{', '{').replace('}}', '}')}`" for command in cause.by_hand]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(as_markdown(), end="")  # noqa: T201  # the page is this module's output
