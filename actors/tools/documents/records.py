"""What is said of an index while it is built, and of what was found in it."""

from __future__ import annotations

import msgspec


class IndexProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far the building of an index is.

    Attributes:
        done: Files looked at.
        total: Files there are.
        indexed: Of those done, how many were read, as they were new or had changed.
        skipped: Of those done, how many were not taken: too large, not to be read, no regular
            files, or links that leave the folder.
        removed: Files that are gone and were taken out of the index.
        passages: Passages in the whole index.
    """

    done: int
    total: int
    indexed: int = 0
    skipped: int = 0
    removed: int = 0
    passages: int = 0


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One passage that was found.

    Attributes:
        path: The file, relative to the folder that was indexed.
        heading: The heading it stands under, or empty.
        text: The part of it around what was looked for.
        score: Of this search alone; higher is better.
    """

    path: str
    heading: str
    text: str
    score: float
