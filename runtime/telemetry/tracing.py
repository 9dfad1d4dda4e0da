"""OpenTelemetry spans of asks, tells and streams, across all processes of a runtime.

What is asked carries trace id, span id and flags in its `trace`; the handler's span is a child of
the caller's, and is the current one while the handler runs, so a program's own spans nest in it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import context, trace
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)

from ...protocols.errors import ClassLoadError

if TYPE_CHECKING:
    from contextvars import Token

CARRIED_BYTES: Final = 25
"""Trace id (16 bytes), span id (8) and flags (1), as a traced message carries them."""


def configure(path: str) -> Tracer:
    """Let a program set up OpenTelemetry in this process, and return what makes spans.

    Args:
        path: `module:function`; it is called without arguments and sets the tracer provider.

    Raises:
        ClassLoadError: There is no such function.
    """
    module_name, _, name = path.partition(":")
    try:
        function: Any = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ClassLoadError(path, f"{error}; write `traces` as 'module:function'") from None
    function()
    return Tracer()


class Tracer:
    """Makes the spans of one node."""

    def __init__(self) -> None:
        self._tracer = trace.get_tracer("passel")

    def client(self, what: str, target: str, kind: SpanKind = SpanKind.CLIENT) -> Span:
        """Begin the span of a request that is sent, under whatever span is current."""
        span = self._tracer.start_span(what, kind=kind, attributes={"passel.actor": target})
        return Span(span)

    def told(self, what: str, target: str) -> Span:
        """Begin the span of a tell that is sent."""
        return self.client(what, target, SpanKind.PRODUCER)

    def server(self, what: str, carried: bytes, target: str, source: str) -> Span:
        """Begin the span of a request that is handled, and make it the current one."""
        attributes = {"passel.actor": target, "passel.source": source}
        parent = _context_of(carried)
        span = self._tracer.start_span(
            what, context=parent, kind=SpanKind.SERVER, attributes=attributes
        )
        return Span(span, context.attach(trace.set_span_in_context(span)))


class Span:
    """One span, from its beginning to its end."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: trace.Span, token: Token[context.Context] | None = None) -> None:
        self._span = span
        self._token = token

    @property
    def carried(self) -> bytes:
        """What a message carries, so that spans elsewhere become children of this one."""
        found = self._span.get_span_context()
        return (
            found.trace_id.to_bytes(16, "big")
            + found.span_id.to_bytes(8, "big")
            + bytes([found.trace_flags])
        )

    def fail(self, error: BaseException) -> None:
        """What the span is about ended with an error."""
        self._span.record_exception(error)
        self._span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))

    def end(self) -> None:
        """The span is over."""
        if self._token is not None:
            context.detach(self._token)
        self._span.end()


def _context_of(carried: bytes) -> context.Context:
    if len(carried) != CARRIED_BYTES:
        return context.Context()
    parent = SpanContext(
        trace_id=int.from_bytes(carried[:16], "big"),
        span_id=int.from_bytes(carried[16:24], "big"),
        is_remote=True,
        trace_flags=TraceFlags(carried[24]),
    )
    return trace.set_span_in_context(NonRecordingSpan(parent), context.Context())
