"""Matrix products with fixed weights, packed for the processor where that pays.

On a CPU, oneDNN's packed weights make products with a handful of rows two to three times faster
than the BLAS call behind `torch.nn.functional.linear`: decoding then runs at memory speed.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import linear

# torch's own compiler calls these three; they exist only in builds that have oneDNN
_pack: Any = getattr(torch.ops.mkldnn, "_reorder_linear_weight", None)
_multiply: Any = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
_takes_bfloat16: Any = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)


def packing_available(dtype: torch.dtype) -> bool:
    """Tell whether this build of torch, on this processor, can pack weights of a dtype for oneDNN."""
    if _pack is None or _multiply is None:
        return False
    if dtype is torch.bfloat16:
        return _takes_bfloat16 is not None and bool(_takes_bfloat16())
    return dtype is torch.float32


class Linear:
    """y = x W^T + b for x of (rows, inputs) and fixed W of (outputs, inputs).

    With `packed`, W is kept in oneDNN's own layout only, so it costs no second copy.
    """

    __slots__ = ("_bias", "_packed", "_weight")

    def __init__(
        self, weight: torch.Tensor, bias: torch.Tensor | None = None, *, packed: bool | None = None
    ) -> None:
        """Keep the weights; `packed=None` packs them where that is possible."""
        able = weight.device.type == "cpu" and packing_available(weight.dtype)
        self._packed = able if packed is None else packed and able
        self._bias = bias
        self._weight = _pack(weight.contiguous(), None) if self._packed else weight

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply (rows, inputs) to (rows, outputs)."""
        if not self._packed:
            return linear(x, self._weight, self._bias)
        product: torch.Tensor = _multiply(x, self._weight, self._bias, "none", [], "")
        return product
