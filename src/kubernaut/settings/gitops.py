"""The repositories that owned objects are made from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from kubernaut.settings.section import Section, content_of, is_address

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Text = Annotated[str, Field(min_length=1, max_length=500)]


def _inside(path: str) -> str:
    if path.startswith(("/", "-")) or ".." in path.split("/"):
        raise ValueError("a path inside the repository")
    return path.rstrip("/")


def _remote(url: str) -> str:
    known = url.startswith(("/", "file:///", "https://", "http://", "ssh://", "git@"))
    if not known or any(sign in url for sign in ("\n", " ", "::")):
        raise ValueError(
            "https://HOST/OWNER/NAME.git, ssh://…, git@HOST:OWNER/NAME.git, or the path of a bare repository"
        )
    return url


Inside = Annotated[str, Field(max_length=500), AfterValidator(_inside)]
Branch = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]{0,200}$")]


class ChartValueSettings(Section):
    """A field that a chart renders from a value. What is not declared here cannot be proposed for a chart."""

    kind: Text
    """Such as `Deployment`."""
    name: Text
    """The object's name."""
    field: Text
    """Such as `spec.template.spec.containers[web].resources.limits.memory`."""
    file: Inside
    """The file of values, such as `charts/shop/values.yaml`."""
    value: Text
    """Where in it, such as `web.resources.limits.memory`."""


class SourceSettings(Section):
    """One repository, and which objects are made from it: all conditions hold that are given."""

    name: Name
    """What it is called in messages."""
    url: Annotated[str, Field(max_length=1000), AfterValidator(_remote)]
    """Where it is cloned from and pushed to: an address, or the path of a bare repository."""
    branch: Branch = "main"
    """The branch that is deployed, and that changes are proposed to."""
    prefix: Inside = ""
    """The folder with the manifests; all of it by default."""
    owners: tuple[Text, ...] = ()
    """Names of Applications, Kustomizations, HelmReleases or releases, as the objects' marks have them."""
    namespaces: tuple[Text, ...] = ()
    """Namespaces of the objects."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels of the objects."""
    values: tuple[ChartValueSettings, ...] = Field(default=(), max_length=200)
    """For charts: which field comes from which value."""
    provider: Literal["github", "gitlab", "gitea", "none"] = "none"
    """Whose API opens pull requests; with none the branch is pushed, and people open one."""
    api: str | None = None
    """The API's address, such as `https://api.github.com` or `https://gitlab.example.com`."""
    project: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+$")
    """`OWNER/NAME` at the provider."""
    token_file: Path | None = None
    """File with the token, for the API and for git over HTTPS."""

    @model_validator(mode="after")
    def _knows_its_provider(self) -> Self:
        if self.provider == "none":
            return self
        if not (self.api and is_address(self.api) and self.project and self.token_file):
            raise ValueError(f"provider {self.provider} needs api (an address), project and token_file")
        return self

    def token(self) -> str | None:
        """The token, read anew."""
        return content_of(self.token_file, f"gitops.sources[{self.name}].token_file") if self.token_file else None


class GitOpsSettings(Section):
    """Where changes of objects are proposed that Argo CD, Flux or Helm owns (docs/gitops.md)."""

    sources: tuple[SourceSettings, ...] = Field(default=(), max_length=100)
    """The repositories; of those that serve an object, the first is taken."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [source.name for source in self.sources]
        if len(set(names)) != len(names):
            raise ValueError("two sources have one name")
        return self
