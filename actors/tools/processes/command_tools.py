"""Programs of the system as tools."""

from __future__ import annotations

import re
from collections.abc import Sequence  # noqa: TC003  # hints are read at run time
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from ....protocols.tools import ToolCall, ToolPolicy, ToolSpec
from ...processes import INHERITED, Finished, environment_of, run_command
from ..errors import CommandFailedError, ToolDefinitionError
from ..parameters import Parameter, Parameters
from ..toolbox import Toolbox
from .template import CommandTemplate, insert, names_in

if TYPE_CHECKING:
    from ..places import Place

_NAME: Final = re.compile(r"[A-Za-z_]\w{0,63}")
_KINDS: Final[dict[str, Any]] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "array": list[str],
}


class CommandParameter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One argument of a command.

    Attributes:
        type: What it is; an array is one of texts.
        description: What it means.
        choices: The texts that it may be; empty for any.
        optional: Whether it may be left out.
    """

    type: Literal["string", "integer", "number", "boolean", "array"] = "string"
    description: str = ""
    choices: tuple[str, ...] = ()
    optional: bool = False


class Command(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A program as a tool.

    Attributes:
        name: What models call it.
        description: What models are told of it.
        command: Program and arguments, with `{name}` where an argument of the tool goes.
        parameters: The arguments of the tool, in order.
        stdin: What the program reads, with such places too.
        directory: Where it runs; where the node does if empty.
        environment: Variables beside PATH, HOME and the language, which are inherited.
        json: Whether its output is JSON, and the result is what that says.
        max_output: Most bytes of output.
        grace: Seconds between SIGTERM and SIGKILL for a call that is ended.
        policy: How it may be called.
    """

    name: str
    description: str
    command: tuple[str, ...]
    parameters: dict[str, CommandParameter] = {}
    stdin: str = ""
    directory: str = ""
    environment: dict[str, str] = {}
    json: bool = False
    max_output: int = 1_000_000
    grace: float = 1.0
    policy: ToolPolicy = ToolPolicy()


class CommandTools(Toolbox):
    """Offers programs as tools: what one writes to its standard output is the result.

    No shell is involved. An argument that a program would take for an option is refused. When a
    call's time is over, its caller leaves, or the node dies, all that its program has started is
    ended. A program that ends with another exit code than 0, or by a signal, is an error with that
    and its last lines.

    Args:
        commands: The programs.

    Raises:
        ToolDefinitionError: One of them makes no sense.
    """

    def __init__(self, *, commands: Sequence[Command]) -> None:
        super().__init__([CommandTool(command) for command in commands])


class CommandTool:
    """One program as a tool."""

    def __init__(self, command: Command) -> None:
        name = command.name
        if not _NAME.fullmatch(name):
            raise ToolDefinitionError(repr(name), reason="give it a name of letters and digits")
        unknown = [
            place for place in names_in(name, command.stdin) if place not in command.parameters
        ]
        if unknown:
            reason = f"its stdin has {{{unknown[0]}}}, which is none of its parameters"
            raise ToolDefinitionError(name, reason=reason)
        self._command = command
        self._template = CommandTemplate(name, command.command, command.parameters)
        read = (_parameter(key, parameter) for key, parameter in command.parameters.items())
        self._parameters = Parameters(name, tuple(read))
        self.spec = ToolSpec(
            name=name,
            description=command.description,
            parameters=self._parameters.schema(),
            returns="" if command.json else "str",
            policy=command.policy,
        )

    def bind(self, call: ToolCall) -> dict[str, Any]:
        """Return the arguments of a call by name.

        Raises:
            ToolArgumentsError: They do not fit, or one would be taken for an option.
        """
        given = self._parameters.bind(call.arguments, call.keywords)
        self._template.fill(given)
        return given

    async def run(self, given: dict[str, Any], place: Place) -> Any:
        """Run the program; return its output.

        Raises:
            CommandFailedError: It could not be run, failed, or wrote too much.
        """
        del place  # nothing of it outlives the call
        command = self._command
        finished = await run_command(
            self._template.fill(given),
            stdin=insert(command.stdin, given).encode(),
            environment=environment_of(INHERITED, command.environment),
            directory=command.directory or None,
            limits={"core": 0},
            max_output=command.max_output,
            grace=command.grace,
        )
        output = output_of(command.name, finished, command.max_output)
        if not command.json:
            return output.removesuffix("\n")
        try:
            return msgspec.json.decode(output)
        except msgspec.DecodeError as error:
            raise CommandFailedError(command.name, f"its output is no JSON: {error}") from None


def output_of(tool: str, finished: Finished, max_output: int) -> str:
    """Return what a program has written.

    Raises:
        CommandFailedError: It failed, could not be run, or wrote too much.
    """
    ended = finished.ended
    tail = finished.stderr.decode(errors="replace")
    if finished.cut:
        raise CommandFailedError(tool, f"it wrote more than {max_output} bytes", stderr=tail)
    if ended.error:
        raise CommandFailedError(tool, ended.error, stderr=tail)
    if ended.signal is not None:
        reason = f"ended by {ended.signal}"
        raise CommandFailedError(tool, reason, signal=ended.signal, stderr=tail)
    if ended.exit:
        reason = f"exit code {ended.exit}"
        raise CommandFailedError(tool, reason, exit_code=ended.exit, stderr=tail)
    return finished.output.decode(errors="replace")


def _parameter(name: str, parameter: CommandParameter) -> Parameter:
    kind = _KINDS[parameter.type]
    if parameter.choices:
        kind = Literal[parameter.choices]
    schema = dict(msgspec.json.schema(kind))
    if parameter.description:
        schema["description"] = parameter.description
    return Parameter(name, kind, schema, required=not parameter.optional)
