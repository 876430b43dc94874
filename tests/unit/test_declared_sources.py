"""What the settings may declare about repositories and strategies, and what is built from it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.domain.errors import SettingsError
from kubernaut.domain.objects import KubeObject
from kubernaut.domain.sources import source_of
from kubernaut.execution.catalogue import discover
from kubernaut.gitops_wiring import declared_sources, repositories_of
from kubernaut.settings import load_settings
from kubernaut.strategy_wiring import strategies_of
from tests.strategies import a_strategy
from tests.told import NOON

SOURCES = """
gitops:
  sources:
    - {name: flux, url: /srv/flux.git, owners: [shop], namespaces: [shop]}
    - name: hub
      url: https://github.com/example/deploy.git
      labels: {team: web}
      provider: github
      api: https://api.github.com
      project: example/deploy
      token_file: TOKEN
      values:
        - {kind: Deployment, name: web, field: spec.replicas, file: charts/web/values.yaml, value: web.replicas}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "settings.yaml"
    path.write_text(text.replace("TOKEN", str(folder / "token")))
    (folder / "token").write_text("secret\n")
    return path


def kept(marks: dict[str, str], namespace: str = "shop", **labels: str) -> KubeObject:
    metadata = {"name": "web", "namespace": namespace, "annotations": marks, "labels": labels}
    return KubeObject({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata})


def test_an_object_is_served_by_the_first_source_whose_conditions_all_hold(tmp_path: Path) -> None:
    sources = declared_sources(load_settings(written(tmp_path, SOURCES), environ={}).gitops)

    def name(item: KubeObject) -> str | None:
        found = source_of(item, sources)
        return found and found.name

    flux = {"kustomize.toolkit.fluxcd.io/name": "shop"}
    argo = {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"}
    assert name(kept(flux)) == "flux"
    assert name(kept(argo)) == "flux"
    assert name(kept(flux, namespace="pay")) is None
    assert name(kept(flux, namespace="pay", team="web")) == "hub"
    assert name(kept({}, team="web")) is None


async def test_a_source_with_a_provider_gets_its_pull_requests_and_its_token(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, SOURCES), environ={}).gitops
    async with AsyncExitStack() as closing:
        repositories = repositories_of(settings, closing)
    assert (set(repositories.pull_requests), dict(repositories.tokens)) == ({"hub"}, {"hub": "secret"})


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("{name: a, url: ext::sh -c true}", "url: Value error"),
        ("{name: a, url: --upload-pack=x}", "url: Value error"),
        ("{name: a, url: /a.git, prefix: ../b}", "prefix: Value error"),
        ("{name: a, url: /a.git, branch: --all}", "branch: String should match"),
        ("{name: a, url: /a.git, provider: github}", "needs api"),
        ("{name: a, url: /a.git}, {name: a, url: /b.git}", "two sources have one name"),
    ],
)
def test_what_git_could_take_for_an_option_or_a_command_is_refused(tmp_path: Path, source: str, why: str) -> None:
    path = written(tmp_path, f"gitops: {{sources: [{source}]}}")
    with pytest.raises(SettingsError, match=why):
        load_settings(path, environ={})


async def test_the_folder_of_the_settings_is_read_by_the_service(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(a_strategy("{action: restart_workload}"))
    settings = load_settings(environ={"KUBERNAUT_STRATEGIES__FOLDER": str(tmp_path)})
    book = strategies_of(settings.strategies, MemoryCluster([]), ManualClock(NOON), discover())
    assert [each.name for each in await book.current()] == ["s"]
