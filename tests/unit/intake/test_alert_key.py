from __future__ import annotations

import random

from hypothesis import assume, given
from hypothesis import strategies as st

from kubernaut.intake import alert_key

label_sets = st.dictionaries(st.text(max_size=6), st.text(max_size=6), max_size=6)


@given(label_sets, st.randoms(use_true_random=False))
def test_the_order_of_labels_does_not_matter(labels: dict[str, str], chance: random.Random) -> None:
    shuffled = list(labels.items())
    chance.shuffle(shuffled)

    assert alert_key("alertmanager", dict(shuffled)) == alert_key("alertmanager", labels)


@given(label_sets, label_sets)
def test_different_labels_have_different_keys(one: dict[str, str], other: dict[str, str]) -> None:
    assume(one != other)

    assert alert_key("alertmanager", one) != alert_key("alertmanager", other)


def test_what_separates_name_from_value_is_part_of_the_key() -> None:
    assert alert_key("s", {"a": "b,c"}) != alert_key("s", {"a,b": "c"})
    assert alert_key("s", {"a": '","'}) != alert_key("s", {"a": ""})


def test_the_same_labels_from_another_source_have_another_key() -> None:
    assert alert_key("alertmanager", {"a": "b"}) != alert_key("kubernetes-event", {"a": "b"})


def test_a_key_is_the_same_in_every_process_and_version() -> None:
    assert alert_key("alertmanager", {"alertname": "A", "pod": "p"}) == "1ecbcdea1f180820c2a04829cf4245d0"
