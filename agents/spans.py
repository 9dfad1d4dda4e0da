"""OpenTelemetry spans of agents, with the names of its conventions for generative AI.

These conventions are still in development, so spans are made only for those who ask for them as the
conventions say: OTEL_SEMCONV_STABILITY_OPT_IN has `gen_ai_latest_experimental`. All their names are
in this file.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

from ..protocols.errors import PasselError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .toolrun.budget import Spent

OPT_IN_VARIABLE: Final = "OTEL_SEMCONV_STABILITY_OPT_IN"
OPT_IN: Final = "gen_ai_latest_experimental"

OPERATION: Final = "gen_ai.operation.name"
AGENT_NAME: Final = "gen_ai.agent.name"
CONVERSATION: Final = "gen_ai.conversation.id"
TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_CALL: Final = "gen_ai.tool.call.id"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
ERROR_TYPE: Final = "error.type"

INVOKE_AGENT: Final = "invoke_agent"
PLAN: Final = "plan"
CHAT: Final = "chat"
EXECUTE_TOOL: Final = "execute_tool"

ROUND: Final = "passel.round"
"""Which plan of a run; the conventions have no name for it."""


class SpansUnavailableError(PasselError):
    """Raised when spans are asked for and OpenTelemetry's API is not installed."""

    def __init__(self) -> None:
        super().__init__(
            f"{OPT_IN_VARIABLE} asks for spans of agents, but opentelemetry-api is not installed; "
            "pip install 'passel[otel]'"
        )


class Spans:
    """Makes no spans: what agents have unless somebody asks for them."""

    def agent(self, name: str, run: str) -> AbstractContextManager[SpanEnd]:
        """Return the span of one question, from asking to the answer."""
        del name, run
        return nullcontext(SpanEnd())

    def step(self, operation: str, number: int) -> AbstractContextManager[SpanEnd]:
        """Return the span of a plan being written and run, or of a model's verdict on it."""
        del operation, number
        return nullcontext(SpanEnd())

    def tool(self, name: str, key: str) -> AbstractContextManager[SpanEnd]:
        """Return the span of one call of a tool."""
        del name, key
        return nullcontext(SpanEnd())


class SpanEnd:
    """What can be said of a span before it ends; here nothing is kept."""

    def used(self, spent: Spent) -> None:
        """Say what an agent took."""


class _RecordedEnd(SpanEnd):
    def __init__(self, span: Any) -> None:
        self._span = span

    def used(self, spent: Spent) -> None:
        self._span.set_attribute(INPUT_TOKENS, spent.prompt_tokens)
        self._span.set_attribute(OUTPUT_TOKENS, spent.completion_tokens)


class RecordedSpans(Spans):
    """Makes spans with OpenTelemetry's API.

    Raises:
        SpansUnavailableError: It is not installed.
    """

    def __init__(self) -> None:
        try:
            from opentelemetry import trace  # optional
        except ImportError:
            raise SpansUnavailableError from None
        self._tracer = trace.get_tracer("passel.agents")

    def agent(self, name: str, run: str) -> AbstractContextManager[SpanEnd]:
        """Return the span of one question, the current one meanwhile."""
        known = {AGENT_NAME: name, CONVERSATION: run}
        return self._span(INVOKE_AGENT, name, known)

    def step(self, operation: str, number: int) -> AbstractContextManager[SpanEnd]:
        """Return the span of a plan or a verdict."""
        return self._span(operation, "", {ROUND: number})

    def tool(self, name: str, key: str) -> AbstractContextManager[SpanEnd]:
        """Return the span of one call of a tool."""
        return self._span(EXECUTE_TOOL, name, {TOOL_NAME: name, TOOL_CALL: key})

    @contextmanager
    def _span(self, operation: str, what: str, known: dict[str, Any]) -> Iterator[SpanEnd]:
        title = f"{operation} {what}".strip()
        attributes = {OPERATION: operation, **known}
        with self._tracer.start_as_current_span(title, attributes=attributes) as span:
            try:
                yield _RecordedEnd(span)
            except Exception as error:
                span.set_attribute(ERROR_TYPE, type(error).__name__)
                raise


def spans_for(environment: Mapping[str, str] = os.environ) -> Spans:
    """Return what makes spans, if the environment asks for them.

    Raises:
        SpansUnavailableError: It does, and OpenTelemetry's API is not installed.
    """
    wanted = environment.get(OPT_IN_VARIABLE, "").split(",")
    return RecordedSpans() if OPT_IN in [word.strip() for word in wanted] else Spans()
