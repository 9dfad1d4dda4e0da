"""Model actors that chat: scripted ones, and those behind an OpenAI-compatible endpoint."""

from __future__ import annotations

from .errors import (
    AnswerBrokenError,
    AnswerTimeoutError,
    ApiKeyError,
    ChatError,
    EndpointUnreachableError,
    InvalidEndpointError,
    InvalidLimitError,
    InvalidScriptError,
    MissingPackageError,
    NotAChatEndpointError,
    RequestRefusedError,
    ScriptExhaustedError,
    ServerClosedError,
    ServerDiedError,
    UnansweredRequestError,
    UnsupportedFormError,
)
from .model import ChatModel, ChatStatistics
from .openai_model import OpenAIModel
from .script import ScriptedFailure, ScriptedReply, Stall
from .scripted import ScriptedModel
from .serving import ServerStatus
from .vllm_server import VllmServer

__all__ = [
    "AnswerBrokenError",
    "AnswerTimeoutError",
    "ApiKeyError",
    "ChatError",
    "ChatModel",
    "ChatStatistics",
    "EndpointUnreachableError",
    "InvalidEndpointError",
    "InvalidLimitError",
    "InvalidScriptError",
    "MissingPackageError",
    "NotAChatEndpointError",
    "OpenAIModel",
    "RequestRefusedError",
    "ScriptExhaustedError",
    "ScriptedFailure",
    "ScriptedModel",
    "ScriptedReply",
    "ServerClosedError",
    "ServerDiedError",
    "ServerStatus",
    "Stall",
    "UnansweredRequestError",
    "UnsupportedFormError",
    "VllmServer",
]
