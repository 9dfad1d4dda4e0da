"""Rotary position embedding with angles that depend on the distance alone.

Su et al., "RoFormer" (arXiv 2104.09864), section 3.2.2, in the half-split order of Hugging Face
checkpoints: dimension j turns together with dimension j + head_dim / 2.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from .config import Llama3Scaling, RopeConfig


def inverse_frequencies(rope: RopeConfig, head_dim: int) -> torch.Tensor:
    """Angles per position, float64 (head_dim / 2,), in radians."""
    exponents = torch.arange(0, head_dim, 2, dtype=torch.float64) / head_dim
    plain = rope.theta**-exponents
    return plain if rope.scaling is None else _slowed(plain, rope.scaling)


def _slowed(frequencies: torch.Tensor, scaling: Llama3Scaling) -> torch.Tensor:
    """Apply the Llama 3.1 rule: keep short wavelengths, slow long ones, blend between."""
    turns = scaling.original_context * frequencies / (2 * math.pi)
    span = scaling.high_freq_factor - scaling.low_freq_factor
    blend = ((turns - scaling.low_freq_factor) / span).clamp(0.0, 1.0)
    return frequencies * (blend + (1.0 - blend) / scaling.factor)


class Rotation:
    """A growing table of cos and signed sin, indexed by position.

    `sin` carries the sign of the half-split rotation, so that for x of (..., head_dim)
    rotated(x) = x * cos + swapped(x) * sin, where `swapped` exchanges the two halves.
    """

    def __init__(
        self, frequencies: torch.Tensor, *, dtype: torch.dtype, device: torch.device
    ) -> None:
        self._frequencies = frequencies
        self._dtype = dtype
        self._device = device
        self._cos = self._sin = torch.empty(0)
        self.reserve(1024)

    def reserve(self, positions: int) -> None:
        """Make positions 0 .. positions - 1 known; the table grows by doubling."""
        if positions <= len(self._cos):
            return
        size = max(positions, 2 * len(self._cos))
        angles = torch.arange(size, dtype=torch.float64)[:, None] * self._frequencies
        cos, sin = angles.cos(), angles.sin()
        self._cos = torch.cat((cos, cos), 1).to(self._device, self._dtype)
        self._sin = torch.cat((-sin, sin), 1).to(self._device, self._dtype)

    def at(self, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Give (cos, sin) for integer positions (...): two tensors (..., head_dim)."""
        return self._cos[positions], self._sin[positions]


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotate x (..., head_dim) by tables that broadcast against it."""
    half = x.shape[-1] // 2
    swapped = torch.cat((x[..., half:], x[..., :half]), -1)
    return torch.addcmul(x * cos, swapped, sin)
