"""What proposers and stoppers compute with."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]
"""Real numbers, in any shape."""
