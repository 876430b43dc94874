"""`kubernaut incidents`: daily work, over the service's HTTP API."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import Annotated

import typer
import yaml

from kubernaut.domain.errors import InputError
from kubernaut.domain.lifecycle import FOR_PEOPLE, Ending
from kubernaut.domain.objects import JsonObject
from kubernaut.engine.codec import dump
from kubernaut.entrypoints.cli.asking import confirmed, picked, reason_given, who
from kubernaut.entrypoints.cli.client import Service, connect
from kubernaut.entrypoints.cli.options import AsJson, By, Reason, Server, Yes, group, help_text
from kubernaut.entrypoints.cli.session import Session
from kubernaut.entrypoints.phrases import call_in_words, phrase, word
from kubernaut.entrypoints.story import Story, tell
from kubernaut.entrypoints.terminal.escaping import quoted
from kubernaut.entrypoints.terminal.incidents import list_lines, question_lines, story_lines
from kubernaut.entrypoints.terminal.look import Look

app = group(
    "List, show, approve, reject and undo. Any unique start of an id will do.",
    "kubernaut incidents list",
    "kubernaut incidents show inc-4f7k",
    "kubernaut incidents approve inc-9c2m",
)
Id = Annotated[str, typer.Argument(metavar="ID", help="Any unique start of an id, or the address of its page.")]
Choose = Annotated[str, typer.Option("--choose", metavar="OPTION", help="Another option, by its number or its action.")]
Changed = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Another value for a parameter of the action.")
]
_LOOK_AGAIN_S = 1.0


@app.command(
    "list",
    help=help_text(
        "Newest first.",
        "kubernaut incidents list",
        "kubernaut incidents list --open -n shop",
        "kubernaut incidents list --ending escalated --json",
    ),
    short_help="Newest first.",
)
def list_(  # noqa: PLR0913  # an option each
    ctx: typer.Context,
    *,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that are not closed.")] = False,
    ending: Annotated[Ending | None, typer.Option(help="Only those that ended so.")] = None,
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Only of this namespace.")] = "",
    text: Annotated[str, typer.Option(help="Only those with this word.")] = "",
    guard: Annotated[str, typer.Option(help="Only those that this guard decided, such as unmanaged.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 25,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Prints the table."""
    wanted = {"open_only": "true" if open_only else "", "ending": ending.value if ending else ""}
    wanted |= {"namespace": namespace, "text": text, "guard": guard, "limit": str(limit)}
    with connect(server) as service:
        found, total = service.incidents({key: value for key, value in wanted.items() if value})
        if as_json:
            ctx.obj.write_json({"incidents": [dump(incident) for incident in found], "total": total})
            return
        stories = [tell(incident, service.events(incident.id)) for incident in found]
    ctx.obj.write(list_lines(stories, total, ctx.obj.look(), now=datetime.now(UTC)))


@app.command(
    help=help_text(
        "What happened, why, and whether it helped.",
        "kubernaut incidents show inc-4f7k",
        "kubernaut incidents show inc-4f7k -w",
    ),
    short_help="What happened, why, and whether it helped.",
)
def show(
    ctx: typer.Context,
    incident: Id,
    *,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow it until it is closed.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="With the folded events.")] = False,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """With `-w`, ends with 0 when nobody has to do anything, else with 1."""
    with connect(server) as service:
        story = _story(service, incident)
        if watch:
            story = _followed(service, story, ctx.obj, as_json=as_json)
        elif as_json:
            ctx.obj.write_json(_story_json(story))
        if not as_json:
            page = f"{service.address}/incidents/{story.incident.id}"
            look = ctx.obj.look()
            ctx.obj.write(story_lines(story, look, now=datetime.now(UTC), everything=everything, page=page))
    if watch and story.incident.ending in FOR_PEOPLE:
        raise typer.Exit(1)


def _story(service: Service, start: str) -> Story:
    found = service.incident(start)
    return tell(found, service.events(found.id))


def _story_json(story: Story) -> JsonObject:
    return {"incident": dump(story.incident), "events": [dump(event) for event in story.events]}


def _followed(service: Service, story: Story, session: Session, *, as_json: bool) -> Story:
    """One line an event, until the incident is closed."""
    seen = 0
    while True:
        for event in story.events:
            if event.seq > seen:
                seen = event.seq
                if as_json:
                    session.write_json_line(dump(event))
                else:
                    session.note(f"{event.at:%H:%M:%S}Z  {word(event)}  {quoted(phrase(event))}")
        if not story.incident.is_open:
            return story
        time.sleep(_LOOK_AGAIN_S)
        story = _story(service, story.incident.id)


@app.command(
    help=help_text(
        "Allow the change that an incident waits for, or another of its options.",
        "kubernaut incidents approve inc-9c2m",
        'kubernaut incidents approve inc-9c2m --yes --reason "checked with the owner"',
        "kubernaut incidents approve inc-9c2m --choose 2",
        "kubernaut incidents approve inc-9c2m --choose scale_workload --set replicas=4",
    ),
    short_help="Allow the change that it waits for.",
)
def approve(  # noqa: PLR0913  # an option each
    ctx: typer.Context,
    incident: Id,
    *,
    choose: Choose = "1",
    parameters: Changed = None,
    reason: Reason = None,
    by: By = None,
    yes: Yes = False,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Shows the exact change, and asks."""
    given = _parameters(parameters or [])
    with connect(server) as service:
        story = _asked(service, incident)
        choice = _option(story, choose)
        _show_question(ctx.obj, story, choice)
        if not yes:
            choice = _picked(ctx.obj, story, choice, by)
        why = reason_given(ctx.obj, f"Approve as {who(by)}", reason=reason, yes=yes)
        now = _asked(service, story.incident.id)
        if now.question != story.question:
            raise InputError(
                "it changed while you looked; nothing was done", help=f"kubernaut incidents show {story.incident.id}"
            )
        body: JsonObject = {"by": who(by), "reason": why, "choice": choice, "parameters": given}
        answer = service.decide(story.incident.id, "approve", body)
    follow = f"Follow: kubernaut incidents show {story.incident.id} -w"
    _said(ctx.obj, answer, f"Approved by {who(by)}.  {follow}", as_json=as_json)


def _picked(session: Session, story: Story, choice: int, by: str | None) -> int:
    """The option that the person takes, each shown before it is; ends with 1 on a no."""
    most = len(story.question.options) if story.question else 1
    while True:
        taken = picked(session, f"Approve as {who(by)}", proposed=choice, most=most)
        if taken == 0:
            session.note("Nothing was changed.")
            raise typer.Exit(1)
        if taken == choice:
            return choice
        choice = taken
        _show_question(session, story, choice)


def _option(story: Story, choose: str) -> int:
    """The number of the option that a number or an action's name means."""
    options = story.question.options if story.question else ()
    names = [preview.call.action for preview in options]
    if choose in names:
        return next(number for number, name in enumerate(names, 1) if name == choose)
    if choose.isdecimal() and 1 <= int(choose) <= len(options):
        return int(choose)
    known = ", ".join(f"{number} {name}" for number, name in enumerate(names, 1))
    raise typer.BadParameter(f'{story.incident.id} has no option "{choose[:80]}"; it has {known}')


def _parameters(given: list[str]) -> JsonObject:
    """`--set` as typed values: `4` is a number, `true` a flag, everything else text."""
    found: JsonObject = {}
    for each in given:
        name, sign, text = each.partition("=")
        if not sign or not name:
            raise typer.BadParameter(f'--set {each[:80]}: it looks like "--set replicas=4"')
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise typer.BadParameter(f"--set {each[:80]}: not a value") from error
        found[name] = value if isinstance(value, bool | int | float | str) else text
    return found


@app.command(
    help=help_text(
        "Refuse the change that an incident waits for.",
        'kubernaut incidents reject inc-9c2m --reason "not during the sale"',
    ),
    short_help="Refuse the change that it waits for.",
)
def reject(
    ctx: typer.Context,
    incident: Id,
    *,
    reason: Reason = None,
    by: By = None,
    yes: Yes = False,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Shows the exact change, and asks."""
    with connect(server) as service:
        story = _asked(service, incident)
        _show_question(ctx.obj, story)
        why = confirmed(ctx.obj, f"Reject as {who(by)}", reason=reason, yes=yes)
        answer = service.decide(story.incident.id, "reject", {"by": who(by), "reason": why})
    _said(ctx.obj, answer, f"Rejected by {who(by)}. Nothing is changed.", as_json=as_json)


@app.command(
    help=help_text(
        "Take back what was applied.",
        "kubernaut incidents undo inc-4f7k",
        'kubernaut incidents undo inc-4f7k --yes --reason "wrong revision"',
    ),
    short_help="Take back what was applied.",
)
def undo(
    ctx: typer.Context,
    incident: Id,
    *,
    reason: Reason = None,
    by: By = None,
    yes: Yes = False,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Names the object and the change, and asks."""
    with connect(server) as service:
        story = _story(service, incident)
        last = story.last_applied
        if last is None or not last.undoable:
            raise InputError(
                f"{story.incident.id}: there is nothing to take back",
                help=f"kubernaut incidents show {story.incident.id}",
            )
        question = f"Take back {call_in_words(last.call)} on {last.call.target}"
        why = confirmed(ctx.obj, question, reason=reason, yes=yes)
        answer = service.decide(story.incident.id, "undo", {"by": who(by), "reason": why})
    _said(
        ctx.obj,
        answer,
        f"Undo asked for by {who(by)}.  Follow: kubernaut incidents show {story.incident.id}",
        as_json=as_json,
    )


def _asked(service: Service, start: str) -> Story:
    story = _story(service, start)
    if story.question is None:
        raise InputError(f"{story.incident.id} waits for nothing", help=f"kubernaut incidents show {story.incident.id}")
    return story


def _show_question(session: Session, story: Story, choice: int = 1) -> None:
    look: Look = session.look(sys.stderr)
    for line in question_lines(story, look, now=datetime.now(UTC), choice=choice):
        session.note(line)


def _said(session: Session, answer: JsonObject, text: str, *, as_json: bool) -> None:
    if as_json:
        session.write_json(answer)
    else:
        session.write([text])
