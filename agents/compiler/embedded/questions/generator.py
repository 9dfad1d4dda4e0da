"""Makes questions with their plans, by a seed: for training, and five sets to be measured with."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final, Literal

from ..plan_text import PlanText
from .draw import Draw, sentence
from .families import Shape
from .families_more import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .families import Family

Split = Literal["training", "alike", "paraphrases", "subjects", "families", "branches"]
"""Which questions: those to train with; others like them; and those with wordings, with subjects, of
families, or about a number of subjects that training never sees."""

SPLITS: Final[tuple[Split, ...]] = (
    "training", "alike", "paraphrases", "subjects", "families", "branches",
)  # fmt: skip
"""All of them."""

MORE_BRANCHES: Final = 5
"""The number of subjects that is kept from training."""


@dataclass(frozen=True, slots=True)
class Example:
    """A question with the plan that is wanted.

    Attributes:
        question: In words.
        plan: In the plan language, in the one spelling that is trained.
        family: Name of its family.
        shape: The shape of the plan.
        branches: Of how many subjects it is, where that is open.
    """

    question: str
    plan: str
    family: str
    shape: Shape
    branches: int


def examples(split: Split, count: int, *, seed: int = 0) -> Iterator[Example]:
    """Yield examples of a split, family after family in turn; no question of it comes twice.

    Args:
        split: Which questions.
        count: How many.
        seed: Makes other ones.
    """
    random = Random(f"{split}/{seed}")  # noqa: S311  # nothing secret
    families = [family for family in FAMILIES if family.held_out == (split == "families")]
    if split == "branches":
        families = [family for family in families if len(family.branches) > 1]
    seen: set[str] = set()
    while len(seen) < count:
        for family in families:
            example = _example(family, split, random)
            if example.question not in seen and len(seen) < count:
                seen.add(example.question)
                yield example


def without(found: Iterator[Example], known: set[str]) -> Iterator[Example]:
    """Leave out the examples whose questions are known."""
    return (example for example in found if example.question not in known)


def _example(family: Family, split: Split, random: Random) -> Example:
    branches = MORE_BRANCHES if split == "branches" else random.choice(family.branches)
    draw = Draw(
        random,
        branches=branches,
        strange_wordings=split == "paraphrases",
        strange_subjects=split == "subjects",
    )
    plan = PlanText()
    question = sentence(family.build(draw, plan))
    return Example(question, plan.finished(), family.name, family.shape, branches)
