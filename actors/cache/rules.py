"""Step rules: pure classes that say what comes next, in a worker's process or in the cache's.

The cache runs only rules that its constructor named; a message picks one of those by name and
can never bring in another.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol

from ...protocols.cache import Answer, Joined, RuleName, Setting, Tick, WorkerId
from .errors import InvalidRuleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Rule(Protocol):
    """Decides what one worker says. Knows nothing of sockets, tasks, time or models."""

    def handle(self, event: Joined | Tick) -> Answer:
        """Take an admission or a tick, return the worker's answer to it."""
        ...


class RuleType(Protocol):
    """A class of rules, made from plain settings."""

    def load(self, worker: WorkerId, settings: Mapping[str, Setting]) -> Rule:
        """Return a rule for `worker`, before its admission."""
        ...


def load_rules(paths: Iterable[str]) -> dict[RuleName, RuleType]:
    """Import the rule classes that a cache may run, each named `module:Class`.

    Raises:
        InvalidRuleError: A path names no class with a `load` of its own.
    """
    rules: dict[RuleName, RuleType] = {}
    for path in paths:
        module, _, name = path.partition(":")
        try:
            found = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise InvalidRuleError(path, reason=str(error)) from error
        if not callable(getattr(found, "load", None)):
            raise InvalidRuleError(path, reason="it has no `load`")
        rules[RuleName(path)] = found
    return rules
