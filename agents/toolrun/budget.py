"""What a run may spend, and what it has spent. Pure: time comes in from outside."""

from __future__ import annotations

from typing import Literal

import msgspec

from ...protocols.chat import Usage  # noqa: TC001  # hints are read at run time

Limited = Literal["tokens", "calls", "seconds", "cost", "replans"]
"""What a budget limits."""


class Budget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The most that one run may take; None is no limit.

    Attributes:
        tokens: Tokens of prompts and answers, all models together.
        calls: Calls of tools, repeated ones included.
        seconds: From the question to the answer; anew for a run that is asked for again after a kill.
        cost: In the currency of the prices.
        replans: Plans after the first one.
    """

    tokens: int | None = None
    calls: int | None = None
    seconds: float | None = None
    cost: float | None = None
    replans: int = 2


class Prices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a million tokens cost: of the prompt, of its part that was cached, of the answer."""

    prompt: float = 0.0
    cached: float = 0.0
    completion: float = 0.0


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What a run has taken so far."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    calls: int = 0
    cost: float = 0.0
    rounds: int = 0


class Account:
    """Keeps what one run has spent, over all its rounds.

    Args:
        budget: What it may spend.
        prices: What tokens cost.
        began: When it began, in the time of the events.
    """

    def __init__(self, budget: Budget, prices: Prices, *, began: float = 0.0) -> None:
        self._budget = budget
        self._prices = prices
        self.until = None if budget.seconds is None else began + budget.seconds
        self.spent = Spent()

    def go_on_from(self, spent: Spent) -> None:
        """Count what earlier lives of the run took; its rounds are gone through again."""
        self.spent = msgspec.structs.replace(spent, rounds=0)

    @property
    def wants_usage(self) -> bool:
        """Whether models must say what they took, because tokens or cost are limited."""
        return self._budget.tokens is not None or self._budget.cost is not None

    def may_call(self) -> bool:
        """Return whether one more call of a tool is allowed."""
        return self._budget.calls is None or self.spent.calls < self._budget.calls

    def may_replan(self) -> bool:
        """Return whether one more plan is allowed after those that were begun."""
        return self.spent.rounds <= self._budget.replans

    def called(self) -> None:
        """A tool is called."""
        self.spent = msgspec.structs.replace(self.spent, calls=self.spent.calls + 1)

    def planned(self) -> None:
        """A round begins."""
        self.spent = msgspec.structs.replace(self.spent, rounds=self.spent.rounds + 1)

    def used(self, usage: Usage) -> None:
        """A model has taken tokens."""
        spent, prices = self.spent, self._prices
        fresh = usage.prompt - usage.cached
        cost = (
            fresh * prices.prompt
            + usage.cached * prices.cached
            + usage.completion * prices.completion
        )
        self.spent = msgspec.structs.replace(
            spent,
            prompt_tokens=spent.prompt_tokens + usage.prompt,
            cached_tokens=spent.cached_tokens + usage.cached,
            completion_tokens=spent.completion_tokens + usage.completion,
            cost=spent.cost + cost / 1e6,
        )

    def exhausted(self, now: float) -> Limited | None:
        """Return what is used up, so that the run cannot go on at all: time, tokens or money."""
        budget, spent = self._budget, self.spent
        if self.until is not None and now >= self.until:
            return "seconds"
        tokens = spent.prompt_tokens + spent.completion_tokens
        if budget.tokens is not None and tokens > budget.tokens:
            return "tokens"
        if budget.cost is not None and spent.cost > budget.cost:
            return "cost"
        return None

    def limit(self, what: Limited) -> float:
        """Return the limit of something that has one."""
        found = getattr(self._budget, what)
        assert found is not None, "what has no limit is not used up"
        return float(found)
