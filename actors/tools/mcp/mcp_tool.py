"""One tool of an MCP server. Loads the SDK: imported when an actor starts."""

from __future__ import annotations

import asyncio
import base64
import re
from typing import TYPE_CHECKING, Any, Final, Protocol

import jsonschema
from mcp import MCPError
from mcp_types import CONNECTION_CLOSED, INVALID_PARAMS, METHOD_NOT_FOUND
from referencing import Registry

from ....protocols.tools import ToolCall, ToolPolicy, ToolSpec
from ..errors import ToolArgumentsError, ToolFailedError
from ..parameters import Parameter, Parameters

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp import ClientSession
    from mcp_types import CallToolResult, Tool

    from ..places import Place

_KINDS: Final[dict[str, Any]] = {"string": str, "integer": int, "number": float, "boolean": bool}


class Suspect(Protocol):
    """Has it looked at whether a server is there."""

    def __call__(self, *, lost: bool = False) -> None:
        """Take notice; `lost` says that the session is over at least for the call at hand."""


class McpTool:
    """One tool of a server.

    Args:
        tool: What the server says of it.
        name: What models call it.
        policy: How it may be called.
        session: Returns the session to call it in, once there is one.
        suspect: Is told when a call has met with something that a broken server would do.
        hidden: Returns what the server says of a failure without the secrets of its address.

    Raises:
        jsonschema.SchemaError: Its schema is none.
    """

    def __init__(
        self,
        tool: Tool,
        *,
        name: str,
        policy: ToolPolicy,
        session: Callable[[str], Awaitable[ClientSession]],
        suspect: Suspect,
        hidden: Callable[[str], str],
    ) -> None:
        schema = tool.input_schema
        kind = jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)
        kind.check_schema(schema)
        self._validator = kind(schema, registry=Registry())  # one that fetches nothing
        self._parameters = _parameters_of(name, schema)
        self._name = tool.name
        self._session = session
        self._suspect = suspect
        self._hidden = hidden
        self.spec = ToolSpec(
            name=name, description=tool.description or name, parameters=schema, policy=policy
        )

    def bind(self, call: ToolCall) -> dict[str, Any]:
        """Return the arguments of a call by name, as the tool's schema wants them.

        Raises:
            ToolArgumentsError: They do not fit the schema.
        """
        given = self._parameters.bind(call.arguments, call.keywords)
        error = jsonschema.exceptions.best_match(self._validator.iter_errors(given))
        if error is not None:
            path = ".".join(str(part) for part in error.absolute_path) or "arguments"
            reason = f"does not fit: {error.message[:500]}; call {self._parameters.signature()}"
            raise ToolArgumentsError(self.spec.name, path, reason=reason)
        return given

    async def run(self, given: dict[str, Any], place: Place) -> Any:
        """Call the tool; return what it says.

        Raises:
            ToolFailedError: It failed, or its server did.
        """
        del place  # the server is told when a call is cancelled
        session = await self._session(self.spec.name)
        try:
            result = await session.call_tool(self._name, given)
        except MCPError as error:
            if error.error.code not in {INVALID_PARAMS, METHOD_NOT_FOUND}:
                self._suspect(lost=error.error.code == CONNECTION_CLOSED)
            said = self._hidden(error.error.message)
            raise ToolFailedError(self.spec.name, "server", said) from None
        except asyncio.CancelledError:
            self._suspect()
            raise
        if result.is_error:
            said = self._hidden(str(value_of(result, structured=False)))
            raise ToolFailedError(self.spec.name, "error", said)
        return value_of(result)


def value_of(result: CallToolResult, *, structured: bool = True) -> Any:
    """Return what a result says as plain data.

    That is its structured content if it has any (what stands alone under `result`, as servers wrap
    values that are no objects, without that), else its text, else a list of its parts.
    """
    content = result.structured_content if structured else None
    if isinstance(content, dict) and content.keys() == {"result"}:
        return content["result"]
    if content is not None:
        return content
    parts = [_part(block) for block in result.content]
    if all(isinstance(part, str) for part in parts):
        return "\n".join(parts)
    return parts[0] if len(parts) == 1 else parts


def _part(block: Any) -> Any:
    if block.type == "text":
        return block.text
    if block.type in {"image", "audio"}:
        return {"type": block.mime_type, "data": base64.b64decode(block.data)}
    return block.model_dump(mode="json", by_alias=True, exclude_none=True)


def model_name(name: str, prefix: str) -> str:
    """Return a name that a plan may have: letters, digits and underscores."""
    plain = prefix + re.sub(r"\W", "_", name, flags=re.ASCII)
    return plain if not plain[:1].isdigit() else f"_{plain}"


def _parameters_of(tool: str, schema: dict[str, Any]) -> Parameters:
    """Return the parameters in the schema's order; what is not of a simple type is anything here."""
    required = schema.get("required", ())
    parameters = []
    for name, part in schema.get("properties", {}).items():
        part_schema = part if isinstance(part, dict) else {}
        simple = part_schema.get("type")
        kind = _KINDS.get(simple, Any) if isinstance(simple, str) else Any
        parameters.append(Parameter(name, kind, part_schema, name in required))
    return Parameters(tool, tuple(parameters))
