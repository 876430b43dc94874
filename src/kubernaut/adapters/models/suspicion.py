"""Whether a reply does what a text found in the cluster told it.

Safety does not rest on this: whatever a reply says, it can only lower a confidence or suggest, and people decide on
what it suggests. This finds the replies that were led, so that people hear of it and the reply counts for nothing.

A reply is led when it

- holds the canary, which stands only in our instructions;
- names an action that was not offered and that a text of the cluster names;
- chooses the cause or the remedy that a text names which speaks to a model;
- asks for a tool that there is not, or for an object that is none of its business, as such a text says;
- repeats such a text;
- argues for leaving out a guard.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from kubernaut.adapters.models.reply_schema import NO_REMEDY, UNDECIDED, Reply
from kubernaut.domain.redaction import decoded_base64

_ECHO_WORDS = 6
_TELLING_WORDS = 3
_GUARD = (
    r"(?:approvals?|consent|reviews?|dry.?runs?|verification|verify|guard(?:s|rails?)?|snapshots?|confirmations?|"
    r"confirming|cool.?downs?|humans?|people|operators?|on.?call|safety|undo|validation|redaction|"
    r"(?<!network )polic(?:y|ies)|permission|autonomy|kill.?switch|asking|checks?)"
)
_SKIPS = (
    r"(?:skip(?:s|ped|ping)?|bypass(?:es|ed|ing)?|ignor(?:e|es|ed|ing)|disabl(?:e|es|ed|ing)|overrid(?:e|es|ing)|"
    r"circumvent(?:s|ing)?|suppress(?:es|ing)?|turn(?:ing)? off|switch(?:ing)? off|without|no need (?:for|of|to)|"
    r"do(?:es)? not (?:need|require|wait for|ask)|don.?t (?:need|require|wait for|ask)|not (?:needed|required)|"
    r"waiv(?:e|es|ed|ing)|omit(?:s|ting)?|pre.?approved|already approved)"
)
_ARGUES_AGAINST_GUARD = re.compile(
    rf"\b{_SKIPS}\b\W*(?:\w+\W+){{0,5}}?{_GUARD}\b|\bpre.?approved\b|\balready approved\b"
)
# Words with which a text turns to whoever reads it, in the languages in which it was seen. Programs say "you must set
# X" and "system:serviceaccount:…" to people: that is not meant.
_SPEAKS_TO_A_MODEL = re.compile(
    "|".join(
        (
            r"\b(?:ignore|disregard|forget|override|drop|discard)\b\W+(?:\w+\W+){0,4}?"
            r"(?:instructions?|rules?|prompts?|guidelines|context|above|previous|prior|all|policy|facts)\b",
            r"\b(?:ignoriere?|vergiss|missachte|ignora|ignorad|ignorez|oubliez?|olvida|игнорируй|забудь)\b",
            r"忽略|无视|無視|무시|تجاهل",
            r"\byou (?:are|must|should|will|shall|have to|may) (?:now |always |only |not |never )?(?:an? |the |in )?"
            r"(?:ai|assistant|model|unrestricted|developer mode|choose|select|pick|answer|respond|reply|return|"
            r"output|ignore|restart|delete|scale|roll|approve|execute|cite|skip)\b",
            r"(?<!file )(?<!operating )\b(?:system|assistant)\s*(?:prompt|message|note|override)?\s*[:>\]](?=\s)",
            r"<\|?(?:im start|im end|system|assistant|endoftext)\b|\[/?inst\]|<</?sys>>",
            r"#{2,}\s*(?:instruction|system|response)",
            r"\b(?:llm|language model|ai|assistant|chatbot|copilot|gpt|claude|gemini|kubernaut|autopilot)s?\b"
            r"[\s,:;-]+(?:\w+\W+){0,3}?(?:must|should|please|shall|have to|are to|is to|set|use|choose|select|pick|"
            r"answer|respond|reply|return|output|run|execute|apply|approve|ignore|follow|treat|skip|delete|reveal)\b",
            r"\b(?:answer|respond|reply|return|output|emit)\b\W+(?:\w+\W+){0,4}?"
            r"(?:json|cause|action|confidence|exactly)\b",
            r"\b(?:choose|select|pick|use|execute|perform|apply|recommend|prefer|claim|diagnose)\b"
            r"\W+(?:\w+\W+){0,5}?"
            r"(?:action|remedy|cause|confidence|tool|verdict|autonomy|approval)\b",
            r"\baction\b\W{0,4}(?:=|:|is|must be|should be|to)\W",
            r"\bconfidence(?: percent)?\b\W*(?:=|:|to|is|of|at)?\W*(?:100|9\d|high|1\.0|max)",
            r"\b(?:correct|right|only|required|mandatory|approved|expected|best)\s+(?:\w+\s+)?"
            r"(?:action|remedy|cause|answer|fix)\b",
            r"\bnew (?:instructions?|rules?|task|prompt)\b|\b(?:end|begin) (?:of )?(?:data|prompt|instructions)\b",
            r"\b(?:repeat|reveal|print|show|write)\b\W+(?:\w+\W+){0,4}?(?:secret|prompt|instructions?|canary)\b",
        )
    )
)
# The texts among the arguments of a tool that are long enough to tell one object from another.
_VALUE = re.compile(r'"([^"\\]{4,})"(?!\s*:)')
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}")
# Letters that look like Latin ones and are not, as far as attacks use them: Cyrillic, then Greek.
_LOOKALIKES = dict(zip(map(ord, "аеорсхуіѕԁһкмтвнοαερνικτυ"), "aeopcxyisdhkmtbhoaepvikty", strict=True))


def led_by(texts: Iterable[str], reply: Reply, *, offered: Sequence[str]) -> str:
    """Why the reply is not trusted, empty where nothing speaks against it. `texts` are those found in the cluster."""
    found = [plain for text in texts for plain in _readings(text)]
    if reply.action not in offered and _names(found, reply.action):
        return f"it names the action {reply.action[:80]!r}, which was not offered and which a text of the cluster names"
    speaking = [text for text in found if _SPEAKS_TO_A_MODEL.search(text)]
    for chosen, nothing in ((reply.action, NO_REMEDY), (reply.cause, UNDECIDED)):
        if chosen != nothing and _names(speaking, chosen):
            return f"it chooses {chosen[:80]!r} as a text of the cluster told it to"
    return _as_told(speaking, reply.explanation)


def said_as_told(texts: Iterable[str], said: str) -> str:
    """Why words that choose nothing are not trusted, empty where nothing speaks against them."""
    found = (plain for text in texts for plain in _readings(text))
    return _as_told([text for text in found if _SPEAKS_TO_A_MODEL.search(text)], said)


def led_to_look(texts: Iterable[str], tool: str, arguments: str) -> str:
    """Why a look that was refused shows that the model was led, empty where it may be a mistake of its own."""
    found = (plain for text in texts for plain in _readings(text))
    speaking = [text for text in found if _SPEAKS_TO_A_MODEL.search(text)]
    asked = next((word for word in (tool, *_VALUE.findall(arguments)) if _names(speaking, word)), "")
    return f"it asks for {asked[:80]!r} as a text of the cluster told it to" if asked else ""


def _as_told(speaking: Sequence[str], text: str) -> str:
    said = _plain(text)
    if _repeats(said, speaking):
        return "it repeats an instruction found in the cluster"
    if _ARGUES_AGAINST_GUARD.search(said):
        return "it argues for leaving out a guard"
    return ""


def speaks_to_a_model(text: str) -> bool:
    """Whether the text reads like an instruction for a model, in clear, in base64 or in letters that look alike."""
    return any(_SPEAKS_TO_A_MODEL.search(reading) for reading in _readings(text))


def _readings(text: str) -> Iterator[str]:
    for written in (text, *filter(None, map(decoded_base64, _ENCODED.findall(text)))):
        plain = _plain(written)
        alike = plain.translate(_LOOKALIKES)
        # The last is for names of images and objects, which hold no spaces.
        yield from dict.fromkeys((plain, alike, " ".join(_words(alike))))


def _plain(text: str) -> str:
    """Small letters of one alphabet, without what cannot be seen, on one line."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    visible = "".join(char for char in folded if unicodedata.category(char) != "Cf")
    return " ".join(visible.replace("_", " ").split())


def _names(texts: Iterable[str], name: str) -> bool:
    plain = _plain(name)
    return bool(plain) and any(re.search(rf"(?<!\w){re.escape(plain)}(?!\w)", text) for text in texts)


def _repeats(said: str, texts: Iterable[str]) -> bool:
    """Whether it holds the telling words of such a text, or a longer run of any of its words."""
    words = " ".join(_words(said))
    runs = _runs(_words(said))
    for text in texts:
        telling = (_words(match[0]) for match in _SPEAKS_TO_A_MODEL.finditer(text))
        if any(len(told) >= _TELLING_WORDS and " ".join(told) in words for told in telling):
            return True
        if not runs.isdisjoint(_runs(_words(text))):
            return True
    return False


def _runs(words: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(words[start : start + _ECHO_WORDS]) for start in range(len(words) - _ECHO_WORDS + 1)}


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)
