"""What a cold start runs: the smallest program with an actor in another process."""

from __future__ import annotations

import asyncio

from passel import Actor, Runtime, handler


class Echo(Actor):
    """Answers with what it is given."""

    @handler
    async def echo(self, value: int) -> int:
        """Return the value."""
        return value


async def main() -> None:
    """Start a node, spawn an actor on it, and say when its first answer is here."""
    async with Runtime(name="bench-cold") as runtime:
        await runtime.start_node("far")
        ref = await runtime.options(node="far").spawn(Echo)
        await ref.echo(1)
        print("first answer", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
