"""`kubernaut`: finds the command, and turns every failure into one form and one exit code.

Commands live in modules of their own, imported when they are called, so that `kubernaut --help` answers at once.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import MappingProxyType

import typer
from typer.core import TyperGroup
from typer.main import get_command

from kubernaut.domain.errors import KubernautError, WrongValue
from kubernaut.entrypoints.cli.failures import Failure, show, unforeseen
from kubernaut.entrypoints.cli.guessing import did_you_mean
from kubernaut.entrypoints.cli.options import help_text
from kubernaut.entrypoints.cli.session import ColourChoice, Session

FAILED = 1
WRONG_USE = 2
INTERRUPTED = 130
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})

# name -> (module, what it does)
COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "demo": ("demo", "Watch it heal a simulated cluster. Needs nothing else."),
        "diagnose": ("diagnose", "Find what is wrong in a cluster. Changes nothing."),
        "snapshot": ("snapshot", "Save what a diagnosis reads, redacted, in one file."),
        "serve": ("serve", "Run the service: alerts in, healed workloads out."),
        "incidents": ("incidents", "List, show, approve, reject and undo."),
        "value": ("value", "What it was worth over a period, with the assumptions."),
        "audit": ("audit", "Check, export and replay the log of events."),
        "backtest": ("backtest", "What another policy would have decided."),
        "readiness": ("readiness", "Prove each promise, with figures and evidence."),
        "suspend": ("suspend", "Switch all actions off, at once."),
        "resume": ("resume", "Allow actions again."),
        "policy": ("policy", "Show, check, try and explain what is allowed."),
        "strategies": ("strategies", "Show, check and try remedies of several steps."),
        "gameday": ("gameday", "Break things on purpose, and score what becomes of them."),
        "actions": ("actions", "The catalogue of actions."),
        "rbac": ("rbac", "The rights that it needs, for kubectl apply."),
        "causes": ("causes", "The causes that are told apart."),
        "models": ("models", "The language models: which, whether they answer, what they took."),
        "patterns": ("patterns", "The memory of finished incidents."),
        "config": ("config", "Show and check the settings in force."),
        "version": ("version", "The version of this program."),
    }
)
# What people type when they mean a command of a group.
MEANT: Mapping[str, str] = MappingProxyType(
    {name: f"incidents {name}" for name in ("list", "show", "approve", "reject", "undo")} | {"run": "serve"}
)
HELP = help_text(
    "An autopilot for Kubernetes incidents.",
    "kubernaut demo                        no cluster, no key, no network",
    "kubernaut diagnose -n shop            reads only",
    "kubernaut incidents list",
    after="Everywhere: --json, --color auto|always|never, --debug (with traceback).",
)


class CommandTable(TyperGroup):
    """Imports a command when it is called. typer keeps the types of its contexts and commands to itself."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # noqa: ARG002
        """The names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str):  # type: ignore[no-untyped-def,override]  # noqa: ANN201, ARG002
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        return get_command(import_module(f"kubernaut.entrypoints.cli.{COMMANDS[cmd_name][0]}").app)

    def resolve_command(self, ctx, args):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """The command, or what was probably meant."""
        if args[0] in COMMANDS or args[0].startswith("-"):
            return super().resolve_command(ctx, args)
        meant = MEANT.get(args[0])
        hint = f'; did you mean "{meant}"?' if meant else did_you_mean(args[0], COMMANDS)
        raise typer.BadParameter(f'no such command "{args[0]}"{hint}')

    def format_commands(self, ctx, formatter) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001, ARG002
        """The table, without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, does) for name, (_, does) in COMMANDS.items()])


root = typer.Typer(
    cls=CommandTable,
    rich_markup_mode=None,
    add_completion=False,
    help=HELP,
    no_args_is_help=False,
    invoke_without_command=True,
)


@root.callback()
def _root(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def main() -> None:
    """Runs the command line of this process."""
    # A stream that was closed before we began is None.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, PTH123  # until the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A letter that the locale lacks is written out: an answer must not end at it.
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str], session: Session | None = None) -> int:
    """The exit code of the command. The only place that catches everything."""
    rest, choice, debug = _everywhere(arguments)
    as_json = "--json" in rest
    try:
        chosen = session or Session(ColourChoice(choice))
        code = _called(rest, chosen)
        sys.stdout.flush()
    except BrokenPipeError:
        _write_no_more()  # the reader (`head`) went away
        return FAILED
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except KubernautError as error:
        wrong = isinstance(error, WrongValue)
        show(Failure(error.code, str(error), error.help or (_help_for(rest) if wrong else "")), as_json=as_json)
        return WRONG_USE if wrong else FAILED
    except Exception as error:  # the command line's last resort
        if debug:
            raise
        return _failed(error, rest)
    return code if isinstance(code, int) else 0


def _called(arguments: list[str], session: Session) -> object:
    try:
        return get_command(root).main(arguments, prog_name="kubernaut", standalone_mode=False, obj=session)
    except ExceptionGroup as group:
        # What goes wrong in one of several tasks comes wrapped, once for each group around it.
        error: Exception = group
        while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        raise error from error.__cause__


def _failed(error: Exception, arguments: Sequence[str]) -> int:
    as_json = "--json" in arguments
    if isinstance(error, OSError) and error.errno in _FULL:
        _write_no_more()
        show(Failure("output", f"the answer cannot be written: {error.strerror}"), as_json=False)
        return FAILED
    if refused := _wrong_use(error, arguments):
        show(Failure("wrong_use", refused, _help_for(arguments)), as_json=as_json)
        return WRONG_USE
    show(unforeseen(error), as_json=as_json)
    return FAILED


def _write_no_more() -> None:
    # What is left in the buffer must not fail again at exit.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _everywhere(arguments: Sequence[str]) -> tuple[list[str], str, bool]:
    """Takes out what may stand anywhere: `--color` and `--debug`."""
    rest: list[str] = []
    choice, debug = "auto", False
    words = iter(arguments)
    for word in words:
        if word == "--debug":
            debug = True
        elif word == "--color":
            choice = next(words, "")
        elif word.startswith("--color="):
            choice = word.partition("=")[2]
        else:
            rest.append(word)
    if choice not in {"auto", "always", "never"}:
        # Left in place, it is refused as every wrong option is.
        return [*rest, f"--color={choice}"], "auto", debug
    return rest, choice, debug


def _wrong_use(error: Exception, arguments: Sequence[str]) -> str:
    """What was wrong with the command line; empty where the error is not about that."""
    if isinstance(error, UnicodeEncodeError):
        # Bytes that are no text are taken as names of files, and as nothing else.
        unreadable = [word for word in arguments if not word.isprintable() and error.object[error.start] in word]
        return f"{unreadable[0][:80]!a} is not UTF-8" if unreadable else ""
    if getattr(error, "exit_code", None) != WRONG_USE:
        return ""
    message = str(getattr(error, "message", "") or error).strip().rstrip(".").removeprefix("Value error, ")
    message = re.sub(r"\W did you mean", "; did you mean", message, flags=re.IGNORECASE).replace("'", '"')
    hint = getattr(error, "possibilities", None)
    near = f'; did you mean "{hint[0]}"?' if hint else ""
    parameter = getattr(getattr(error, "param", None), "opts", None)
    place = f"{parameter[-1]}: " if parameter else ""
    return place + message[:1].lower() + message[1:] + near


def _help_for(arguments: Sequence[str]) -> str:
    command = arguments[0] if arguments and arguments[0] in COMMANDS else ""
    return " ".join(part for part in ("kubernaut", command, "--help") if part)
