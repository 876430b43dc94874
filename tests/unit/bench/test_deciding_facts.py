"""Which tickets hold the facts that decided the diagnosis of the live cluster."""

from __future__ import annotations

from bench.diagnosis.deciding import holds_deciding_facts, listed_by, words_of
from kubernaut.domain.diagnosis import CauseId, Diagnosis, Hypothesis, Verdict
from kubernaut.domain.evidence import Evidence, EvidenceId, EvidenceSource
from kubernaut.domain.objects import ObjectRef

WEB = ObjectRef("apps/v1", "Deployment", "shop", "web")
SAID = words_of('{"name": "web", "memory": "96Mi", "message": "Back-off restarting failed container"}')


def live(source: EvidenceSource, ref: str, text: str) -> Diagnosis:
    fact = Evidence(EvidenceId("e1"), source, WEB, ref, text)
    told = Hypothesis(CauseId("unknown"), WEB, 0.5, Verdict.ESCALATE, "It is so.", (fact.id,))
    return Diagnosis(WEB, (told,), (fact,))


def test_a_value_of_the_cluster_has_to_stand_in_the_ticket_and_our_own_words_have_not() -> None:
    cited = live(EvidenceSource.FIELD, "spec", "the limit of container web is 96Mi only")
    assert holds_deciding_facts(cited, "Limits:\n  memory: 96Mi", (), SAID)
    assert not holds_deciding_facts(cited, "web 0/1 CrashLoopBackOff", (), SAID)


def test_a_log_line_has_to_stand_there_whole() -> None:
    cited = live(EvidenceSource.LOG, "log, web, line 3", "panic: no such table users")
    assert holds_deciding_facts(cited, "panic: no such table users", (), SAID)
    assert not holds_deciding_facts(cited, "panic: no such", (), SAID)


def test_absence_is_held_by_a_list_of_all_or_by_words_about_it() -> None:
    cited = live(EvidenceSource.ABSENCE, "secret/login", "there is no Secret login")
    assert holds_deciding_facts(cited, "", set(listed_by(["get po,secrets -n shop -o yaml"])), SAID)
    assert holds_deciding_facts(cited, 'secret "login" not found', (), SAID)
    assert not holds_deciding_facts(cited, "", set(listed_by(["get secrets -n other", "get secret x -n shop"])), SAID)


def test_what_was_measured_is_in_no_ticket_and_no_diagnosis_rests_on_nothing() -> None:
    assert not holds_deciding_facts(live(EvidenceSource.METRIC, "up", "up"), "up", (), SAID)
    assert not holds_deciding_facts(Diagnosis(WEB, (), ()), "", (), SAID)
