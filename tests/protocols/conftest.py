"""A codec as a node has it, without a node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import settings

from passel.actors.ref import Reference
from passel.protocols.codec import Codec

if TYPE_CHECKING:
    from passel.actors.ref import Sender
    from passel.protocols.address import Address

settings.register_profile("passel", max_examples=60, deadline=None, derandomize=True, database=None)
settings.load_profile("passel")


def _address_of(ref: Reference) -> Address:
    return ref._address


def _reference_to(kind: Any, address: Address) -> Reference:
    made: Reference = kind(address, cast("Sender", None))
    return made


@pytest.fixture(scope="session")
def codec() -> Codec:
    """Return a codec whose references lead nowhere."""
    return Codec(Reference, _address_of, _reference_to)
