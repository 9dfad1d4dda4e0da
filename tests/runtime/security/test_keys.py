from __future__ import annotations

import pytest

from passel.protocols.errors import ProtocolError
from passel.runtime.security import KeyPair, keyed_endpoint, split_endpoint


def test_an_endpoint_says_whom_one_finds_there() -> None:
    pair = KeyPair.generate()
    endpoint = keyed_endpoint("tcp://10.0.0.5:4711", pair.public)
    assert endpoint == f"curve://10.0.0.5:4711/{pair.public.hex()}"
    assert split_endpoint(endpoint) == ("tcp://10.0.0.5:4711", pair.public)


def test_an_address_of_the_next_version_keeps_its_brackets() -> None:
    key = bytes(32)
    assert split_endpoint(keyed_endpoint("tcp://[::1]:4711", key)) == ("tcp://[::1]:4711", key)


@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:1", "ipc:///run/side.1", "unix:///run/x"])
def test_other_endpoints_have_no_key(endpoint: str) -> None:
    assert split_endpoint(endpoint) == (endpoint, None)


@pytest.mark.parametrize(
    "endpoint",
    ["curve://10.0.0.5:4711", "curve://10.0.0.5:4711/abc", "curve:///" + "00" * 32, "curve://"],
)
def test_an_endpoint_without_the_key_that_it_should_have_is_refused(endpoint: str) -> None:
    with pytest.raises(ProtocolError, match="no key of 32 bytes"):
        split_endpoint(endpoint)


def test_each_pair_is_another_and_does_not_show_its_private_half() -> None:
    one, two = KeyPair.generate(), KeyPair.generate()
    assert one != two
    for text in (repr(one), str(one), f"{one}"):
        assert repr(one.secret)[2:-1] not in text
        assert one.secret.hex() not in text
