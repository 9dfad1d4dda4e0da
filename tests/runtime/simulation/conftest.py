"""A heap that the collector need not look at: each of a thousand runs ends with a collection."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module", autouse=True)
def frozen_heap() -> Iterator[None]:
    """Take what other tests have imported and left out of the collector's sight."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
