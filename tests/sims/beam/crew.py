"""A stand-in for BEAM, and trials on it."""

from __future__ import annotations

import importlib.util
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from passel import Runtime
from passel.protocols.trial import Iteration, Outcome, Trial, TrialEnded, TrialId
from passel.sims.beam import Beam

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from passel import ActorRef

FAKE = Path(__file__).parents[3] / "examples" / "fake_beam.py"
COMMAND = [sys.executable, "-S", "-E", str(FAKE), "--config", "{config}"]
MODES = ("bike", "car", "drive_transit", "ride_hail", "walk", "walk_transit")
ONE = TrialId("one")


def beam_options(base: Path, misbehaviour: str = "", at: int = 1, **options: Any) -> dict[str, Any]:
    """Return what makes a `Beam` on a scenario in a folder that is made for it."""
    scenario = base / "scenario" / "toy.conf"
    scenario.parent.mkdir(exist_ok=True)
    scenario.write_text('beam.agentsim.simulationName = "toy"\nfake.travellers = 500\n')
    settings = {"fake.misbehaviour": misbehaviour, "fake.at": at} if misbehaviour else {}
    defaults: dict[str, Any] = {
        "command": COMMAND,
        "scenario": str(scenario),
        "outputs": str(base / "outputs"),
        "settings": settings | options.pop("settings", {}),
        "poll": 0.005,
        "end_grace": 0.2,
    }
    return defaults | options


@asynccontextmanager
async def running(
    base: Path, misbehaviour: str = "", **options: Any
) -> AsyncGenerator[ActorRef[Beam]]:
    """Run a `Beam` whose BEAM misbehaves, if it does."""
    async with Runtime() as runtime:
        yield await runtime.spawn(Beam, **beam_options(base, misbehaviour, **options))


def trial(iterations: int = 3, *, name: TrialId = ONE, seed: int = 1, **parameters: float) -> Trial:
    """Return a trial."""
    return Trial(id=name, parameters=parameters, iterations=iterations, seed=seed)


async def outcomes_of(beam: ActorRef[Beam], wanted: Trial) -> tuple[list[Outcome], TrialEnded]:
    """Run a trial and return the outcomes of its iterations, and how it ended."""
    events = [event async for event in beam.start(wanted)]
    ended = events.pop()
    assert isinstance(ended, TrialEnded)
    iterations = [event for event in events if isinstance(event, Iteration)]
    assert [event.number for event in iterations] == list(range(1, len(iterations) + 1))
    return [event.outcome for event in iterations], ended


def true_shares(iterations: int, seed: int = 1) -> list[Outcome]:
    """Return the shares that the stand-in's travellers really have, without any file."""
    spec = importlib.util.spec_from_file_location("fake_beam", FAKE)
    assert spec is not None
    assert spec.loader is not None
    fake = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fake)
    city = fake.City({"matsim.modules.global.randomSeed": str(seed), "fake.travellers": "500"})
    found = []
    for _ in range(iterations):
        city.iterate()
        found.append({mode: city.chosen.count(mode) / 500 for mode in MODES})
    return found
