"""The words that the rules know: of measures, units, operations, changes, and those that say nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ..toolset import Property, Unit

NOUNS: Final[dict[str, Property]] = {
    "year of completion": "year", "year of the first ascent": "year", "founding year": "year",
    "number of floors": "floors", "floors": "floors", "storeys": "floors", "surface area": "area",
    "area": "area", "seating capacity": "capacity", "passenger capacity": "capacity",
    "capacity": "capacity", "maximum elevation": "height", "elevation": "elevation", "height": "height",
    "prominence": "prominence", "length": "length", "discharge": "discharge", "depth": "depth",
    "volume": "volume", "population": "population", "inhabitants": "population", "top speed": "speed",
    "speed": "speed", "weight": "weight", "mass": "weight", "lifespan": "lifespan",
    "diameter": "diameter", "distance from the sun": "distance", "distance": "distance", "year": "year",
    "date": "date",
}  # fmt: skip
"""What people call what can be looked up, longer names before those that are part of them."""

ADJECTIVES: Final[dict[str, Property]] = {
    r"tall(?:er|est)?": "height", r"high(?:er|est)?": "height", r"low(?:er|est)": "height",
    r"long-lived|(?:longest|shortest)-lived": "lifespan", r"long(?:er|est)": "length",
    r"how long": "length", r"deep(?:er|est)?|shallow(?:er|est)": "depth",
    r"populous": "population", r"fast(?:er|est)?|slow(?:er|est)": "speed",
    r"heav(?:y|ier|iest)|light(?:er|est)": "weight", r"massive": "weight",
    r"wide(?:r|st)?|narrow(?:er|est)?": "diameter", r"old(?:er|est)?|new(?:er|est)": "year",
    r"far from the sun|farthest|nearest": "distance", r"shortest": "length",
    r"large(?:st)?|big(?:gest)?|small(?:est)?": "area",
}  # fmt: skip
"""Adjectives that say what is meant where no noun does, surer ones first."""

BY_KIND: Final[dict[str, dict[Property, Property]]] = {
    r"cit(?:y|ies)": {"height": "elevation"},
    r"stadiums?|arenas?": {"area": "capacity"},
    r"towers?|buildings?": {"length": "height"},
}
"""What an adjective means of some kinds of subjects."""

UNITS: Final[tuple[Unit, ...]] = (
    "miles per hour", "kilometers per hour", "square miles", "kilometers", "miles", "feet", "yards",
    "acres", "gallons", "pounds", "tons", "knots", "days",
)  # fmt: skip
"""Units, longer names before those that are part of them."""

LARGEST: Final = re.compile(
    r"\b(?:most|greatest|largest|highest|biggest|maximum|top|peak|tallest|longest|deepest|fastest|heaviest"
    r"|widest|newest|farthest|longest-lived|larger|greater|bigger|higher|leads?|tops|wins?)\b(?! speed)"
)
SMALLEST: Final = re.compile(
    r"\b(?:least|smallest|lowest|minimum|shortest|shallowest|slowest|lightest|narrowest|oldest|nearest"
    r"|shortest-lived|smaller|lower|tiniest|bottom|below|last|trails?|fewest)\b"
)
MEAN: Final = re.compile(r"\b(?:average|averaged|mean)\b")
SUM: Final = re.compile(
    r"\b(?:total|sum|summed|combined|add(?:ed)? (?:up|them|together)|altogether|together|in all|add)\b"
)
DIFFERENCE: Final = re.compile(r"\b(?:differences?|differ|gaps?|margin|apart)\b")
RATIO: Final = re.compile(
    r"\b(?:ratios?|divided?|multiple|factor|relative|in relation|how many times|over)\b"
)
RANK: Final = re.compile(
    r"\b(?:rank|ranking|sort|order|line|arrange|list)\b.*\b(?:from|by|in|first|with|so that|to|starting)\b"
)
FALLING: Final = re.compile(
    r"\b(?:descending|decreasing|falling|top to bottom|from (?:the )?(?:highest|largest|most|greatest))\b"
)
RISING: Final = re.compile(
    r"\b(?:ascending|increasing|rising|bottom to top|from (?:the )?(?:lowest|smallest|least))\b"
)
SEARCH: Final = re.compile(
    r"\b(?:documents?|passages?|texts?|files|search for|written down)\b(?:.*?\b(?:about|on|for|with)\b)?"
)
PERCENT_OF: Final = re.compile(r"\b(?:percentage|share|percent|how much of)\b")

UP: Final = re.compile(
    r"\b(?:increas\w*|grew|grows?|gr?own|rose|rises?|gain\w*|more|added|up|larger|above|expand\w*|raised)\b"
)
DOWN: Final = re.compile(
    r"\b(?:decreas\w*|shrank|shrinks?|fell|falls?|los[te]s?|less|taken|down|smaller|below|reduc\w*|drop\w*)\b"
)

_WORDS: Final = """
    a about add added after all alone also altogether am among an and another apart are
    ascending assume average averaged be been belong belongs between big bigger both by
    calculate came case cases change changed combined come comes compare compute consider
    convert converted count days decreased deep descending did differ difference differences
    divide do documents does double doubled doubles due each else experiment express factor far
    fast fell figure figures find first five for found four from gained gap gaps give given go
    goes greater greatest grew had half halved has have heavy here high highest how i if imagine
    in increased interest interested into is it its kind know large larger largest last least
    less let list long look lookup lost lowest many margin massive maximum me mean minimum
    moment more most much multiple multiplied my name need not number of old on one ones or
    order other out over passages per percent percentage picture please populous put rank ratio
    ratios result results rose same say scenarios search second share show shrank side sides
    size smaller smallest so something sort starting stay stayed sum suppose supposed take taken
    tall tell text texts than that the their them then these they this those thought three times
    to together total twice two up us value values want was were what when which whichever who
    whose wide will with world would you
"""

SAYS_NOTHING: Final = frozenset(_WORDS.split())
"""Words that are no part of a subject's name."""
