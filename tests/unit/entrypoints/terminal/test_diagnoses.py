from dataclasses import replace

from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.evidence import NotRead
from kubernaut.entrypoints.reports import DiagnosisReport, ReadCall, diagnosis_json
from kubernaut.entrypoints.terminal.diagnoses import report_lines
from kubernaut.entrypoints.terminal.look import Look, plain_length
from tests.told import CHECKOUT, a_diagnosis

FOUND = DiagnosisReport("dev", "shop", 0.134, 214, 96, 12, 6, (a_diagnosis(),))


def test_a_finding_reads_verdict_facts_doubts_and_the_next_command() -> None:
    assert report_lines(FOUND, Look(80)) == [
        "Read 214 objects, 96 events, 12 logs of context dev in 0.1 s. Nothing changed.",
        "",
        "1  shop/deployment/checkout   crash_after_change   0.94   can be mended",
        "   Every pod of revision 7 of checkout exits 1: it does not know the flag",
        "   --cache-ttl.",
        "   FACTS",
        '   e1  deployment/checkout       revision 6 → 7: args [] → ["--cache-ttl=30s"]',
        "   e2  pod/checkout-7d9f8b6…x2x  exit code 1, 5 restarts, first 41 s after e1",
        "   e3  pod/checkout-7d9f8b6…x2x  flag provided but not defined: -cache-ttl",
        "   OTHER HYPOTHESES",
        "   0.11  missing_config_key  against: all 4 references resolve (e4)",
        "   NOT READ   metrics (no Prometheus is set)",
        "   REMEDY     rollback_deployment revision=6",
        "   BY HAND    kubectl -n shop rollout undo deploy/checkout --to-revision=6",
        "   BY US      kubectl label namespace shop kubernaut.ai/managed=true",
        "",
        "1 finding, 5 workloads healthy.   Every read: --verbose   Scripts: --json",
    ]


def test_in_a_pipe_every_fact_is_whole_and_on_one_line() -> None:
    lines = report_lines(FOUND, Look())
    assert "   e2  pod/checkout-7d9f8b6c4-abx2x  exit code 1, 5 restarts, first 41 s after e1" in lines
    assert "   Every pod of revision 7 of checkout exits 1: it does not know the flag --cache-ttl." in lines


def test_nothing_wrong_says_what_was_looked_at_and_what_was_not() -> None:
    gap = NotRead("logs of 2 pods", "pods/log is forbidden")
    report = replace(FOUND, diagnoses=(Diagnosis(CHECKOUT, (), (), (gap,)),), workloads=9)
    assert report_lines(report, Look(80)) == [
        "Nothing wrong found in shop: 9 workloads, 214 objects, 96 events.",
        "Not looked at: logs of 2 pods (pods/log is forbidden)",
    ]


def test_a_managed_namespace_needs_no_label() -> None:
    lines = report_lines(replace(FOUND, managed=frozenset({"shop"})), Look(80))
    assert not [line for line in lines if "BY US" in line]


def test_verbose_lists_every_read_with_its_time() -> None:
    lines = report_lines(replace(FOUND, reads=(ReadCall("list Pod in shop", 0.012),)), Look(80), verbose=True)
    assert lines[-1] == "read    12 ms  list Pod in shop"


def test_without_utf_8_no_character_is_beyond_ascii() -> None:
    assert all(line.isascii() for line in report_lines(FOUND, Look(80, unicode=False)))


def test_colour_changes_no_character() -> None:
    plain, painted = report_lines(FOUND, Look(80)), report_lines(FOUND, Look(80, colour=True))
    assert [plain_length(line) for line in painted] == [len(line) for line in plain]


def test_scripts_get_the_documented_fields() -> None:
    (incident,) = diagnosis_json(FOUND)["incidents"]
    assert incident["cause"] == "crash_after_change"
    assert incident["verdict"] == "act"
    assert incident["target"] == {
        "api_version": "apps/v1",
        "kind": "Deployment",
        "namespace": "shop",
        "name": "checkout",
    }
    assert incident["recommended"]["action"] == "rollback_deployment"
    assert incident["recommended"]["parameters"] == {"revision": 6}
    assert [fact["id"] for fact in incident["evidence"]] == ["e1", "e2", "e3", "e4"]
    assert incident["alternatives"][0]["cause"] == "missing_config_key"
