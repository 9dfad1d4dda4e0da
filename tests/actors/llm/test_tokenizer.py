"""Tokenizers: built from a vocabulary, read from a folder, decoded piece by piece."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passel.actors.llm.errors import ModelFormatError, UnsupportedModelError
from passel.actors.llm.tokenizer import TextStream, Tokenizer, Vocabulary

if TYPE_CHECKING:
    from pathlib import Path


def byte_letters() -> list[str]:
    """Spell the 256 bytes as GPT-2 does: printable ones as themselves, others from U+0100 on."""
    kept = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = [b for b in range(256) if b not in kept]
    return [chr(b) if b in kept else chr(256 + others.index(b)) for b in range(256)]


def made(splitting: str = "smollm") -> Tokenizer:
    tokens = ["<|start|>", "<|end|>", "<tool>", *byte_letters(), "he", "ll", "hell", "12", "Ġ1"]
    merges = ["h e", "l l", "he ll", "1 2", "Ġ 1"]
    vocabulary = Vocabulary(
        tokens=tokens, merges=merges, special=[0, 1], added=[2], splitting=splitting
    )
    return Tokenizer.from_vocabulary(vocabulary, ends=[1])


TOKENIZER = made()


@given(st.text(max_size=60))
def test_every_text_comes_back_whole(text: str) -> None:
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


@given(st.text(max_size=30))
def test_text_grows_to_the_same_text_piece_by_piece(text: str) -> None:
    ids = TOKENIZER.encode(text)
    stream = TextStream(TOKENIZER)
    grown = "".join(stream.push(token) for token in ids)
    assert grown + stream.finish() == text


def test_a_character_of_several_tokens_appears_when_it_is_complete() -> None:
    stream = TextStream(TOKENIZER)
    pieces = [stream.push(token) for token in TOKENIZER.encode("é🙂")]
    assert pieces == ["", "é", "", "", "", "🙂"]


def test_digits_stand_alone_under_the_smollm_rule_only() -> None:
    assert TOKENIZER.id_of("12") not in TOKENIZER.encode("12")
    assert made("gpt-2").encode("12") == [made().id_of("12")]
    assert len(made("qwen2").encode("1212")) == 4
    assert len(made("llama-bpe").encode("1212")) == 3  # at most three digits in a group: 121|2


def test_control_tokens_are_read_as_such_or_as_plain_text() -> None:
    text = "<|start|>he<|end|>"
    he = TOKENIZER.id_of("he")
    assert TOKENIZER.encode(text) == [0, he, 1]
    assert not {0, 1} & set(TOKENIZER.encode(text, special=False))
    assert TOKENIZER.decode(TOKENIZER.encode(text, special=False)) == text
    assert TOKENIZER.decode([0, he or 0, 1], special=False) == "he"
    assert TOKENIZER.encode("<tool>") == [2]
    assert (TOKENIZER.ends, TOKENIZER.specials, TOKENIZER.size) == (
        frozenset({1}),
        frozenset({0, 1}),
        264,
    )


def test_an_unknown_splitting_rule_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedModelError, match="novel-bpe"):
        made("novel-bpe")


def test_a_merge_of_unknown_tokens_is_refused_by_name() -> None:
    vocabulary = Vocabulary(tokens=["a"], merges=["a b"], special=[], added=[], splitting="gpt-2")
    with pytest.raises(ModelFormatError, match="b"):
        Tokenizer.from_vocabulary(vocabulary, ends=[])


def test_a_folder_gives_its_tokenizer_and_end_tokens(tmp_path: Path) -> None:
    with pytest.raises(ModelFormatError, match=r"no tokenizer\.json"):
        Tokenizer.from_folder(tmp_path)
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")
    with pytest.raises(ModelFormatError, match=r"tokenizer\.json"):
        Tokenizer.from_folder(tmp_path)
    TOKENIZER._inner.save(str(path))
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": [1, 2]}))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|start|>"}))
    tokenizer = Tokenizer.from_folder(tmp_path)
    assert tokenizer.ends == {0, 1, 2}
    assert tokenizer.encode("hello") == TOKENIZER.encode("hello")
