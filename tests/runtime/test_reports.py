"""What the leader logs of the failures on other nodes."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from passel.protocols.errors import MailboxFullError
from passel.protocols.log import log
from passel.runtime.reports import KINDS_KEPT, Reports
from tests.runtime.crew_life import Failing
from tests.runtime.worlds import open_runtime


class Heard:
    """The failures that were logged here, in their order."""

    def __init__(self) -> None:
        self.failures: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def catch(self, _level: str, event: str, facts: dict[str, Any]) -> None:
        """Keep a line about an actor that failed."""
        if event == "actor failed":
            self.failures.put_nowait(facts)


class Leader:
    """What stands for the leader's directory, whose mailbox may be full."""

    def __init__(self) -> None:
        self.full = False
        self.texts: list[str] = []
        self.failed = SimpleNamespace(tell_nowait=self._tell_nowait)

    def _tell_nowait(self, _event: str, _actor: str, _what: str, text: str) -> None:
        if self.full:
            raise MailboxFullError("leader/@directory", 1)
        self.texts.append(text)


def fall(kind: type[Exception]) -> Exception:
    """Return an error with a traceback."""
    with pytest.raises(kind) as caught:
        raise kind("fell")
    return caught.value


def test_a_traceback_that_could_not_leave_goes_along_with_the_next_failure() -> None:
    leader = Leader()
    reports = Reports(leader)
    for leader.full in (True, False, False):
        reports.report("actor failed", "side/a", "tell", fall(ValueError))
    assert [bool(text) for text in leader.texts] == [True, False]


def test_errors_of_another_class_or_place_and_other_members_of_a_group_are_new() -> None:
    leader = Leader()
    reports = Reports(leader)
    alone, other = fall(ValueError), fall(KeyError)
    elsewhere = ValueError("never raised")
    groups = [ExceptionGroup("all", [error]) for error in (alone, other, alone)]
    for error in (alone, other, elsewhere, *groups):
        reports.report("actor failed", "side/a", "tell", error)
    assert [bool(text) for text in leader.texts] == [True, True, True, True, True, False]


def test_of_many_kinds_of_failures_the_latest_are_known() -> None:
    leader = Leader()
    reports = Reports(leader)
    for number in range(KINDS_KEPT + 1):
        reports.report("actor failed", f"side/{number}", "tell", fall(ValueError))
    leader.texts.clear()
    for number in (KINDS_KEPT, 0):
        reports.report("actor failed", f"side/{number}", "tell", fall(ValueError))
    assert [bool(text) for text in leader.texts] == [False, True]


@pytest.mark.process
async def test_of_equal_failures_the_first_is_told_with_its_traceback() -> None:
    heard = Heard()
    with log.caught(heard.catch):
        async with open_runtime() as runtime:
            await runtime.start_node("side")
            there = runtime.options(node="side", on_failure="resume")
            one, other = await there.spawn(Failing), await there.spawn(Failing)
            told = []
            for ref in (one, one, one, other, one):
                await ref.fail.tell(ord("x"), 3)
                told.append(await asyncio.wait_for(heard.failures.get(), 10.0))
    assert all("ValueError('xxx')" in facts["what"] for facts in told)
    shown = [number for number, facts in enumerate(told) if "exception" in facts]
    assert shown == [0, 3], "the first of each actor's"


@pytest.mark.process
async def test_a_failure_whose_text_cannot_be_encoded_is_seen_at_the_leader() -> None:
    heard = Heard()
    with log.caught(heard.catch):
        async with open_runtime() as runtime:
            await runtime.start_node("side")
            failing = await runtime.options(node="side", on_failure="resume").spawn(Failing)
            await failing.fail.tell(0xDCE9)
            facts = await asyncio.wait_for(heard.failures.get(), 10.0)
    assert "udce9" in facts["what"]
    assert facts["exception"].endswith("\nValueError: \\udce9")
