import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.adapters.embeddings.wordpiece import WordPiece, read_vocabulary, words

VOCABULARY = read_vocabulary()
TOKENIZER = WordPiece(VOCABULARY)
BEGIN, END, UNKNOWN = (VOCABULARY[mark] for mark in ("[CLS]", "[SEP]", "[UNK]"))


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (
            "The container was killed because it ran out of memory.",
            [101, 1996, 11661, 2001, 2730, 2138, 2009, 2743, 2041, 1997, 3638, 1012, 102],
        ),
        (
            "naïve Café — ÜBER straße 你好 world\tx\u200by",
            [101, 15743, 7668, 1517, 19169, 2358, 27807, 100, 100, 2088, 1060, 2100, 102],
        ),
        ("a" * 150 + " ok", [101, 100, 7929, 102]),
        ("x", [101, 1060, 102]),
    ],
)
def test_tokens_are_those_of_the_reference_tokenizer(text: str, ids: list[int]) -> None:
    # The ids on the right were printed by the Rust library that the model's authors use.
    assert TOKENIZER.encode(text) == ids


@given(st.text(max_size=400))
def test_any_text_becomes_a_bounded_list_of_known_ids_between_two_marks(text: str) -> None:
    ids = TOKENIZER.encode(text)

    assert (ids[0], ids[-1]) == (BEGIN, END)
    assert 2 <= len(ids) <= 256
    assert all(0 <= number < len(VOCABULARY) for number in ids)


@given(st.text(max_size=200))
def test_upper_case_and_accents_do_not_matter(text: str) -> None:
    plain = "".join(char for char in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(char) != "Mn")

    assert list(words(text.lower())) == list(words(plain))


@given(st.lists(st.sampled_from([word for word in VOCABULARY if word.isascii() and word.isalnum()]), max_size=40))
def test_words_of_the_vocabulary_stay_whole(known: list[str]) -> None:
    assert TOKENIZER.encode(" ".join(known)) == [BEGIN, *(VOCABULARY[word] for word in known), END]


def test_a_long_text_is_cut_to_what_the_model_takes() -> None:
    assert len(TOKENIZER.encode("pod pending " * 5000)) == 256


def test_another_vocabulary_file_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "vocab.txt"
    other.write_text("[PAD]\n[UNK]\n")

    with pytest.raises(ValueError, match="not the vocabulary"):
        read_vocabulary(other)
