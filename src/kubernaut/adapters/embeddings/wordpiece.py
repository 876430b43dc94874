"""BERT's uncased tokenizer: text to the numbers the model was trained on.

Two steps, as the model was trained: split at white space and punctuation after lower-casing and taking accents off,
then cut every word greedily into the longest pieces of the vocabulary. The vocabulary is a file of ours, pinned by
its hash, since a different line order would silently give other vectors.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

VOCABULARY = Path(__file__).parent / "bert_uncased" / "vocab.txt"
VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
# Characters, as in the tokenizer that the model was trained with: what is longer becomes [UNK].
_LONGEST_WORD = 100
# More text than any 256 tokens can need; what is beyond is never looked at.
_LONGEST_TEXT = 20_000
_CJK = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


class WordPiece:
    """Tokenizer over one vocabulary; `encode` is pure."""

    def __init__(self, vocabulary: Mapping[str, int], *, longest: int = 256) -> None:
        self._vocabulary = vocabulary
        self._longest = longest
        self._unknown = vocabulary["[UNK]"]
        self._begin = vocabulary["[CLS]"]
        self._end = vocabulary["[SEP]"]

    def encode(self, text: str) -> list[int]:
        """The token ids with begin and end marks, cut to the longest input the model was trained for."""
        ids = [self._begin]
        for word in words(text[:_LONGEST_TEXT]):
            ids.extend(self._pieces(word))
            if len(ids) >= self._longest:
                break
        # 256 tokens, where its makers cut texts; its positions would reach 512.
        return [*ids[: self._longest - 1], self._end]

    def _pieces(self, word: str) -> Sequence[int]:
        if len(word) > _LONGEST_WORD:
            return (self._unknown,)
        ids: list[int] = []
        start = 0
        while start < len(word):
            prefix = "##" if start else ""
            # Greedy, the longest piece first, as the vocabulary was learned for.
            for end in range(len(word), start, -1):
                piece = self._vocabulary.get(prefix + word[start:end])
                if piece is not None:
                    ids.append(piece)
                    start = end
                    break
            else:
                return (self._unknown,)
        return ids


def read_vocabulary(path: Path = VOCABULARY) -> dict[str, int]:
    """The vocabulary, in line order; refuses a file that is not the pinned one."""
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != VOCABULARY_SHA256:
        raise ValueError(f"{path.name} is not the vocabulary the model was trained with: its SHA-256 is {found}")
    return {token: number for number, token in enumerate(content.decode().split("\n")[:-1])}


def words(text: str) -> Iterator[str]:
    """Lower-case words and single punctuation marks, without accents and control characters."""
    word: list[str] = []
    for char in _without_accents(_cleaned(text)):
        alone = _is_punctuation(char) or _is_cjk(char)
        if (alone or char.isspace()) and word:
            yield "".join(word)
            word = []
        if alone:
            yield char
        elif not char.isspace():
            word.append(char)
    if word:
        yield "".join(word)


def _cleaned(text: str) -> str:
    kept = (" " if char in "\t\n\r" else char for char in text)
    return "".join(
        char
        for char in kept
        if char != "�" and (char == " " or unicodedata.category(char) not in {"Cc", "Cf", "Cn", "Co", "Cs"})
    )


def _without_accents(text: str) -> str:
    # Decomposed, an accent is a character of its own (category Mn) and can be left out.
    decomposed = unicodedata.normalize("NFD", text.lower())
    return "".join(char for char in decomposed if unicodedata.category(char) != "Mn")


def _is_punctuation(char: str) -> bool:
    # Every ASCII sign that is no letter and no digit counts, also those that Unicode calls symbols, such as $ and =.
    return (char.isascii() and char.isprintable() and not char.isalnum() and char != " ") or unicodedata.category(
        char
    ).startswith("P")


def _is_cjk(char: str) -> bool:
    return any(first <= ord(char) <= last for first, last in _CJK)
