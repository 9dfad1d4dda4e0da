"""How a ReAct agent works, and how it ended."""

from __future__ import annotations

from typing import Literal

import msgspec

from ..toolrun.budget import Budget, Limited, Prices, Spent


class ReActSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an agent works.

    Attributes:
        budget: What one question may take; `replans` means nothing here.
        prices: What tokens cost.
        steps: Most answers of the model.
        step_tokens: Most tokens of one.
        temperature: 0 is greedy.
        model_timeout: Seconds that one answer of the model may take.
        observation_characters: A result's text is cut after so many.
    """

    budget: Budget = Budget()
    prices: Prices = Prices()
    steps: int = 20
    step_tokens: int | None = 512
    temperature: float = 0.0
    model_timeout: float = 120.0
    observation_characters: int = 4_000


class StepTaken(msgspec.Struct, frozen=True, kw_only=True, tag="step"):
    """The model said something, and what came of it: a result, or what is wrong."""

    step: int
    said: str
    observation: str


Reason = Literal["answered", "steps", "model"] | Limited
"""Why an agent ended: with an answer, out of steps, as its model failed, or out of a budget."""


class Conclusion(msgspec.Struct, frozen=True, kw_only=True, tag="conclusion"):
    """How an agent ended.

    Attributes:
        answer: The answer, None when there is none.
        reason: Why it ended.
        error: What its model's failure says, or empty.
        steps: Answers of the model.
        spent: What it took.
        seconds: From the question to the end.
    """

    answer: str | None
    reason: Reason
    error: str = ""
    steps: int = 0
    spent: Spent = Spent()
    seconds: float = 0.0
