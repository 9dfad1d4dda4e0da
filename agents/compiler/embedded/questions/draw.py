"""Draws what a question is about: subjects, measures, wordings, changes."""

from __future__ import annotations

from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING, Final

from .subjects import EVENTS, KINDS, TOPICS, Kind, Measure
from .wordings import CHANGES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from .wordings import Wordings

NUMBERS: Final = ("no", "one", "two", "three", "four", "five")
_FACTORS: Final = ("1.2", "1.5", "1.8", "2.5", "3", "3.5", "4", "5", "0.5", "0.8")


@dataclass(frozen=True, slots=True)
class Change:
    """What is supposed of one value: the words for it, and the expression that computes it."""

    kind: str
    text: str
    operation: str


class Draw:
    """Makes the choices for one question.

    Args:
        random: Where they come from.
        branches: Of how many subjects the question is, where that is open.
        strange_wordings: Whether wordings are those that are kept from training.
        strange_subjects: Whether subjects are those that are kept from training.
    """

    def __init__(
        self, random: Random, *, branches: int, strange_wordings: bool, strange_subjects: bool
    ) -> None:
        self.random = random
        self.branches = branches
        self._wordings = strange_wordings
        self._subjects = strange_subjects

    def kind(
        self, suits: Callable[[Measure], bool], subjects: int = 1, *, measures: int = 1
    ) -> Kind:
        """Choose a kind that has so many subjects, and so many measures which suit."""
        able = [
            kind
            for kind in KINDS
            if sum(map(suits, kind.measures)) >= measures
            and len(kind.pool(held_out=self._subjects)) >= subjects
        ]
        return self.random.choice(able)

    def measure(self, kind: Kind, suits: Callable[[Measure], bool]) -> Measure:
        """Choose one of its measures that suits."""
        return self.random.choice([measure for measure in kind.measures if suits(measure)])

    def names(self, kind: Kind, count: int) -> list[str]:
        """Choose subjects, each once."""
        return self.random.sample(kind.pool(held_out=self._subjects), count)

    def topics(self, count: int) -> list[str]:
        """Choose topics of documents."""
        return self.names(TOPICS, count)

    def events(self) -> list[str]:
        """Choose two events."""
        return self.names(EVENTS, 2)

    def words(self, wordings: Wordings, **fields: str) -> str:
        """Choose a wording whose fields are all there, and fill it in."""
        pool = wordings.pool(held_out=self._wordings)
        able = [text for text in pool if all(fields.get(name) for name in _fields(text))]
        assert able, f"no wording for {sorted(k for k, v in fields.items() if v)} in {pool}"
        return self.random.choice(able).format(**fields)

    def listed(self, names: Sequence[str], word: str = "and") -> str:
        """Return names as a list in a sentence."""
        if len(names) == 1:
            return names[0]
        comma = "," if len(names) > 2 and self.random.random() < 0.5 else ""
        return f"{', '.join(names[:-1])}{comma} {word} {names[-1]}"

    def fields(self, kind: Kind, measure: Measure, names: Sequence[str]) -> dict[str, str]:
        """Return the fields of a wording."""
        them = self.random.choice((f"the {NUMBERS[len(names)]}", f"these {kind.many}"))
        return {
            "list": self.listed(names), "either": self.listed(names, "or"), "noun": measure.noun,
            "how": measure.how, "most": measure.most, "least": measure.least, "kind": kind.one,
            "kinds": kind.many, "a": names[0], "b": names[min(1, len(names) - 1)], "them": them,
        }  # fmt: skip

    def changes(self, names: Sequence[str], noun: str) -> list[Change]:
        """Suppose something of each subject; of one in a few, that it stays."""
        kinds = [self._kind_of_change() for _ in names]
        if len(names) > 2 and self.random.random() < 0.2:
            kinds[self.random.randrange(len(kinds))] = "same"
        return [
            self.change(kind, CHANGES[kind], e=name, noun=noun)
            for kind, name in zip(kinds, names, strict=True)
        ]

    def change(self, kind: str, wordings: Wordings, **fields: str) -> Change:
        """Suppose something of one value."""
        p = str(self.random.choice((5, 10, 15, 20, 25, 30, 40, 50, self.random.randint(1, 80))))
        n = str(self.random.choice((10, 50, 100, self.random.randint(2, 900))))
        f = self.random.choice(_FACTORS)
        operation = {
            "rise": f" * (1 + {p}/100)", "fall": f" * (1 - {p}/100)", "times": f" * {f}",
            "double": " * 2", "half": " / 2", "more": f" + {n}", "less": f" - {n}", "same": "",
        }[kind]  # fmt: skip
        return Change(kind, self.words(wordings, p=p, n=n, f=f, **fields), operation)

    def case(self, cases: dict[str, Wordings], *, other_than: str = "") -> Change:
        """Suppose something of a value that was named before."""
        kind = self.random.choice([kind for kind in cases if kind != other_than])
        return self.change(kind, cases[kind])

    def _kind_of_change(self) -> str:
        kinds = ("rise", "fall", "times", "double", "half", "more", "less")
        return self.random.choices(kinds, weights=(6, 6, 2, 1, 1, 1, 1))[0]


def called(name: str) -> str:
    """Return how a plan calls a subject."""
    return name.removeprefix("the ")


def sentence(text: str) -> str:
    """Return a text that begins with a capital."""
    return text[:1].upper() + text[1:]


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}
