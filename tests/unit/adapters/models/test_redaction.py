import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.adapters.models.redaction import redact

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.dBjftJeZ4CVPmB92K27uhbUJU1p1r_wW1g"
WORD = st.text("abcdefghijkmnopqrsuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789!%+.~#-", min_size=8, max_size=40)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("DB_PASSWORD=hunter2 set", "DB_PASSWORD=[redacted] set"),
        ("password: 'a b c', user: bob", "password: [redacted], user: bob"),
        ('{"api_key": "k-123", "port": 80}', '{"api_key": [redacted], "port": 80}'),
        (f"token {JWT} expired", "token [jwt] expired"),
        ("Authorization: Bearer abc.def-123", "Authorization: [credentials]"),
        ("GET / with basic dXNlcjpwYXNz", "GET / with basic [credentials]"),
        ("dial postgres://app:p%40ss@db:5432/shop", "dial postgres://[credentials]@db:5432/shop"),
        ("clone https://ghp_0123456789abcdefghij@host/repo", "clone https://[credentials]@host/repo"),
        ("Server=db;User Id=sa;Password=x y;Encrypt=yes", "Server=db;User Id=sa;Password=[redacted] y;Encrypt=yes"),
        ("key AKIAIOSFODNN7EXAMPLE used", "key [aws key] used"),
        ("used ghp_0123456789abcdefghij once", "used [token] once"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY----- end", "[private key] end"),
        ("-----BEGIN PRIVATE KEY-----\nabc cut", "[private key]"),
        ("got wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY9 there", "got [random text] there"),
    ],
)
def test_secrets_go_and_the_rest_stays(text: str, safe: str) -> None:
    assert redact(text) == safe


@pytest.mark.parametrize(
    "text",
    [
        'MountVolume.SetUp failed for volume "cfg": secret "db-credentials" not found',
        "pull image r.local/shop@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "password authentication failed for user app",
        "0/3 nodes are available: 3 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }",
        "dial tcp 10.0.0.1:5432: connect: connection refused",
        "java.lang.IllegalStateException at com.example.shop.CheckoutController.handle(CheckoutController.java:42)",
    ],
)
def test_what_a_diagnosis_needs_is_not_taken_for_a_secret(text: str) -> None:
    assert redact(text) == text


@given(WORD, st.sampled_from(["PASSWORD={}", 'token: "{}"', "https://user:{}@host/", "Authorization: Bearer {}"]))
def test_no_secret_behind_a_telling_name_survives(secret: str, place: str) -> None:
    assert secret not in redact(f"before {place.format(secret)} after")


@given(st.text(max_size=300))
def test_redacting_again_changes_nothing_more(text: str) -> None:
    assert redact(redact(text)) == redact(text)
