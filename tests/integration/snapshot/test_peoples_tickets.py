"""Tickets as people write them: parts of what kubectl printed, squeezed, cut, quoted, between their own words.

What is expected is what the fault catalogue has for the fault of the ticket. Where a ticket leaves two readings open,
both are named, and so are the objects that a person could mean.
"""

from __future__ import annotations

import asyncio
import re
from functools import cache
from pathlib import Path

import pytest

from kubernaut.domain.diagnosis import Diagnosis, Verdict
from kubernaut.domain.evidence import EvidenceSource
from kubernaut.entrypoints.doors import DiagnosisRequest
from kubernaut.entrypoints.looking import look
from kubernaut.settings import load_settings

TICKETS = Path(__file__).parents[2] / "data" / "tickets"
# File, causes, names of the target.
TOLD = (
    ("01", "network_policy_blocks", "worker lockdown"),
    ("02", "autoscaler_at_limit", "portal"),
    ("03", "job_failed", "report-28590"),
    ("04", "registry_unreachable", "mailer"),
    ("05", "missing_config_key", "worker"),
    ("06", "readiness_probe_wrong", "leave"),
    ("07", "missing_configmap", "sender"),
    ("08", "rollout_paused", "portal"),
    ("09", "network_policy_blocks", "api default-deny"),
    ("10", "node_not_ready", "node-2"),
    ("11", "node_not_ready", "wk-b"),
    ("12", "sandbox_not_made", "etl-29372880 etl worker-3"),
    ("13", "service_missing", "checkout"),
    ("15", "ingress_misrouted", "shop"),
    ("16", "crash_after_change", "matcher"),
    ("17", "crash_after_change", "search"),
    ("18", "scaled_to_zero", "orders-db"),
    ("19", "command_not_found", "consumer"),
    ("20", "evicted_by_node", "node-4"),
    ("21", "quota_exceeded", "frontend"),
    ("22", "insufficient_resources", "warehouse"),
    ("24", "api_forbidden", "janitor"),
    ("25", "disruption_budget_blocks", "pg"),
    ("26", "credentials_refused", "ledger-api"),
    ("27", "autoscaler_blind", "frontend"),
    ("28", "liveness_probe_wrong", "wiki"),
    ("29", "node_not_ready", "ip-10-2-7"),
    ("30", "init_container_fails", "crm"),
    ("31", "quota_exceeded", "train-29372880 train"),
    ("32", "cronjob_suspended", "backup"),
    ("33", "memory_limit_too_low", "engine"),
    ("34", "service_missing dependency_address_wrong", "login"),
    ("35", "quota_exceeded", "broker"),
    ("36", "webhook_unavailable scaled_to_zero", "policy-agent cart catalog"),
    ("37", "nodes_cordoned", "front k8s-w1 k8s-w2"),
    ("38", "service_selector_wrong", "cart"),
    ("39", "storage_class_missing", "data-etl-worker-0"),
    ("40", "crash_without_change crash_after_change dns_fails", "coredns"),
    ("41", "image_not_found", "thumbs"),
    ("43", "image_pull_unauthorized", "billing"),
    ("45", "unschedulable_taint", "indexer"),
    ("46", "service_port_wrong", "quotes"),
    ("47", "liveness_probe_wrong readiness_probe_wrong", "invoicer"),
    ("48", "pod_security_forbids", "reports"),
    ("49", "unschedulable_node_selector", "frames"),
    ("50", "webhook_unavailable", "front quotes injector"),
    ("51", "wrong_architecture", "detect"),
    ("52", "namespace_terminating", "old-metrics"),
    ("53", "host_port_taken", "jaeger-agent"),
    ("54", "preempted insufficient_resources", "web"),
    ("55", "certificate_rejected", "gateway"),
    ("56", "memory_limit_too_low", "encoder"),
    ("57", "ephemeral_storage_exceeded", "spool"),
    ("58", "provisioning_failed", "raw"),
    ("59", "unknown readiness_probe_wrong", "keycloak"),
    ("60", "disk_full", "fluent-bit"),
)
NOTHING_WRONG = ("14", "23", "42", "44", "61", "62")
EVERY = [*(row[0] for row in TOLD), *NOTHING_WRONG]
# A name that is not there leaves two spaces, an empty pair of brackets or quotes, or nothing before a full stop.
_NAMELESS = re.compile(r"\S  \S|\[\]|''|\(\)| \.| ,|: :")
_COUNT = re.compile(r"^[\w.-]+(?: x\d+)?: ")


@cache
def diagnosed(name: str) -> tuple[Diagnosis, ...]:
    request = DiagnosisRequest(load_settings(None), "", None, TICKETS / f"{name}.txt")
    return tuple(asyncio.run(look(request)).diagnoses)


@pytest.mark.parametrize(("name", "causes", "targets"), TOLD)
def test_the_first_thing_said_of_a_ticket_is_its_cause_and_where(name: str, causes: str, targets: str) -> None:
    best = diagnosed(name)[0].best
    assert best is not None
    assert (best.cause in causes.split(), best.target.name in targets.split()) == (True, True), best.summary


@pytest.mark.parametrize("name", NOTHING_WRONG)
def test_of_a_ticket_in_which_nothing_is_wrong_nothing_is_told(name: str) -> None:
    assert [one.best.summary for one in diagnosed(name) if one.best] == []


@pytest.mark.parametrize("name", EVERY)
def test_nothing_is_done_at_once_and_no_sentence_lacks_a_name(name: str) -> None:
    for one in (each for told in diagnosed(name) for each in told.hypotheses):
        assert one.verdict is not Verdict.ACT
        assert not _NAMELESS.search(one.summary), one.summary


@pytest.mark.parametrize("name", EVERY)
def test_every_event_and_every_word_of_a_log_that_is_cited_stands_in_the_ticket(name: str) -> None:
    text = " ".join((TICKETS / f"{name}.txt").read_text().split())
    cited = [fact for told in diagnosed(name) for fact in told.evidence]
    for fact in cited:
        words = " ".join(_COUNT.sub("", fact.text, count=1).split())[:40]
        if fact.source is EvidenceSource.EVENT:
            assert words in text, fact.text
        elif fact.source is EvidenceSource.LOG:
            # What a command within a pod printed stands there without the command.
            assert words in text or fact.text.rpartition(": ")[2] in text, fact.text
