from datetime import UTC, datetime

import pytest

from kubernaut.domain.diagnosis import CauseId, Diagnosis, Hypothesis, Verdict
from kubernaut.domain.evidence import Evidence, EvidenceId, EvidenceSource
from kubernaut.domain.incidents import Fingerprint, Incident, IncidentId
from kubernaut.domain.objects import ObjectRef
from kubernaut.learning.describing import describe, normalise

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def found(namespace: str, name: str, pod: str, when: str, address: str) -> tuple[Incident, Diagnosis]:
    target, reported = ObjectRef("apps/v1", "Deployment", namespace, name), ObjectRef("v1", "Pod", namespace, pod)
    incident = Incident(
        IncidentId("inc-1"), Fingerprint("f"), target, reported, "KubePodCrashLooping", "warning", NOW, NOW
    )
    fact = Evidence(
        EvidenceId("e1"),
        EvidenceSource.LOG,
        reported,
        "log",
        f"{when} {pod}: dial tcp {address}: connection refused",
    )
    hypothesis = Hypothesis(
        CauseId("crash_without_change"),
        target,
        0.7,
        Verdict.ESCALATE,
        f"Container of {namespace}/{name} cannot reach its database",
        (fact.id,),
    )
    return incident, Diagnosis(target, (hypothesis,), (fact,))


def test_two_occurrences_of_one_fault_read_the_same() -> None:
    one = found("shop", "checkout", "checkout-6d4f8b9c77-x2x5z", "2026-11-22T10:11:12.123Z", "10.0.3.7:5432")
    other = found("mail", "imap-gateway", "imap-gateway-7bbf96d845-q8wzx", "2025-01-02T03:04:05Z", "10.200.1.44:5432")

    assert describe(*one) == describe(*other)
    assert describe(*one).splitlines() == [
        "kube pod crash looping, deployment",
        "crash without change",
        "Container of namespace/deployment cannot reach its database",
        "pod: dial tcp : connection refused",
    ]


def test_an_incident_without_a_diagnosis_is_described_by_its_family() -> None:
    incident, _ = found("shop", "checkout", "checkout-1", "", "")

    assert describe(incident, None) == "kube pod crash looping, deployment"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("at 2026-11-22T10:11:12Z it broke", "at it broke"),
        ("at 2026-11-22 10:11:12+01:00 it broke", "at it broke"),
        ("uid 8c1f2c1e-9a3b-4c59-9e2f-0a1b2c3d4e5f gone", "uid gone"),
        ("image@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "image@"),
        ("from 192.168.3.11 and fe80::1ff:fe23:4567:890a", "from and"),
        ("ReplicaSet api-6d4f8b9c77 has pod api-6d4f8b9c77-x2x5z", "ReplicaSet api has pod api"),
        ("exit code 137, restarted 4 times", "exit code 137, restarted 4 times"),
        ("crash-looping back-off of the cert-manager-webhook", "crash-looping back-off of the cert-manager-webhook"),
    ],
)
def test_passing_values_go_and_words_stay(text: str, plain: str) -> None:
    assert normalise(text) == plain


def test_a_name_is_replaced_only_where_it_stands_as_a_name() -> None:
    objects = (ObjectRef("apps/v1", "Deployment", "web", "api"),)

    assert normalise("api of web calls rapid-api and webhooks", objects) == (
        "deployment of namespace calls rapid-api and webhooks"
    )
