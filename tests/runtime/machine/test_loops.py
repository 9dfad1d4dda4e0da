"""Event loops that are not asyncio's own, and what an edge-triggered descriptor may lose on any."""

from __future__ import annotations

import asyncio

import pytest

from passel import Actor, handler
from passel.protocols.errors import SpawnError
from passel.runtime.machine import loops
from passel.runtime.transport.endpoints import TRANSPORTS
from tests.runtime.worlds import import_uvloop, open_runtime

BURST = 2_000
SILENCE = 0.05


class Loud(Actor):
    """Answers, and says which loop it runs on."""

    @handler
    async def echo(self, value: int) -> int:
        return value

    @handler
    async def loop(self) -> str:
        return type(asyncio.get_running_loop()).__module__.partition(".")[0]


@pytest.mark.process
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_node_processes_run_on_the_loop_that_was_chosen(loop: str) -> None:
    if loop == "uvloop":
        import_uvloop()
    async with open_runtime(loop=loop) as runtime:
        await runtime.start_node("far")
        ref = await runtime.options(node="far").spawn(Loud)

        assert await ref.loop() == loop


@pytest.mark.process
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("transport", [name for name in TRANSPORTS if name != "tcp"])
async def test_a_lone_ask_after_a_burst_and_silence_is_answered(transport: str, loop: str) -> None:
    """A descriptor that is edge-triggered would go on being silent, had one edge been lost."""
    if loop == "uvloop":
        import_uvloop()
    async with open_runtime(transport=transport, loop=loop) as runtime:
        await runtime.start_node("far")
        ref = await runtime.options(node="far").spawn(Loud)
        for _ in range(5):
            answers = await asyncio.gather(*(ref.echo(number) for number in range(BURST)))
            assert answers == list(range(BURST))
            await asyncio.sleep(SILENCE)
            assert await ref.echo.options(timeout=5.0)(7) == 7


def test_an_unknown_loop_is_refused() -> None:
    with pytest.raises(SpawnError, match="choose of auto, asyncio, uvloop"):
        loops.check_loop("hoop")


def test_uvloop_is_refused_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "_has_uvloop", lambda: False)

    with pytest.raises(SpawnError, match=r"passel\[fast\]"):
        loops.check_loop("uvloop")
    loops.check_loop("auto")
    assert loops.run_on("auto", _kind()) == "asyncio"


def test_auto_takes_uvloop_where_it_is_installed() -> None:
    import_uvloop()

    assert loops.run_on("auto", _kind()) == "uvloop"
    assert loops.run_on("asyncio", _kind()) == "asyncio"


async def _kind() -> str:
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]
