"""What holds on a CPU holds on a GPU: run there with `pytest -m gpu tests/actors/llm`."""

from __future__ import annotations

import pytest
import torch

from passel.actors.llm import Sampling
from passel.actors.llm.decoder import Decoder
from passel.actors.llm.engine import Engine, Row
from passel.actors.llm.sampler import bits, sample, uniform
from tests.oracles.tiny import random_weights, tiny_config

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


def test_the_hash_has_the_same_bits_on_both_devices() -> None:
    ids = torch.arange(200_000)
    for key in (0, 1, 2**63 + 12345, 2**64 - 1):
        assert torch.equal(bits(key, ids), bits(key, ids.cuda()).cpu())
        assert torch.equal(uniform(key, ids), uniform(key, ids.cuda()).cpu())


def test_the_same_logits_give_the_same_tokens_on_both_devices() -> None:
    generator = torch.Generator().manual_seed(7)
    logits = torch.randn(64, 49_152, generator=generator) * 4
    places = list(range(64))
    for rule in (
        Sampling(),
        Sampling(temperature=1.0, seed=3),
        Sampling(temperature=0.7, top_p=0.9, seed=3),
        Sampling(temperature=1.3, top_k=50, seed=4),
    ):
        here = sample(logits, rule, places, places)
        there = sample(logits.cuda(), rule, places, places)
        assert here == there, rule


def _two_teams(engine: Engine) -> torch.Tensor:
    """Return the logits of a few ticks in which two rows share a prompt and see each other."""
    prompt, left, right = engine.block(), engine.block(), engine.block()
    engine.forward([Row(tokens=[1, 5, 9, 2, 7], view=[prompt], own=prompt)])
    found = []
    for step in range(4):
        rows = [
            Row(tokens=[3 + step], view=[prompt, right, left], own=left),
            Row(tokens=[11 + step, 4], view=[prompt, left, right], own=right),
        ]
        found.append(engine.forward(rows))
    return torch.cat(found).double().cpu()


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-9), (torch.float32, 1e-3)])
def test_shared_segments_give_the_same_logits_on_both_devices(
    dtype: torch.dtype, bound: float
) -> None:
    config = tiny_config()
    weights = random_weights(config, seed=0, dtype=dtype)
    here = Engine(Decoder(config, dict(weights), dtype=dtype))
    there = Engine(Decoder(config, dict(weights), dtype=dtype, device="cuda"))
    difference = (_two_teams(here) - _two_teams(there)).abs().max()
    assert float(difference) <= bound
