"""Providers are taken over from a changed file, and a wrong file is not."""

import os
from pathlib import Path

import pytest
import yaml

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.meter import MemoryMeter
from kubernaut.adapters.models.chain import Chain, ChainPolicy
from kubernaut.adapters.models.configured import declared, policy_of
from kubernaut.adapters.models.provider import Kind
from kubernaut.adapters.models.reloading import WatchedProviders
from kubernaut.domain.errors import SettingsError
from kubernaut.settings import load_settings

ONE = {"name": "one", "model": "small", "endpoint": "http://127.0.0.1:9/v1"}
TWO = {"name": "two", "model": "large", "endpoint": "http://127.0.0.1:9/v1", "timeout_s": 5}


class File:
    """A settings file that is edited while a chain follows it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.meter = MemoryMeter()
        self.edits = 0

    def write(self, *providers: object) -> None:
        self.raw(yaml.safe_dump({"models": {"providers": list(providers)}}))

    def raw(self, text: str) -> None:
        self.path.write_text(text)
        # Two edits within the resolution of the clock of a file system are told apart here too.
        self.edits += 1
        os.utime(self.path, ns=(self.edits, self.edits))

    def followed(self) -> WatchedProviders:
        def read() -> object:
            return declared(load_settings(self.path, environ={}).models, self.path)

        return WatchedProviders(read, read(), self.meter)  # type: ignore[arg-type]

    def refused(self) -> float | None:
        return self.meter.levels.get(("model_settings_refused", frozenset()))


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path / "kubernaut.yaml")


async def names(providers: WatchedProviders) -> list[str]:
    await providers.look()
    return [one.name for one in await providers.current()]


async def test_providers_are_added_changed_and_taken_out_without_a_restart(file: File) -> None:
    file.write(ONE)
    providers = file.followed()
    assert await names(providers) == ["one"]
    file.write(TWO, ONE)
    assert await names(providers) == ["two", "one"]
    file.write(TWO)
    assert await names(providers) == ["two"]


@pytest.mark.parametrize(
    "text",
    ["models: [", "models: {providers: [{name: one}]}", "models: {provider: []}", "- no mapping", "\x00"],
    ids=["no YAML", "a field is missing", "an unknown field", "a list", "control characters"],
)
async def test_a_wrong_file_leaves_the_former_providers_in_force_and_says_so(file: File, text: str) -> None:
    file.write(ONE)
    providers = file.followed()
    file.raw(text)
    assert await names(providers) == ["one"]
    assert file.refused() == 1
    file.write(TWO)
    assert await names(providers) == ["two"]
    assert file.refused() == 0


async def test_a_file_that_is_gone_leaves_the_former_providers_in_force(file: File) -> None:
    file.write(ONE)
    providers = file.followed()
    file.path.unlink()
    assert await names(providers) == ["one"]
    assert file.refused() == 1


async def test_a_new_key_is_taken_over(file: File, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("old")
    file.write({**ONE, "key_file": str(key)})
    providers = file.followed()
    key.write_text("newer")
    await providers.look()
    assert [one.key for one in await providers.current()] == ["newer"]


async def test_a_missing_key_takes_out_its_provider_alone(file: File, tmp_path: Path) -> None:
    file.write({**ONE, "key_file": str(tmp_path / "none")}, TWO)
    first, second = await file.followed().current()
    assert "No such file" in first.trouble
    assert second.trouble == ""


async def test_an_unchanged_provider_keeps_its_breaker_and_a_changed_one_begins_anew(file: File) -> None:
    file.write(ONE, TWO)
    providers = file.followed()
    chain = Chain(providers, ManualClock(), file.meter, ChainPolicy())
    before = await chain.prepare()
    file.write(ONE, {**TWO, "model": "larger"})
    await providers.look()
    after = await chain.prepare()
    await chain.aclose()

    assert after[0] is before[0]
    assert after[1] is not before[1]
    assert after[1].provider.model == "larger"


def settings_of(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models: {providers: [{name: a, model: x}]}", "needs an endpoint"),
        ("models: {providers: [{name: a, kind: openai}]}", "needs a model"),
        ("models: {providers: [{name: a, kind: holmesgpt}]}", "needs an endpoint"),
        ("models: {providers: [{name: a, model: x, kind: azure, endpoint: 'https://a'}]}", "api_version"),
        ("models: {providers: [{name: a, model: x, kind: telepathy}]}", "kind"),
        ("models: {providers: [{name: 'a b', model: x, kind: openai}]}", "name"),
        ("models: {providers: [{name: a, model: x, kind: openai}, {name: a, model: y, kind: openai}]}", "called a"),
        ("models: {providers: [{name: a, model: x, kind: openai, timeout_s: 0}]}", "timeout_s"),
        ("models: {providers: [{name: a, model: x, kind: openai, key: plain}]}", "key"),
        ("models: {hide: [weather]}", "hide"),
        ("models: {providers: [{name: a, model: x, endpoint: nonsense}]}", "not a URL"),
        ("models: {providers: [{name: a, model: x, endpoint: 'http://'}]}", "not a URL"),
        ("models: {providers: [{name: a, model: x, endpoint: 'ftp://x/y'}]}", "not a URL"),
        ("models: {providers: [{name: a, model: x, endpoint: 'http://[::1'}]}", "not a URL"),
        ("models: {providers: [{name: a, model: x, endpoint: 'http://a:99999/v1'}]}", "not a URL"),
    ],
)
def test_wrong_settings_of_models_are_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load_settings(settings_of(tmp_path, text), environ={})


def test_a_key_may_come_from_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = settings_of(tmp_path, "models: {providers: [{name: a, model: x, kind: openai, key_env: A_KEY}]}")
    (one,) = load_settings(path, environ={}).models.providers
    with pytest.raises(SettingsError, match="A_KEY is not set"):
        one.key()
    monkeypatch.setenv("A_KEY", "from-the-variable")
    assert one.key() == "from-the-variable"


def test_declared_values_reach_the_provider_and_the_policy(tmp_path: Path) -> None:
    text = """
    models:
      hedge_after_s: 2
      hide: [email, ip]
      providers:
        - {name: a, model: x, kind: azure, endpoint: "https://a", api_version: "2025-01-01", tokens_per_day: 5,
           usd_per_million_prompt_tokens: 2, window_tokens: 4096}
    """
    models = load_settings(settings_of(tmp_path, text), environ={}).models
    (provider,) = declared(models, None).providers
    policy = policy_of(models)
    assert (provider.kind, provider.window, provider.limits.tokens_per_day, provider.price.prompt) == (
        Kind.AZURE,
        4096,
        5,
        2,
    )
    assert policy.hedge_after is not None
    assert (policy.hiding.mails, policy.hiding.addresses) == (True, True)


@pytest.mark.parametrize(
    ("text", "tools"),
    [
        ("{name: a, model: x, endpoint: 'http://127.0.0.1:9/v1'}", False),
        ("{name: a, model: x, endpoint: 'http://127.0.0.1:9/v1', tools: true}", True),
        ("{name: a, model: x, kind: openai}", True),
        ("{name: a, model: x, kind: anthropic, tools: false}", False),
    ],
)
def test_who_may_look_things_up_follows_the_kind_unless_it_is_said(tmp_path: Path, text: str, *, tools: bool) -> None:
    settings = load_settings(settings_of(tmp_path, f"models: {{providers: [{text}]}}"), environ={})
    (provider,) = declared(settings.models, None).providers
    assert provider.tools is tools


def test_an_investigator_needs_no_model(tmp_path: Path) -> None:
    text = "models: {providers: [{name: holmes, kind: holmesgpt, endpoint: 'http://holmes:8080'}]}"
    (provider,) = declared(load_settings(settings_of(tmp_path, text), environ={}).models, None).providers
    assert (provider.kind, provider.label) == (Kind.HOLMESGPT, "holmes")
