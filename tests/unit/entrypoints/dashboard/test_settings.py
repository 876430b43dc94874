from __future__ import annotations

import pytest

from kubernaut.domain.objects import JsonObject
from kubernaut.entrypoints.dashboard.rendering import coded
from kubernaut.entrypoints.dashboard.settings import Setting, read_settings
from kubernaut.settings import Settings


def shown(tree: JsonObject, *, only_changed: bool = False) -> dict[str, dict[str, Setting]]:
    page = read_settings(tree, source="", only_changed=only_changed)
    return {group.section: {one.name: one for one in group.settings} for group in page.groups}


def test_settings_are_shown_without_their_secrets() -> None:
    found = shown(
        {
            "http": {"token": "swordfish", "token_file": "/run/token", "port": 80},
            "store": {"url": "postgresql://kubernaut:hunter2@db.internal:5432/incidents"},
            "notify": {"webhook_url": "https://hooks.example/services/T0/SECRET?x=1"},
            "models": {"providers": [{"name": "local", "api_key": "abc"}]},
        }
    )
    for secret in ("swordfish", "hunter2", "SECRET", "abc"):
        assert secret not in str(found)
    assert found["store"]["url"].value == "postgresql://db.internal:5432/incidents"
    assert found["http"]["token_file"].value == "/run/token"


@pytest.mark.parametrize("broken", ["http://[::1", "postgresql://u:p@host:notaport/x"])
def test_an_address_that_cannot_be_read_is_hidden_whole(broken: str) -> None:
    assert shown({"store": {"url": broken}})["store"]["url"].value == "**********"


def test_a_setting_says_what_it_is_what_it_was_by_default_and_how_it_is_set() -> None:
    tree = Settings.model_validate({"policy": {"attempts": 3}}).model_dump(mode="json")
    attempts, cooldown = (shown(tree)["policy"][name] for name in ("attempts", "cooldown_s"))

    assert (attempts.value, attempts.is_changed, attempts.default) == ("3", True, str(Settings().policy.attempts))
    assert attempts.meaning
    assert attempts.variable == "KUBERNAUT_POLICY__ATTEMPTS"
    assert not cooldown.is_changed


def test_every_setting_has_a_meaning_and_only_changed_ones_are_shown_when_asked() -> None:
    tree = Settings.model_validate({"policy": {"attempts": 3}}).model_dump(mode="json")
    every = shown(tree)

    assert [f"{section}.{name}" for section, group in every.items() for name in group if not group[name].meaning] == []
    assert shown(tree, only_changed=True).keys() == {"policy"}
    # The address of the database differs from machine to machine.
    assert list(shown(tree, only_changed=True)["policy"]) == ["attempts"]


def test_words_between_backticks_are_shown_as_code_and_nothing_is_taken_for_markup() -> None:
    assert coded("one of `a`, <b> & `<i>`") == "one of <code>a</code>, &lt;b&gt; &amp; <code>&lt;i&gt;</code>"
