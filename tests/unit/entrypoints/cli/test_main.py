import io
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from kubernaut.domain.errors import ClusterUnavailable, NoCluster
from kubernaut.domain.evidence import NotRead
from kubernaut.entrypoints.cli.main import COMMANDS, run
from kubernaut.entrypoints.cli.session import ColourChoice, Session
from kubernaut.entrypoints.doors import CaptureRequest, DemoOptions, DiagnosisRequest, Ended
from kubernaut.entrypoints.reports import CaptureReport, DiagnosisReport
from kubernaut.settings import Settings, load_settings
from tests.told import a_diagnosis
from tests.unit.entrypoints.test_demo import HEALED, LEFT_ALONE, Played

MOMENT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
SAVED = CaptureReport(
    "shop.tar.gz", 20_480, 30, 12, 2, 1, MOMENT, "v1.34.4", (NotRead("secrets of shop", "forbidden"),)
)
FOUND = DiagnosisReport("dev", "shop", 0.1, 1, 2, 3, 4, (a_diagnosis(),))


@dataclass
class Doors:
    """A program whose answers are given."""

    report: DiagnosisReport | BaseException = FOUND
    results: tuple = (HEALED, LEFT_ALONE)
    asked: object = None
    lacking: tuple[str, ...] | ClusterUnavailable = ()

    async def rights(self, settings: Settings) -> tuple[str, ...]:  # noqa: ARG002  # the cluster is given
        if isinstance(self.lacking, ClusterUnavailable):
            raise self.lacking
        return self.lacking

    async def diagnose(self, request: DiagnosisRequest) -> DiagnosisReport:
        self.asked = request
        if isinstance(self.report, BaseException):
            raise self.report
        return self.report

    async def capture(self, request: CaptureRequest) -> CaptureReport:
        self.asked = request
        request.say("Reading shop")
        return SAVED

    def serve(self, settings: Settings, listener: socket.socket, on_ready: Callable[[], None]) -> None:  # noqa: ARG002
        on_ready()

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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBERNAUT_HTTP__TOKEN", "swordfish")
    monkeypatch.setenv("KUBERNAUT_STORE__URL", "postgresql://kubernaut:swordfish@db.internal/incidents")
    monkeypatch.setenv("KUBERNAUT_MEMORY__URL", "postgresql://db.internal/patterns?user=kubernaut&password=swordfish")
    monkeypatch.setenv("KUBERNAUT_NOTIFY__WEBHOOK_URL", "https://hooks.example/services/swordfish")
    provider = {"name": "local", "model": "m", "endpoint": "http://me:swordfish@models.internal/v1"}
    file = tmp_path / "kubernaut.yaml"
    file.write_text(yaml.safe_dump({"models": {"providers": [provider]}}))
    for command in ("config show", "config show --json", "models list", "models list --json"):
        assert called(*command.split(), "--config", str(file)) == 0
        shown = capsys.readouterr().out
        assert "swordfish" not in shown
        assert ("db.internal" if "config" in command else "models.internal") in shown


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("HTTP__PROT", "1", "http.prot: there is no such setting"),
        ("HTTP__TOKEN", "", "http.token: Value error, it is empty"),
        ("HTTP__TOKEN", " \n", "http.token: Value error, it is empty"),
        ("PROMETHEUS__URL", "banana", "prometheus.url: Value error, an address is such as"),
        ("NOTIFY__WEBHOOK_URL", "banana", "notify.webhook_url: Value error, an address is such as"),
        ("MODELS__HIDE", "email,banana", "models.hide.1: Input should be 'email' or 'ip'"),
        ("STORE__URL", "mysql://x", "no store for 'mysql' databases"),
        ("STORE__URL", "postgresql://h:port/x", "the database URL cannot be read"),
        ("STORE__URL", "sqlite://", "names no file"),
    ],
)
def test_a_wrong_setting_is_named(
    variable: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"KUBERNAUT_{variable}", value)
    assert called("config", "check") == 1
    assert told in capsys.readouterr().err


def test_a_setting_of_several_words_can_be_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNAUT_MODELS__HIDE", "email, ip")
    assert load_settings().models.hide == ("email", "ip")


def test_the_catalogues_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("actions", "list", "--json") == 0
    ids = {action["id"] for action in json.loads(capsys.readouterr().out)["actions"]}
    assert {"rollback_deployment", "escalate"} <= ids
    assert called("actions", "show", "rollback") == 1
    assert 'did you mean "rollback_daemonset"?' in capsys.readouterr().err
    assert called("causes", "list", "--json") == 0
    assert "unknown" in {cause["id"] for cause in json.loads(capsys.readouterr().out)["causes"]}


@pytest.fixture
def a_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("shop.tar.gz").touch()


@pytest.mark.usefixtures("a_snapshot")
def test_a_snapshot_is_looked_at_whole_unless_a_namespace_is_given() -> None:
    doors = Doors()
    assert called("diagnose", "--snapshot", "shop.tar.gz", doors=doors) == 0
    assert (doors.asked.snapshot, doors.asked.namespace) == (Path("shop.tar.gz"), "")
    assert called("diagnose", "--snapshot", "shop.tar.gz", "-n", "shop", doors=doors) == 0
    assert doors.asked.namespace == "shop"
    assert called("diagnose", doors=doors) == 0
    assert (doors.asked.snapshot, doors.asked.namespace) == (None, "default")


@pytest.mark.usefixtures("a_snapshot")
def test_a_snapshot_and_a_cluster_at_once_are_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("diagnose", "--snapshot", "shop.tar.gz", "--context", "prod") == 2
    assert "a snapshot needs no cluster" in capsys.readouterr().err


@pytest.mark.usefixtures("a_snapshot")
def test_the_report_on_a_snapshot_says_of_when_it_is_and_that_something_is_lacking(
    capsys: pytest.CaptureFixture[str],
) -> None:
    doors = Doors(replace(FOUND, context="snapshot shop.tar.gz", taken_at=MOMENT, notes=("passed over a.json",)))
    assert called("diagnose", "--snapshot", "shop.tar.gz", doors=doors) == 0
    out = capsys.readouterr().out
    assert "snapshot shop.tar.gz, as it was at 2026-03-01 12:30:00 UTC." in out
    assert "1 note on what the snapshot lacks: --verbose" in out
    assert called("diagnose", "--snapshot", "shop.tar.gz", "--json", doors=doors) == 0
    read = json.loads(capsys.readouterr().out)["read"]
    assert (read["taken_at"], read["notes"]) == ("2026-03-01T12:30:00+00:00", ["passed over a.json"])


def test_saving_tells_its_progress_beside_the_result_and_the_next_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("snapshot", "-n", "shop", "-o", "shop.tar.gz") == 0
    out = capsys.readouterr()
    assert out.err == "Reading shop\n"
    assert out.out.splitlines() == [
        "Saved 30 objects, 12 events, 2 logs in shop.tar.gz, 20 KiB; 1 value hidden.",
        "Not saved: secrets of shop (forbidden)",
        "Look at it:   kubernaut diagnose --snapshot shop.tar.gz",
    ]


def test_for_machines_saving_answers_with_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("snapshot", "-A", "-o", "all.tar.gz", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["path"], document["objects"], document["redacted_values"]) == ("shop.tar.gz", 30, 1)
    assert document["left_out"] == [{"what": "secrets of shop", "why": "forbidden"}]


def test_saving_needs_a_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("snapshot") == 2
    assert "missing parameter: output" in capsys.readouterr().err


def test_a_right_that_is_missing_is_named_with_what_gives_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("config", "check", doors=Doors(lacking=("create pods/eviction in shop (drain_node)",))) == 0
    told = capsys.readouterr().out
    assert "create pods/eviction in shop (drain_node)" in told
    assert "kubernaut rbac render | kubectl apply -f -" in told


def test_settings_are_checked_without_a_cluster_and_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("config", "check", doors=Doors(lacking=ClusterUnavailable("cannot reach it"))) == 0
    assert "could not be asked: cannot reach it" in capsys.readouterr().out


def test_the_roles_of_chosen_actions_are_printed_for_kubectl(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("rbac", "render", "--write", "--actions", "drain_node", "--namespace", "shop") == 0
    documents = list(yaml.safe_load_all(capsys.readouterr().out))
    assert [each["kind"] for each in documents] == ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"]
    assert documents[0]["rules"] == [{"apiGroups": [""], "resources": ["pods/eviction"], "verbs": ["create"]}]
    assert documents[2]["rules"] == [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["patch"]}]


def test_reading_asks_for_no_right_to_change(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("rbac", "render", "--read") == 0
    documents = list(yaml.safe_load_all(capsys.readouterr().out))
    assert {verb for rule in documents[0]["rules"] for verb in rule["verbs"]} == {"get", "list"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--actions", "drain_nodes"), 'did you mean "drain_node"'),
        (("--namespace", "Shop/1"), "--namespace Shop/1: this is no name"),
        (("--account", "nobody"), "--account : this is no name"),
    ],
)
def test_a_role_for_what_does_not_exist_is_refused(
    arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called("rbac", "render", *arguments) != 0
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(("encoding", "text"), [("utf-8", "é \udcff"), ("ascii", "é \udcff"), ("utf-8", "é")])
def test_json_is_valid_in_an_encoding_that_lacks_its_letters(
    encoding: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding, write_through=True))
    Session().write_json({"name": text})
    assert json.loads(written.getvalue().decode(encoding)) == {"name": text}


@pytest.mark.parametrize("command", ["actions list", "actions list --json", "version --json"])
def test_an_answer_that_finds_no_room_is_a_failure_said_on_stderr(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert called(*command.split()) == 1
    assert capsys.readouterr().err == "error: the answer cannot be written: No space left on device\n"


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (NoCluster("no cluster here"), 1, "error: no cluster here"),
        (BrokenPipeError(), 1, ""),
        (ZeroDivisionError("by nothing"), 1, "error: this was not foreseen: ZeroDivisionError: by nothing"),
    ],
)
def test_what_goes_wrong_in_one_of_several_tasks_is_told_as_what_it_is(
    error: Exception, code: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())  # a reader that went away leaves none to write to
    doors = Doors(ExceptionGroup("of a demo", [ExceptionGroup("of its service", [error])]))
    assert called("diagnose", doors=doors) == code
    assert capsys.readouterr().err.partition("\n")[0] == told


@pytest.mark.parametrize(("host", "token", "warned"), [("127.0.0.1", "", 0), ("0.0.0.0", "", 1), ("0.0.0.0", "x", 0)])
def test_a_service_that_is_open_to_everybody_says_so(
    host: str, token: str, warned: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if token:
        monkeypatch.setenv("KUBERNAUT_HTTP__TOKEN", token)
    assert called("serve", "--host", host, "--port", "0") == 0
    assert capsys.readouterr().err.count("warning: whoever reaches this address may approve") == warned
