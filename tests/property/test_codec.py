"""Every value of the domain survives the journal."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from dataclasses import is_dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kubernaut.domain
from kubernaut.domain.changes import Change, ObjectDeletion, ObjectPatch
from kubernaut.domain.learning import Pattern
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import Json
from kubernaut.engine.codec import dump, load

_TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
_FLOAT = st.floats(allow_nan=False, allow_infinity=False)
st.register_type_strategy(str, _TEXT)
st.register_type_strategy(float, _FLOAT)
st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))

# A pattern whose vector has not length 1 cannot be made.
st.register_type_strategy(
    Pattern,
    st.builds(
        Pattern,
        id=_TEXT, text=_TEXT, cause=_TEXT, action=_TEXT, ending=st.sampled_from(Ending), seconds=_FLOAT,
        at=st.datetimes(timezones=st.just(UTC)), embedder=_TEXT, vector=st.sampled_from([(1.0,), (0.6, -0.8)]),
        features=st.lists(_TEXT, max_size=3).map(tuple), tokens=st.integers(0, 10**9),
    ),
)  # fmt: skip

_JSON: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | _FLOAT.filter(lambda number: abs(number) < 1e300)
    | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
st.register_type_strategy(Json, _JSON)  # type: ignore[arg-type]  # a named alias does


def domain_classes() -> list[type]:
    modules = [
        importlib.import_module(f"kubernaut.domain.{found.name}")
        for found in pkgutil.iter_modules(kubernaut.domain.__path__)
    ]
    return [
        kind
        for module in modules
        for _, kind in inspect.getmembers(module, is_dataclass)
        if inspect.isclass(kind) and kind.__module__ == module.__name__
    ]


@pytest.mark.parametrize("kind", domain_classes(), ids=lambda kind: kind.__name__)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(picked=st.data())
def test_a_domain_value_comes_back_equal_from_json_text(kind: type, picked: st.DataObject) -> None:
    value = picked.draw(st.from_type(kind))
    written = json.dumps(dump(value), allow_nan=False)
    assert load(kind, json.loads(written)) == value


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(change=st.from_type(ObjectPatch) | st.from_type(ObjectDeletion))
def test_members_of_a_union_are_told_apart_by_their_kind(change: Change) -> None:
    restored = load(Change, json.loads(json.dumps(dump(change))))
    assert (type(restored), restored) == (type(change), change)


@given(value=_JSON)
def test_plain_json_is_left_as_it_is(value: Json) -> None:
    assert load(Json, dump(value)) == value


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_a_number_that_json_does_not_have_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="at line 1"):
        dump([value])
