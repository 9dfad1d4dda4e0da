from __future__ import annotations

import json

from passel.protocols.printable import printable, printable_json


def test_what_steers_a_terminal_is_shown() -> None:
    assert printable("\x1b[31mred\x07 \x7f \x9b31m") == r"\x1b[31mred\x07 \x7f \x9b31m"
    assert printable("over\rwritten\r\n") == "over\\x0dwritten\n"


def test_all_other_text_stays_as_it_is() -> None:
    text = "one\ttwo\nGrüße, 東京, \\x1b, 🙂 \xa0"
    assert printable(text) == text


def test_json_has_no_control_characters_and_says_the_same() -> None:
    data = {"\x9b1m": "\x1b\x7f\x85 ü\n"}
    shown = printable_json(json.dumps(data, ensure_ascii=False))
    assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in shown)
    assert json.loads(shown) == data
