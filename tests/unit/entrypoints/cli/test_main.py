import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from kubernaut.domain.errors import NoCluster
from kubernaut.entrypoints.cli.main import COMMANDS, run
from kubernaut.entrypoints.cli.session import ColourChoice, Session
from kubernaut.entrypoints.doors import DemoOptions, DiagnosisRequest, Ended
from kubernaut.entrypoints.reports import DiagnosisReport
from tests.told import a_diagnosis
from tests.unit.entrypoints.test_demo import HEALED, LEFT_ALONE, Played

FOUND = DiagnosisReport("dev", "shop", 0.1, 1, 2, 3, 4, (a_diagnosis(),))


@dataclass
class Doors:
    """A program whose answers are given."""

    report: DiagnosisReport | BaseException = FOUND
    results: tuple = (HEALED, LEFT_ALONE)
    asked: object = None

    async def diagnose(self, request: DiagnosisRequest) -> DiagnosisReport:
        self.asked = request
        if isinstance(self.report, BaseException):
            raise self.report
        return self.report

    def scenarios(self) -> list[str]:
        return ["rollout-a", "control-a"]

    @asynccontextmanager
    async def demo(self, options: DemoOptions) -> AsyncIterator[Played]:
        self.asked = options
        yield Played([Ended(result) for result in self.results])


def called(*arguments: str, doors: Doors | None = None) -> int:
    return run(arguments, Session(ColourChoice.NEVER, doors or Doors()))


def test_help_lists_every_command_after_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("--help") == 0
    text = capsys.readouterr().out
    assert text.index("kubernaut diagnose -n shop") < text.index("Commands:")
    assert all(f"\n  {name} " in text for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_opens_with_examples_and_fits_80_columns(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(name, "--help") == 0
    lines = capsys.readouterr().out.splitlines()
    assert next(line for line in lines[1:] if line).strip().startswith(f"kubernaut {name}")
    assert max(map(len, lines)) <= 80


def test_help_imports_nothing_heavy() -> None:
    program = "import sys; from kubernaut.entrypoints.cli.main import run; run(['--help']); print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(shown.stdout.splitlines()[-1].split())
    assert not loaded & {"pydantic", "fastapi", "lightkube", "sqlalchemy", "numpy", "httpx2", "rich.console"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("diagnos", "diagnose"), ("approve", "incidents approve"), ("incident", "incidents"), ("run", "serve")],
)
def test_a_mistyped_command_is_answered_with_what_was_probably_meant(
    typed: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(typed) == 2
    assert capsys.readouterr().err.splitlines() == [
        f'error: no such command "{typed}"; did you mean "{meant}"?',
        "  help: kubernaut --help",
    ]


def test_a_mistyped_option_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("diagnose", "--namspace", "shop") == 2
    error = capsys.readouterr().err
    assert error.startswith("error: no such option: --namspace")
    assert '"--namespace"' in error


def test_an_unknown_colour_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("version", "--color", "sometimes") == 2
    assert "--color" in capsys.readouterr().err


def test_an_error_of_ours_is_one_sentence_with_a_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    doors = Doors(NoCluster("no cluster: KUBECONFIG is not set", help="kubernaut demo    needs no cluster"))
    assert called("diagnose", doors=doors) == 1
    out = capsys.readouterr()
    assert out.out == ""
    assert out.err.splitlines() == [
        "error: no cluster: KUBECONFIG is not set",
        "  help: kubernaut demo    needs no cluster",
    ]


def test_for_machines_an_error_is_json_on_stdout_with_the_same_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    doors = Doors(NoCluster("no cluster", help="kubernaut demo"))
    assert called("diagnose", "--json", doors=doors) == 1
    out = capsys.readouterr()
    assert json.loads(out.out) == {"error": {"code": "no_cluster", "message": "no cluster", "help": "kubernaut demo"}}
    assert out.err == ""


def test_wrong_use_is_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("diagnos", "--json") == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "wrong_use"


def test_what_was_not_foreseen_says_so_and_shows_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("diagnose", doors=Doors(ZeroDivisionError("x"))) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: this was not foreseen: ZeroDivisionError: x")
    assert "Traceback" not in error


def test_debug_shows_the_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        called("diagnose", "--debug", doors=Doors(ZeroDivisionError("x")))


def test_an_interrupt_ends_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("diagnose", doors=Doors(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == ""


def test_findings_are_no_failure_unless_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("diagnose", "-n", "shop") == 0
    assert called("diagnose", "-n", "shop", "--exit-code") == 3
    assert "crash_after_change" in capsys.readouterr().out


def test_diagnose_looks_where_it_was_told(capsys: pytest.CaptureFixture[str]) -> None:
    doors = Doors()
    called("diagnose", "--all-namespaces", "--context", "prod", "--json", doors=doors)
    assert (doors.asked.namespace, doors.asked.settings.cluster.context) == ("", "prod")
    assert json.loads(capsys.readouterr().out)["incidents"][0]["cause"] == "crash_after_change"


def test_the_demo_for_machines_prints_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("demo", "--once", "--json") == 0
    out = capsys.readouterr()
    assert (json.loads(out.out)["passed"], out.err) == (2, "")


def test_the_demo_ends_with_1_when_a_scenario_ended_wrongly(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = Doors(results=(HEALED, replace(HEALED, passed=False, expected="declined")))
    assert called("demo", "--once", "--port", "0", doors=wrong) == 1
    assert "1 of 2 ended rightly" in capsys.readouterr().out


def test_a_mistyped_scenario_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("demo", "--once", "--scenario", "rollout") == 2
    assert 'did you mean "rollout-a"?' in capsys.readouterr().err


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_busy_port_is_said_with_a_command_that_works(taken: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert called("demo", "--port", str(taken)) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"error: port {taken} is in use (pid ")
    assert second.startswith("  help: kubernaut demo --port ")


def test_settings_are_shown_without_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBERNAUT_HTTP__TOKEN", "swordfish")
    assert called("config", "show") == 0
    assert "swordfish" not in capsys.readouterr().out


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("KUBERNAUT_HTTP__PROT", "1")
    assert called("config", "check") == 1
    assert "http.prot: there is no such setting" in capsys.readouterr().err


def test_the_catalogues_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("actions", "list", "--json") == 0
    ids = {action["id"] for action in json.loads(capsys.readouterr().out)["actions"]}
    assert {"rollback_deployment", "escalate"} <= ids
    assert called("actions", "show", "rollback") == 1
    assert 'did you mean "rollback_deployment"?' in capsys.readouterr().err
    assert called("causes", "list", "--json") == 0
    assert "unknown" in {cause["id"] for cause in json.loads(capsys.readouterr().out)["causes"]}
