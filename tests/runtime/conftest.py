"""The contract's parameter: each test that takes `world` runs in every one of them."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from passel.runtime.machine.launcher import start_command
from tests.runtime.nursery import Nursery
from tests.runtime.worlds import WORLDS, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passel.runtime.machine.launcher import Starter


@pytest.fixture(scope="session")
def starter() -> Iterator[Starter]:
    """Start the node processes of the contract's tests; quickly, where the system can."""
    if sys.platform != "linux":
        yield start_command
        return
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture(
    params=[
        "direct",
        "isolated",
        pytest.param("ipc", marks=pytest.mark.process),
        pytest.param("tcp", marks=pytest.mark.process),
        pytest.param("unix", marks=pytest.mark.process),
        pytest.param("uvloop", marks=pytest.mark.process),
        pytest.param("polled", marks=pytest.mark.process),
    ]
)
def world(request: pytest.FixtureRequest, starter: Starter) -> World:
    """One way to reach an actor: by reference, encoded, over ipc, over tcp, over a Unix socket, on uvloop, or awake."""
    return replace(WORLDS[request.param], start=starter)
