from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.actors.cache.tiny_model import write_tiny_model

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-layer random model in float64, whose texts mean nothing."""
    return write_tiny_model(tmp_path_factory.mktemp("tiny"), layers=2)
