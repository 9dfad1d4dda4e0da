"""Ids and text: what the board needs of a tokenizer, and the text that one more id adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

CONTEXT_IDS = 8
"""Ids before a new one that are decoded with it; a character has at most four bytes."""

_INCOMPLETE = "\ufffd"


class Vocabulary(Protocol):
    """Turns text into ids and back. Pure: the same text gives the same ids in every process."""

    @property
    def size(self) -> int:
        """How many ids there are."""
        ...

    @property
    def ends(self) -> frozenset[int]:
        """The ids that end a text."""
        ...

    def encode(self, text: str) -> tuple[int, ...]:
        """Return the ids of `text`, without a beginning-of-text id."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of `ids`; broken characters read as U+FFFD."""
        ...


def added_text(vocabulary: Vocabulary, before: Sequence[int], token: int) -> str:
    """Return the text that `token` adds behind the ids `before`.

    While a character is incomplete the text is empty; the id that completes it brings it whole.
    The result depends on the ids alone, so whoever asks, and when, gets the same.
    """
    context = list(before[-CONTEXT_IDS:])
    whole = vocabulary.decode([*context, token])
    if whole.endswith(_INCOMPLETE):
        return ""
    return whole[len(vocabulary.decode(context).rstrip(_INCOMPLETE)) :]
