"""A supervised pipeline: read files, count their words in worker processes, add the counts up.

The reader and the pipeline live beside the leader, each counter in a process of its own. One counter
kills its process in mid-run. Its runtime starts the process and the actor again; the file that was lost
on the way is counted a second time, and the result is compared with a plain count at the end.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sysconfig
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

from passel import Actor, ActorRef, handler
from passel.protocols.errors import DeadActorError

_WORD = re.compile(r"[a-z]+")
_ATTEMPTS = 5


def words_of(text: str) -> dict[str, int]:
    """Count the words of a text, in lower case."""
    return dict(Counter(_WORD.findall(text.lower())))


class Reader(Actor):
    """Knows a folder of texts and reads them."""

    def __init__(self, *, folder: str, files: int) -> None:
        self.folder = Path(folder or sysconfig.get_path("stdlib"))
        self.files = files

    @handler(raises=(FileNotFoundError,))
    async def names(self) -> list[str]:
        """Return the names of the texts.

        Raises:
            FileNotFoundError: The folder is not there, or holds no text.
        """
        paths = await self.context.run_blocking(lambda: sorted(self.folder.glob("*.py")))
        if not paths:
            what = "holds no *.py file" if self.folder.is_dir() else "is no folder"
            raise FileNotFoundError(f"{self.folder} {what}; set params.folder to one with texts")
        return [path.name for path in paths[: self.files]]

    @handler
    async def read(self, name: str) -> str:
        """Return one text."""
        path = self.folder / name
        return await self.context.run_blocking(lambda: path.read_text(errors="replace"))


class WordCounter(Actor):
    """Counts words; with `mishap`, the first life of the first one ends badly."""

    def __init__(self, *, mishap: bool) -> None:
        self.mishap = mishap
        self.texts = 0

    @handler
    async def count(self, text: str) -> dict[str, int]:
        """Return how often each word occurs."""
        self.texts += 1
        address = self.context.address
        if self.mishap and self.texts == 5 and address.actor.endswith("-0") and address.life == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return words_of(text)


class Pipeline(Actor):
    """Keeps every counter busy with one text at a time and adds up what they return."""

    def __init__(self, *, reader: ActorRef[Reader], counters: list[ActorRef[WordCounter]]) -> None:
        self.reader = reader
        self.counters = counters

    @handler(raises=(FileNotFoundError,))
    async def run(self) -> AsyncIterator[dict[str, object]]:
        """Yield an event for every tenth text and every accident, then the answer.

        Raises:
            FileNotFoundError: There is nothing to count.
        """
        names = await self.reader.names()
        todo: asyncio.Queue[str] = asyncio.Queue()
        events: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        for name in names:
            todo.put_nowait(name)
        total: Counter[str] = Counter()
        for index, counter in enumerate(self.counters):
            self.context.start(self._feed(index, counter, todo, events, total))
        done = accidents = 0
        while done < len(names):
            event = await events.get()
            done += "counted" in event
            accidents += "accident" in event
            if "accident" in event or done % 10 == 0:
                yield {**event, "done": done, "of": len(names)}
        yield {"answer": await self._answer(names, total, accidents)}

    async def _feed(
        self,
        index: int,
        counter: ActorRef[WordCounter],
        todo: asyncio.Queue[str],
        events: asyncio.Queue[dict[str, object]],
        total: Counter[str],
    ) -> None:
        """Give one counter text after text; what it loses by dying, it is given again."""
        while not todo.empty():
            name = todo.get_nowait()
            text = await self.reader.read(name)
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    total.update(await counter.count(text))
                    break
                except DeadActorError as error:
                    if attempt == _ATTEMPTS:
                        raise
                    cause = str(error).splitlines()[0]
                    events.put_nowait({"accident": cause, "counter": index, "again": name})
            events.put_nowait({"counted": name, "counter": index})

    async def _answer(
        self, names: list[str], total: Counter[str], accidents: int
    ) -> dict[str, object]:
        """Compare the result with a count that was made in one process.

        Raises:
            AssertionError: They differ.
        """
        expected: Counter[str] = Counter()
        for name in names:
            expected.update(words_of(await self.reader.read(name)))
        if total != expected:
            raise AssertionError(f"{total.total()} words counted, {expected.total()} are there")
        return {
            "files": len(names),
            "words": total.total(),
            "most common": [list(pair) for pair in total.most_common(5)],
            "accidents": accidents,
            "equals a plain count": True,
        }
