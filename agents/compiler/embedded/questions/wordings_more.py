"""Wordings of the questions that have a form of their own; fields are those of `wordings`."""

from __future__ import annotations

from typing import Final

from .wordings import Wordings

LOOK_UP: Final = {
    "each": Wordings(
        (
            "Look up the {noun} of {list}.",
            "What is the {noun} of {list}?",
            "Tell me the {noun} of {list}.",
            "Find the {noun} of each of these: {list}.",
            "I need the {noun} of {list}.",
        ),
        (
            "For {list}, what does the {noun} read?",
            "Collect {noun} figures for {list}.",
            "{list}: what is the {noun} of each?",
        ),
    ),
    "search": Wordings(
        (
            "Find documents about {list}.",
            "Search for {list}.",
            "What do my documents say about {list}?",
            "Look for passages on {list}.",
        ),
        (
            "Is there anything in my files on {list}?",
            "Dig up texts that deal with {list}.",
            "Show me what I have written down on {list}.",
        ),
    ),
    "several": Wordings(
        (
            "What are the {nouns} of {e}?",
            "Tell me the {nouns} of {e}.",
            "Look up the {nouns} of {e}.",
            "For {e}, find the {nouns}.",
        ),
        (
            "Give me some facts on {e}: {nouns}.",
            "About {e}: what are its {nouns}?",
        ),
    ),
    "mixed": Wordings(
        (
            "Tell me the {noun} of {e} and the {other noun} of {other}.",
            "Look up the {noun} of {e} and also the {other noun} of {other}.",
            "What are the {noun} of {e} and the {other noun} of {other}?",
        ),
        ("I need two figures: the {noun} of {e}, and the {other noun} of {other}.",),
    ),
    "search and look up": Wordings(
        (
            "Search for {topic} and look up the {noun} of {e}.",
            "Find documents about {topic}, and tell me the {noun} of {e}.",
            "What do my documents say about {topic}, and what is the {noun} of {e}?",
        ),
        (
            "Dig up texts on {topic}. And what {noun} does {e} have?",
            "I want passages that deal with {topic}, plus the {noun} of {e}.",
        ),
    ),
    "days": Wordings(
        (
            "How many days passed between {a} and {b}?",
            "How many days lie between {a} and {b}?",
            "Count the days between {a} and {b}.",
            "What is the number of days between {a} and {b}?",
        ),
        (
            "How many days after {a} came {b}?",
            "From {a} to {b}, how many days went by?",
            "Tell me the time in days from {a} until {b}.",
        ),
    ),
}
"""Questions that look something up, or search."""

CONVERTED: Final = {
    "sum": Wordings(
        (
            "Convert the {noun} of {list} to {unit} and add them up.",
            "Convert the {noun} of {list} to {unit} each and give their sum.",
            "With each {noun} converted to {unit}, what is the total for {list}?",
        ),
        (
            "First turn the {noun} of {list} into {unit}, then sum the results.",
            "Express the {noun} of {list} in {unit} one by one, and total that.",
        ),
    ),
    "mean": Wordings(
        (
            "Convert the {noun} of {list} to {unit} and average them.",
            "Convert the {noun} of {list} to {unit} each and give their mean.",
            "With each {noun} converted to {unit}, what is the average for {list}?",
        ),
        (
            "First turn the {noun} of {list} into {unit}, then average the results.",
            "Express the {noun} of {list} in {unit} one by one, and give the mean of that.",
        ),
    ),
    "difference": Wordings(
        (
            "Convert the {noun} of {a} and {b} to {unit} and give the difference.",
            "With each {noun} converted to {unit}, what is the difference between {a} and {b}?",
        ),
        (
            "First turn the {noun} of {a} and {b} into {unit}, then tell me the gap between the results.",
        ),
    ),
}
"""Questions that convert each value before they are made one."""

IN_UNIT: Final = {
    "sum": Wordings(
        (
            "What is the total {noun} of {list} in {unit}?",
            "Add up the {noun} of {list} and convert the sum to {unit}.",
            "What is the combined {noun} of {list}, in {unit}?",
        ),
        (
            "Taken together, what {noun} do {list} have, expressed in {unit}?",
            "Sum the {noun} of {list}, and let me have the result in {unit}.",
        ),
    ),
    "mean": Wordings(
        (
            "What is the average {noun} of {list} in {unit}?",
            "What is the mean {noun} of {list}, in {unit}?",
            "Compute the average {noun} of {list} and convert it to {unit}.",
        ),
        (
            "On average, what is the {noun} of {list}, expressed in {unit}?",
            "Take the mean {noun} of {list}, and let me have it in {unit}.",
        ),
    ),
    "difference": Wordings(
        (
            "What is the difference in {noun} between {a} and {b} in {unit}?",
            "By how many {unit} does the {noun} of {a} differ from that of {b}?",
            "Find the {noun} difference between {a} and {b} and convert it to {unit}.",
        ),
        (
            "How far apart are {a} and {b} in {noun}, expressed in {unit}?",
            "How many {unit} of {noun} are between {a} and {b}?",
        ),
    ),
}
"""Questions that convert what many values were made."""

DIAMOND: Final = Wordings(
    (
        "Take the {noun} of {e}. If it {first} in one case and {second} in another, what is the {result}?",
        "Look up the {noun} of {e}. What is the {result} if it {first} or {second}?",
        "What is the {result} when the {noun} of {e} {first} and when it {second}?",
        "Consider the {noun} of {e} in two scenarios: it {first}, or it {second}. Find the {result}.",
    ),
    (
        "Two things could happen to the {noun} of {e}: either it {first}, or it {second}. Work out the {result}.",
        "Start from the {noun} of {e}. In plan A it {first}, in plan B it {second}. I am after the {result}.",
        "The {noun} of {e} either {first} or {second}; what would the {result} be?",
    ),
)
"""Questions about one value in two cases."""

RESULTS: Final = {
    "difference": Wordings(
        ("difference between the two", "difference between both values", "difference"),
        ("gap between the two outcomes", "margin between both"),
    ),
    "ratio": Wordings(
        ("ratio of the first to the second", "ratio of the two values"),
        ("first divided by the second", "ratio of the earlier outcome to the later one"),
    ),
    "sum": Wordings(
        ("sum of both", "total of the two values"),
        ("two outcomes added together", "sum of the pair"),
    ),
    "mean": Wordings(("average of the two", "mean of both values"), ("average of the pair",)),
    "largest": Wordings(
        ("larger of the two", "greater value"), ("bigger outcome", "higher of the two outcomes")
    ),
}
"""What is asked of the two values of a diamond."""

PAIRS: Final = {
    ("smallest", "ratio"): Wordings(
        (
            "What is the smallest ratio of {noun} {pairs}?",
            "Find the smallest of the {noun} ratios {pairs}.",
            "Which ratio of {noun} is the lowest: the one {pairs or}?",
        ),
        (
            "Compare these {noun} ratios and give me the minimum: {pairs plain}.",
            "Take the {noun} ratios {pairs}. How small is the least of them?",
        ),
    ),
    ("largest", "ratio"): Wordings(
        (
            "What is the largest ratio of {noun} {pairs}?",
            "Find the greatest of the {noun} ratios {pairs}.",
            "Which ratio of {noun} is the highest: the one {pairs or}?",
        ),
        (
            "Compare these {noun} ratios and give me the maximum: {pairs plain}.",
            "Take the {noun} ratios {pairs}. How big is the top one?",
        ),
    ),
    ("smallest", "difference"): Wordings(
        (
            "What is the smallest difference in {noun} {pairs}?",
            "Find the smallest of the {noun} differences {pairs}.",
            "Which difference in {noun} is the lowest: the one {pairs or}?",
        ),
        (
            "Compare these gaps in {noun} and give me the minimum: {pairs plain}.",
            "Take the gaps in {noun} {pairs}. How small is the least of them?",
        ),
    ),
    ("largest", "difference"): Wordings(
        (
            "What is the largest difference in {noun} {pairs}?",
            "Find the greatest of the {noun} differences {pairs}.",
            "Which difference in {noun} is the highest: the one {pairs or}?",
        ),
        (
            "Compare these gaps in {noun} and give me the maximum: {pairs plain}.",
            "Take the gaps in {noun} {pairs}. How big is the widest of them?",
        ),
    ),
    ("sum", "difference"): Wordings(
        (
            "Add up the differences in {noun} {pairs}.",
            "What is the sum of the {noun} differences {pairs}?",
        ),
        ("Take the gaps in {noun} {pairs}. What do they come to altogether?",),
    ),
}
"""Questions about pairs of subjects: what is made of the pairs, and what of each pair."""

THEN: Final = {
    "largest": Wordings(
        (
            "What is the {other} of the {most} {kind} among {list}?",
            "Take the {kind} with the largest {noun} of {list}. What is its {other}?",
            "Find the {most} of {list} and look up its {other}.",
            "Which of {list} has the greatest {noun}, and what is its {other}?",
        ),
        (
            "I am interested in whichever of {list} is the {most}: what {other} does it have?",
            "Of {list}, one has the biggest {noun}. Tell me the {other} of that one.",
        ),
    ),
    "smallest": Wordings(
        (
            "What is the {other} of the {least} {kind} among {list}?",
            "Take the {kind} with the smallest {noun} of {list}. What is its {other}?",
            "Find the {least} of {list} and look up its {other}.",
            "Which of {list} has the lowest {noun}, and what is its {other}?",
        ),
        (
            "I am interested in whichever of {list} is the {least}: what {other} does it have?",
            "Of {list}, one has the tiniest {noun}. Tell me the {other} of that one.",
        ),
    ),
    "share": Wordings(
        (
            "What percentage of the total {noun} of {list} does {a} have?",
            "What share of the combined {noun} of {list} is due to {a}, in percent?",
            "Of the total {noun} of {list}, how many percent belong to {a}?",
        ),
        (
            "Add {list} together: what percent of that {noun} is {a} alone?",
            "How much of the {noun} of {list} put together falls to {a}, in percent?",
        ),
    ),
    "to the mean": Wordings(
        (
            "How many times the average {noun} of {list} is the {noun} of {a}?",
            "Divide the {noun} of {a} by the mean {noun} of {list}.",
            "What is the ratio of the {noun} of {a} to the average {noun} of {list}?",
        ),
        (
            "Measured against the mean of {list}, how many times larger is the {noun} of {a}?",
            "Set the {noun} of {a} in relation to the average of {list}, as a factor.",
        ),
    ),
}
"""Questions that go on from what several values were made."""

CASES: Final = {
    "rise": Wordings(
        ("rises by {p}%", "increases by {p} percent", "grows by {p}%"),
        ("goes up {p}%", "gains {p}%"),
    ),
    "fall": Wordings(
        ("falls by {p}%", "decreases by {p} percent", "shrinks by {p}%"),
        ("goes down {p}%", "loses {p}%"),
    ),
    "times": Wordings(("is multiplied by {f}",), ("is scaled by a factor of {f}",)),
    "double": Wordings(("doubles",), ("becomes twice what it is",)),
    "half": Wordings(("is halved",), ("is cut in half",)),
}
"""What can happen to one value."""
