from __future__ import annotations

import pytest

from passel.protocols.control import HandlerInfo
from passel.runtime.cli.errors import UsageProblemError
from passel.runtime.cli.remote import bind_arguments, parse_value

PUT = HandlerInfo(
    name="put", parameters=("key", "value", "times"), is_stream=False, signature="put(key, value)"
)


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        (["a", "1", "2"], ["a", 1, 2]),
        (["times=2", "a", "value=[1, 2]"], ["a", [1, 2], 2]),
        (["key=a=b", '{"x": null}', "3"], ["a=b", {"x": None}, 3]),
    ],
)
def test_words_are_bound_by_place_and_by_name(words: list[str], arguments: list[object]) -> None:
    assert bind_arguments(PUT, words) == arguments


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a", "b"], 'put needs "times"; add times=...'),
        (["a", "b", "c", "d"], '"d" is one too many'),
        (["a", "key=b"], '"key" is given twice'),
        (["kex=b"], 'put takes no argument "kex"; did you mean "key"?'),
    ],
)
def test_words_that_do_not_fit_are_refused(words: list[str], said: str) -> None:
    with pytest.raises(UsageProblemError) as caught:
        bind_arguments(PUT, words)
    assert said in str(caught.value)


def test_a_value_is_json_or_text() -> None:
    values = [parse_value(text) for text in ("4", "true", "null", '"4"', "four", "[1", "")]
    assert values == [4, True, None, "4", "four", "[1", ""]
