from __future__ import annotations

from math import exp, pi, prod, sqrt
from typing import TYPE_CHECKING

import numpy as np
import pytest

from passel.agents.calibration.proposers import Bohb
from passel.agents.calibration.proposers.brackets import Bracket, Losses, Rung, ladders
from passel.agents.calibration.proposers.density import Density, likely_good
from tests.agents.calibration.proposers.play import SPACE, TARGET, Play

if TYPE_CHECKING:
    from passel.agents.calibration.proposers.known import Key


def started(iterations: int = 20) -> Play:
    generator = np.random.default_rng(0)
    return Play(Bohb(SPACE, TARGET, iterations=iterations, generator=generator), TARGET)


def test_a_round_has_the_published_brackets() -> None:
    assert ladders(2, 20, 3) == [
        (Rung(9, 2), Rung(3, 7), Rung(1, 20)),
        (Rung(4, 7), Rung(1, 20)),
        (Rung(3, 20),),
    ]
    assert ladders(1, 1, 3) == [(Rung(1, 1),)]


def test_the_best_of_a_rung_go_on_once_all_are_there() -> None:
    bracket = Bracket((Rung(3, 2), Rung(1, 6)), [(1.0,), (2.0,)])
    losses: dict[Key, Losses] = {(1.0,): {2: 5.0}, (2.0,): {2: 4.0}, (3.0,): {2: float("inf")}}
    assert list(bracket.due(losses)) == [], "there is room"
    bracket.members.append((3.0,))

    assert list(bracket.due({key: losses[key] for key in bracket.members[:2]})) == []
    assert list(bracket.due(losses)) == [((2.0,), 6)]
    losses[bracket.members[1]][6] = 1.0
    assert list(bracket.due(losses)) == []


def test_what_failed_never_goes_on() -> None:
    bracket = Bracket((Rung(2, 2), Rung(1, 6)), [(1.0,), (2.0,)])

    assert list(bracket.due({key: {2: float("inf")} for key in bracket.members})) == []


def test_trials_that_go_on_are_extended_and_the_budget_is_what_they_ran() -> None:
    play = started()
    asked = []
    for _ in range(20):
        record = play.ask()
        assert record is not None
        asked.append((record.id, record.limit))
        play.run(record)

    limits = [limit for _, limit in asked]
    assert limits[:13] == [2] * 9 + [7] * 3 + [20]
    begun = {name: play.records[name].outcomes[1] for name, _ in asked[:9]}
    best = sorted(begun, key=lambda name: TARGET.loss(begun[name]))
    assert [name for name, _ in asked[9:12]] == best[:3]
    assert len(play.records) < len(asked)


def test_a_restart_knows_who_goes_on() -> None:
    before, after = started(), started()
    for _ in range(11):
        record = before.ask()
        assert record is not None
        before.run(record)
    for record in before.records.values():
        after.tell(record)

    one, other = before.ask(), after.ask()
    assert one == other
    assert one is not None
    assert one.limit == 7


def test_workers_that_have_nothing_to_do_begin_the_next_bracket() -> None:
    play = started()
    limits = [record.limit for _ in range(13) if (record := play.ask()) is not None]

    assert limits == [2] * 9 + [7] * 4


def test_a_density_is_the_mean_of_products_of_normal_kernels() -> None:
    points = np.array([[0.2, 0.5], [0.4, 0.1], [0.9, 0.5]])
    density = Density(points, narrowest=1e-3)
    widths = [1.06 * float(np.std(points[:, d])) * 3 ** (-1 / 6) for d in range(2)]
    place = (0.3, 0.4)
    by_hand = sum(
        prod(
            exp(-0.5 * ((x - p) / w) ** 2) / (w * sqrt(2 * pi))
            for x, p, w in zip(place, point, widths, strict=True)
        )
        for point in points.tolist()
    )

    assert density.at(np.array([place]))[0] == pytest.approx(by_hand / 3)


def test_draws_stay_in_the_cube_and_the_chosen_one_is_where_good_points_are() -> None:
    draw = np.random.default_rng(0)
    good = Density(np.array([[0.0, 1.0], [0.1, 0.9], [0.05, 0.95]]), narrowest=1e-3)
    bad = Density(draw.random((30, 2)), narrowest=1e-3)
    drawn = good.drawn(draw, 200, widened=3.0)

    assert ((drawn >= 0) & (drawn <= 1)).all()
    chosen = likely_good(good, bad, draw, samples=64, widened=3.0)
    assert good.at(chosen[None])[0] > np.median(good.at(drawn))


def test_more_points_are_good_once_there_is_a_model() -> None:
    """Halves of 60 points by their loss: what the densities propose is better than uniform draws."""
    play = started(iterations=1)
    losses = []
    for _ in range(120):
        record = play.ask()
        assert record is not None
        losses.append(TARGET.loss(play.run(record).outcomes[-1]))

    assert np.median(losses[60:]) < 0.7 * np.median(losses[:10])
