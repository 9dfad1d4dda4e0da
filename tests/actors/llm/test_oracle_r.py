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
        """Let a random subset act, after some of them have ended a step."""
        for worker, block in enumerate(self.current):
            if len(block) > 2 and self.chance.random() < 0.25:
                cut = self.chance.randrange(len(block) + 1)
                self.history += [block.segment(cut), block.segment(0, cut)]  # any order will do
                self.current[worker] = self.engine.block(1)
        active = [w for w in range(len(self.current)) if self.chance.random() < 0.7] or [0]
        return self.engine.forward([self.row(worker) for worker in active], all_logits=True)


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
