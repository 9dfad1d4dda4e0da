"""What the rules make out in a question: measure, subjects, changes, unit, operation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from . import lexicon
from .subjects import subjects_in

if TYPE_CHECKING:
    from ..toolset import Property, Unit

_NUMBER: Final = r"(\d+(?:\.\d+)?)"
_PERCENT: Final = re.compile(rf"{_NUMBER}\s*(?:%|percent)")
_FACTOR: Final = re.compile(rf"{_NUMBER} times|(?:multiplied by|factor of|scaled by) {_NUMBER}")
_AMOUNT: Final = re.compile(rf"(?<![\w.]){_NUMBER}(?![\w.%]| ?percent| times)")


@dataclass(frozen=True, slots=True)
class Changed:
    """A subject, and what is done to its value: the rest of an expression, or nothing."""

    subject: str
    operation: str


def properties_in(text: str) -> list[Property]:
    """Return the measures that a text names, in order; if it names none, what its adjectives mean."""
    small = text.lower()
    found: list[tuple[int, Property]] = []
    taken = [False] * len(small)
    for noun, key in lexicon.NOUNS.items():
        for match in re.finditer(rf"\b{noun}s?\b", small):
            if not any(taken[match.start() : match.end()]):
                taken[match.start() : match.end()] = [True] * (match.end() - match.start())
                found.append((match.start(), key))
    return [key for _, key in sorted(found)]


def meant_by_adjectives(text: str) -> Property | None:
    """Return the measure that the first adjective means, of the kind of subject that is named."""
    small = text.lower()
    for pattern, key in lexicon.ADJECTIVES.items():
        if re.search(rf"(?<![\w-])(?:{pattern})(?![\w-])", small):
            for kind, means in lexicon.BY_KIND.items():
                if re.search(rf"\b(?:{kind})\b", small) and key in means:
                    return means[key]
            return key
    return None


def unit_in(text: str) -> Unit | None:
    """Return the unit that a text names."""
    return next((unit for unit in lexicon.UNITS if re.search(rf"\b{unit}\b", text.lower())), None)


def operation_of(text: str) -> str:
    """Return what is done to a value by the words about it, as the rest of an expression."""
    small = text.lower()
    percent, factor, amount = _PERCENT.search(small), _FACTOR.search(small), _AMOUNT.search(small)
    falls = bool(lexicon.DOWN.search(small))
    if percent is not None:
        return f" * (1 {'-' if falls else '+'} {percent[1]}/100)"
    if factor is not None:
        return f" * {factor[1] or factor[2]}"
    if re.search(r"\b(?:doubl\w+|twice)\b", small):
        return " * 2"
    if re.search(r"\b(?:half|halved|halves)\b", small):
        return " / 2"
    if amount is not None and (falls or lexicon.UP.search(small)):
        return f" {'-' if falls else '+'} {amount[1]}"
    return ""


def changes_in(text: str) -> list[Changed]:
    """Return the subjects of which something is supposed, clause by clause."""
    found: dict[str, str] = {}
    for clause in re.split(r",\s+and\s+|,\s+|\s+and\s+|[.;:?!]\s+|[.;:?!]$", text):
        operation = operation_of(clause)
        stays = re.search(r"\b(?:same|not change|unchanged|kept|nothing happened)\b", clause)
        names = subjects_in(clause)
        if names and (operation or stays):
            found.setdefault(names[0], operation)
    return [Changed(name, operation) for name, operation in found.items()]


def pairs_in(text: str) -> list[list[str]]:
    """Return the pairs that are compared, if there is more than one."""
    found = [subjects_in(part) for part in re.split(r"\bbetween\b", text)[1:] if subjects_in(part)]
    if len(found) < 2:
        after = text.split(":", 1)[-1]
        found = [subjects_in(part) for part in after.split(";")] if ";" in after else []
    return found if len(found) > 1 and all(len(pair) == 2 for pair in found) else []


def reduction_of(text: str) -> str:
    """Return how many values are made one: by name, by order, or by a number; or nothing."""
    small = re.sub(r"\bmaximum elevation|top speed\b", "", text.lower())
    if lexicon.RANK.search(small):
        return _direction(small)
    by_number = _by_number(small)
    if by_number:
        return by_number
    which = "largest" if lexicon.LARGEST.search(small) else ""
    which = which or ("smallest" if lexicon.SMALLEST.search(small) else "")
    if not which:
        return ""
    least, most = lexicon.SMALLEST.search(small), lexicon.LARGEST.search(small)
    if least and most and least.start() < most.start():
        which = "smallest"
    if re.match(r"(?:what|how|of the \w+ figures|look at)\b", small) and "which" not in small:
        return which
    return f"{which} name"


def _by_number(small: str) -> str:
    for name, pattern in (
        ("difference", lexicon.DIFFERENCE),
        ("mean", lexicon.MEAN),
        ("ratio", lexicon.RATIO),
        ("sum", lexicon.SUM),
    ):
        if pattern.search(small):
            return name
    return ""


def _direction(small: str) -> str:
    if lexicon.FALLING.search(small):
        return "descending"
    if lexicon.RISING.search(small):
        return "ascending"
    most, least = lexicon.LARGEST.search(small), lexicon.SMALLEST.search(small)
    if most and least:
        return "descending" if most.start() < least.start() else "ascending"
    return "ascending" if least else "descending"
