"""The engine against a full recompute with recorded distances and mask (Oracle R)."""

from __future__ import annotations

import random

import pytest
import torch

from passel.actors.llm.engine import Block, Engine, Row, Segment
from tests.oracles.recompute import History, recompute
from tests.oracles.tiny import tiny_engine


class Team:
    """Workers with random views: steps end at random, others stand in random order."""

    def __init__(self, engine: Engine, workers: int, chance: random.Random) -> None:
        self.engine, self.chance = engine, chance
        self.vocab = engine.config.vocab
        self.history: list[Segment | Block] = [self.prefilled([]) for _ in range(2)]
        self.headers = [self.prefilled(self.history[:1]) for _ in range(workers)]
        self.current = [engine.block(1) for _ in range(workers)]
        self.logits: list[torch.Tensor] = []

    def prefilled(self, before: list[Segment | Block]) -> Block:
        """Make a block with a few tokens that was written behind `before`."""
        block = self.engine.block(2)
        tokens = self.tokens(self.chance.randrange(1, 6))
        self.engine.forward([Row(tokens=tokens, view=[*before, block], own=block)])
        return block

    def tokens(self, count: int) -> list[int]:
        """Draw token ids."""
        return [self.chance.randrange(self.vocab) for _ in range(count)]

    def row(self, worker: int) -> Row:
        """Give a row of one to four tokens that sees everything, the others in any order."""
        own = self.current[worker]
        others = [block for block in self.current if block is not own]
        self.chance.shuffle(others)
        view = [*self.history, *others, self.headers[worker], own]
        return Row(tokens=self.tokens(self.chance.choice([1, 1, 1, 2, 4])), view=view, own=own)

    def tick(self) -> torch.Tensor:
        """Let a random subset act; give the logits of all their tokens."""
        return self.engine.forward(self.rows(), all_logits=True)

    def rows(self) -> list[Row]:
        """Choose a random subset to act, after some of them have ended a step."""
        for worker, block in enumerate(self.current):
            if len(block) > 2 and self.chance.random() < 0.25:
                cut = self.chance.randrange(len(block) + 1)
                self.history += [block.segment(cut), block.segment(0, cut)]  # any order will do
                self.current[worker] = self.engine.block(1)
        active = [w for w in range(len(self.current)) if self.chance.random() < 0.7] or [0]
        return [self.row(worker) for worker in active]


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
@pytest.mark.parametrize("seed", [0, 1])
def test_shared_blocks_give_the_logits_of_a_full_recompute(workers: int, seed: int) -> None:
    """Random views, subsets, step ends and multi-token ticks agree within 1e-9 in float64."""
    engine, weights = tiny_engine(seed=seed)
    history = History()
    engine.recorder = history.record
    team = Team(engine, workers, random.Random(100 * seed + workers))
    before = len(history.tokens)
    logits = torch.cat([team.tick() for _ in range(14)])
    tokens, distance, mask = history.tables()
    expected = recompute(engine.config, weights, tokens, distance, mask)[before:]
    assert logits.abs().max() > 1.0
    assert (logits - expected).abs().max() <= 1e-9


def test_a_changed_distance_changes_the_logits() -> None:
    """The oracle is sharp: one distance off by one is seen."""
    engine, weights = tiny_engine()
    history = History()
    engine.recorder = history.record
    team = Team(engine, 2, random.Random(5))
    before = len(history.tokens)
    logits = torch.cat([team.tick() for _ in range(4)])
    tokens, distance, mask = history.tables()
    seen = mask[-1].nonzero()[0]
    distance[-1, seen] += 1
    expected = recompute(engine.config, weights, tokens, distance, mask)[before:]
    assert (logits - expected)[-1].abs().max() > 1e-6


def flattened(row: Row) -> list[int]:
    """Give the text of a row's view, the row's new tokens included."""
    return [token for entry in row.view for token in entry.tokens]


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
def test_one_layer_reads_a_shared_view_as_plain_text(workers: int) -> None:
    """Oracle V: keys and values of the first layer depend on their token alone."""
    engine, _ = tiny_engine(layers=1)
    team = Team(engine, workers, random.Random(workers))
    for _ in range(10):
        rows = team.rows()
        logits = engine.forward(rows)
        for row, shared in zip(rows, logits, strict=True):
            own = engine.block()
            plain = engine.forward([Row(tokens=flattened(row), view=[own], own=own)])[0]
            assert (shared - plain).abs().max() <= 1e-9


def test_three_layers_do_not_read_a_shared_view_as_plain_text() -> None:
    """Deeper keys and values keep the context they were made in; that is the method's nature."""
    engine, _ = tiny_engine(layers=3)
    team = Team(engine, 2, random.Random(1))
    rows = [team.rows() for _ in range(3)][-1]
    logits = engine.forward(rows)
    own = engine.block()
    plain = engine.forward([Row(tokens=flattened(rows[0]), view=[own], own=own)])[0]
    assert (logits[0] - plain).abs().max() > 1e-3


def test_layouts_keep_their_invariants() -> None:
    """Oracle L: order of others changes distances only; a commit leaves later places alone."""
    engine, _ = tiny_engine()
    places: list[list[tuple[int, int]]] = []
    engine.recorder = lambda tick: places.append(
        [(row.place, sum(s.stop - s.start for s in row.view)) for row in tick]
    )
    a, b, c, own = (engine.block(1) for _ in range(4))
    for block, length in ((a, 3), (b, 2), (c, 4)):
        engine.forward([Row(tokens=[1] * length, view=[block], own=block)])
    engine.forward([Row(tokens=[5], view=[a, b, c, own], own=own)])
    engine.forward([Row(tokens=[6], view=[a, c, b, own], own=own)])
    engine.forward([Row(tokens=[7], view=[a, b.segment(), engine.block(), c, own], own=own)])
    assert places[-3:] == [[(9, 10)], [(10, 11)], [(11, 12)]]
