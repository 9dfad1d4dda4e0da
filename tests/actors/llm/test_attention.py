"""Oracle K, and the fast attention against its plain twin."""

from __future__ import annotations

import random

import pytest
import torch

from passel.actors.llm.attention import attention, attention_plain, plan
from passel.actors.llm.rope import Rotation, inverse_frequencies, rotate
from passel.actors.llm.segment import Block, KvShape, Segment
from passel.actors.llm.view import Row, row_views
from tests.oracles.tiny import tiny_config

CPU = torch.device("cpu")
SHAPE = KvShape(layers=1, kv_heads=2, head_dim=8, dtype=torch.float64, device=CPU)
ROTATION = Rotation(inverse_frequencies(tiny_config().rope, 8), dtype=torch.float64, device=CPU)


def filled(number: int, length: int, generator: torch.Generator, *, room: int = 4) -> Block:
    """Make a block whose storage, the room for new tokens included, holds random numbers."""
    block = Block(SHAPE, block_id=number, capacity=length + room)
    block.storage.copy_(torch.randn(block.storage.shape, generator=generator, dtype=torch.float64))
    block.extend([0] * length)
    return block


def random_rows(seed: int) -> list[Row]:
    """Rows with private and common pieces, cut segments, and one to four new tokens."""
    chance, generator = random.Random(seed), torch.Generator().manual_seed(seed)
    common = [filled(i, chance.randrange(1, 9), generator) for i in range(3)]
    own = [filled(10 + i, chance.randrange(4), generator) for i in range(4)]
    rows = []
    for block in own:
        pieces: list[Segment | Block] = [
            *chance.sample(common, chance.randrange(4)),
            *(b.segment(len(b) // 2) for b in common if chance.random() < 0.3 and len(b) > 1),
            *(b for b in own if b is not block and chance.random() < 0.6),
        ]
        tokens = [0] * chance.choice([1, 1, 2, 4])
        rows.append(Row(tokens=tokens, view=[*pieces, block], own=block))
    return rows


@pytest.mark.parametrize("seed", range(12))
def test_fast_attention_agrees_with_its_plain_twin(seed: int) -> None:
    views = row_views(random_rows(seed), vocab=1, limit=1000)
    count = sum(view.new for view in views)
    generator = torch.Generator().manual_seed(seed)
    queries = torch.randn((count, 4, 8), generator=generator, dtype=torch.float64)
    fast = torch.cat(
        [attention(queries[c.start : c.stop], c, 0) for c in plan(views, ROTATION, CPU)]
    )
    plain = attention_plain(queries, views, ROTATION, 0)
    assert (fast - plain).abs().max() <= 1e-12


def test_a_prompt_longer_than_one_chunk_agrees_with_the_plain_twin() -> None:
    block = filled(0, 600, torch.Generator().manual_seed(1))
    before = block.segment(0, 40)
    own = filled(1, 0, torch.Generator().manual_seed(2), room=300)
    views = row_views([Row(tokens=[0] * 300, view=[before, own], own=own)], vocab=1, limit=1000)
    queries = torch.randn(
        (300, 4, 8), generator=torch.Generator().manual_seed(4), dtype=torch.float64
    )
    chunks = plan(views, ROTATION, CPU)
    assert len(chunks) == 2
    fast = torch.cat([attention(queries[c.start : c.stop], c, 0) for c in chunks])
    assert (fast - attention_plain(queries, views, ROTATION, 0)).abs().max() <= 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_turning_queries_turning_keys_and_complex_scores_are_one(seed: int) -> None:
    """Oracle K: three ways to the score of a fragment that stands anywhere in a view."""
    chance, generator = random.Random(seed), torch.Generator().manual_seed(seed)
    length, origin = chance.randrange(1, 20), chance.randrange(500)
    place = origin + length + chance.randrange(300)
    query = torch.randn(8, generator=generator, dtype=torch.float64)
    keys = torch.randn((length, 8), generator=generator, dtype=torch.float64)
    local = torch.arange(length)
    stored = rotate(keys, *ROTATION.at(local))
    ROTATION.reserve(place + 1)
    by_query = stored @ rotate(query, *ROTATION.at(torch.tensor(place - origin)))
    moved = rotate(keys, *ROTATION.at(origin + local))
    by_key = moved @ rotate(query, *ROTATION.at(torch.tensor(place)))
    theta = torch.tensor([100.0 ** (-m / 4) for m in range(4)], dtype=torch.float64)
    turn = torch.polar(torch.ones(4).double(), (place - origin - local)[:, None] * theta)
    pairs = torch.complex(query[:4], query[4:]) * turn
    by_distance = (pairs * torch.complex(keys[:, :4], keys[:, 4:]).conj()).real.sum(-1)
    assert (by_query - by_key).abs().max() <= 1e-12
    assert (by_query - by_distance).abs().max() <= 1e-12
