"""`kubernaut readiness`: each promise proved on the simulated cluster, or said to be short."""

from __future__ import annotations

import asyncio
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from kubernaut.declared import value_inputs
from kubernaut.domain.errors import InputError
from kubernaut.entrypoints.cli.guessing import did_you_mean
from kubernaut.entrypoints.cli.options import AsJson, ConfigFile, group, in_a_folder
from kubernaut.entrypoints.cli.session import Session
from kubernaut.entrypoints.logs import configure_logs
from kubernaut.entrypoints.readiness.assessing import Assessment, assess, assessment_json, assessment_sheet
from kubernaut.entrypoints.readiness.checklist import CHECKS
from kubernaut.entrypoints.readiness.ground import Ground
from kubernaut.entrypoints.readiness.soak import Soak
from kubernaut.entrypoints.readiness.verdicts import Check, Verdict
from kubernaut.entrypoints.rehearsal import DEMO_VALUE
from kubernaut.entrypoints.value.writing import as_html, as_markdown, as_text
from kubernaut.impact.inputs import ValueInputs
from kubernaut.settings import LogSettings, ValueSettings, load_settings

app = group(
    "Prove each promise on a simulated cluster: check, figure, evidence, verdict. Ends with 1 where one is short.",
    "kubernaut readiness",
    "kubernaut readiness --quick",
    "kubernaut readiness --only undo --only failover",
    "kubernaut readiness --only availability --soak 1800",
    "kubernaut readiness --json --html readiness.html --evidence readiness/",
)
_SOAK_S = int(Soak().seconds)
_File = Annotated[Path | None, typer.Option(metavar="FILE", help="Written there, too.", callback=in_a_folder)]


@app.command(help=app.info.help)
def readiness(  # noqa: PLR0913  # an option each
    ctx: typer.Context,
    *,
    only: Annotated[list[str] | None, typer.Option(metavar="CHECK", help="Only this one; may be repeated.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A few scenarios, and no crowd of alerts.")] = False,
    soak: Annotated[int, typer.Option(min=60, max=86_400, metavar="SECONDS", help="How long it is killed.")] = _SOAK_S,
    html: _File = None,
    markdown: _File = None,
    evidence: Annotated[Path | None, typer.Option(metavar="FOLDER", help="The raw numbers, a file a check.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """The declared inputs of value are those of the settings."""
    session: Session = ctx.obj
    chosen = _chosen(only or [])
    settings = load_settings(config)
    configure_logs(LogSettings(level="error"))
    ground = Ground(
        *_declared(settings.value),
        quick=quick,
        soak=Soak(float(soak)),
        options=_options(config, quick=quick, soak=soak),
    )
    say = session.note if not as_json else _nothing
    found = asyncio.run(assess(chosen, ground, at=datetime.now(UTC), folder=evidence, say=say))
    for path, content in ((html, _html), (markdown, _markdown)):
        if path is not None:
            _write(path, content(found))
    if as_json:
        session.write_json(assessment_json(found))
    else:
        session.write(as_text(assessment_sheet(found), session.look()))
    if not found.is_ready:
        short = sum(outcome.verdict is not Verdict.PASS for outcome in found.outcomes)
        if not as_json:
            session.note(f"error: {short} checks are short, not built or left out")
        raise typer.Exit(1)


def _declared(given: ValueSettings) -> tuple[ValueInputs, str]:
    """What the owner declared; of an owner who declared nothing, what the demo does in their place."""
    if given != ValueSettings():
        return value_inputs(given), "in the settings"
    return value_inputs(ValueSettings.model_validate({**DEMO_VALUE})), "for the demo"


def _options(config: Path | None, *, quick: bool, soak: int) -> str:
    """What the figures depend on, as it has to be given again."""
    given = (" --quick" if quick else "") + (f" --soak {soak}" if soak != _SOAK_S else "")
    return given + (f" --config {shlex.quote(str(config))}" if config else "")


def _chosen(names: list[str]) -> tuple[Check, ...]:
    known = [check.id for check in CHECKS]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or f"; there are: {', '.join(known)}"
            raise typer.BadParameter(f'no check "{name}"{hint}')
    return tuple(check for check in CHECKS if not names or check.id in names)


def _html(found: Assessment) -> str:
    return as_html(assessment_sheet(found), ())


def _markdown(found: Assessment) -> str:
    return as_markdown(assessment_sheet(found))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error


def _nothing(_line: str) -> None:
    """Says nothing, where only the document is wanted."""
