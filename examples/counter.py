"""The smallest program: one actor, asked twice, in this process and in another one."""

from __future__ import annotations

import asyncio

from passel import Actor, Runtime, handler


class Counter(Actor):
    """Counts."""

    def __init__(self, *, start: int = 0) -> None:
        self.value = start

    @handler
    async def add(self, n: int) -> int:
        """Add `n` and return the sum."""
        self.value += n
        return self.value


async def main() -> None:
    """Count here, then in a child process; the calls look the same."""
    async with Runtime() as runtime:
        here = await runtime.spawn(Counter, start=3)
        print(await here.add(4))  # 7
        await runtime.start_node("side")
        there = await runtime.options(node="side").spawn(Counter, start=30)
        print(await there.add(4))  # 34


if __name__ == "__main__":
    asyncio.run(main())
