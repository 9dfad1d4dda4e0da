"""How tokens are drawn: the law, without torch (`sampler` carries it out).

One law everywhere: logits / T, then top-k, then top-p (the smallest set with mass >= p, ties by
lower id), then the argmax of log p + g over the kept ids, where g is Gumbel noise from a
counter-based hash of (seed, stream, place in the stream's output, id). So a stream's tokens
depend on nothing but its own logits: not on timing, batching, device, or who drafted them.
"""

from __future__ import annotations

from dataclasses import dataclass

_MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
MIX_1 = 0xBF58476D1CE4E5B9
MIX_2 = 0x94D049BB133111EB


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """A sampling rule.

    Attributes:
        temperature: Divides the logits; 0 is greedy (ties by lower id).
        top_k: Keep the k best ids; 0 keeps all.
        top_p: Keep the smallest set whose mass is at least this; 1 keeps all.
        seed: Seeds the noise.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.0 <= self.temperature < float("inf"):
            raise ValueError(f"temperature must be finite and >= 0, not {self.temperature}")
        if self.top_k < 0:
            raise ValueError(f"top_k must be >= 0 (0 keeps all), not {self.top_k}")
        if not 0.0 < self.top_p <= 1.0:
            raise ValueError(f"top_p must be within (0, 1], not {self.top_p}")


def mix(value: int) -> int:
    """SplitMix64's finaliser: a bijection of 64-bit integers that spreads every bit."""
    value &= _MASK
    value = ((value ^ (value >> 30)) * MIX_1) & _MASK
    value = ((value ^ (value >> 27)) * MIX_2) & _MASK
    return value ^ (value >> 31)


def stream_key(seed: int, stream: int, place: int) -> int:
    """Fold (seed, stream, place) into the 64-bit key of one draw."""
    key = mix(seed + GOLDEN)
    key = mix((key ^ mix(stream + 2 * GOLDEN)) + GOLDEN)
    return mix((key ^ mix(place + 3 * GOLDEN)) + GOLDEN)
