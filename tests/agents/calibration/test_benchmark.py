"""The benchmark `benchmarks/calibration.py` counts and attributes as it says; its figures are made elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from calibration_course import Course

SEED = 4


@pytest.fixture(autouse=True)
def beside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let benchmarks be imported as they import each other."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    yield
    for name in [name for name in sys.modules if name.startswith("calibration_")]:
        del sys.modules[name]


def course(method: str, workers: int) -> Course:
    from calibration_city import target
    from calibration_course import Course
    from calibration_methods import METHODS

    goal = target(SEED)
    return Course(*METHODS[method](goal, np.random.default_rng(SEED)), goal, SEED, workers)


def test_a_level_that_is_not_reached_costs_the_whole_budget_at_the_pace_until_the_end() -> None:
    from calibration_course import BUDGET, Seen

    early = Seen(reached={25: (40, 41.0)}, spent=(100, 300.0), idle=0.0, misattributed=0)

    assert early.until(25) == (40, 41.0)
    assert early.until(10) == (BUDGET, 6_000.0)


@pytest.mark.process  # it takes a second
def test_a_sequential_rule_leaves_all_workers_but_one_idle() -> None:
    seen = course("logratio", 4).run()

    assert seen.idle == pytest.approx(0.75)
    assert seen.misattributed == 0


@pytest.mark.process  # likewise
def test_the_default_leaves_no_worker_idle() -> None:
    seen = course("ours", 8).run()

    assert seen.idle < 0.05
    assert seen.misattributed == 0


DRIVER = """
import json, random, sys
seed, workers, dimensions, iterations = map(int, sys.argv[1:])
draw = random.Random(seed)
under_way, log = {}, open(__file__ + ".log", "w")
def submit(number):
    place = [draw.random() for _ in range(dimensions)]
    run = [0, 0, number]
    under_way[number] = None
    print(json.dumps({"run": run, "place": place, "iterations": 2}), flush=True)
for number in range(workers):
    submit(number)
for line in sys.stdin:
    run, loss = json.loads(line)
    del under_way[run[2]]  # fails where a run is answered twice
    print(json.dumps(loss), len(under_way), file=log, flush=True)
    number += 1
    submit(number)
"""


@pytest.mark.process
def test_a_peer_has_a_run_under_way_for_each_worker_until_the_budget_is_spent(
    tmp_path: Path,
) -> None:
    from calibration_city import target
    from calibration_course import BUDGET, Course
    from calibration_peer import UNAIDED, HpBandSter
    from peers import Peer

    peer = Peer("hpbandster", tmp_path, ())
    peer.python, peer.driver = Path(sys.executable), tmp_path / "driver.py"
    peer.driver.write_text(DRIVER, encoding="utf-8")
    goal = target(SEED)
    with HpBandSter(peer, goal, seed=SEED, workers=4) as proposer:
        seen = Course(proposer, None, goal, SEED, 4, UNAIDED).run()

    answers = [line.split() for line in (tmp_path / "driver.py.log").read_text().splitlines()]
    crashed = [loss for loss, _ in answers if loss == "null"]
    assert {under_way for _, under_way in answers} == {"3"}
    assert 0.02 < len(crashed) / len(answers) < 0.09, "none is started again"
    assert BUDGET <= seen.spent[0] < BUDGET + 4, "what crashed counts, too"
    assert seen.idle < 0.05
    assert seen.misattributed == 0
