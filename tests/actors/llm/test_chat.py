"""Chat templates: rendering, and what a hostile one cannot do."""

from __future__ import annotations

import pytest

from passel.actors.llm.chat import ChatTemplate
from passel.actors.llm.errors import ChatTemplateError

TURNS = [{"role": "user", "content": "Hi <b>"}, {"role": "assistant", "content": "Ho"}]
PLAIN = (
    "{% for m in messages %}\n    {{ bos_token + m.role }}: {{ m['content'] }}\n{% endfor %}\n"
    "{% if add_generation_prompt %}>{% endif %}"
)


def test_a_template_renders_messages_without_escaping_or_stray_white_space() -> None:
    template = ChatTemplate(PLAIN, special={"bos_token": "#"})
    assert template.render(TURNS) == "    #user: Hi <b>\n    #assistant: Ho\n>"
    assert template.render(TURNS, add_generation_prompt=False).endswith("Ho\n")


def test_templates_may_loop_quote_and_ask_the_date() -> None:
    source = (
        "{% for m in messages %}{% if loop.index > 1 %}{% break %}{% endif %}"
        "{{ m | tojson }}{% endfor %}{{ strftime_now('%Y') | length }}"
    )
    assert ChatTemplate(source).render(TURNS) == '{"role": "user", "content": "Hi <b>"}4'


@pytest.mark.parametrize(
    "hostile",
    [
        "{{ messages.__class__.__mro__ }}",
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ raise_exception.__globals__['json'] }}",
        "{% set _ = messages.append(1) %}",
        "{% set _ = messages[0].update({'role': 'system'}) %}",
        "{% for i in range(999999999) %}{% endfor %}",
        "{{ messages",
        "{{ messages[7].role.x }}",
        "{{ raise_exception('roles must alternate') }}",
    ],
)
def test_a_hostile_or_broken_template_ends_in_a_typed_error(hostile: str) -> None:
    with pytest.raises(ChatTemplateError):
        ChatTemplate(hostile).render(TURNS)
    assert [turn["role"] for turn in TURNS] == ["user", "assistant"]


def test_a_model_without_a_template_says_so() -> None:
    with pytest.raises(ChatTemplateError, match="has none"):
        ChatTemplate(None).render(TURNS)
