"""The sampling law: noise bits, kept sets, statistics, and independence of batching."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

from passel.actors.llm.sampler import bits, kept, sample, uniform
from passel.actors.llm.sampling import Sampling, mix, stream_key

MASK = (1 << 64) - 1


def oracle_bits(key: int, number: int) -> int:
    """SplitMix64 in plain integers, as published: state += golden; then three mixing steps."""
    z = (key + (number + 1) * 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def test_noise_bits_are_those_of_plain_integer_arithmetic() -> None:
    ids = torch.tensor([0, 1, 2, 255, 49151, 151935, 2**31 - 1])
    for key in (0, 1, MASK, stream_key(0, 0, 0), stream_key(2**63, 7, 12345)):
        got = [value & MASK for value in bits(key, ids).tolist()]
        assert got == [oracle_bits(key, i) for i in ids.tolist()]


def test_noise_bits_match_the_published_sequence() -> None:
    """First outputs of SplitMix64 seeded with 1234567, as printed by its reference code."""
    got = [value & MASK for value in bits(1234567, torch.arange(3)).tolist()]
    assert got == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_uniform_numbers_lie_strictly_between_zero_and_one() -> None:
    numbers = uniform(stream_key(1, 2, 3), torch.arange(200_000))
    assert float(numbers.min()) > 0.0
    assert float(numbers.max()) < 1.0
    assert abs(float(numbers.mean()) - 0.5) < 0.004  # 6 sigma at n = 200,000, key fixed
    largest = (2.0**52 - 1 + 0.5) * 2.0**-52  # of the 52 bits that are used
    assert largest < 1.0


def test_stream_keys_differ_in_every_argument() -> None:
    keys = {stream_key(s, t, p) for s in range(8) for t in range(8) for p in range(64)}
    assert len(keys) == 8 * 8 * 64
    assert mix(1) != mix(2)


@pytest.mark.parametrize(
    ("values", "top_k", "top_p", "expected"),
    [
        ([0.0, 0.0, 0.0, 0.0], 2, 1.0, [0, 1]),
        ([1.0, 3.0, 3.0, 3.0], 2, 1.0, [1, 2]),
        ([0.1, 0.2, 0.3, 0.4], 0, 0.39, [3]),
        ([0.1, 0.2, 0.3, 0.4], 0, 0.41, [2, 3]),
        ([0.25, 0.25, 0.25, 0.25], 0, 0.5, [0, 1]),
        ([0.4, 0.3, 0.2, 0.1], 3, 0.7, [0, 1]),
        ([0.5, 0.5, 0.0, 0.0], 0, 1.0, None),
        ([0.9, 0.1], 0, 1e-9, [0]),
    ],
)
def test_kept_ids_are_the_smallest_set_with_ties_by_lower_id(
    values: list[float], top_k: int, top_p: float, expected: list[int] | None
) -> None:
    logits = torch.tensor(values, dtype=torch.float64)
    if top_p < 1.0:
        logits = logits.log()
    ids = kept(logits, top_k=top_k, top_p=top_p)
    assert (None if ids is None else ids.tolist()) == expected


def test_a_wide_nucleus_is_found_beyond_the_first_look() -> None:
    """A nearly flat row of 5,000 ids needs more candidates than are sorted at first."""
    generator = torch.Generator().manual_seed(3)
    scaled = torch.randn(5000, generator=generator, dtype=torch.float64) * 0.01
    order = sorted(range(5000), key=lambda i: (-float(scaled[i]), i))
    shares = scaled.softmax(0)
    gathered, expected = 0.0, []
    for i in order:
        if gathered >= 0.9:
            break
        expected.append(i)
        gathered += float(shares[i])
    ids = kept(scaled, top_k=0, top_p=0.9)
    assert ids is not None
    assert ids.tolist() == sorted(expected)


def test_a_row_draws_the_same_token_alone_and_in_any_batch() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn((16, 300), generator=generator)
    rules = [Sampling(temperature=0.3 + 0.1 * i, top_p=0.95, seed=i % 3) for i in range(16)]
    streams, places = list(range(16)), [7 * i for i in range(16)]
    together = sample(logits, rules, streams, places)
    alone = [sample(logits[i : i + 1], rules[i], [streams[i]], [places[i]])[0] for i in range(16)]
    order = [5, 0, 11, 3]
    some = sample(logits[order], [rules[i] for i in order], order, [places[i] for i in order])
    assert together == alone
    assert some == [together[i] for i in order]


def test_drawn_tokens_follow_the_law_of_temperature_and_nucleus() -> None:
    """With n = 8,000 draws and seed 11, chi-square of 5 degrees of freedom stays below 20.5 (0.1 %)."""
    shares = torch.tensor([0.3, 0.25, 0.2, 0.1, 0.08, 0.04, 0.02, 0.01], dtype=torch.float64)
    rule = Sampling(temperature=0.7, top_p=0.98, seed=11)
    logits = shares.log()[None]
    tempered = shares ** (1 / 0.7)
    tempered = tempered / tempered.sum()
    keep = 6  # the tempered masses gather 0.990 within six ids and 0.969 within five
    assert float(tempered[: keep - 1].sum()) < 0.98 <= float(tempered[:keep].sum())
    expected = tempered[:keep] / tempered[:keep].sum()
    n = 8000
    drawn = sample(logits.expand(n, -1), rule, [0] * n, range(n))
    counts = torch.bincount(torch.tensor(drawn), minlength=8).double()
    assert counts[keep:].sum() == 0
    chi_square = ((counts[:keep] - n * expected).square() / (n * expected)).sum()
    assert float(chi_square) < 20.5


def test_streams_and_places_are_independent_draws() -> None:
    """With n = 4,000 pairs and seed 0, a fair coin of two streams agrees half the time, within 5 sigma."""
    n = 4000
    logits = torch.zeros((n, 2))
    rule = Sampling(temperature=1.0)
    first = sample(logits, rule, [0] * n, range(n))
    second = sample(logits, rule, [1] * n, range(n))
    agree = sum(a == b for a, b in zip(first, second, strict=True))
    assert abs(agree - n / 2) < 5 * math.sqrt(n) / 2
    following = sum(a == b for a, b in pairwise(first))
    assert abs(following - n / 2) < 5 * math.sqrt(n) / 2


def test_temperature_zero_takes_the_best_and_the_lower_of_equals() -> None:
    logits = torch.tensor([[0.0, 2.0, 2.0], [5.0, 1.0, 0.0]])
    assert sample(logits, Sampling(), [0, 1], [0, 0]) == [1, 0]
    mixed = [Sampling(), Sampling(temperature=1e-6)]
    assert sample(logits, mixed, [0, 1], [0, 0]) == [1, 0]


def test_banned_ids_are_never_drawn_and_the_logits_are_left_alone() -> None:
    logits = torch.tensor([[9.0, 1.0, 0.0]]).expand(50, -1).clone()
    before = logits.clone()
    drawn = sample(logits, Sampling(temperature=2.0), [0] * 50, range(50), banned=[0])
    assert set(drawn) == {1, 2}
    assert sample(logits[:1], Sampling(), [0], [0], banned=[0]) == [1]
    assert torch.equal(logits, before)


@pytest.mark.parametrize(
    "wrong", [{"temperature": -1.0}, {"top_k": -1}, {"top_p": 0.0}, {"top_p": 1.5}]
)
def test_senseless_rules_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Sampling(**wrong)  # type: ignore[arg-type]  # a test's plain dict
