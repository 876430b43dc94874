"""What may be secret does not pass."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.domain.redaction import Pseudonyms, decoded_base64, redact_object, redact_text

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.dBjftJeZ4CVPmB92K27uhbUJU1p1r_wW1g"
WORD = st.text("abcdefghijkmnopqrsuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789!%+.~#-", min_size=8, max_size=40)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("DB_PASSWORD=hunter2 next", "DB_PASSWORD=*** next"),
        ("password: 'a b c', user: bob", "password: ***, user: bob"),
        ('{"api_key": "abc", "n": 1}', '{"api_key": ***, "n": 1}'),
        ("DB_PASS=x1y2z3", "DB_PASS=***"),
        (f"got {JWT} which expired", "got *** which expired"),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer ***"),
        ("GET / with basic dXNlcjpwYXNz", "GET / with basic ***"),
        ("postgres://app:hunter2@db/x", "postgres://***@db/x"),
        ("clone https://ghp_0123456789abcdefghij@host/repo", "clone https://***@host/repo"),
        ("Server=db;User Id=sa;Password=x;Encrypt=yes", "Server=db;User Id=sa;Password=***;Encrypt=yes"),
        ("id AKIAABCDEFGHIJKLMNOP", "id ***"),
        ("used ghp_0123456789abcdefghij once", "used *** once"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY----- end", "*** end"),
        ("-----BEGIN PRIVATE KEY-----\nabc cut", "***"),
        ("got wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY9 there", "got *** there"),
    ],
)
def test_tokens_and_passwords_are_taken_out_of_text_and_the_rest_stays(text: str, shown: str) -> None:
    assert redact_text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "flag provided but not defined: -cache-ttl",
        "pulled image web:2 in 3 s",
        "signal: killed",
        "author: anna, compass: north",
        "Deployment auth: container auth is restarted; container token: OOMKilled, exit code 137",
        "container session: exit code 143 (Error), 8 restarts",
        'MountVolume.SetUp failed for volume "cfg": secret "db-credentials" not found',
        "pull image r.local/shop@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "password authentication failed for user app",
        "0/3 nodes are available: 3 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }",
        "dial tcp 10.0.0.1:5432: connect: connection refused",
        "java.lang.IllegalStateException at com.example.shop.CheckoutController.handle(CheckoutController.java:42)",
    ],
)
def test_what_a_diagnosis_needs_is_not_taken_for_a_secret(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize("secret", ["password=hunter2 and more", "postgres://app:hunter2@db:5432/shop", JWT])
def test_a_secret_in_base64_is_a_secret(secret: str) -> None:
    encoded = base64.b64encode(secret.encode()).decode()
    assert redact_text(f"config: {encoded} end") == "config: *** end"


def test_base64_of_harmless_text_stays() -> None:
    assert redact_text("value aGVsbG8gd29ybGQ= end") == "value aGVsbG8gd29ybGQ= end"


@pytest.mark.parametrize("word", ["not base64!", "abc", "/////////////w=="])
def test_what_is_no_text_in_base64_is_not_decoded(word: str) -> None:
    assert decoded_base64(word) is None


@given(WORD, st.sampled_from(["PASSWORD={}", 'token: "{}"', "https://user:{}@host/", "Authorization: Bearer {}"]))
def test_no_secret_behind_a_telling_name_survives(secret: str, place: str) -> None:
    assert secret not in redact_text(f"before {place.format(secret)} after")


@given(st.text(max_size=300))
def test_redacting_again_changes_nothing_more(text: str) -> None:
    assert redact_text(redact_text(text)) == redact_text(text)


def test_people_and_addresses_are_hidden_only_by_choice() -> None:
    text = "anna@example.org called 10.0.0.1 from 10.0.0.2 and fe80::1"
    assert Pseudonyms().hide(text) == text
    assert Pseudonyms(mails=True).hide(text) == "mail-1 called 10.0.0.1 from 10.0.0.2 and fe80::1"
    assert Pseudonyms(addresses=True).hide(text) == "anna@example.org called ip-1 from ip-2 and ip-3"


def test_the_same_address_keeps_its_pseudonym_so_that_it_can_be_followed() -> None:
    names = Pseudonyms(mails=True, addresses=True)
    assert names.hide("10.0.0.1 refused") == "ip-1 refused"
    assert names.hide("10.0.0.2, then 10.0.0.1, said bob@x.org") == "ip-2, then ip-1, said mail-1"


@pytest.mark.parametrize("text", ["version 1.2.3.400", "at 12:30:45", "v1.30.2", "container 999.1.1.1"])
def test_versions_and_times_are_no_addresses(text: str) -> None:
    assert Pseudonyms(addresses=True).hide(text) == text


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
