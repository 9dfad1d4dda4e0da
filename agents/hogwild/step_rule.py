"""The step protocol of Hogwild! Inference (arXiv 2504.06261): when a step ends, what follows.

A worker writes in steps, each opened by a prefix with its name and the step's number. A step ends at
a blank line behind a finished sentence, outside code fences and display formulas. Now and then the
prefix of a new step asks the worker whether it does what another does already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import msgspec.structs

from ...protocols.cache import Answer, Finish, Joined, Next, Park, Setting, Tick, WorkerId
from .answers import boxed

if TYPE_CHECKING:
    from collections.abc import Mapping

SENTENCE_ENDS: Final = frozenset(
    ".!?"
    "\u2026"  # ellipsis
    "\u3002\uff0e\uff01\uff1f\uff61"  # Chinese and Japanese, full and half width
    "\u0964\u0965"  # Devanagari danda, double danda
    "\u061f\u06d4"  # Arabic question mark, full stop
    "\u17d4\u104b\u1362\u0589"  # Khmer, Burmese, Ethiopic, Armenian
)
"""Characters that end a sentence, in several scripts."""

FENCES: Final = ("```", "~~~", "$$")
"""Marks that open and close a passage in which a blank line ends no step."""


class StepSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one worker writes its steps.

    Attributes:
        prefix: Opens every step; `{name}` and `{step}` are replaced.
        opening: Follows the first prefix, the worker's own first words.
        check: Follows the prefix of a step when a check is due; empty for never.
        check_every: Tokens of the whole team between two checks.
        max_tokens: Drawn tokens after which the worker finishes.
        max_steps: Steps after which it finishes.
        max_step_tokens: Drawn tokens after which a step ends wherever it stands; 0 for never.
    """

    prefix: str = "**{name} [{step}]:**"
    opening: str = ""
    check: str = " Quick check: is someone doing this already? (yes/no):"
    check_every: int = 256
    max_tokens: int = 256
    max_steps: int = 64
    max_step_tokens: int = 0

    def plain(self) -> dict[str, Setting]:
        """Return the settings as plain values, for a rule that the cache is to run."""
        return msgspec.structs.asdict(self)


class StepRule:
    """Says what one worker writes next, from the tokens drawn for it. Pure and replayable.

    The same class runs in a worker's process and, delegated, in the cache's: both see the same
    events, so both give the same tokens.
    """

    def __init__(self, worker: WorkerId, settings: StepSettings) -> None:
        self._worker = worker
        self._settings = settings
        self._step = 0
        self._text = ""
        self._drawn = 0
        self._drawn_in_step = 0

    @classmethod
    def load(cls, worker: WorkerId, settings: Mapping[str, Setting]) -> StepRule:
        """Return the rule for plain settings, see `StepSettings`.

        Raises:
            msgspec.ValidationError: A setting is unknown or of another type.
        """
        return cls(worker, msgspec.convert(dict(settings), StepSettings))

    def handle(self, event: Joined | Tick) -> Answer:
        """Take an admission or a tick, return the worker's answer to it."""
        if isinstance(event, Tick):
            return self._go_on(event)
        return self._resume(event)

    def _resume(self, joined: Joined) -> Answer:
        """Begin, or take up the work of an earlier life where the log ends."""
        log = joined.log
        self._step = len(log.steps)
        if not log.steps:
            return self._begin((), total=0, last_mark=0)
        last = log.steps[-1]
        self._text = "" if last.finished else last.text
        self._drawn = max(0, log.drawn - 1)  # the pending token is counted below
        self._drawn_in_step = 0 if last.finished else len(last.tokens) - last.forced
        if log.pending is not None:
            return self._go_on(log.pending)
        return self._begin((), total=0, last_mark=0)

    def _go_on(self, tick: Tick) -> Answer:
        mine = next((drawn for drawn in tick.sampled if drawn.worker == self._worker), None)
        if mine is None:  # a tick without this worker says nothing to it
            return Park()
        self._drawn += 1
        self._drawn_in_step += 1
        if mine.ends:
            return Finish(reason="end of text")
        before = self._text
        self._text += mine.text
        tokens = (mine.token,)
        answer = boxed(self._text) if "}" in mine.text else None
        if answer is not None:
            return Finish(reason="answer", tokens=tokens, answer=answer)
        if self._drawn >= self._settings.max_tokens:
            return Finish(reason="limit", tokens=tokens)
        if not self._ends_step(before, mine.text):
            return Next(tokens=tokens)
        if self._step >= self._settings.max_steps:
            return Finish(reason="limit", tokens=tokens)
        return self._begin(tokens, total=tick.total, last_mark=tick.last_mark)

    def _ends_step(self, before: str, added: str) -> bool:
        limit = self._settings.max_step_tokens
        return ends_step(before, added) or (limit > 0 and self._drawn_in_step >= limit)

    def _begin(self, tokens: tuple[int, ...], *, total: int, last_mark: int) -> Next:
        settings = self._settings
        self._step += 1
        self._drawn_in_step = 0
        due = bool(settings.check) and total - last_mark > settings.check_every
        text = settings.prefix.format(name=self._worker, step=self._step)
        text += settings.opening if self._step == 1 else ""
        text += settings.check if due else ""
        self._text = text
        return Next(tokens=tokens, begin=text, mark=due)


def ends_step(before: str, added: str) -> bool:
    """Return whether a step whose text was `before` ends with the piece `added`.

    The piece brings a blank line (it may complete one), the text in front of it ends a sentence,
    and no fence is open.
    """
    start = len(before) - (1 if before.endswith("\n") else 0)
    text = before + added
    cut = text.find("\n\n", start)
    if cut < 0:
        return False
    sentence = text[:cut].rstrip()
    closed = all(sentence.count(fence) % 2 == 0 for fence in FENCES)
    return closed and sentence[-1:] in SENTENCE_ENDS
