"""A user's function, and how it wants to be called."""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Any, Final, cast

from .errors import InvalidSimulatorError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...protocols.trial import Trial

_OURS: Final = ("seed", "iterations")
"""Parameters of a function that a trial gives besides its own."""


class SimulatedFunction:
    """A function that simulates.

    Args:
        function: The function, or `module:function`.
        parameters: Which of its parameters trials give; those without a default if empty.

    Attributes:
        name: What it is called in errors.
        parameters: What trials give; empty if it takes anything.
        repeats: Whether it yields, and does not return.
        waits: Whether it is asynchronous.
        knows_length: Whether it is told how many iterations are wanted.

    Raises:
        InvalidSimulatorError: It cannot be found, or not be called like that.
    """

    def __init__(self, function: Any, parameters: Sequence[str] = ()) -> None:
        self._function = loaded(function)
        self.name = getattr(self._function, "__qualname__", "") or type(self._function).__name__
        function = self._function
        ways = [function] if inspect.isroutine(function) else [function, type(function).__call__]
        streams = any(map(inspect.isasyncgenfunction, ways))
        self.repeats = streams or any(map(inspect.isgeneratorfunction, ways))
        self.waits = streams or any(map(inspect.iscoroutinefunction, ways))
        try:
            known = inspect.signature(function).parameters.values()
        except ValueError as error:  # some that are written in C have none
            raise InvalidSimulatorError(self.name, reason=f"{error}; wrap it") from None
        if any(p.kind is p.POSITIONAL_ONLY and p.default is p.empty for p in known):
            reason = "it has parameters without a name for callers; write it without `/`"
            raise InvalidSimulatorError(self.name, reason=reason)
        named = [p for p in known if p.kind in {p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY}]
        takes_any = any(p.kind is p.VAR_KEYWORD for p in known)
        self._ours = [p.name for p in named if p.name in _OURS and p.name not in parameters]
        self.knows_length = "iterations" in self._ours
        needed = [p.name for p in named if p.default is p.empty and p.name not in self._ours]
        odd = [name for name in parameters if name not in {p.name for p in named}]
        missing = [name for name in needed if parameters and name not in parameters]
        if odd and not takes_any:
            raise InvalidSimulatorError(self.name, reason=f"it has no parameter {', '.join(odd)}")
        if missing:
            reason = f"it also wants {', '.join(missing)}"
            raise InvalidSimulatorError(self.name, reason=reason)
        self.parameters = tuple(parameters or (() if takes_any else needed))

    def begin(self, trial: Trial) -> Any:
        """Call it with what a trial gives, by name."""
        ours = {"seed": trial.seed, "iterations": trial.iterations}
        return self._function(**trial.parameters, **{name: ours[name] for name in self._ours})


def loaded(function: Any) -> Callable[..., Any]:
    """Return the function that `module:function` names, or the one that was given.

    Raises:
        InvalidSimulatorError: There is none.
    """
    if callable(function) and not isinstance(function, type):
        return cast("Callable[..., Any]", function)
    module, _, name = function.partition(":") if isinstance(function, str) else ("", "", "")
    if not module or not name:
        reason = "give a function, or its name as 'module:function'"
        raise InvalidSimulatorError(repr(function), reason=reason)
    try:
        found = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        raise InvalidSimulatorError(function, reason=str(error)) from None
    except AttributeError:
        reason = f"module {module} has no {name}"
        raise InvalidSimulatorError(function, reason=reason) from None
    if isinstance(found, type) or not callable(found):
        reason = f"it is a {type(found).__name__}, no function"
        raise InvalidSimulatorError(function, reason=reason)
    return cast("Callable[..., Any]", found)
