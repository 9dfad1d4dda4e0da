"""Plans by rules alone: what the embedded planner has to beat, and what needs no model.

It reads measure, subjects, changes, unit and operation off a question by the words that it knows, and
writes the plan that they call for. It has no list of subjects.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..plan_text import PlanText, Ref
from . import lexicon
from .question import (
    Changed,
    changes_in,
    meant_by_adjectives,
    operation_of,
    pairs_in,
    properties_in,
    reduction_of,
    unit_in,
)
from .subjects import subjects_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..toolset import Property


_WITH_NOUN = re.compile(
    rf"(?:{lexicon.LARGEST.pattern}|{lexicon.SMALLEST.pattern}) (?:{'|'.join(lexicon.NOUNS)})\b"
)
"""Superlatives that only say how much of what the noun behind them names."""

_REVERSED = re.compile(r"how many times the [^?]*? (?:is|would) the ", re.IGNORECASE)


def plan_by_rules(question: str) -> str:
    """Return a plan for a question; for one that no rule fits, a search for all of it."""
    text = " ".join(question.split())
    plan = PlanText()
    for rule in (_days, _search, _pairs, _two_cases, _changed, _then, _of_all, _plain):
        if rule(text, plan):
            return plan.finished()
        plan.lines.clear()
    plan.call("search", text.rstrip("?.!").replace('"', "'"))
    return plan.finished()


def _days(text: str, plan: PlanText) -> bool:
    match = re.search(
        r"\bdays\b.*?\b(?:between|from|after) (.+?) (?:and|until|to|came) (.+?)[?.]?$",
        text,
        re.IGNORECASE,
    ) or re.search(r"^From (.+?) (?:to|until) (.+?), how many days", text)
    if match is None or properties_in(text):
        return False
    dates = [plan.call("lookup", _bare(name), "date") for name in match.groups()]
    plan.call("days_between", *dates)
    return True


def _search(text: str, plan: PlanText) -> bool:
    match = lexicon.SEARCH.search(text.lower())
    if match is None:
        return False
    about = text[match.end() :]
    keys = properties_in(about)
    if keys:  # and look something up
        topic, _, rest = re.split(r"(,? and |[.,] (?:And )?|, plus )", about, maxsplit=1)[:3]
        names = [name for name in subjects_in(rest) if name]
        plan.call("search", _bare(topic))
        for name in names[:1]:
            plan.call("lookup", name, keys[0])
        return bool(names)
    for topic in re.split(r",? and |, ", about.strip(" ?.")):
        plan.call("search", _bare(topic))
    return True


def _pairs(text: str, plan: PlanText) -> bool:
    pairs, key = pairs_in(text), _property(text)
    inner = "ratio" if re.search(r"\bratios?\b", text) else "difference"
    if not pairs or key is None:
        return False
    head = re.sub(r"\b(?:ratios?|differences?|gaps?)\b", "", text)
    results = []
    for pair in pairs:
        values = [plan.call("lookup", name, key) for name in pair]
        results.append(plan.call("combine", values, inner))
    plan.call("combine", results, reduction_of(head).removesuffix(" name") or "largest")
    return True


def _two_cases(text: str, plan: PlanText) -> bool:
    subjects, key = subjects_in(text), _property(text)
    parts = [
        part for part in re.split(r"\b(?:or|and)\b|[.](?!\d)|[;,]", text) if operation_of(part)
    ]
    if len(subjects) != 1 or len(parts) != 2 or key is None:
        return False
    value = plan.call("lookup", subjects[0], key)
    cases = [plan.call("calculator", value.inside + operation_of(part)) for part in parts]
    plan.call("combine", cases, reduction_of(text).removesuffix(" name") or "difference")
    return True


def _changed(text: str, plan: PlanText) -> bool:
    changes, key = changes_in(text), _property(text)
    subjects = [change.subject for change in changes]
    if not changes or not any(change.operation for change in changes) or key is None:
        return False
    values = [_changed_value(change, key, plan) for change in changes]
    asked = _asked(text)
    if asked == "ratio" and len(values) == 2:
        last = [name for name in subjects_in(text[_asks_from(text) :]) if name in subjects]
        first = last[::-1] if _REVERSED.search(text) else last
        values = values[::-1] if first[:1] == [subjects[1]] else values
    _reduce(subjects, values, asked, plan)
    return True


def _changed_value(change: Changed, key: Property, plan: PlanText) -> Ref:
    value = plan.call("lookup", change.subject, key)
    return plan.call("calculator", value.inside + change.operation) if change.operation else value


def _then(text: str, plan: PlanText) -> bool:
    keys, subjects = properties_in(text), subjects_in(text)
    which = reduction_of(text)
    if re.match(r"(?:what|how)\b", text.lower()) and " among " in text:
        which = f"{which} name" if which in {"largest", "smallest"} else which
    if len(subjects) < 2 or not which.endswith("name"):
        return False
    meant = meant_by_adjectives(_WITH_NOUN.sub("", text))
    if len(set(keys)) > 1:
        first, other = keys[0], keys[-1]
    elif keys and meant not in {None, keys[0]} and not re.search(r"\bby \w+", text):
        first, other = meant or keys[0], keys[0]
    else:
        return False
    values = [plan.call("lookup", name, first) for name in subjects]
    plan.call("lookup", _reduce(subjects, values, which, plan), other)
    return True


def _of_all(text: str, plan: PlanText) -> bool:
    small, subjects, key = text.lower(), _repeated(text), _property(text)
    names = subjects_in(text)
    if key is None or len(names) < 2 or not subjects:
        return False
    share = lexicon.PERCENT_OF.search(small) and lexicon.SUM.search(small)
    mean = lexicon.RATIO.search(small) and lexicon.MEAN.search(small)
    if not share and not mean:
        return False
    values = [plan.call("lookup", name, key) for name in names]
    one = values[names.index(subjects[0])]
    if share:
        total = plan.call("combine", values, "sum")
        plan.call("calculator", f"{one.inside} / {total.inside} * 100")
    else:
        plan.call("combine", [one, plan.call("combine", values, "mean")], "ratio")
    return True


def _plain(text: str, plan: PlanText) -> bool:
    subjects, keys = subjects_in(text), properties_in(text)
    if len(subjects) == 1 and len(set(keys)) > 1:
        for one in keys:
            plan.call("lookup", subjects[0], one)
        return True
    if len(subjects) == len(keys) == 2 and keys[0] != keys[1]:
        for name, one in zip(subjects, keys, strict=True):
            plan.call("lookup", name, one)
        return True
    key = _property(text)
    if key is None or not subjects:
        return False
    unit, which = unit_in(text), reduction_of(text)
    each = bool(
        re.search(
            r"\b(?:each|one by one|first)\b|convert the (?!sum|total|mean|average|result|difference)|turn the",
            text.lower(),
        )
    )
    values = [plan.call("lookup", name, key) for name in subjects]
    if unit is not None and each:
        values = [plan.call("convert", value, unit) for value in values]
    values = values[::-1] if which == "ratio" and _REVERSED.search(text) else values
    result = _reduce(subjects, values, which, plan)
    if unit is not None and not each:
        plan.call("convert", result, unit)
    return True


def _reduce(subjects: Sequence[str], values: list[Ref], which: str, plan: PlanText) -> Ref:
    """Write the call that makes one result of several; without one, the last value is it."""
    if which.endswith("name"):
        return plan.call("pick", list(subjects), values, which.removesuffix(" name"))
    if which in {"ascending", "descending"}:
        return plan.call("rank", list(subjects), values, which)
    return plan.call("combine", values, which) if which else values[-1]


def _asked(text: str) -> str:
    """Return what is asked of changed values; the words of the changes must not count."""
    parts = re.split(
        r"[.:?!]\s+|,\s+(?=(?:which|what|how|by|rank|sort|name|in|give|order|line)\b)", text
    )
    asking = [part for part in parts if not operation_of(part)]
    for part in (*reversed(asking), *reversed(parts)):
        if which := reduction_of(part):
            return which
    return ""


def _asks_from(text: str) -> int:
    """Return where a question about changed values begins to ask."""
    found = [
        match.start()
        for match in re.finditer(r"(?i)\b(?:what|how many|ratio|in \w+, what)\b", text)
    ]
    return found[0] if found else 0


def _repeated(text: str) -> list[str]:
    """Return the subjects that stand in a text more than once."""
    return [name for name in subjects_in(text) if len(re.findall(re.escape(name), text)) > 1]


def _property(text: str) -> Property | None:
    keys = properties_in(text)
    return keys[0] if keys else meant_by_adjectives(text)


def _bare(name: str) -> str:
    return re.sub(r"^the ", "", name.strip(" ?.,"), flags=re.IGNORECASE)
