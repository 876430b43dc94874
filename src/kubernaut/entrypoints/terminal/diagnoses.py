"""What `kubernaut diagnose` prints: the verdict, its facts, what speaks against it, and the next command."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kubernaut.domain.diagnosis import Diagnosis, Hypothesis, Verdict
from kubernaut.domain.evidence import Evidence, EvidenceId, NotRead
from kubernaut.entrypoints.phrases import call_in_words
from kubernaut.entrypoints.reports import DiagnosisReport
from kubernaut.entrypoints.status import Tone
from kubernaut.entrypoints.terminal.escaping import quoted, visible, without_middle, wrapped
from kubernaut.entrypoints.terminal.look import Look
from kubernaut.entrypoints.units import counted, duration

_VERDICTS: Mapping[Verdict, tuple[Tone, str]] = MappingProxyType(
    {
        Verdict.ACT: (Tone.GOOD, "can be mended"),
        Verdict.APPROVE: (Tone.ASK, "can be mended with consent"),
        Verdict.ESCALATE: (Tone.HAND, "needs a person"),
        Verdict.DECLINE: (Tone.QUIET, "to be left alone"),
    }
)
_BODY = "   "
_LABEL = 11
_OBJECT_WIDTH = 24
# Guesses less likely than this say nothing.
_LEAST_LIKELY = 0.01


def report_lines(report: DiagnosisReport, look: Look, *, verbose: bool = False) -> list[str]:
    """The whole output."""
    lines = _all_well(report, look) if not report.findings else [*_read(report, look), ""]
    for number, diagnosis in enumerate(report.findings, start=1):
        lines += [*_finding(number, diagnosis, diagnosis.hypotheses[0], report, look), ""]
    if report.findings:
        well = max(0, report.workloads - len({one.target for one in report.findings}))
        found = f"{counted(len(report.findings), 'finding')}, {counted(well, 'workload')} healthy."
        lines.append(found + ("" if verbose else "   Every read: --verbose   Scripts: --json"))
    if verbose:
        for note in report.notes:
            lines += wrapped(f"Note: {visible(note.splitlines()[0])}", look.width)
        lines += ["", *(f"read  {duration(read.seconds):>7}  {visible(read.what)}" for read in report.reads)]
    elif report.notes:
        lines.append(f"{counted(len(report.notes), 'note')} on what the snapshot lacks: --verbose")
    return [look.text(line) for line in lines]


def _read(report: DiagnosisReport, look: Look) -> list[str]:
    amount = f"{counted(report.objects, 'object')}, {counted(report.events, 'event')}, {counted(report.logs, 'log')}"
    if report.taken_at is not None:
        where = f"{visible(report.context)}, as it was at {report.taken_at:%Y-%m-%d %H:%M:%S} UTC"
        return wrapped(f"Read {amount} of {where}.", look.width)
    where = f"context {visible(report.context)}"
    return wrapped(f"Read {amount} of {where} in {duration(report.seconds)}. Nothing changed.", look.width)


def _all_well(report: DiagnosisReport, look: Look) -> list[str]:
    where = visible(report.scope) or "all namespaces"
    amount = f"{counted(report.workloads, 'workload')}, {counted(report.objects, 'object')}"
    lines = wrapped(f"Nothing wrong found in {where}: {amount}, {counted(report.events, 'event')}.", look.width)
    gaps = [gap for diagnosis in report.diagnoses for gap in diagnosis.not_read] or list(report.not_read)
    return lines + (wrapped(f"Not looked at: {_gaps(gaps)}", look.width) if gaps else [])


def _gaps(gaps: list[NotRead]) -> str:
    """What was not read, together what was missed in one place for one reason."""
    alike: dict[tuple[str, str], dict[str, None]] = {}
    for gap in gaps:
        what, _, place = gap.what.rpartition(" in ") if " in " in gap.what else (gap.what, "", "")
        alike.setdefault((place, gap.why), {})[what] = None
    return " · ".join(
        f"{visible(', '.join(names))}{f' in {visible(place)}' if place else ''} ({visible(why)})"
        for (place, why), names in alike.items()
    )


def _finding(number: int, diagnosis: Diagnosis, best: Hypothesis, report: DiagnosisReport, look: Look) -> list[str]:
    tone, verdict = _VERDICTS[best.verdict]
    head = (
        f"{number:<3}{visible(str(best.target))}   {best.cause}   {best.confidence:.2f}   {look.paint(tone, verdict)}"
    )
    lines = [head, *wrapped(visible(best.summary), look.width, indent=_BODY), f"{_BODY}FACTS"]
    lines += facts(diagnosis.cited(best), look, indent=_BODY)
    others = [other for other in diagnosis.hypotheses[1:] if other.confidence >= _LEAST_LIKELY]
    if others:
        lines += [f"{_BODY}OTHER HYPOTHESES", *hypotheses(others, diagnosis, look, indent=_BODY)]
    if diagnosis.not_read:
        lines += labelled("NOT READ", _gaps(list(diagnosis.not_read)), look)
    return lines + _next(best, report, look)


def _next(best: Hypothesis, report: DiagnosisReport, look: Look) -> list[str]:
    lines = []
    if best.remedies:
        lines += labelled("REMEDY", visible(call_in_words(best.remedies[0])), look)
    for position, command in enumerate(best.by_hand):
        lines.append(f"{_BODY}{'BY HAND' if position == 0 else '':<{_LABEL}}{visible(command)}")
    namespace = best.target.namespace
    if best.remedies and best.verdict in {Verdict.ACT, Verdict.APPROVE} and namespace not in report.managed:
        label = (
            f"kubectl label namespace {namespace} kubernaut.ai/managed=true"
            if namespace
            else f"kubectl label {best.target.kind.lower()} {best.target.name} kubernaut.ai/managed=true"
        )
        lines.append(f"{_BODY}{'BY US':<{_LABEL}}{visible(label)}")
    return lines


def labelled(label: str, text: str, look: Look, *, indent: str = _BODY) -> list[str]:
    """A heading in capitals with its text beside it, wrapped under itself."""
    return wrapped(text, look.width, indent=indent + " " * _LABEL, first=f"{indent}{label:<{_LABEL}}")


def facts(evidence: tuple[Evidence, ...], look: Look, *, indent: str) -> list[str]:
    """One fact a line: its id, the object, what was read there."""
    names = [_short(fact, look) for fact in evidence]
    width = max((len(name) for name in names), default=0)
    key = max((len(fact.id) for fact in evidence), default=0)
    lines = []
    for fact, name in zip(evidence, names, strict=True):
        first = f"{indent}{fact.id:<{key}}  {name:<{width}}  "
        lines += wrapped(quoted(fact.text), look.width, indent=" " * len(first), first=first)
    return lines


def _short(fact: Evidence, look: Look) -> str:
    name = visible(f"{fact.object.kind.lower()}/{fact.object.name}")
    return name if look.width is None else without_middle(name, _OBJECT_WIDTH)


def hypotheses(others: list[Hypothesis], diagnosis: Diagnosis, look: Look, *, indent: str) -> list[str]:
    """One guess a line, with what speaks against it."""
    width = max(len(other.cause) for other in others)
    texts = {fact.id: fact.text for fact in diagnosis.evidence}
    lines = []
    for other in others:
        first = f"{indent}{other.confidence:.2f}  {other.cause:<{width}}  "
        lines += wrapped(_against(other, texts), look.width, indent=" " * len(first), first=first)
    return lines


def _against(other: Hypothesis, texts: Mapping[EvidenceId, str]) -> str:
    if not other.contradicting:
        return quoted(other.summary)
    ids = ", ".join(other.contradicting)
    return f"against: {quoted(texts.get(other.contradicting[0], other.summary))} ({ids})"
