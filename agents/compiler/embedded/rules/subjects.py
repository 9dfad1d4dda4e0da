"""Finds what a question is about: what is left of it when all words that the rules know are gone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from .lexicon import ADJECTIVES, NOUNS, SAYS_NOTHING, UNITS

if TYPE_CHECKING:
    from collections.abc import Iterator

_KINDS = (
    r"mountains?|towers?|rivers?|lakes?|countr(?:y|ies)|cit(?:y|ies)|animals?|planets?|bridges?|ships?"
    r"|deserts?|islands?|stadiums?|trench(?:es)?|buildings?|events?|topics?"
)
_KNOWN: Final = re.compile(
    r"(?<![\w-])(?:"
    + "|".join(
        [
            "distance from the Sun",
            "far from the Sun",
            *(f"{noun}s?" for noun in NOUNS),
            *(f"{unit}" for unit in UNITS),
            *ADJECTIVES.values(),
            *ADJECTIVES,
        ]
    )
    + rf"|{_KINDS}|shorter|shortest)(?![\w-])"
)
"""Words of measures, units and kinds, in small letters: names begin with capitals, or are unknown."""

_NAME_OF = re.compile(r"(?<=[a-z]) (of the|of|da|de|and the|de la) (?=[A-Z])")
_BREAK = "\x01"
_JOINT = "\x02"


def subjects_in(text: str) -> list[str]:
    """Return the subjects that a text names, in order, each once."""
    found: dict[str, None] = {}
    for name in _names(text):
        found.setdefault(name)
    return list(found)


def _names(text: str) -> Iterator[str]:
    """Yield names in the order in which they stand."""
    text = re.sub(r"\d+(?:\.\d+)?\s*%|(?<![\w-])\d+\.\d+", _BREAK, text)
    text = _KNOWN.sub(_BREAK, text)
    text = re.sub(r"'s\b", f" {_BREAK}", text) if re.search(r"'s \x01", text) else text
    text = _keep_inner_words(text)
    text = re.sub(r"[.?!](?=\s|$)", f" {_BREAK} {_BREAK} ", text)
    text = re.sub(r"[,;:](?=\s|$)|\s[-\u2013]\s|\(|\)", f" {_BREAK} ", text)
    run: list[str] = []
    begins = True  # the first word of a sentence has a capital, whatever it is
    for word in [*text.replace(_BREAK, f" {_BREAK} ").split(), _BREAK]:
        plain = word.lower()
        named = word[0].isupper() and not begins
        begins = word == _BREAK and not run
        number = word.isdigit() and not (run and run[-1][0].isupper())
        nothing = plain in SAYS_NOTHING or number or _is_verb(plain)
        if word == _BREAK or (nothing and not named):
            if run:
                yield " ".join(run).replace(_JOINT, " ")
            run = []
        else:
            run.append(word)


def _keep_inner_words(text: str) -> str:
    """Join names such as `Bank of China Tower`, whose small words say nothing elsewhere."""

    def joined(match: re.Match[str]) -> str:
        before = text[: match.start()].rsplit(" ", 1)[-1]
        own = before[:1].isupper() and before.lower() not in SAYS_NOTHING
        listed = match[1].startswith("and")
        return match[0].replace(" ", _JOINT) if own and not listed else match[0]

    return _NAME_OF.sub(joined, text)


def _is_verb(word: str) -> bool:
    return bool(
        re.fullmatch(
            r"(?:increas|decreas|expand|reduc|shrink|grow|gain|ris|fall|drop|los)\w*", word
        )
    )
