"""What may be secret does not pass."""

from __future__ import annotations

import pytest

from kubernaut.domain.redaction import redact_object, redact_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("DB_PASSWORD=hunter2 next", "DB_PASSWORD=*** next"),
        ('{"api_key": "abc", "n": 1}', '{"api_key": ***, "n": 1}'),
        ("postgres://app:hunter2@db/x", "postgres://***@db/x"),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer ***"),
        ("id AKIAABCDEFGHIJKLMNOP", "id ***"),
        ("flag provided but not defined: -cache-ttl", "flag provided but not defined: -cache-ttl"),
        ("pulled image web:2 in 3 s", "pulled image web:2 in 3 s"),
    ],
)
def test_tokens_and_passwords_are_taken_out_of_text_and_the_rest_stays(text: str, shown: str) -> None:
    assert redact_text(text) == shown


def test_an_object_loses_values_that_sound_secret_and_the_copy_of_its_last_applied_form() -> None:
    shown = redact_object(
        {
            "metadata": {
                "managedFields": [1],
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "x"},
            },
            "env": [{"name": "API_TOKEN", "value": "a"}, {"name": "LEVEL", "value": "info"}],
        }
    )
    assert shown == {
        "metadata": {"annotations": {}},
        "env": [{"name": "API_TOKEN", "value": "***"}, {"name": "LEVEL", "value": "info"}],
    }


def test_a_secret_keeps_its_keys_only() -> None:
    assert redact_object({"kind": "Secret", "data": {"k": "v"}}) == {"kind": "Secret", "data": {"k": "***"}}
