"""Tools as actors: what a model may have done for it, and how that is called."""

from __future__ import annotations

from .declaration import tool
from .errors import (
    CommandFailedError,
    DocumentIndexError,
    McpServerError,
    RefusedUrlError,
    ToolArgumentsError,
    ToolBusyError,
    ToolDefinitionError,
    ToolError,
    ToolFailedError,
    ToolInterruptedError,
    ToolKeyError,
    ToolTimeoutError,
    UnknownToolError,
)
from .function_tools import FunctionTools
from .toolbox import Toolbox

__all__ = [
    "CommandFailedError",
    "DocumentIndexError",
    "FunctionTools",
    "McpServerError",
    "RefusedUrlError",
    "ToolArgumentsError",
    "ToolBusyError",
    "ToolDefinitionError",
    "ToolError",
    "ToolFailedError",
    "ToolInterruptedError",
    "ToolKeyError",
    "ToolTimeoutError",
    "Toolbox",
    "UnknownToolError",
    "tool",
]
