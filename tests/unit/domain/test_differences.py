"""How a change is shown to a person."""

from __future__ import annotations

import pytest

from kubernaut.domain.differences import difference
from kubernaut.domain.objects import Json, JsonObject, KubeObject


def shown(before: Json, after: Json) -> tuple[str, ...]:
    return difference(KubeObject({"spec": before}), KubeObject({"spec": after}))


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ({"args": ["--x"]}, {}, ('- args: ["--x"]', "+ args: []")),
        ({"args": ["--x"]}, {"args": ["--y"]}, ('- args: ["--x"]', '+ args: ["--y"]')),
        ({"a": {"memory": "1Gi"}}, {"a": {"memory": "2Gi"}}, ("- memory: 1Gi", "+ memory: 2Gi")),
        ({"port": 80}, {"port": "80"}, ("- port: 80", "+ port: 80")),
        ({"paused": False}, {"paused": True}, ("- paused: false", "+ paused: true")),
        ({}, {"selector": {"app": "x"}}, ("+ app: x",)),
        ({"note": ""}, {"note": "a: b"}, ('- note: ""', "+ note: a: b")),
        ({"note": "- x"}, {"note": "\x1b[31mred"}, ("- note: - x", '+ note: "\\u001b[31mred"')),
    ],
)
def test_a_field_that_differs_is_one_line_before_and_one_after(before: Json, after: Json, lines: tuple[str]) -> None:
    assert shown(before, after) == lines


def test_what_the_server_keeps_for_itself_is_not_shown() -> None:
    def item(number: int) -> KubeObject:
        metadata: JsonObject = {
            "name": "a",
            "resourceVersion": str(number),
            "generation": number,
            "managedFields": [{"manager": str(number)}],
        }
        return KubeObject({"metadata": metadata, "spec": {"a": 1}, "status": {"seen": number}})

    assert difference(item(1), item(2)) == ()


def test_entries_of_a_list_are_told_apart_by_name() -> None:
    before: Json = {"containers": [{"name": "a", "env": [{"name": "LEVEL", "value": "info"}]}, {"name": "b"}]}
    after: Json = {"containers": [{"name": "b"}, {"name": "a", "env": [{"name": "LEVEL", "value": "debug"}]}]}
    assert shown(before, after) == ("- env[LEVEL].value: info", "+ env[LEVEL].value: debug")


def test_the_value_of_a_variable_that_sounds_secret_is_not_shown() -> None:
    before: Json = {"env": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "URL", "value": "http://u:pw@h/"}]}
    after: Json = {"env": [{"name": "DB_PASSWORD", "value": "hunter3"}, {"name": "URL", "value": "http://u:pw@i/"}]}
    lines = "\n".join(shown(before, after))
    assert "hunter" not in lines
    assert ":pw" not in lines
    assert "env[DB_PASSWORD].value" in lines


def test_a_very_long_value_says_how_much_is_not_shown() -> None:
    (line,) = shown({}, {"note": "x" * 1000})
    assert len(line) < 500
    assert line.endswith("(600 more characters)")
