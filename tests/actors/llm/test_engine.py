"""Rows, blocks and ticks of the engine on tiny random models."""

from __future__ import annotations

import pytest
import torch

from passel.actors.llm.engine import Row, SeenRow, SeenSpan, Segment, generate
from passel.actors.llm.errors import ContextLengthError, InvalidRowError, ModelFormatError
from passel.actors.llm.linear import Linear
from passel.actors.llm.sampling import Sampling
from tests.oracles.tiny import random_weights, tiny_config, tiny_engine

TEXT = [3, 14, 15, 9, 26, 5, 35, 8, 9, 7, 9, 32, 38, 46]


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-4), (torch.float64, 1e-9)])
@pytest.mark.parametrize("cuts", [[], [5], [1, 2, 9], list(range(1, 14))])
def test_a_forward_over_segments_equals_the_plain_forward(
    dtype: torch.dtype, bound: float, cuts: list[int]
) -> None:
    """However one text is cut into blocks and ticks, its logits stay the same."""
    engine, _ = tiny_engine(dtype=dtype)
    whole = engine.block()
    plain = engine.forward([Row(tokens=TEXT, view=[whole], own=whole)], all_logits=True)
    before: list[Segment] = []
    logits = []
    for start, stop in zip([0, *cuts], [*cuts, len(TEXT)], strict=True):
        block = engine.block(1)
        row = Row(tokens=TEXT[start:stop], view=[*before, block], own=block)
        logits.append(engine.forward([row], all_logits=True))
        before.append(block.segment())
    assert (torch.cat(logits) - plain).abs().max() <= bound


def test_rows_that_do_not_see_each_other_are_as_if_alone() -> None:
    engine, _ = tiny_engine()
    blocks = [engine.block() for _ in range(3)]
    parts = [TEXT[:2], TEXT[2:9], TEXT[9:]]
    rows = [Row(tokens=t, view=[b], own=b) for t, b in zip(parts, blocks, strict=True)]
    together = engine.forward(rows)
    for part, logits in zip(parts, together, strict=True):
        block = engine.block()
        alone = engine.forward([Row(tokens=part, view=[block], own=block)])[0]
        assert (alone - logits).abs().max() <= 1e-9


def test_a_long_prompt_equals_the_same_prompt_in_small_ticks() -> None:
    """600 tokens pass the bound of queries attended at once."""
    engine, _ = tiny_engine()
    prompt = [(7 * i) % 50 for i in range(600)]
    whole, pieces = engine.block(600), engine.block(1)
    expected = engine.forward([Row(tokens=prompt, view=[whole], own=whole)])
    for start in range(0, 600, 100):
        row = Row(tokens=prompt[start : start + 100], view=[pieces], own=pieces)
        got = engine.forward([row])
    assert (got - expected).abs().max() <= 1e-9


def test_a_segment_goes_on_by_reference_while_its_block_grows() -> None:
    engine, _ = tiny_engine()
    block = engine.block(4)
    engine.forward([Row(tokens=TEXT[:4], view=[block], own=block)])
    segment = block.segment(1, 3)
    kept = block.storage[:, :, :, :4].clone()
    engine.forward([Row(tokens=TEXT[4:], view=[block], own=block)])
    assert block.capacity >= len(TEXT)
    assert segment.block is block
    assert (len(segment), segment.tokens) == (2, tuple(TEXT[1:3]))
    assert block.tokens == tuple(TEXT)
    assert torch.equal(block.storage[:, :, :, :4], kept)


def test_views_with_an_empty_block_are_as_without_it() -> None:
    engine, _ = tiny_engine()
    one, two, empty = engine.block(), engine.block(), engine.block()
    first = engine.forward([Row(tokens=TEXT, view=[one], own=one)])
    second = engine.forward([Row(tokens=TEXT, view=[empty, empty, two], own=two)])
    assert torch.equal(first, second)


def test_rules_for_rows_are_enforced_before_anything_is_written() -> None:
    engine, _ = tiny_engine()
    own, other = engine.block(), engine.block()
    good = Row(tokens=[1], view=[own], own=own)
    wrong = {
        "no new tokens": Row(tokens=[], view=[other], own=other),
        "last entry": Row(tokens=[1], view=[other, own], own=other),
        "not within": Row(tokens=[50], view=[other], own=other),
        "another row": Row(tokens=[1], view=[own], own=own),
        "twice": Row(tokens=[1], view=[own, other, own, other], own=other),
    }
    for reason, row in wrong.items():
        with pytest.raises(InvalidRowError, match=reason) as caught:
            engine.forward([good, row])
        assert caught.value.row == 1
    assert len(own) == len(other) == 0
    engine.max_tokens = 4
    with pytest.raises(ContextLengthError, match="5 tokens"):
        engine.forward([Row(tokens=[1] * 5, view=[own], own=own)])
    assert engine.forward([]).shape == (0, 50)


def test_a_segment_outside_its_block_is_refused() -> None:
    engine, _ = tiny_engine()
    block = engine.block()
    with pytest.raises(ValueError, match="does not lie within"):
        block.segment(0, 1)


def test_the_recorder_is_told_what_each_row_saw() -> None:
    engine, _ = tiny_engine()
    seen: list[SeenRow] = []
    prompt, own, other = (engine.block() for _ in range(3))
    engine.forward([Row(tokens=[1, 2, 3], view=[prompt], own=prompt)])
    engine.recorder = seen.extend
    engine.forward(
        [
            Row(tokens=[4], view=[prompt.segment(1), other, own], own=own),
            Row(tokens=[5, 6], view=[prompt, other], own=other),
        ]
    )
    assert seen[0] == SeenRow(
        own=own.id,
        first=0,
        place=4,
        tokens=(4,),
        view=(
            SeenSpan(block=prompt.id, start=1, stop=3, origin=-1),
            SeenSpan(block=other.id, start=0, stop=2, origin=2),
            SeenSpan(block=own.id, start=0, stop=1, origin=4),
        ),
    )
    assert (seen[1].place, seen[1].tokens) == (3, (5, 6))


def test_plain_decoding_gives_the_same_tokens_as_a_row_among_others() -> None:
    """The noise is keyed by stream and place, so company changes nothing."""
    engine, _ = tiny_engine()
    rule = Sampling(temperature=1.0, top_p=0.9, seed=4)
    alone = [list(generate(engine, TEXT[:i], rule, 12, stream=i)) for i in (1, 2, 3)]
    assert alone == [list(generate(engine, TEXT[:i], rule, 12, stream=i)) for i in (1, 2, 3)]
    stops = list(generate(engine, TEXT[:2], rule, 12, {alone[1][4]}, stream=2))
    assert stops == alone[1][: alone[1].index(alone[1][4]) + 1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("rows", [1, 3, 40])
def test_packed_weights_agree_with_the_plain_product(dtype: torch.dtype, rows: int) -> None:
    generator = torch.Generator().manual_seed(rows)
    weight = torch.randn((24, 64), generator=generator).to(dtype)
    bias = torch.randn(24, generator=generator).to(dtype)
    x = torch.randn((rows, 64), generator=generator).to(dtype)
    for b in (None, bias):
        plain = Linear(weight, b, packed=False)(x)
        packed = Linear(weight, b, packed=True)(x)
        bound = 1e-4 if dtype == torch.float32 else 0.25
        assert (plain - packed).abs().max() <= bound


def test_a_checkpoint_without_a_weight_is_refused_by_its_name() -> None:
    from passel.actors.llm.decoder import Decoder

    config = tiny_config()
    weights = random_weights(config, seed=0)
    del weights["model.layers.1.mlp.up_proj.weight"]
    with pytest.raises(ModelFormatError, match=r"model\.layers\.1\.mlp\.up_proj\.weight"):
        Decoder(config, weights, dtype=torch.float64)
