"""Chat templates: foreign code, rendered in a sandbox that can change nothing."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

from .errors import ChatTemplateError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ChatTemplate:
    """Renders messages (`role`, `content`) to the text that a model was trained on.

    The template comes with the weights, from strangers; it runs in jinja2's
    ImmutableSandboxedEnvironment, without access to files, attributes of ours, or mutation.
    """

    def __init__(self, source: str | None, *, special: Mapping[str, str] | None = None) -> None:
        self.source = source
        self._special = dict(special or {})

    def render(
        self, messages: Sequence[Mapping[str, str]], *, add_generation_prompt: bool = True
    ) -> str:
        """Give the prompt's text, ending where the assistant's answer begins.

        Raises:
            ChatTemplateError: The model has no template, or it refuses these messages.
        """
        from jinja2.sandbox import ImmutableSandboxedEnvironment  # optional: the [llm] extra

        if not self.source:
            raise ChatTemplateError(
                reason="the model has none; give a model that was tuned to chat"
            )
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = _refuse
        environment.globals["strftime_now"] = _now
        try:
            return environment.from_string(self.source).render(
                messages=[dict(message) for message in messages],
                add_generation_prompt=add_generation_prompt,
                **self._special,
            )
        except ChatTemplateError:
            raise
        except Exception as error:  # foreign code may raise anything
            raise ChatTemplateError(reason=str(error)) from error


def _to_json(value: Any, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=False, **options)


def _refuse(message: str) -> NoReturn:
    raise ChatTemplateError(reason=message)


def _now(form: str) -> str:
    return datetime.now().astimezone().strftime(form)
