"""How questions are put: for each thing that can be asked, wordings for training and others kept from it.

Fields: `{list}` and `{either}` name the subjects with `and` or `or`; `{noun}`, `{how}`, `{most}` and `{least}`
are the measure's; `{kind}` and `{kinds}` the subjects'; `{a}` and `{b}` the first two; `{them}` stands for
subjects that were named before; `{changes}` for what is supposed of each; `{unit}` for a unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Wordings:
    """Ways to ask the same: those for training, and those that are kept from it."""

    training: tuple[str, ...]
    held_out: tuple[str, ...]

    def pool(self, *, held_out: bool) -> tuple[str, ...]:
        """Return the ones or the others."""
        return self.held_out if held_out else self.training


PLAIN: Final = {
    "largest name": Wordings(
        (
            "Which is the {most}: {either}?",
            "Which {kind} is the {most}, {either}?",
            "Of {list}, which is the {most}?",
            "Find out which of {list} is the {most}.",
            "Among {list}, which {kind} has the greatest {noun}?",
            "Which {kind} has the largest {noun}: {either}?",
            "Compare {list} and name the one with the highest {noun}.",
            "I want to know which of {list} has the most {noun}.",
            "Is {either} the {most}?",
        ),
        (
            "When it comes to {noun}, which of {list} tops the others?",
            "{list}: tell me the {most} {kind} of these.",
            "Put {list} side by side. Which one has the biggest {noun}?",
            "Whose {noun} is greater than that of the rest, {either}?",
            "Name the {most} among {list}, please.",
        ),
    ),
    "smallest name": Wordings(
        (
            "Which is the {least}: {either}?",
            "Which {kind} is the {least}, {either}?",
            "Of {list}, which is the {least}?",
            "Find out which of {list} is the {least}.",
            "Among {list}, which {kind} has the smallest {noun}?",
            "Which {kind} has the lowest {noun}: {either}?",
            "Compare {list} and name the one with the least {noun}.",
            "Is {either} the {least}?",
        ),
        (
            "When it comes to {noun}, which of {list} trails the others?",
            "{list}: tell me the {least} {kind} of these.",
            "Put {list} side by side. Which one has the minimum {noun}?",
            "Whose {noun} is below that of the rest, {either}?",
            "Name the {least} among {list}, please.",
        ),
    ),
    "sum": Wordings(
        (
            "What is the total {noun} of {list}?",
            "What is the combined {noun} of {list}?",
            "Add up the {noun} of {list}.",
            "What is the sum of the {noun} of {list}?",
            "Calculate the total {noun} for {list}.",
            "How much {noun} do {list} have in total?",
        ),
        (
            "Taken together, what {noun} do {list} have?",
            "What does the {noun} of {list} come to altogether?",
            "If you joined {list}, what {noun} would you get in all?",
            "Give me one figure for the {noun} of {list}, summed over all of them.",
        ),
    ),
    "mean": Wordings(
        (
            "What is the average {noun} of {list}?",
            "What is the mean {noun} of {list}?",
            "Compute the average {noun} for {list}.",
            "Find the mean {noun} of {list}.",
            "Averaged over {list}, what is the {noun}?",
        ),
        (
            "On average, what is the {noun} of {list}?",
            "How {how} are {list} on average?",
            "I need the {noun} of {list}, averaged.",
            "Take the {noun} of {list} and give me their mean.",
        ),
    ),
    "difference": Wordings(
        (
            "What is the difference in {noun} between {a} and {b}?",
            "What is the difference between the {noun} of {a} and the {noun} of {b}?",
            "By how much does the {noun} of {a} differ from that of {b}?",
            "How large is the difference in {noun} between {a} and {b}?",
            "Find the {noun} difference between {a} and {b}.",
        ),
        (
            "How far apart are {a} and {b} in {noun}?",
            "What is the gap in {noun} between {a} and {b}?",
            "{a} and {b} do not have the same {noun}. How much is between them?",
            "Compare the {noun} of {a} with that of {b}: how big is the margin?",
        ),
    ),
    "ratio": Wordings(
        (
            "What is the ratio of the {noun} of {a} to the {noun} of {b}?",
            "What is the ratio between the {noun} of {a} and that of {b}?",
            "How many times the {noun} of {b} is the {noun} of {a}?",
            "Calculate the ratio of the {noun} of {a} to that of {b}.",
            "Divide the {noun} of {a} by the {noun} of {b}.",
        ),
        (
            "In {noun}, what multiple of {b} is {a}?",
            "The {noun} of {a} over the {noun} of {b}: what does that give?",
            "Relative to {b}, how {how} is {a}, as a factor?",
            "How many of {b} would match {a} in {noun}?",
        ),
    ),
    "descending": Wordings(
        (
            "Rank {list} from the {most} to the {least}.",
            "Sort {list} by {noun} in descending order.",
            "Order {list} by {noun}, largest first.",
            "List {list} from highest to lowest {noun}.",
            "Rank {list} by {noun}, starting with the {most}.",
        ),
        (
            "Line up {list} by {noun} with the greatest at the front.",
            "Give me a ranking of {list} by {noun}, top to bottom.",
            "Arrange {list} so that the {most} {kind} comes first and the {least} last.",
            "Put {list} in order of decreasing {noun}.",
        ),
    ),
    "ascending": Wordings(
        (
            "Rank {list} from the {least} to the {most}.",
            "Sort {list} by {noun} in ascending order.",
            "Order {list} by {noun}, smallest first.",
            "List {list} from lowest to highest {noun}.",
            "Rank {list} by {noun}, starting with the {least}.",
        ),
        (
            "Line up {list} by {noun} with the least at the front.",
            "Give me a ranking of {list} by {noun}, bottom to top.",
            "Arrange {list} so that the {least} {kind} comes first and the {most} last.",
            "Put {list} in order of increasing {noun}.",
        ),
    ),
    "largest": Wordings(
        (
            "What is the greatest {noun} among {list}?",
            "What is the maximum {noun} of {list}?",
            "How {how} is the {most} of {list}?",
            "What is the largest {noun} found among {list}?",
        ),
        (
            "What {noun} does the {most} of {list} reach?",
            "Of the {noun} figures for {list}, give me the top one.",
            "Look at {list}: what is the peak {noun}?",
        ),
    ),
    "smallest": Wordings(
        (
            "What is the smallest {noun} among {list}?",
            "What is the minimum {noun} of {list}?",
            "How {how} is the {least} of {list}?",
            "What is the lowest {noun} found among {list}?",
        ),
        (
            "What {noun} does the {least} of {list} have?",
            "Of the {noun} figures for {list}, give me the bottom one.",
            "Look at {list}: what is the tiniest {noun}?",
        ),
    ),
}
"""Questions about subjects as they are."""

AFTER: Final = {
    "largest name": Wordings(
        (
            "which would be the {most}?",
            "which {kind} would be the {most}?",
            "which of {them} would have the greatest {noun}?",
            "which {kind} would have the largest {noun}?",
            "which one would then have the highest {noun}?",
        ),
        (
            "which of {them} would come out as the {most}?",
            "name the {kind} whose {noun} would be on top.",
            "which {kind} would lead in {noun}?",
        ),
    ),
    "smallest name": Wordings(
        (
            "which would be the {least}?",
            "which {kind} would be the {least}?",
            "which of {them} would have the smallest {noun}?",
            "which {kind} would have the lowest {noun}?",
            "which one would then have the least {noun}?",
        ),
        (
            "which of {them} would come out as the {least}?",
            "name the {kind} whose {noun} would be at the bottom.",
            "which {kind} would be last in {noun}?",
        ),
    ),
    "sum": Wordings(
        (
            "what would be the total {noun} of {them}?",
            "what would their combined {noun} be?",
            "what would be the sum of the {noun} of {them}?",
            "how much {noun} would {them} have in total?",
        ),
        (
            "what {noun} would {them} have altogether?",
            "taken together, what would their {noun} be?",
            "what would the {noun} of {them} add to?",
        ),
    ),
    "mean": Wordings(
        (
            "what would be the average {noun} of {them}?",
            "what would be their mean {noun}?",
            "what would the {noun} of {them} be on average?",
        ),
        (
            "how {how} would {them} be on average?",
            "give me the {noun} of {them}, averaged.",
            "what would a mean {kind} of {them} have as its {noun}?",
        ),
    ),
    "difference": Wordings(
        (
            "what would be the difference in {noun} between {them}?",
            "what would be the difference between their {noun}?",
            "by how much would {them} differ in {noun}?",
        ),
        (
            "how far apart would {them} be in {noun}?",
            "what would the gap in {noun} be?",
            "how big would the margin in {noun} be?",
        ),
    ),
    "ratio": Wordings(
        (
            "what would be the ratio of the {noun} of {a} to that of {b}?",
            "how many times the {noun} of {b} would the {noun} of {a} be?",
            "what would be the ratio between the {noun} of {a} and the {noun} of {b}?",
        ),
        (
            "in {noun}, what multiple of {b} would {a} be?",
            "what would the {noun} of {a} over the {noun} of {b} give?",
            "by what factor would the {noun} of {a} stand to that of {b}?",
        ),
    ),
    "descending": Wordings(
        (
            "rank {them} from the {most} to the {least}.",
            "sort {them} by {noun} in descending order.",
            "how would {them} rank by {noun}, largest first?",
        ),
        (
            "line {them} up with the greatest {noun} at the front.",
            "order {them} by falling {noun}.",
        ),
    ),
    "ascending": Wordings(
        (
            "rank {them} from the {least} to the {most}.",
            "sort {them} by {noun} in ascending order.",
            "how would {them} rank by {noun}, smallest first?",
        ),
        ("line {them} up with the least {noun} at the front.", "order {them} by rising {noun}."),
    ),
}
"""Questions about subjects of which a change was supposed."""

SUPPOSED: Final = Wordings(
    (
        "If {changes}, {ask}",
        "Suppose that {changes}. {Ask}",
        "Imagine {changes}. {Ask}",
        "{changes}. {Ask}",
        "Given that {changes}, {ask}",
        "After {changes}, {ask}",
    ),
    (
        "Assume for a moment that {changes}: {ask}",
        "Let us say {changes}. {Ask}",
        "Here is a thought experiment: {changes}. {Ask}",
        "Were it so that {changes}, {ask}",
        "What if {changes}? {Ask}",
    ),
)

CHANGES: Final = {
    "rise": Wordings(
        (
            "{e} grew by {p}%",
            "{e} increased by {p}%",
            "the {noun} of {e} increased by {p}%",
            "the {noun} of {e} rose by {p} percent",
            "{e} had {p}% more {noun}",
        ),
        (
            "{e} gained {p}% in {noun}",
            "{p}% were added to the {noun} of {e}",
            "the {noun} of {e} went up {p} percent",
            "the {noun} of {e} were {p}% larger",
        ),
    ),
    "fall": Wordings(
        (
            "{e} shrank by {p}%",
            "{e} decreased by {p}%",
            "the {noun} of {e} decreased by {p}%",
            "the {noun} of {e} fell by {p} percent",
            "{e} had {p}% less {noun}",
        ),
        (
            "{e} lost {p}% of its {noun}",
            "{p}% were taken off the {noun} of {e}",
            "the {noun} of {e} went down {p} percent",
            "the {noun} of {e} were {p}% smaller",
        ),
    ),
    "times": Wordings(
        (
            "the {noun} of {e} were multiplied by {f}",
            "{e} had {f} times its {noun}",
            "{e} grew to {f} times its {noun}",
        ),
        (
            "{e} became {f} times what it is in {noun}",
            "the {noun} of {e} were scaled by a factor of {f}",
        ),
    ),
    "double": Wordings(
        ("{e} doubled in {noun}", "the {noun} of {e} doubled", "{e} had double the {noun}"),
        ("{e} had twice the {noun}", "the {noun} of {e} became twice what it is"),
    ),
    "half": Wordings(
        ("the {noun} of {e} were halved", "{e} had half the {noun}"),
        ("the {noun} of {e} were cut in half", "{e} kept only half of its {noun}"),
    ),
    "more": Wordings(
        ("the {noun} of {e} grew by {n}", "{n} were added to the {noun} of {e}"),
        ("the {noun} of {e} were {n} above what it is", "{e} gained {n} in {noun}"),
    ),
    "less": Wordings(
        ("the {noun} of {e} shrank by {n}", "{n} were taken from the {noun} of {e}"),
        ("the {noun} of {e} were {n} below what it is", "{e} lost {n} in {noun}"),
    ),
    "same": Wordings(
        ("{e} stayed the same", "the {noun} of {e} did not change"),
        ("{e} kept its {noun}", "nothing happened to {e}"),
    ),
}
"""What can be supposed of one subject: in percent, as a factor, as an amount, or nothing."""
