"""The hidden world: which images exist, what the programs in them do, and what happens to them at run time.

Nothing of this is visible through the API, so a diagnosis has to find it out from what the cluster shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from kubernaut.domain.objects import KubeObject

MEBIBYTE = 2**20
NODE_ARCH = "amd64"


@dataclass(frozen=True, slots=True)
class Listener:
    """A port that the program opens, and the HTTP paths that answer 200 (none: it does not speak HTTP)."""

    port: int
    paths: frozenset[str] = frozenset({"/", "/healthz", "/readyz"})
    protocol: str = "http"


@dataclass(frozen=True, slots=True)
class Application:
    """What the program in an image needs and does. `flags` None takes any; `runs_for_s` None runs for ever.

    `calls` are variables that hold addresses it needs at its start, `writes` a folder that it must be able to write to.
    `arch` is the processor that it is built for.
    """

    listeners: tuple[Listener, ...] = ()
    startup_s: float = 2.0
    working_set: int = 48 * MEBIBYTE
    commands: frozenset[str] = frozenset()
    flags: frozenset[str] | None = None
    required_env: tuple[str, ...] = ()
    required_files: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    writes: str = ""
    runs_for_s: float | None = None
    shutdown_s: float = 1.0
    size: int = 41 * MEBIBYTE
    greeting: tuple[str, ...] = ("starting",)
    arch: str = "amd64"


@dataclass(frozen=True, slots=True)
class Misfortune:
    """Something that happens to every running container of an image from `since` to `until`.

    With `exit_code` None the program keeps running but answers 503 on `paths`; else it exits so `after_s` into its run.
    """

    since: datetime
    until: datetime | None = None
    exit_code: int | None = None
    after_s: float = 8.0
    lines: tuple[str, ...] = ()
    paths: frozenset[str] = frozenset({"/readyz"})

    def is_on(self, now: datetime) -> bool:
        """Whether it happens now."""
        return self.since <= now and (self.until is None or now < self.until)


@dataclass(frozen=True, slots=True)
class PullResult:
    """How a pull ended; `error` is what the runtime says where it failed."""

    error: str = ""
    application: Application | None = None


def _works(_pod: KubeObject) -> str:
    return ""


@dataclass(slots=True)
class World:
    """Registries with their images. `open_hosts` exist; those in `closed_hosts` want credentials.

    `attach` and `connect` say why a pod's volumes cannot be attached or its network not be made, if they cannot.
    """

    images: dict[str, Application] = field(default_factory=dict)
    open_hosts: set[str] = field(default_factory=lambda: {"docker.io", "registry.example.com"})
    closed_hosts: set[str] = field(default_factory=lambda: {"private.example.com"})
    misfortunes: dict[str, list[Misfortune]] = field(default_factory=dict)
    pull_s: float = 1.5
    changed: Callable[[], None] = lambda: None
    attach: Callable[[KubeObject], str] = _works
    connect: Callable[[KubeObject], str] = _works

    def publish(self, images: Mapping[str, Application]) -> None:
        """Makes the images available."""
        self.images.update(images)

    def strike(self, image: str, misfortune: Misfortune) -> None:
        """Lets it happen to the containers of the image."""
        self.misfortunes.setdefault(image, []).append(misfortune)
        self.changed()

    def outgrow(self, image: str, working_set: int) -> None:
        """From now on the program in the image needs that much memory, also where it runs already."""
        self.images[image] = replace(self.images[image], working_set=working_set)
        self.changed()

    def struck(self, image: str, now: datetime) -> Misfortune | None:
        """What happens to the image's containers now."""
        return next((each for each in self.misfortunes.get(image, ()) if each.is_on(now)), None)

    def pull(self, image: str, *, credentials: bool) -> PullResult:
        """The application in the image, or the runtime's error."""
        host, repository, tag = split_image(image)
        full = f"{host}/{repository}:{tag}"
        start = f'failed to pull and unpack image "{full}": failed to resolve reference "{full}": '
        if host in self.closed_hosts and not credentials:
            scope = f"repository%3A{repository.replace('/', '%2F')}%3Apull"
            why = (
                "failed to authorize: failed to fetch anonymous token: unexpected status from GET request to "
                f"https://{host}/token?scope={scope}&service={host}: 401 Unauthorized"
            )
            return PullResult(f"rpc error: code = Unknown desc = {start}{why}")
        if host not in self.open_hosts | self.closed_hosts:
            why = f'failed to do request: Head "https://{host}/v2/{repository}/manifests/{tag}": dial tcp: lookup '
            return PullResult(f"rpc error: code = Unknown desc = {start}{why}{host} on 10.96.0.10:53: no such host")
        application = self.images.get(image)
        if application is None:
            return PullResult(f"rpc error: code = NotFound desc = {start}{full}: not found")
        if application.arch != NODE_ARCH:
            return PullResult(f"rpc error: code = NotFound desc = {start}no match for platform in manifest: not found")
        return PullResult(application=application)


def split_image(image: str) -> tuple[str, str, str]:
    """Host, repository and tag, with what the runtime assumes where they are not given."""
    first, _, rest = image.partition("/")
    if rest and ("." in first or ":" in first or first == "localhost"):
        host, path = first, rest
    else:
        host, path = "docker.io", image if "/" in image else f"library/{image}"
    repository, _, tag = path.partition(":")
    return host, repository, tag or "latest"
