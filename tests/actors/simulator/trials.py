"""Trials on simulators of the user's own code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passel.protocols.trial import Iteration, Outcome, Trial, TrialEnded, TrialId

if TYPE_CHECKING:
    from passel import ActorRef
    from passel.actors.simulator import Simulator

ONE = TrialId("one")


def trial(iterations: int = 1, *, name: TrialId = ONE, seed: int = 7, **parameters: float) -> Trial:
    """Return a trial."""
    return Trial(id=name, parameters=parameters, iterations=iterations, seed=seed)


async def outcomes_of(
    simulator: ActorRef[Simulator], wanted: Trial
) -> tuple[list[Outcome], TrialEnded]:
    """Run a trial and return the outcomes of its iterations, and how it ended."""
    events = [event async for event in simulator.start(wanted)]
    ended = events.pop()
    assert isinstance(ended, TrialEnded)
    return [event.outcome for event in events if isinstance(event, Iteration)], ended
