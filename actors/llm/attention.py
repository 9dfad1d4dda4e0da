"""Attention of many sequences over shared segments, by turning queries instead of keys.

Hogwild! Inference (arXiv 2504.06261): a view is an ordered list of pieces; a query at place p of
a view that sees a piece starting at place s is rotated to p - s (plus the piece's start in its
block), because the keys stay rotated to their places in their block. One softmax runs over all
pieces of a view. Pieces that several rows see are attended in one matrix product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from .rope import Rotation, rotate

if TYPE_CHECKING:
    from .view import RowView, Span

QUERIES_AT_ONCE = 256
"""Queries attended in one piece; bounds the score matrix of a long prompt."""


@dataclass(frozen=True, slots=True)
class Part:
    """A span as one chunk of queries sees it.

    Attributes:
        first: First query (in the chunk) that sees the span.
        last: One past the last such query.
        width: Keys in the span.
        keys: Per layer (kv_heads, head_dim, width), a view of the block's storage.
        values: Per layer (kv_heads, width, head_dim), a view of the block's storage.
    """

    first: int
    last: int
    width: int
    keys: Sequence[torch.Tensor]
    values: Sequence[torch.Tensor]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive queries of a tick with everything they see.

    Attributes:
        start: First query of the chunk within the tick.
        stop: One past the last.
        parts: The distinct spans that any of them sees.
        cos: (parts, 1, queries, 1, head_dim), the rotation of each query for each part.
        sin: Likewise, with the sign of the half-split rotation.
        whole: Whether every query sees (some of) every part.
        widths: Keys in each part.
        hidden: (1, queries, 1, keys) where a query must not look, or None if it may everywhere.
    """

    start: int
    stop: int
    parts: Sequence[Part]
    cos: torch.Tensor
    sin: torch.Tensor
    whole: bool
    widths: list[int]
    hidden: torch.Tensor | None


def plan(views: Sequence[RowView], rotation: Rotation, device: torch.device) -> list[Chunk]:
    """Lay out a tick's attention once; every layer then follows it.

    The rows' new tokens are numbered through in row order. All storage must already have room
    for this tick's writes.
    """
    owners = [(view, i) for view in views for i in range(view.new)]
    return [
        _chunk(owners[at : at + QUERIES_AT_ONCE], at, rotation, device)
        for at in range(0, len(owners), QUERIES_AT_ONCE)
    ]


def _chunk(
    queries: Sequence[tuple[RowView, int]], start: int, rotation: Rotation, device: torch.device
) -> Chunk:
    """Gather the distinct spans of some queries, and the distance of each query to each."""
    reach: dict[Span, list[tuple[int, int]]] = {}  # span -> (query, distance to block start)
    for query, (view, i) in enumerate(queries):
        for span, origin in view.origins.items():
            reach.setdefault(span, []).append((query, view.place + i - origin))
    distances = [[0] * len(reach) for _ in queries]
    seen = [[False] * len(reach) for _ in queries]
    parts: list[Part] = []
    columns: list[int] = []  # the block-local place of each key
    owners: list[int] = []  # the part that each key belongs to
    for number, (span, seers) in enumerate(reach.items()):
        for query, distance in seers:
            distances[query][number] = distance
            seen[query][number] = True
        stop = min(span.stop, max(distance for _, distance in seers) + 1)
        parts.append(_part(span, stop, seers[0][0], seers[-1][0] + 1))
        columns += range(span.start, stop)
        owners += [number] * (stop - span.start)
    table = torch.tensor(distances)  # (queries, parts)
    hidden = None
    if _needs_mask(parts, distances, seen, reach):
        owner = torch.tensor(owners)
        visible = torch.tensor(seen)[:, owner] & (torch.tensor(columns) <= table[:, owner])
        hidden = (~visible)[None, :, None].to(device)
    cos, sin = rotation.at(table.t().to(device))  # (parts, queries, head_dim)
    return Chunk(
        start=start,
        stop=start + len(queries),
        parts=parts,
        cos=cos[:, None, :, None],
        sin=sin[:, None, :, None],
        whole=all(part.last - part.first == len(queries) for part in parts),
        widths=[part.width for part in parts],
        hidden=hidden,
    )


def _part(span: Span, stop: int, first: int, last: int) -> Part:
    storage = span.block.storage[:, :, :, span.start : stop]
    return Part(
        first=first,
        last=last,
        width=stop - span.start,
        keys=storage[:, 0].transpose(-1, -2).unbind(),
        values=storage[:, 1].unbind(),
    )


def _needs_mask(
    parts: Sequence[Part],
    distances: Sequence[Sequence[int]],
    seen: Sequence[Sequence[bool]],
    spans: dict[Span, list[tuple[int, int]]],
) -> bool:
    """Tell whether some query in some part's range must not see all of its keys."""
    for number, (part, span) in enumerate(zip(parts, spans, strict=True)):
        last_key = span.start + part.width - 1
        for query in range(part.first, part.last):
            if not seen[query][number] or distances[query][number] < last_key:
                return True
    return False


def attention(queries: torch.Tensor, chunk: Chunk, layer: int) -> torch.Tensor:
    """Attend a chunk's queries (queries, heads, head_dim), already scaled, in one layer.

    Returns (queries, heads * head_dim).
    """
    count, heads, width = queries.shape
    kv_heads = chunk.parts[0].values[layer].shape[0]
    group = heads // kv_heads
    apart = queries.view(count, kv_heads, group, width).transpose(0, 1)[None]
    turned = rotate(apart, chunk.cos, chunk.sin)  # (parts, kv_heads, queries, group, head_dim)
    turned = turned.reshape(len(chunk.parts), kv_heads, count * group, width)
    if chunk.whole:
        scores = _scores(turned, chunk, layer)  # (kv_heads, queries * group, keys)
    else:
        scores = _scores_apart(turned, chunk, layer, group)
    if chunk.hidden is not None:
        grid = scores.view(kv_heads, count, group, -1)
        grid.masked_fill_(chunk.hidden, float("-inf"))
    weights = _softmax(scores)
    if chunk.whole:
        mixed = _mixed(weights, chunk, layer)  # (kv_heads, queries * group, head_dim)
    else:
        mixed = _mixed_apart(weights, chunk, layer, group)
    return mixed.view(kv_heads, count, group * width).transpose(0, 1).reshape(count, -1)


def _scores(turned: torch.Tensor, chunk: Chunk, layer: int) -> torch.Tensor:
    """Score where every query sees every part."""
    pairs = zip(turned.unbind(), chunk.parts, strict=True)
    scores = [torch.bmm(queries, part.keys[layer]) for queries, part in pairs]
    return scores[0] if len(scores) == 1 else torch.cat(scores, -1)


def _scores_apart(turned: torch.Tensor, chunk: Chunk, layer: int, group: int) -> torch.Tensor:
    """Score where some part is seen by a few of the queries only; the rest stays -inf."""
    size = (*turned.shape[1:3], sum(part.width for part in chunk.parts))
    scores = turned.new_full(size, float("-inf"))
    at = 0
    for i, part in enumerate(chunk.parts):
        rows = slice(part.first * group, part.last * group)
        scores[:, rows, at : at + part.width] = torch.bmm(turned[i][:, rows], part.keys[layer])
        at += part.width
    return scores


def _softmax(scores: torch.Tensor) -> torch.Tensor:
    """Normalise over keys, in float32 at least."""
    if scores.dtype in {torch.float16, torch.bfloat16}:
        return scores.softmax(-1, dtype=torch.float32).to(scores.dtype)
    return scores.softmax(-1)


def _mixed(weights: torch.Tensor, chunk: Chunk, layer: int) -> torch.Tensor:
    """Sum the values of all parts by weight: (kv_heads, queries * group, head_dim)."""
    if len(chunk.parts) == 1:
        return torch.bmm(weights, chunk.parts[0].values[layer])
    shares = torch.split(weights, chunk.widths, -1)
    first, *rest = chunk.parts
    mixed = torch.bmm(shares[0], first.values[layer])
    for share, part in zip(shares[1:], rest, strict=True):
        mixed.baddbmm_(share, part.values[layer])
    return mixed


def _mixed_apart(weights: torch.Tensor, chunk: Chunk, layer: int, group: int) -> torch.Tensor:
    """Sum values where some part is seen by a few of the queries only."""
    width = chunk.parts[0].values[layer].shape[-1]
    mixed = weights.new_zeros((*weights.shape[:2], width))
    for share, part in zip(torch.split(weights, chunk.widths, -1), chunk.parts, strict=True):
        rows = slice(part.first * group, part.last * group)
        mixed[:, rows].baddbmm_(share[:, rows], part.values[layer])
    return mixed


def attention_plain(
    queries: torch.Tensor, views: Sequence[RowView], rotation: Rotation, layer: int
) -> torch.Tensor:
    """The plain twin of `plan` and `attention`: one query, one span, one head at a time."""
    owners = [(view, i) for view in views for i in range(view.new)]
    return torch.stack(
        [
            _attend_one(query, view, view.place + i, rotation, layer)
            for query, (view, i) in zip(queries, owners, strict=True)
        ]
    )


def _attend_one(
    query: torch.Tensor, view: RowView, place: int, rotation: Rotation, layer: int
) -> torch.Tensor:
    """Attend one query (heads, head_dim) that stands at `place` of its view."""
    scores, values = [], []
    for span, origin in view.origins.items():
        distance = place - origin
        stop = min(span.stop, distance + 1)
        turned = rotate(query, *rotation.at(torch.tensor(distance)))
        storage = span.block.storage[layer, :, :, span.start : stop]  # (2, kv_heads, keys, dim)
        keys, value = storage.repeat_interleave(len(query) // storage.shape[1], dim=1)
        scores.append((keys @ turned[:, :, None])[..., 0])  # (heads, keys)
        values.append(value)
    weights = torch.cat(scores, -1).softmax(-1)
    return (weights[:, None] @ torch.cat(values, 1)).flatten()
