"""Search in the user's own documents, as a tool."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence  # noqa: TC003  # hints are read at run time
from pathlib import Path
from typing import Annotated, Any

import msgspec

from ....protocols.tools import ToolPolicy
from ...handler import handler
from ..errors import ToolArgumentsError, ToolError
from ..function_tools import FunctionTool, loaded
from ..toolbox import Toolbox
from .index import SUFFIXES, DocumentIndex
from .records import Hit, IndexProgress  # noqa: TC001  # hints are read at run time

_THREADS = 4


class DocumentSearch(Toolbox):
    """Offers `search` in a local index of text files.

    Args:
        path: The index, a SQLite file.
        folder: Folder whose files are indexed, or brought up to date, at the start; empty for an
            index that is there already.
        suffixes: Endings of the files that are indexed.
        embed: Turns a list of texts into as many vectors: `"module:function"`, or, where actor and
            program share a process, the function itself. With it, meaning counts beside words.
        name: What models call the tool; give each an own name where there are several.
        about: What the documents are about, for the tool's description.
    """

    def __init__(
        self,
        *,
        path: str,
        folder: str = "",
        suffixes: Sequence[str] = SUFFIXES,
        embed: Any = None,
        name: str = "search",
        about: str = "the user's documents",
    ) -> None:
        self._index = DocumentIndex(Path(path), None if embed is None else loaded(embed))
        self._folder = folder
        self._suffixes = tuple(suffixes)
        self._name = name
        policy = ToolPolicy(concurrency=_THREADS, timeout=30.0, idempotent=True)
        description = (
            f"Search {about}; returns the best passages with file, heading and score.\n\n"
            "Words are looked for in any order and form; the more of them a passage has, the better."
        )
        self._tool = FunctionTool(self._search, name=name, description=description, policy=policy)
        super().__init__([self._tool])

    async def started(self) -> None:
        """Build the index if there is a folder to build it from; else look whether it is there.

        Raises:
            DocumentIndexError: It cannot be built or searched.
        """
        self._tool.threads = self.context.threads(_THREADS)
        if self._folder:
            async for progress in self._build(self._folder):
                self.context.log.info(
                    "indexing documents", done=progress.done, total=progress.total,
                    passages=progress.passages,
                )  # fmt: skip
        await self.context.run_blocking(self._index.check)

    @handler(raises=(ToolError,))
    async def build(self, folder: str) -> AsyncIterator[IndexProgress]:
        """Bring the index up to date with a folder, and tell how far it is; searches go on.

        Raises:
            DocumentIndexError: It cannot be built.
        """
        async for progress in self._build(folder):
            yield progress

    async def _build(self, folder: str) -> AsyncIterator[IndexProgress]:
        steps = self._index.build(Path(folder), self._suffixes)
        while (progress := await self.context.run_blocking(next, steps, None)) is not None:
            yield progress

    def _search(
        self, query: str, count: Annotated[int, msgspec.Meta(ge=1, le=20)] = 5
    ) -> list[Hit]:
        """Search.

        Args:
            query: Words that the passages should have.
            count: How many passages to return.
        """
        if not query.strip():
            raise ToolArgumentsError(self._name, "query", reason="is empty; give words to look for")
        return self._index.search(query, count)
