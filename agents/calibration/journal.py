"""Keeps calibrations, so that one that was killed goes on where it was."""

from __future__ import annotations

from typing import Final

import msgspec

from ...actors import Actor, handler
from .record import TrialRecord  # noqa: TC001  # hints are read at run time
from .scheduling import (  # noqa: TC001  # hints are read at run time
    CalibrationId,
    Ended,
    Entry,
    Ledger,
    LedgerState,
)

_EARLIER: Final = 1_000
"""Trials of earlier calibrations that are remembered for proposers to learn from."""


class CalibrationOpened(msgspec.Struct, frozen=True, tag="opened"):
    """A calibration begins; the one before it of the same key is forgotten but for its trials."""

    key: str
    calibration: CalibrationId


class CalibrationResumed(msgspec.Struct, frozen=True, tag="resumed"):
    """An unfinished calibration goes on with another calibrator, or in another life of it."""

    key: str
    calibration: CalibrationId


class EntriesKept(msgspec.Struct, frozen=True, tag="kept"):
    """Something has been decided, or seen."""

    key: str
    calibration: CalibrationId
    entries: list[Entry]


class CalibrationOver(msgspec.Struct, frozen=True, tag="over"):
    """A calibration is over."""

    key: str
    calibration: CalibrationId
    ended: Ended


Change = CalibrationOpened | CalibrationResumed | EntriesKept | CalibrationOver


class KeptCalibration(msgspec.Struct, kw_only=True):
    """A calibration as a journal keeps it.

    Attributes:
        calibration: Its name.
        life: How often it was begun or gone on with; only the latest life may write.
        state: What its ledger holds.
        ended: Why it is over, or None.
        earlier: Trials of the ones before it, the latest thousand.
        durable: Whether the journal outlives its process.
    """

    calibration: CalibrationId
    life: int = 1
    state: LedgerState = LedgerState()
    ended: Ended | None = None
    earlier: tuple[TrialRecord, ...] = ()
    durable: bool = False


class CalibrationJournal(Actor):
    """Remembers one calibration for each key; spawn it durable, so that it outlives its process.

    What a durable one keeps is on the disk before `keep` returns, what another keeps is in memory. A
    key stands for all that makes trials comparable. Whoever opens a calibration takes it over: one
    that still runs somewhere, cut off or forgotten, cannot write any more, and so starts no trial
    either.
    """

    def __init__(self) -> None:
        self._kept: dict[str, KeptCalibration] = {}
        self._ledgers: dict[str, Ledger] = {}

    def snapshot(self) -> dict[str, KeptCalibration]:
        """Return all calibrations."""
        return {key: self._current(key) for key in self._kept}

    def restore(self, state: dict[str, KeptCalibration]) -> None:
        """Go on from a snapshot."""
        self._kept = state
        self._ledgers = {key: Ledger(state=kept.state) for key, kept in state.items()}

    def apply(self, event: Change) -> None:
        """Take a change in."""
        match event:
            case CalibrationOpened(key, calibration):
                earlier = self._earlier(key)
                self._kept[key] = KeptCalibration(calibration=calibration, earlier=earlier)
                self._ledgers[key] = Ledger()
            case CalibrationResumed(key, _):
                self._kept[key].life += 1
            case EntriesKept(key, _, entries):
                for entry in entries:
                    self._ledgers[key].apply(entry)
            case CalibrationOver(key, _, ended):
                self._kept[key].ended = ended

    @handler
    async def open(self, key: str, name: CalibrationId) -> KeptCalibration:
        """Return the unfinished calibration of a key, or begin one of this name; it has a new life."""
        known = self._kept.get(key)
        if known is None or known.ended is not None:
            self._change(CalibrationOpened(key, name))
        else:
            self._change(CalibrationResumed(key, known.calibration))
        return self._current(key)

    @handler
    async def keep(
        self, key: str, calibration: CalibrationId, life: int, entries: list[Entry]
    ) -> bool:
        """Write entries down; False says that another life, or calibration, has begun since."""
        if not self._is_current(key, calibration, life):
            return False
        self._change(EntriesKept(key, calibration, entries))
        return True

    @handler
    async def close(self, key: str, calibration: CalibrationId, life: int, ended: Ended) -> bool:
        """Write down that a calibration is over; the next one of its key begins anew.

        False says that another life, or calibration, has begun since.
        """
        if not self._is_current(key, calibration, life):
            return False
        if self._kept[key].ended is None:
            self._change(CalibrationOver(key, calibration, ended))
        return True

    @handler
    async def look(self, key: str) -> KeptCalibration | None:
        """Return the latest calibration of a key, or None."""
        return self._current(key) if key in self._kept else None

    @handler
    async def keys(self) -> list[str]:
        """Return the keys of all calibrations."""
        return sorted(self._kept)

    def _change(self, event: Change) -> None:
        """Apply an event and, if this actor is durable, keep it."""
        if self.context.address.durable:
            self.context.journal(event)
        else:
            self.apply(event)

    def _is_current(self, key: str, calibration: CalibrationId, life: int) -> bool:
        known = self._kept.get(key)
        return known is not None and (known.calibration, known.life) == (calibration, life)

    def _current(self, key: str) -> KeptCalibration:
        return msgspec.structs.replace(
            self._kept[key], state=self._ledgers[key].state, durable=self.context.address.durable
        )

    def _earlier(self, key: str) -> tuple[TrialRecord, ...]:
        """Return the trials to learn from; none of those that showed other outcomes than are wanted."""
        known = self._kept.get(key)
        if known is None:
            return ()
        if known.ended == "names":
            return known.earlier
        return (*known.earlier, *self._ledgers[key].state.records)[-_EARLIER:]
