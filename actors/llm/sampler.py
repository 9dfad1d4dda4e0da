"""Carries out the sampling law of `sampling` on batches of logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from .sampling import GOLDEN, MIX_1, MIX_2, Sampling, stream_key

if TYPE_CHECKING:
    from collections.abc import Sequence

_FIRST_LOOK = 1024
"""Candidates sorted before the whole vocabulary is."""


def sample(
    logits: torch.Tensor,
    sampling: Sampling | Sequence[Sampling],
    streams: Sequence[int],
    places: Sequence[int],
    *,
    banned: Sequence[int] = (),
) -> list[int]:
    """Draw one token for each row of logits (rows, vocab).

    Args:
        logits: Unnormalised log-probabilities; left as they are.
        sampling: One rule for all rows, or one for each.
        streams: The stream (a request or a worker) of each row.
        places: The place, counted from 0, of the token in its stream's output.
        banned: Ids that are never drawn.

    Returns:
        The ids. Row i depends on row i's arguments alone.
    """
    count = len(logits)
    rules = [sampling] * count if isinstance(sampling, Sampling) else list(sampling)
    if not len(rules) == len(streams) == len(places) == count:
        raise ValueError(f"{count} rows of logits need as many rules, streams and places")
    if banned:
        index = torch.tensor(list(banned), device=logits.device)
        logits = logits.index_fill(1, index, float("-inf"))
    if all(rule.temperature == 0 for rule in rules):
        best: list[int] = logits.argmax(-1).tolist()
        return best
    rows = zip(logits, rules, streams, places, strict=True)
    return [_draw(row, rule, stream, place) for row, rule, stream, place in rows]


def _draw(logits: torch.Tensor, rule: Sampling, stream: int, place: int) -> int:
    """Draw one token from one row (vocab,)."""
    if rule.temperature == 0:
        return int(logits.argmax())
    scaled = logits.double() / rule.temperature
    ids = kept(scaled, top_k=rule.top_k, top_p=rule.top_p)
    if ids is None:
        ids = torch.arange(len(scaled), device=scaled.device)
    else:
        scaled = scaled[ids]
    noise = gumbel(stream_key(rule.seed, stream, place), ids)
    return int(ids[(scaled + noise).argmax()])


def kept(scaled: torch.Tensor, *, top_k: int, top_p: float) -> torch.Tensor | None:
    """Give the ascending ids that top-k and then top-p keep of (vocab,); None keeps all."""
    size = len(scaled)
    k = min(top_k or size, size)
    if k == size and top_p >= 1.0:
        return None
    look = k if top_p >= 1.0 else min(k, _FIRST_LOOK)
    values = scaled.topk(look).values
    if top_p < 1.0:
        mass = scaled.logsumexp(0) if k == size else scaled.topk(k).values.logsumexp(0)
        below = _ranks_below(values, mass, top_p)
        if below == look < k:
            values = scaled.topk(k).values
            below = _ranks_below(values, mass, top_p)
        values = values[: max(below, 1)]
    least = values[-1]
    above = scaled > least
    ties = (scaled == least).nonzero()[: len(values) - int(above.sum()), 0]
    above[ties] = True
    return above.nonzero()[:, 0]


def _ranks_below(values: torch.Tensor, mass: torch.Tensor, top_p: float) -> int:
    """Count ranks that are needed: those before which less than `top_p` is gathered."""
    shares = (values - mass).exp()
    before = shares.cumsum(0) - shares
    return int((before < top_p).sum())


def gumbel(key: int, ids: torch.Tensor) -> torch.Tensor:
    """Gumbel noise (float64) of integer `ids` under one draw's key."""
    return uniform(key, ids).log_().neg_().log_().neg_()


def uniform(key: int, ids: torch.Tensor) -> torch.Tensor:
    """Uniform numbers in (0, 1), multiples of 2^-53, the same bits on every device."""
    return _shifted(bits(key, ids), 12).double().add_(0.5).mul_(2.0**-52)


def bits(key: int, ids: torch.Tensor) -> torch.Tensor:
    """64 hashed bits for each id: the SplitMix64 sequence of `key`, entry id + 1.

    Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014), figure 15,
    in wrapping int64 arithmetic.
    """
    state = (ids.long() + 1).mul_(_signed(GOLDEN)).add_(_signed(key))
    state.bitwise_xor_(_shifted(state, 30)).mul_(_signed(MIX_1))
    state.bitwise_xor_(_shifted(state, 27)).mul_(_signed(MIX_2))
    return state.bitwise_xor_(_shifted(state, 31))


def _shifted(x: torch.Tensor, places: int) -> torch.Tensor:
    """Shift right without the sign."""
    return (x >> places).bitwise_and_((1 << (64 - places)) - 1)


def _signed(value: int) -> int:
    """Give the int64 with the same bits."""
    return value - (1 << 64) if value >= 1 << 63 else value
