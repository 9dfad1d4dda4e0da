"""Text to token ids and back, without torch.

Built from a `tokenizer.json`, or from the vocabulary and merges of a GGUF file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import ModelFormatError, UnsupportedModelError
from .json_file import read_object

if TYPE_CHECKING:
    from pathlib import Path

    import tokenizers

_LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_QWEN2 = _LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
_PATTERNS = {"llama-bpe": _LLAMA3, "llama3": _LLAMA3, "qwen2": _QWEN2}
_DIGITS_APART = ("smollm", "starcoder")
_PLAIN = ("gpt-2", "default")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """A byte-level BPE vocabulary.

    Attributes:
        tokens: The token of each id.
        merges: Pairs, `left right`, best first.
        special: Ids that end, begin or mark text and never come from plain text.
        added: Ids that are matched as whole strings before splitting.
        splitting: GGUF's name of the rule that splits text before merging.
    """

    tokens: Sequence[str]
    merges: Sequence[str]
    special: Sequence[int]
    added: Sequence[int]
    splitting: str


class Tokenizer:
    """Encodes and decodes with a byte-level BPE tokenizer."""

    def __init__(self, inner: tokenizers.Tokenizer, *, ends: Sequence[int]) -> None:
        self._inner = inner
        self.ends = frozenset(ends)
        """Ids that end a text."""
        self.specials = frozenset(
            i for i, token in inner.get_added_tokens_decoder().items() if token.special
        )
        """Ids of control tokens, the ends among them."""

    @classmethod
    def from_vocabulary(cls, vocabulary: Vocabulary, *, ends: Sequence[int]) -> Tokenizer:
        """Build from the parts that a GGUF file keeps.

        Raises:
            UnsupportedModelError: The splitting rule is not known here.
            ModelFormatError: A merge names a token that is not in the vocabulary.
        """
        import tokenizers  # optional: the [llm] extra
        from tokenizers import decoders, models

        pairs = (merge.partition(" ") for merge in vocabulary.merges)
        try:
            model = models.BPE(
                vocab={token: i for i, token in enumerate(vocabulary.tokens)},
                merges=[(left, right) for left, _, right in pairs],
            )
        except Exception as error:  # the library raises bare Exception
            raise ModelFormatError("the vocabulary", reason=str(error)) from error
        inner = tokenizers.Tokenizer(model)
        inner.pre_tokenizer = _splitter(vocabulary.splitting)
        inner.decoder = decoders.ByteLevel()
        special = [
            tokenizers.AddedToken(vocabulary.tokens[i], special=True, normalized=False)
            for i in vocabulary.special
        ]
        inner.add_special_tokens(special)
        inner.add_tokens([vocabulary.tokens[i] for i in vocabulary.added])
        return cls(inner, ends=ends)

    @classmethod
    def from_folder(cls, folder: Path) -> Tokenizer:
        """Read the `tokenizer.json` of a Hugging Face folder and its end tokens.

        Raises:
            ModelFormatError: The folder has none, or it cannot be read.
        """
        import tokenizers  # optional: the [llm] extra

        path = folder / "tokenizer.json"
        if not path.is_file():
            raise ModelFormatError(folder, reason="it has no tokenizer.json")
        try:
            inner = tokenizers.Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception
            raise ModelFormatError(path, reason=str(error)) from error
        return cls(inner, ends=_ends(folder, inner))

    def save(self, path: Path) -> None:
        """Write a `tokenizer.json`."""
        self._inner.save(str(path))

    @property
    def size(self) -> int:
        """Number of ids, added tokens included."""
        return self._inner.get_vocab_size(with_added_tokens=True)

    def serialized(self) -> str:
        """Give it as the JSON text that the tokenizers library reads."""
        text: str = self._inner.to_str()
        return text

    def encode(self, text: str, *, special: bool = True) -> list[int]:
        """Give the ids of `text`; nothing is put before or after it.

        Args:
            text: What to encode.
            special: Read control tokens in the text as such; False takes them as plain text,
                which is what text from strangers needs.
        """
        self._inner.encode_special_tokens = not special
        ids: list[int] = self._inner.encode(text, add_special_tokens=False).ids
        return ids

    def decode(self, ids: Sequence[int], *, special: bool = True) -> str:
        """Give the text of `ids`; `special=False` leaves control tokens out."""
        return self._inner.decode(list(ids), skip_special_tokens=not special)

    def id_of(self, token: str) -> int | None:
        """Give the id of a token spelled as in the vocabulary, None if there is none."""
        return self._inner.token_to_id(token)


class TextStream:
    """Decodes ids one by one and gives text as soon as its characters are complete."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        self._given = ""

    def push(self, token: int) -> str:
        """Take the next id; give the text that it completes, often empty within a character."""
        self._ids.append(token)
        text = self._tokenizer.decode(self._ids)
        if text.endswith("\ufffd"):
            return ""
        new = text[len(self._given) :]
        if text.endswith("\n"):
            self._ids, self._given = [], ""
        else:
            self._given = text
        return new

    def finish(self) -> str:
        """Give what is left when no id follows, a half character as U+FFFD."""
        left = self._tokenizer.decode(self._ids)[len(self._given) :]
        self._ids, self._given = [], ""
        return left


def _splitter(name: str) -> tokenizers.pre_tokenizers.PreTokenizer:
    """Build the rule that splits text before merging."""
    from tokenizers import Regex
    from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence, Split

    if name in _PLAIN:
        return ByteLevel(add_prefix_space=False)
    if name in _DIGITS_APART:
        return Sequence([Digits(individual_digits=True), ByteLevel(add_prefix_space=False)])
    if name in _PATTERNS:
        split = Split(Regex(_PATTERNS[name]), "isolated")
        return Sequence([split, ByteLevel(add_prefix_space=False, use_regex=False)])
    raise UnsupportedModelError("text splitting of that name", found=name)


def _ends(folder: Path, inner: tokenizers.Tokenizer) -> list[int]:
    """Collect the end tokens that a folder's three files may name."""
    ends: set[int] = set()
    for name in ("generation_config.json", "config.json"):
        value = read_object(folder / name).get("eos_token_id")
        ends |= set(value) if isinstance(value, list) else {value} if value is not None else set()
    token = read_object(folder / "tokenizer_config.json").get("eos_token")
    token = token.get("content") if isinstance(token, dict) else token
    if token and (number := inner.token_to_id(token)) is not None:
        ends.add(number)
    return sorted(ends)
