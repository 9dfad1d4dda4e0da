"""The limits of the wire, checked before memory is taken for what a peer announces.

The nesting of lists and maps has no number of its own: the decoder stops at the interpreter's
recursion limit, and takes memory for the elements that are there, not for those announced.
"""

from __future__ import annotations

from typing import Final

PROTOCOL_VERSION: Final = 3
"""Raised with every change that an older peer would misread; agreed in the handshake."""

MAX_BATCH_BYTES: Final = 64 << 20
"""Most bytes in the batch frame of one multipart message (headers and bodies)."""

MAX_INTRODUCTION_BYTES: Final = 1 << 20
"""Most bytes in a batch frame of a peer that is not known yet; a Hello travels alone."""

MAX_PEERS: Final = 4_096
"""Most connections on which a node takes messages at a time."""

MAX_BATCH_MESSAGES: Final = 65_536
"""Most messages in one batch."""

MAX_BODY_BYTES: Final = 32 << 20
"""Most bytes in one encoded body; tensors and arrays do not count, they have their own frames."""

MAX_FRAME_BYTES: Final = 8 << 30
"""Most bytes in one tensor frame."""

MAX_FRAMES: Final = 4_096
"""Most tensor frames in one multipart message."""

MAX_DIMENSIONS: Final = 32
"""Most dimensions of a tensor."""

INLINE_ARRAY_BYTES: Final = 16 << 10
"""Arrays below this size travel inside the body; from here on in a frame of their own."""
