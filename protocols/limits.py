"""The limits of the wire, checked before memory is taken for what a peer announces."""

from __future__ import annotations

from typing import Final

PROTOCOL_VERSION: Final = 1
"""Raised with every change that an older peer would misread; agreed in the handshake."""

MAX_BATCH_BYTES: Final = 64 << 20
"""Most bytes in the batch frame of one multipart message (headers and bodies)."""

MAX_BATCH_MESSAGES: Final = 65_536
"""Most messages in one batch."""

MAX_BODY_BYTES: Final = 32 << 20
"""Most bytes in one encoded body; tensors and arrays do not count, they have their own frames."""

MAX_FRAME_BYTES: Final = 8 << 30
"""Most bytes in one tensor frame."""

MAX_FRAMES: Final = 4_096
"""Most tensor frames in one multipart message."""

MAX_DEPTH: Final = 64
"""Deepest nesting of lists and maps in a body."""

MAX_DIMENSIONS: Final = 32
"""Most dimensions of a tensor."""

MAX_NAME_BYTES: Final = 255
"""Longest name of a node, an actor or a method."""

INLINE_ARRAY_BYTES: Final = 16 << 10
"""Arrays below this size travel inside the body; from here on in a frame of their own."""
