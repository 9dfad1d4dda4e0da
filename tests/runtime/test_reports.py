"""What the leader logs of the failures on other nodes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from passel.protocols.log import log
from tests.runtime.crew_life import Failing
from tests.runtime.worlds import open_runtime

pytestmark = pytest.mark.process


class Heard:
    """The failures that were logged here, in their order."""

    def __init__(self) -> None:
        self.failures: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def catch(self, _level: str, event: str, facts: dict[str, Any]) -> None:
        """Keep a line about an actor that failed."""
        if event == "actor failed":
            self.failures.put_nowait(facts)


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
