"""A change of a live object, carried over to the text that it is made from."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kubernaut.domain.objects import Json, ObjectRef
from kubernaut.execution.manifests import FieldEdit, edit_manifest, edit_values, edits_between, names_all, read_path
from kubernaut.execution.yaml_edits import ManifestError, Named, spelled

WEB = ObjectRef("apps/v1", "Deployment", "shop", "web")
TEXT = """\
# the shop
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment   # as the others
metadata:
  name: web
spec:
  replicas: 3
  template:
    spec:
      containers:
        - name: proxy
          image: "proxy:1"
        # the shop itself
        - name: web
          image: 'web:1.8.2'
          args:
            - --cache-ttl=30s   # new
            - --port=80
          resources:
            limits: {memory: 256Mi, cpu: "1"}   # tight
          env:
            - name: MODE
              value: fast
"""


def live() -> dict[str, Any]:
    """The object as the API server has it: what was left out is filled in."""
    item = list(yaml.safe_load_all(TEXT))[1]
    item["metadata"]["namespace"] = "shop"
    item["spec"]["strategy"] = {"type": "RollingUpdate"}
    for container in item["spec"]["template"]["spec"]["containers"]:
        container["imagePullPolicy"] = "IfNotPresent"
    item["status"] = {"replicas": 3}
    return item  # type: ignore[no-any-return]


def changed(path: str, value: Json, *, text: str = TEXT) -> list[str]:
    """The lines of the text that are other ones after that change of the live object."""
    before, after = live(), live()
    node = after
    *parents, last = read_path(path)
    for token in parents:
        node = next(i for i in node if i["name"] == token.name) if isinstance(token, Named) else node[token]
    if value is None:
        del node[last]
    else:
        node[last] = value
    edited = edit_manifest(text, WEB, edits_between(before, after))
    assert edited is not None
    old, new = text.splitlines(), edited.splitlines()
    return [f"- {line}" for line in old if line not in new] + [f"+ {line}" for line in new if line not in old]


LIMITS = "spec.template.spec.containers[web].resources.limits"


@pytest.mark.parametrize(
    ("path", "value", "lines"),
    [
        ("spec.replicas", 5, ["-   replicas: 3", "+   replicas: 5"]),
        (
            f"{LIMITS}.memory",
            "512Mi",
            [
                '-             limits: {memory: 256Mi, cpu: "1"}   # tight',
                '+             limits: {memory: 512Mi, cpu: "1"}   # tight',
            ],
        ),
        (
            "spec.template.spec.containers[web].image",
            "web:1.8.1",
            ["-           image: 'web:1.8.2'", "+           image: 'web:1.8.1'"],
        ),
        (
            "spec.template.spec.containers[web].args",
            ["--port=80"],
            ["-             - --cache-ttl=30s   # new"],
        ),
        ("spec.paused", True, ["+   paused: true"]),
        (
            "spec.template.spec.containers[proxy].resources",
            {"limits": {"memory": "64Mi"}},
            ["+             limits:", "+               memory: 64Mi"],
        ),
        (
            "spec.template.spec.containers[web].env",
            None,
            ["-           env:", "-             - name: MODE", "-               value: fast"],
        ),
    ],
)
def test_only_the_lines_of_the_changed_field_are_other_ones(path: str, value: Json, lines: list[str]) -> None:
    assert changed(path, value) == lines


def test_an_item_of_a_list_that_is_told_apart_by_name_is_added_and_taken_out() -> None:
    before, after = live(), live()
    env = after["spec"]["template"]["spec"]["containers"][1]["env"]
    env.append({"name": "CACHE", "value": "on"})
    edited = edit_manifest(TEXT, WEB, edits_between(before, after))
    assert edited is not None
    assert edited.endswith("              value: fast\n            - name: CACHE\n              value: 'on'\n")
    back = edit_manifest(edited, WEB, edits_between(after, before))
    assert back == TEXT


def test_a_text_that_says_something_else_than_the_cluster_is_not_touched() -> None:
    other = TEXT.replace("replicas: 3", "replicas: 4")
    with pytest.raises(ManifestError, match=r"has 4 at spec.replicas, and the cluster has 3"):
        changed("spec.replicas", 5, text=other)


def test_a_quantity_that_is_written_otherwise_is_the_same() -> None:
    assert changed(f"{LIMITS}.memory", "512Mi", text=TEXT.replace("256Mi", "0.25Gi"))[1].strip().endswith("# tight")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: &b 1\nc: *b\n", "aliases"),
        ("a: " + "[" * 20_000, "nested more than 100 levels"),
        ("{{ .Values.name }}: [", "is no YAML"),
        ("? {a: b}\n: c\n", "is no YAML"),
        ("[" * 5000, "is no YAML"),
        ("a: !!python/object/apply:os.system ['true']\n", "is no YAML"),
    ],
)
def test_what_is_no_plain_yaml_is_refused(text: str, why: str) -> None:
    with pytest.raises(ManifestError, match=why):
        names_all(text, WEB, [])


def test_an_object_of_another_kind_group_or_namespace_is_another_object() -> None:
    for other in ("kind: StatefulSet", "apiVersion: example.com/v1", "metadata: {name: web, namespace: pay}"):
        document = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {}}
        assert names_all(json.dumps({**document, **yaml.safe_load(other)}), WEB, []) is None


def test_a_value_of_a_chart_is_edited_where_it_stands() -> None:
    text = "web:\n  memory: 256Mi  # tight\n"
    edit = FieldEdit(read_path("web.memory"), "256Mi", "512Mi")
    assert edit_values(text, [edit]) == "web:\n  memory: 512Mi  # tight\n"


def test_a_path_is_read_as_it_is_spelled() -> None:
    path = read_path(f"{LIMITS}.memory")
    assert path == ("spec", "template", "spec", "containers", Named("web"), "resources", "limits", "memory")
    assert spelled(path) == f"{LIMITS}.memory"


WORDS = st.sampled_from(["a", "on", "1", "x y", "#", "it's", 'say "no"', "-", "2001-01-01", "", "a: b", "ü"])
SCALARS = st.one_of(WORDS, st.integers(-9, 9), st.booleans())
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)


@settings(max_examples=60, deadline=None)
@given(
    before=st.dictionaries(st.sampled_from("abc"), TREES, min_size=1),
    after=st.dictionaries(st.sampled_from("abc"), TREES),
    flow=st.booleans(),
)
def test_an_edited_text_says_what_was_meant_or_is_refused(
    before: dict[str, Any], after: dict[str, Any], *, flow: bool
) -> None:
    text = "# first\n" + yaml.safe_dump({"keep": {"b": 1}, **before}, default_flow_style=flow, sort_keys=False)
    wanted = {"keep": {"b": 1}, **copy.deepcopy(after)}
    try:
        edited = edit_values(text, edits_between({"keep": {"b": 1}, **before}, wanted))
    except ManifestError:
        return
    assert yaml.safe_load(edited) == wanted
    assert edited.startswith("# first\n")
