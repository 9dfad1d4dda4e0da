"""Tools as actors: what a model may have done for it, and how that is called."""

from __future__ import annotations

from .declaration import tool
from .errors import (
    ApprovalDecidedError,
    CommandFailedError,
    DocumentIndexError,
    McpServerError,
    RefusedUrlError,
    ToolArgumentsError,
    ToolBusyError,
    ToolDefinitionError,
    ToolDeniedError,
    ToolError,
    ToolFailedError,
    ToolInterruptedError,
    ToolKeyError,
    ToolTimeoutError,
    UnknownApprovalError,
    UnknownToolError,
)
from .function_tools import FunctionTools
from .toolbox import Toolbox

__all__ = [
    "ApprovalDecidedError",
    "CommandFailedError",
    "DocumentIndexError",
    "FunctionTools",
    "McpServerError",
    "RefusedUrlError",
    "ToolArgumentsError",
    "ToolBusyError",
    "ToolDefinitionError",
    "ToolDeniedError",
    "ToolError",
    "ToolFailedError",
    "ToolInterruptedError",
    "ToolKeyError",
    "ToolTimeoutError",
    "Toolbox",
    "UnknownApprovalError",
    "UnknownToolError",
    "tool",
]
