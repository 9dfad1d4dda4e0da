"""What a trial has on the disk before BEAM runs: a folder, and a configuration."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from .errors import BeamError
from .override import Override
from .run_folder import RunFolder

if TYPE_CHECKING:
    from ...actors.context import Threads
    from ...protocols.trial import Trial
    from .setup import BeamSetup


class Place(NamedTuple):
    """A trial's own files.

    Attributes:
        folder: Where its output goes.
        config: Its configuration, in the folder of the scenario.
    """

    folder: RunFolder
    config: Override

    def unmake(self) -> None:
        """Remove what was made for a run that has not begun."""
        self.config.remove()
        self.folder.path.rmdir()


async def place_for(setup: BeamSetup, trial: Trial, threads: Threads) -> Place:
    """Make a trial's folder and configuration; nothing is left of them if it is cancelled.

    Raises:
        BeamSetupError: A folder cannot be written to.
    """
    making = _Making(setup, trial)
    try:
        return await threads.run(making.run)
    except BaseException:
        making.abandon()
        raise


class _Making:
    """Makes a place in a thread, or unmakes it if nobody waits for it any more."""

    def __init__(self, setup: BeamSetup, trial: Trial) -> None:
        self._setup = setup
        self._trial = trial
        self._lock = threading.Lock()
        self._abandoned = False
        self._place: Place | None = None

    def run(self) -> Place:
        setup, trial = self._setup, self._trial
        with self._lock:
            folder = RunFolder.make(setup.outputs, trial.id)
            try:
                values = setup.values(trial, folder.path)
                place = Place(folder, Override(setup.scenario, trial.id, values))
            except BeamError:
                folder.path.rmdir()
                raise
            self._place = place
        if self._abandoned:
            self.abandon()
        return place

    def abandon(self) -> None:
        self._abandoned = True
        if self._lock.acquire(blocking=False):  # else it is at it, and will see this afterwards
            try:
                if self._place is not None:
                    self._place.unmake()
                    self._place = None
            finally:
                self._lock.release()
