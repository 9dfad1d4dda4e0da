"""Values to bodies and back: MessagePack, with arrays and actor references as extensions."""

from __future__ import annotations

import types
import typing
from functools import lru_cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, cast

from msgspec.msgpack import Decoder, Encoder, Ext

from .address import Address
from .arrays import Buffer, Frame, is_array, pack_array, unpack_array
from .errors import CodecError, LimitError, ProtocolError
from .limits import MAX_BODY_BYTES, MAX_FRAMES
from .portable import Portable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import msgspec

    from .cards import CardPlacer

ARRAY_EXTENSION = 1
"""MessagePack extension type of a numpy array or torch tensor (an `ArrayRecord`)."""

ADDRESS_EXTENSION = 2
"""MessagePack extension type of an actor reference (an `Address`)."""

_NO_FRAMES: tuple[Frame, ...] = ()


class Codec:
    """Encodes values to bodies and decodes bodies by type.

    Not re-entrant, and for one thread: the frames of the message at hand are kept on it.

    Args:
        reference_type: The class of actor references.
        address_of: Gives the address that stands for a reference.
        reference_to: Makes a reference of the given class to an address.
        placer: Where tensors go that lie on a card at their sender; None leaves them in memory.
    """

    def __init__(
        self,
        reference_type: type,
        address_of: Callable[[Any], Address],
        reference_to: Callable[[Any, Address], Any],
        placer: CardPlacer | None = None,
    ) -> None:
        self._reference_type = reference_type
        self._address_of = address_of
        self._reference_to = reference_to
        self._placer = placer
        self._encoder = Encoder(enc_hook=self._encode_special)
        self._plain = Encoder()
        self._addresses = Decoder(Address)
        self._decoders: dict[Any, Decoder[Any]] = {}
        self._out: list[Frame] = []
        self._in_place = False
        self._in: Sequence[Frame] = _NO_FRAMES

    def encode(self, value: Any) -> tuple[bytes, list[Buffer]]:
        """Return the body of `value` and the tensor frames that go with it.

        CUDA tensors are copied to this process's memory, which waits for their card.

        Raises:
            CodecError: Some part of the value has a type that cannot travel.
            LimitError: The body is beyond MAX_BODY_BYTES, or holds more than MAX_FRAMES large arrays.
        """
        body, frames = self._encode(value)
        return body, cast("list[Buffer]", frames)

    def encode_in_place(self, value: Any) -> tuple[bytes, list[Frame]]:
        """Do as `encode` does, but leave the bytes of CUDA tensors where they are.

        Each of them, however small, has a frame that is a `CardBytes`. Nothing waits.

        Raises:
            CodecError: Some part of the value has a type that cannot travel.
            LimitError: The body is beyond MAX_BODY_BYTES, or holds more than MAX_FRAMES large
                arrays or CUDA tensors.
        """
        self._in_place = True
        try:
            return self._encode(value)
        finally:
            self._in_place = False

    def _encode(self, value: Any) -> tuple[bytes, list[Frame]]:
        try:
            body = self._encoder.encode(value)
        except ProtocolError:
            self._out = []
            raise
        except Exception as error:  # noqa: BLE001  # an array's library may raise anything
            self._out = []
            raise CodecError(f"value of type {type(value).__qualname__}", str(error)) from None
        if len(body) > MAX_BODY_BYTES:
            self._out = []
            raise LimitError("size of the body", len(body), MAX_BODY_BYTES)
        if not self._out:
            return body, []
        frames, self._out = self._out, []
        if len(frames) > MAX_FRAMES:
            raise LimitError("number of large arrays in a message", len(frames), MAX_FRAMES)
        return body, frames

    def decode(
        self,
        body: bytes | memoryview | msgspec.Raw,
        hint: Any,
        frames: Sequence[Frame] = _NO_FRAMES,
    ) -> Any:
        """Return the value of `body`, validated against the type `hint`.

        Raises:
            CodecError: The bytes are no MessagePack, nest too deep or do not fit the hint.
            LimitError: The body is too large.
        """
        view = memoryview(body)
        if view.nbytes > MAX_BODY_BYTES:
            raise LimitError("size of the body", view.nbytes, MAX_BODY_BYTES)
        decoder = self._decoders.get(hint) or self._decoder(hint)
        self._in = frames
        try:
            return decoder.decode(view)
        except ProtocolError:
            raise
        except Exception as error:  # noqa: BLE001  # what a class checks about itself may raise anything
            raise CodecError("body", str(error) or type(error).__name__) from None
        finally:
            self._in = _NO_FRAMES

    def check_hint(self, hint: Any) -> None:
        """Raise unless values of type `hint` can be decoded.

        Raises:
            CodecError: The type is not supported as part of a message.
        """
        self._decoder(hint)

    def _decoder(self, hint: Any) -> Decoder[Any]:
        try:
            decoder: Decoder[Any] = Decoder(
                hint, dec_hook=self._decode_special, ext_hook=self._decode_extension
            )
        except (TypeError, ValueError, NameError) as error:
            raise CodecError(f"type {hint}", str(error)) from None
        self._decoders[hint] = decoder
        return decoder

    def _encode_special(self, value: Any) -> Any:
        if isinstance(value, self._reference_type):
            return Ext(ADDRESS_EXTENSION, self._plain.encode(self._address_of(value)))
        if is_array(value):
            return Ext(ARRAY_EXTENSION, pack_array(value, self._out, in_place=self._in_place))
        if type(value).__module__ == "numpy" and hasattr(value, "item"):
            return value.item()
        if isinstance(value, Portable):
            return value.to_wire()
        if isinstance(value, PurePath):
            return str(value)
        if isinstance(value, types.MappingProxyType):
            return dict(value)
        kind = type(value)
        raise TypeError(
            f"{kind.__module__}.{kind.__qualname__} cannot travel; "
            "send plain values, dataclasses, msgspec structs, arrays or actor references"
        )

    def _decode_extension(self, code: int, data: memoryview) -> Any:
        if code == ARRAY_EXTENSION:
            return unpack_array(data, self._in, self._placer)
        if code == ADDRESS_EXTENSION:
            return self._reference_to(self._reference_type, self._addresses.decode(data))
        raise CodecError("body", f"unknown extension type {code}")

    def _decode_special(self, hint: Any, value: Any) -> Any:
        hint, parameters, portable = _special(hint)
        if portable:
            return hint.from_wire(value, parameters)
        if isinstance(value, hint):
            return value
        if isinstance(value, self._reference_type) and issubclass(hint, self._reference_type):
            return self._reference_to(hint, self._address_of(value))
        if isinstance(value, str) and issubclass(hint, PurePath):
            return hint(value)
        raise CodecError("body", f"expected {hint.__qualname__}, got {type(value).__qualname__}")


@lru_cache(maxsize=1024)
def _special(hint: Any) -> tuple[Any, tuple[Any, ...], bool]:
    """Return the class of a hint, its parameters, and whether it is `Portable`.

    `NDArray[float64]` is checked as `ndarray`.
    """
    kind = typing.get_origin(hint) or hint
    return kind, typing.get_args(hint), issubclass(kind, Portable)
