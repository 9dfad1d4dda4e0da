from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.actors.cache.tiny_model import write_tiny_model

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A three-layer random model in float64."""
    return write_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def one_layer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with one layer, whose keys and values depend on their own token alone."""
    return write_tiny_model(tmp_path_factory.mktemp("thin"), layers=1)
