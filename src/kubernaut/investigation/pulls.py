"""Why an image did not come, from the words of containerd, CRI-O and Docker about many registries."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.containers import Container
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.scene import Scene


class PullProblem(StrEnum):
    """The classes of failed pulls that have different remedies."""

    NOT_FOUND = "not found"
    UNREACHABLE = "unreachable"
    UNAUTHORIZED = "unauthorized"
    UNCLEAR = "unclear"


_UNREACHABLE = re.compile(
    r"(?i)no such host|server misbehaving|i/o timeout|connection refused|connection reset|network is unreachable"
    r"|no route to host|tls handshake timeout|x509:|tls: |certificate|deadline exceeded|client\.timeout"
    r"|unexpected eof|: eof\b"
    r"|temporary failure in name resolution|toomanyrequests|too many requests|rate limit"
    r"|\b(?:500 internal server|502 bad gateway|503 service unavailable|504 gateway)|proxyconnect"
    r"|server gave http response"
)
_UNAUTHORIZED = re.compile(
    r"(?i)401 unauthorized|403 forbidden|\bunauthorized\b|authorization failed|insufficient_scope|pull access denied"
    r"|access denied|\bdenied:|no basic auth credentials|authentication required|failed to fetch oauth token"
    r"|failed to authorize|invalid username/password|unable to retrieve some image pull secrets|requires authentication"
)
_NOT_FOUND = re.compile(
    r"(?i)manifest unknown|manifest_unknown|name_unknown|name unknown|repository name not known|not found"
    r"|code = notfound"
    r"|no match for platform|no matching manifest|does not exist|\b404\b|couldn't parse image|invalid reference format"
    r"|is not present with pull policy|invalid image name|unknown manifest"
)
# Docker Hub and GitLab answer so for a repository that is not there, too.
_AMBIGUOUS = re.compile(
    r"(?i)repository does not exist or may require|insufficient_scope|requested access to the resource"
    r"|or it may not exist"
)


@dataclass(frozen=True, slots=True)
class FailedPull:
    """One container whose image does not come, and why."""

    container: Container
    problem: PullProblem
    is_ambiguous: bool
    words: str
    facts: tuple[Fact, ...]


def failed_pull(scene: Scene, container: Container) -> FailedPull:
    """The class of the failure, by the kubelet's message and the events about this image.

    The waiting message of older kubelets holds only `Back-off pulling image`; the runtime's words are in an event then.
    """
    waiting = f"{container.waiting}: {container.message}" if container.message else container.waiting
    found = [facts.field(container.pod, container.waiting_path, waiting)]
    texts = [container.message]
    for entry in _events(scene, container.pod, container):
        texts.append(entry.text("message"))
        found.append(facts.event(entry))
    for text in texts:
        problem, ambiguous = classified(text, container.image)
        if problem is not PullProblem.UNCLEAR:
            return FailedPull(container, problem, ambiguous, text, tuple(found))
    problem = {"InvalidImageName": PullProblem.NOT_FOUND, "ErrImageNeverPull": PullProblem.NOT_FOUND}.get(
        container.waiting, PullProblem.UNCLEAR
    )
    return FailedPull(container, problem, False, container.message, tuple(found))  # noqa: FBT003  # not ambiguous


def _events(scene: Scene, pod: KubeObject, container: Container) -> list[KubeObject]:
    """The newest event that carries the runtime's words about this image."""
    told = [
        entry
        for entry in scene.events_of(
            pod, "Failed", "InspectFailed", "ErrImageNeverPull", "FailedToRetrieveImagePullSecret"
        )
        if container.image in entry.text("message") or entry.text("reason") == "FailedToRetrieveImagePullSecret"
    ]
    return told[:1]


def classified(message: str, image: str) -> tuple[PullProblem, bool]:
    """The class of a runtime's message, and whether the registry's answer leaves another one open."""
    text = _without_names(message, image)
    # First: a registry that could not be asked has said nothing about the image, whatever words stand around it.
    if _UNREACHABLE.search(text):
        return PullProblem.UNREACHABLE, False
    if _UNAUTHORIZED.search(text):
        return PullProblem.UNAUTHORIZED, _AMBIGUOUS.search(text) is not None
    if _NOT_FOUND.search(text):
        return PullProblem.NOT_FOUND, False
    return PullProblem.UNCLEAR, False


def _without_names(message: str, image: str) -> str:
    """The message without names and addresses: an image may be called `unauthorized-proxy`."""
    text = re.sub(r"https?://[^\s\"]+", " ", message[:4000])
    for name in sorted({image, repository(image), image.rpartition("/")[2]}, key=len, reverse=True):
        if name:
            text = text.replace(name, " ")
    return re.sub(r"\"[\w./:@-]*\"", " ", text)


def registry(image: str) -> str:
    """The host of an image, `docker.io` where it names none."""
    first, slash, _ = image.partition("/")
    # As the reference grammar of image names has it: a first part without dot, colon or localhost is no host.
    return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"


def repository(image: str) -> str:
    """The image without its tag and digest."""
    name = image.partition("@")[0]
    head, slash, tail = name.rpartition("/")
    return f"{head}{slash}{tail.partition(':')[0]}"
