"""The commands of a transcript, and the lines that each printed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from kubernaut.ports import Resource
from kubernaut.resources import (
    AUTOSCALER,
    CRON_JOB,
    DAEMON_SET,
    DEPLOYMENT,
    JOB,
    POD,
    REPLICA_SET,
    REPLICATION_CONTROLLER,
    RESOURCES,
    SERVICE,
    STATEFUL_SET,
)

VERBS: Final = frozenset(
    {"get", "describe", "logs", "exec", "run", "drain", "events", "top", "rollout", "config", "project", "version"}
)
# Under which the options hold what a command ran within a pod.
WITHIN: Final = "--"
ALL: Final = (
    POD, REPLICATION_CONTROLLER, SERVICE, DAEMON_SET, DEPLOYMENT, REPLICA_SET, STATEFUL_SET, AUTOSCALER, CRON_JOB, JOB,
)  # fmt: skip
_SHORT: Final = {
    "po": "pods", "svc": "services", "cm": "configmaps", "ev": "events", "ns": "namespaces", "no": "nodes",
    "ep": "endpoints", "quota": "resourcequotas", "limits": "limitranges", "sa": "serviceaccounts",
    "pvc": "persistentvolumeclaims", "pv": "persistentvolumes", "rc": "replicationcontrollers",
    "deploy": "deployments", "rs": "replicasets", "sts": "statefulsets", "ds": "daemonsets", "cj": "cronjobs",
    "hpa": "horizontalpodautoscalers", "pdb": "poddisruptionbudgets", "ing": "ingresses", "netpol": "networkpolicies",
    "sc": "storageclasses", "pc": "priorityclasses", "vwc": "validatingwebhookconfigurations",
    "mwc": "mutatingwebhookconfigurations",
}  # fmt: skip
_BY_NAME: Final = {
    **{resource.plural: resource for resource in RESOURCES},
    **{resource.kind.lower(): resource for resource in RESOURCES},
}
# After a prompt, a path or nothing: `$ kubectl`, `/usr/local/bin/kubectl`, `kubectl.exe`.
_PROGRAM: Final = re.compile(r"(?:^|(?<=[\s`'\"$#%>]))(?:[\w.~:/\\-]{0,80}[/\\])?(?:kubectl(?:\.exe)?|oc|k)\s+(?=\S)")
_BEFORE_PROGRAM: Final = re.compile(
    r"(?:(?:sudo|env|time|watch|microk8s|minikube|k3s|rke2|\w{1,40}=\S{1,80}|-[a-zA-Z-]{1,20}(?: ?\d{1,4})?)\s+)+$"
)
_PROMPT_ENDS: Final = "$#%>\u276f\u279c\u00bb\u03bb"
_PROMPT_STARTS: Final = "\u276f\u279c\u03bb"
# A trace of the shell, and the marks of a list: `+ kubectl`, `1. kubectl`, `- kubectl`.
_BULLET: Final = re.compile(r"(?:\++|[-*\u2022]|\(?\d{1,3}[.):])\s+")
_LONGEST_PROMPT: Final = 120
# The prompt of a shell whose folder or user may have changed since the command.
_SHELL: Final = re.compile(r"(?:\([\w.:|-]+\)\s*)?\[?[\w.-]+@[\w.-]+[^$#%>|]{0,80}[$#%>]\s|PS [A-Z]:\\[^>]*>\s")
_FENCE: Final = re.compile(r"\s*(?:```+|~~~+|\{(?:code|noformat)(?::[^}]*)?\})\s*\w*\s*")
# `kubectl get pods` within a sentence that ends there, or goes on to say that this is what it printed.
_QUOTED: Final = re.compile(
    r"`\s*((?:kubectl|oc|k)\s[^`]{1,400})`(?:[\s:.*]*|.{0,40}\b(?:output|shows?|gives?|returns?|prints?|says)\b.{0,40})$"
)
# `Every 2.0s: kubectl get pods`, `Command: kubectl get pods`, `Output of kubectl get pods:`.
_LABEL: Final = re.compile(r"[*_#\s]*(?:[\w.']+ ){0,5}(?:[\w.]+:|[Oo]utput of|[Rr]an|[Rr]unning|[Rr]un)\s*")
_TAG: Final = re.compile(r"</?(?:summary|details|code|pre|p|b|strong|div|span|h\d)\b[^>]{0,200}>")
_MARKS: Final = "*_`"
_REST: Final = re.compile(r"\s{2,}.*|[`*]* (?:and|which|it|this) (?:\w+ ){0,4}\w+:?$")
_MARGIN: Final = re.compile(r"[ \t>|]*")
_NAMESPACE_SET: Final = re.compile(r'Active namespace is "([a-z0-9-]{1,63})"')
_CHAINED: Final = re.compile(r"\s*(?:;|&&)\s*(?:kubectl|oc|k)\s+")
_VALUED: Final = frozenset(
    {
        "namespace", "output", "selector", "field-selector", "container", "sort-by", "context", "kubeconfig", "tail",
        "since", "since-time", "label-columns", "chunk-size", "server", "for", "types", "cluster", "user", "token",
        "request-timeout", "limit-bytes", "template", "as",
    }
)  # fmt: skip
_LETTERS: Final = {"n": "namespace", "o": "output", "l": "selector", "c": "container", "L": "label-columns"}
_FLAGS: Final = {"A": "all-namespaces", "p": "previous", "w": "watch", "f": "follow"}
_CUTS: Final = frozenset({"|", "||", "&&", ";", ">", ">>", "2>&1", "2>/dev/null", "&"})
_HARMLESS: Final = frozenset({"cat", "less", "more", "tee"})


@dataclass(frozen=True, slots=True)
class Command:
    """A call of kubectl. `namespace` is None where the context decides; `is_cut` when a pipe took lines away."""

    verb: str
    words: tuple[str, ...]
    options: dict[str, str]
    is_cut: bool = False

    @property
    def namespace(self) -> str | None:
        """The namespace it names."""
        return self.options.get("namespace") or None

    @property
    def is_everywhere(self) -> bool:
        """Whether it asks for all namespaces."""
        return self.options.get("all-namespaces", "false") != "false"

    @property
    def output(self) -> str:
        """The form it asks for, without the arguments of that form."""
        return self.options.get("output", "").partition("=")[0]

    @property
    def resources(self) -> tuple[Resource, ...]:
        """The kinds it asks for, empty where one is not known here."""
        first = self.words[0] if self.words else ""
        kinds = [word.partition("/")[0] for word in self.words] if "/" in first else first.split(",")
        if kinds == ["all"]:
            return ALL
        found = [find_kind(kind) for kind in dict.fromkeys(kinds)]
        return tuple(kind for kind in found if kind) if all(found) else ()

    @property
    def name(self) -> str:
        """The name of the one object that it asks for, empty where it asks for several."""
        if len(self.words) == 1 and "/" in self.words[0]:
            return self.words[0].partition("/")[2]
        return self.words[1] if len(self.words) == 2 and "/" not in self.words[0] else ""  # noqa: PLR2004

    @property
    def object(self) -> tuple[Resource, str] | None:
        """The one object that it asks for, None where it asks for several."""
        if self.verb == "logs":
            kind, slash, name = (self.words[0] if self.words else "").rpartition("/")
            resource = find_kind(kind) if slash else POD
        else:
            name, resource = self.name, next(iter(self.resources), None)
        return (resource, name) if resource and name else None

    @property
    def shows_all(self) -> bool:
        """Whether it shows every object of its kinds: no names, no selector, nothing cut off."""
        narrowed = {"selector", "field-selector", "for", "types"} & self.options.keys()
        named = len(self.words) > 1 or any("/" in word for word in self.words)
        return not (narrowed or named or self.is_cut)


@dataclass(frozen=True, slots=True)
class Block:
    """A command and what it printed; `command` is None of lines that stand under none."""

    command: Command | None
    lines: list[str]


def find_kind(word: str) -> Resource | None:
    """The resource that people call so: `deploy`, `deployments.apps`, `Pod`."""
    name = word.lower().partition(".")[0]
    return _BY_NAME.get(_SHORT.get(name, name))


def blocks(text: str) -> Iterator[Block]:
    """The commands of kubectl with the lines that they printed; without a command what nothing claims."""
    prompt, margin = "", ""
    current: list[Command] = []
    printed: list[str] = []
    loose: list[str] = []
    lines = iter(text.removesuffix("\n").split("\n"))
    for line in lines:
        found = command_of(line, lines) if _mentions(line) else None
        if found is not None:
            yield from _closed(current, printed, loose)
            prompt, current = found
            printed, loose, margin = [], [], _margin_of(line)
        elif _FENCE.fullmatch(line) and current and not any(map(str.strip, printed)):
            margin = _margin_of(line)
        elif _ends_output(line, prompt):
            yield from _closed(current, printed, loose)
            current, printed, loose = [], [], [line]
        elif current:
            printed.append(line.removeprefix(margin))
        elif match := _NAMESPACE_SET.search(line):
            yield Block(Command("project", (match[1],), {}), [])
        else:
            loose.append(line)
    yield from _closed(current, printed, loose)


def _mentions(line: str) -> bool:
    """Whether a command of kubectl can be in the line: cheaper than to look for it."""
    return "kubectl" in line or "oc " in line or "k " in line


def _closed(current: list[Command], printed: list[str], loose: list[str]) -> Iterator[Block]:
    yield from (Block(command, printed) for command in current)
    if any(map(str.strip, loose)):
        yield Block(None, loose)


def _margin_of(line: str) -> str:
    """What a quoting mail program or an indented listing puts before each line."""
    match = _MARGIN.match(line)
    return match[0] if match else ""


def command_of(line: str, following: Iterator[str]) -> tuple[str, list[Command]] | None:
    """The prompt and the commands of a line that calls kubectl, None where it calls none.

    There are no commands where it shows nothing of the cluster, and several where one follows the other.
    """
    line = _unmarked(line)
    match = _PROGRAM.search(line[: _LONGEST_PROMPT + 20])
    if match is None:
        return None
    rest = line[match.end() :]
    while rest.endswith(("\\", "\\\r")):
        rest = rest.rstrip("\\\r") + " " + next(following, "").strip()
    prompt = _BEFORE_PROGRAM.sub("", line[: match.start()])
    is_shell = _is_prompt(prompt)
    if not is_shell and _LABEL.fullmatch(prompt):
        prompt, rest = "", _REST.sub("", rest).rstrip(":")
    is_short = match[0].split()[-1].replace("\\", "/").rpartition("/")[2] in ("k", "oc")
    if (is_short or not is_shell) and not _starts_with_verb(rest):
        return None
    if not is_shell and prompt.strip() and not _BULLET.fullmatch(prompt.lstrip()):
        return None
    parts = _CHAINED.split(rest.removeprefix("-- ").rstrip("`* "))
    found = [command for part in parts if (command := _parse(part, is_cut=len(parts) > 1))]
    return (prompt if is_shell else ""), found


def _unmarked(line: str) -> str:
    """The line without the marks of Markdown and HTML around a command; of a sentence, the command that it quotes."""
    if "`" in line[:1000]:
        quoted = _QUOTED.search(line[:1000])
        return quoted[1] if quoted else line
    if "<" in line and (match := _TAG.search(line)) and match.start() < _LONGEST_PROMPT:
        line = _TAG.sub("", line)
    stripped = line.strip()
    is_bold = stripped[:1] in _MARKS and stripped.rstrip(":")[-1:] in _MARKS
    return stripped.rstrip(":").strip(_MARKS) if is_bold else line


def _is_prompt(text: str) -> bool:
    """Some shells end the prompt with their sign, some begin it."""
    mark = text.strip()
    return bool(mark) and (mark[-1] in _PROMPT_ENDS or mark[0] in _PROMPT_STARTS)


def _starts_with_verb(rest: str) -> bool:
    words = rest.split(None, 1)
    return bool(words) and (words[0] in VERBS or words[0].startswith("-"))


def _ends_output(line: str, prompt: str) -> bool:
    if _FENCE.fullmatch(line) or line.lstrip(" >").startswith("$ ") or _SHELL.match(line):
        return True
    return len(prompt.strip()) > 1 and line.startswith(prompt.rstrip())


def _parse(text: str, *, is_cut: bool) -> Command | None:
    try:
        words = shlex.split(text[:4000])
    except ValueError:
        words = text[:4000].split()
    words, is_piped, is_elsewhere = _cut(words)
    plain: list[str] = []
    options: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if word == "--":
            options[WITHIN] = shlex.join(rest)
        elif word.startswith("--"):
            name, given, value = word[2:].partition("=")
            options[name] = value if given else (next(rest, "") if name in _VALUED else "true")
        elif word.startswith("-") and len(word) > 1:
            _take_letters(word[1:], rest, options)
        else:
            plain.append(word)
    if is_elsewhere or not plain or plain[0] not in VERBS:
        return None
    return Command(plain[0], tuple(plain[1:]), options, is_cut or is_piped)


def _take_letters(letters: str, rest: Iterator[str], options: dict[str, str]) -> None:
    for position, letter in enumerate(letters):
        if letter in _LETTERS:
            value = letters[position + 1 :].removeprefix("=") or next(rest, "")
            options[_LETTERS[letter]] = value
            return
        options[_FLAGS.get(letter, letter)] = "true"


def _cut(words: list[str]) -> tuple[list[str], bool, bool]:
    """The words up to a pipe, whether what followed cuts lines away, and whether the output went to a file."""
    for position, word in enumerate(words):
        if word.startswith("#") and position:
            return words[:position], False, False
        if word in _CUTS or word.startswith(("|", ">")) or word.endswith(";"):
            following = words[position + 1 : position + 2]
            is_elsewhere = word.startswith(">")
            is_cut = not word.startswith("2>") and not (following and following[0] in _HARMLESS)
            kept = words[:position] + ([word.rstrip(";")] if word.endswith(";") and word != ";" else [])
            return kept, is_cut, is_elsewhere
    return words, False, False
