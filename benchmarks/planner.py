"""Plans for generated questions, graded: the embedded planner beside rules, and without its parts.

    python benchmarks/planner.py --adapter FOLDER --device cuda --workers 12 --json

On each set of questions: the rules, the model with grammar and adapter, without the grammar, and
without the adapter. `graph` counts plans whose graph is the wanted one, `calls` those whose calls are,
arguments included; p is McNemar's exact test of the whole planner's calls against the rules'.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from passel.agents.compiler.embedded import declared_tools, plan_by_rules
from passel.agents.compiler.embedded.metrics import Grade, grade, mcnemar
from passel.agents.compiler.embedded.questions import Example, Split, examples, without

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_TOKENS = 768
SETS: tuple[Split, ...] = ("paraphrases", "alike", "subjects", "families", "branches")
WAYS = ("rules", "whole", "without grammar", "without adapter")
SEED = 20_000
"""Of the questions; training has another one."""

BATCH = 50
MEASURES = ("same_graph", "same_calls")
Job = tuple[str, Split, int]
Facts = dict[str, Any]


def main() -> None:
    """Parse arguments, plan, grade, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--adapter", default="", help="folder; without one only rules are graded")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--count", type=int, default=600, help="questions of each set")
    parser.add_argument("--longest", type=int, default=MAX_TOKENS, help="tokens of a plan")
    parser.add_argument("--trained-examples", type=int, default=40_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    sets = {name: questions(name, options) for name in SETS if name in options.sets.split(",")}
    report: dict[str, Any] = {"settings": vars(options), "sets": {}}
    facts: dict[tuple[str, Split], dict[int, Facts]] = {}
    for way in options.ways.split(",") if options.adapter else WAYS[:1]:
        facts |= _planned(way, sets, options)
        for name, asked in sets.items():
            report["sets"][name] = _compared(name, asked, facts)
        print(_table(report), file=sys.stderr, flush=True)
    print(json.dumps(report, indent=2) if options.json else _table(report))


def questions(name: Split, options: argparse.Namespace) -> list[Example]:
    """Return the questions of a set; none that training may have seen."""
    trained: set[str] = set()
    if name == "alike":
        known = examples("training", options.trained_examples)
        trained = {example.question for example in known}
    found = without(examples(name, 3 * options.count, seed=SEED), trained)
    return [example for example, _ in zip(found, range(options.count), strict=False)]


def _planned(
    way: str, sets: dict[Split, list[Example]], options: argparse.Namespace
) -> dict[tuple[str, Split], dict[int, Facts]]:
    """Have one planner plan for all sets, in several processes."""
    jobs = [(way, name, start) for name in sets for start in range(0, len(sets[name]), BATCH)]
    facts: dict[tuple[str, Split], dict[int, Facts]] = {(way, name): {} for name in sets}
    context = multiprocessing.get_context("spawn")
    with context.Pool(options.workers) as pool:
        work = partial(_plan, sets=sets, options=options)
        for (_, name, start), written in pool.imap_unordered(work, jobs):
            facts[way, name] |= dict(enumerate(written, start))
    return facts


_drafters: dict[str, Any] = {}
"""Of a worker process."""


def _plan(
    job: Job, *, sets: dict[Split, list[Example]], options: argparse.Namespace
) -> tuple[Job, list[Facts]]:
    """Plan for one batch, and grade that."""
    way, name, start = job
    asked = sets[name][start : start + BATCH]
    tools = declared_tools()
    if way == "rules":
        facts: list[Facts] = [{"plan": plan_by_rules(example.question)} for example in asked]
    else:
        facts = _drafted(way, asked, options)
    for fact, example in zip(facts, asked, strict=True):
        fact["grade"] = grade(fact["plan"], example.plan, tools)
    return job, facts


def _drafted(way: str, asked: Sequence[Example], options: argparse.Namespace) -> list[Facts]:
    """Have the model write plans, all at once."""
    if way not in _drafters:
        _drafters[way] = _drafter(way, options)
    drafter = _drafters[way]
    drafts = [drafter.begin(example.question) for example in asked]
    while under_way := [draft for draft in drafts if not draft.over]:
        drafter.step(under_way)
    return [
        {"plan": drafter.text(draft), "tokens": len(draft.tokens), "chosen": draft.chosen}
        for draft in drafts
    ]


def _drafter(way: str, options: argparse.Namespace) -> Any:
    import torch

    from passel.actors.llm.engine import Engine
    from passel.agents.compiler.embedded.drafting import Drafter

    torch.set_num_threads(1)
    adapter = None if way == "without adapter" else options.adapter
    engine = Engine.load(options.model, adapter=adapter, device=options.device, dtype=options.dtype)
    constrained = way != "without grammar"
    return Drafter(engine, declared_tools(), constrained=constrained, max_tokens=options.longest)


def _compared(
    name: Split, asked: Sequence[Example], facts: dict[tuple[str, Split], dict[int, Facts]]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for way in WAYS:
        if (way, name) in facts:
            ordered = [fact for _, fact in sorted(facts[way, name].items())]
            found[way] = _counted([fact["grade"] for fact in ordered])
            if way != "rules":
                tokens = sum(fact["tokens"] for fact in ordered)
                chosen = sum(fact["chosen"] for fact in ordered)
                found[way] |= {"tokens": tokens / len(ordered), "forced": 1 - chosen / tokens}
    if ("whole", name) in facts and ("rules", name) in facts:
        whole, rules = facts["whole", name], facts["rules", name]
        grades = [whole[i]["grade"] for i in range(len(asked))]
        others = [rules[i]["grade"] for i in range(len(asked))]
        found["mcnemar"] = {what: _mcnemar(grades, others, what) for what in MEASURES}
        found["families"] = _by_family(asked, grades, others)
        found["wrong"] = [
            {"question": e.question, "plan": whole[i]["plan"], "wanted": e.plan, "family": e.family}
            for i, e in enumerate(asked)
            if not grades[i].same_calls
        ]
    return found


def _counted(grades: Sequence[Grade]) -> dict[str, float]:
    n = len(grades)
    totals = {key: sum(asdict(g)[key] for g in grades) / n for key in asdict(grades[0])}
    return {"n": n, **totals}


def _mcnemar(one: Sequence[Grade], other: Sequence[Grade], what: str) -> dict[str, float]:
    pairs = [(getattr(a, what), getattr(b, what)) for a, b in zip(one, other, strict=True)]
    wins = sum(a and not b for a, b in pairs)
    losses = sum(b and not a for a, b in pairs)
    return {"wins": wins, "losses": losses, "p": mcnemar(wins, losses)}


def _by_family(
    asked: Sequence[Example], grades: Sequence[Grade], rules: Sequence[Grade]
) -> dict[str, list[int]]:
    """Return for each family: questions, calls right by the model, calls right by rules."""
    found: dict[str, list[int]] = {}
    for example, grade_, rule in zip(asked, grades, rules, strict=True):
        counts = found.setdefault(example.family, [0, 0, 0])
        counts[0] += 1
        counts[1] += grade_.same_calls
        counts[2] += rule.same_calls
    return found


def _table(report: dict[str, Any]) -> str:
    lines = [f"{'set':14}{'planner':18}{'n':>5}{'valid':>8}{'graph':>8}{'calls':>8}"]
    for name, found in report["sets"].items():
        for way in WAYS:
            if way in found:
                row = found[way]
                shares = "".join(f"{row[k]:8.3f}" for k in ("valid", "same_graph", "same_calls"))
                lines.append(f"{name:14}{way:18}{row['n']:5}{shares}")
        if "mcnemar" in found:
            lines.append(f"{name:14}McNemar           {found['mcnemar']}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
