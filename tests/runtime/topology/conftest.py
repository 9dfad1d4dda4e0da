"""A sound topology, and its modules on the import path."""

from __future__ import annotations

from pathlib import Path

import pytest

SOUND = """\
version: 1
name: crew
params: {size: 3, workers: 2, problem: "what is 2 + 2?"}
nodes:
  side: {cpus: 1}
  team: {count: ${workers}}
actors:
  store:
    class: "topology_crew:Store"
    node: side
    args: {size: ${size}, style: {width: 4}}
    capacity: 64
  worker:
    class: "topology_crew:Worker"
    node: team
    replicas: ${workers}
    args: {store: {ref: store}}
    supervise: {max_restarts: 2, within: 30, backoff: 0.5}
  boss:
    class: "topology_crew:Boss"
    args:
      store: {ref: store}
      workers: {refs: worker}
      rate: 0.5
main:
  actor: boss
  ask: solve
  args: {problem: "${problem}", tries: 2}
"""


@pytest.fixture(autouse=True)
def import_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let topologies import the module beside this file."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


@pytest.fixture
def sound() -> str:
    """The text of a topology without problems."""
    return SOUND
