"""What the embedded planner's model is told: the tools, an example, and the question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ....actors.llm import ChatTemplate
    from ....protocols.tools import ToolSpec

_SYSTEM: Final = """\
Write a plan of tool calls for a question, one call a line, with join() at the end. $1 is the result of \
call 1; inside a text it is ${{1}}.
{tools}
Example
If K2 grew by 5%, would K2 or Denali be higher?
1. lookup("K2", "height")
2. calculator("${{1}} * (1 + 5/100)")
3. lookup("Denali", "height")
4. pick(["K2", "Denali"], [$2, $3], "largest")
5. join()"""

_MARK: Final = "\x00"
_PLAIN: Final = str.maketrans({'"': "'", "\\": "/", "$": "USD "})


def plain_question(question: str) -> str:
    """Return a question in one line, without what has a meaning inside the texts of a plan.

    Double quotes become single ones, backslashes slashes, and dollars are written out.
    """
    return " ".join(question.translate(_PLAIN).split())


def prompt_around(template: ChatTemplate, tools: Sequence[ToolSpec]) -> tuple[str, str]:
    """Return the text before a question, which is the same for all, and the text behind it.

    Raises:
        ChatTemplateError: The model has no template.
    """
    system = _SYSTEM.format(tools="\n".join(_signature(spec) for spec in tools))
    messages = [{"role": "system", "content": system}, {"role": "user", "content": _MARK}]
    before, _, after = template.render(messages).partition(_MARK)
    return before, after


def _signature(spec: ToolSpec) -> str:
    """Return a call of a tool, with what its arguments may be where that is listed."""
    properties: Mapping[str, Any] = spec.parameters.get("properties", {})
    words = [
        f"{name}: {'|'.join(schema['enum'])}" if "enum" in schema else name
        for name, schema in properties.items()
    ]
    return f"{spec.name}({', '.join(words)})"
