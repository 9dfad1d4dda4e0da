"""The contract's parameter: each test that takes `world` runs in every one of them."""

from __future__ import annotations

import pytest

from tests.runtime.worlds import WORLDS, World


@pytest.fixture(
    params=[
        "direct",
        "isolated",
        pytest.param("ipc", marks=pytest.mark.process),
        pytest.param("tcp", marks=pytest.mark.process),
        pytest.param("unix", marks=pytest.mark.process),
        pytest.param("uvloop", marks=pytest.mark.process),
    ]
)
def world(request: pytest.FixtureRequest) -> World:
    """One way to reach an actor: by reference, encoded, over ipc, over tcp, over a Unix socket, or on uvloop."""
    return WORLDS[request.param]
