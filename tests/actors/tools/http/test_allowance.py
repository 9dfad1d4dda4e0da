"""Which addresses may be fetched."""

from __future__ import annotations

import pytest

from passel.actors.tools import RefusedUrlError, ToolDefinitionError
from passel.actors.tools.http.allowance import Allowance

HOSTS = [
    "example.org",
    "*.wiki.example",
    "*.wiki.example:444",
    "api.example:8443",
    "b\xfccher.example",
    "192.0.2.7",
]


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://example.org/a?b=c#d", ("https://example.org/a?b=c", True, "example.org", 443)),
        ("HTTPS://Example.ORG./", ("https://Example.ORG./", True, "example.org", 443)),
        ("https://de.wiki.example/x", ("https://de.wiki.example/x", True, "de.wiki.example", 443)),
        ("https://a.b.wiki.example", ("https://a.b.wiki.example", True, "a.b.wiki.example", 443)),
        ("https://api.example:8443", ("https://api.example:8443", True, "api.example", 8443)),
        (
            "https://b\xfccher.example/",
            ("https://b\xfccher.example/", True, "xn--bcher-kva.example", 443),
        ),
        ("https://192.0.2.7/", ("https://192.0.2.7/", True, "192.0.2.7", 443)),
        ("http://example.org", ("http://example.org", False, "example.org", 80)),
    ],
)
def test_hosts_on_the_list_are_allowed(url: str, place: tuple[object, ...]) -> None:
    assert Allowance(hosts=HOSTS, plain=True).place(url) == place


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://example.com/", r"its host is not allowed; these are: \*\.wiki\.example, \*"),
        ("https://wiki.example/", "not allowed"),
        ("https://evilwiki.example/", "not allowed"),
        ("https://example.org.evil.example/", "not allowed"),
        ("https://example.org:8443/", r"port 8443 of its host is not allowed; these are: 443$"),
        ("https://api.example/", r"port 443 of its host is not allowed; these are: 8443$"),
        ("https://de.wiki.example:80/", r"port 80 of its host is not allowed; these are: 443, 444"),
        ("http://example.org/", "only https may be fetched"),
        ("file:///etc/passwd", "only https"),
        ("https://example.org@evil.example/", "user or password"),
        ("https://user:word@example.org/", "user or password"),
        ("https://evil.example\\@example.org/", "control characters"),
        ("https://example.org/\r\nX: y", "control characters"),
        ("https://example.org:99999/", "it is no URL"),
        ("https://[::1/", "it is no URL"),
        ("https://" + "a" * 80 + ".example/", "not allowed"),
        ("https:///path", "not allowed"),
        ("example.org", "only https"),
        ("https://example.org/" + "a" * 2048, "more than 2048 characters"),
    ],
)
def test_all_else_is_refused_with_the_reason(url: str, says: str) -> None:
    with pytest.raises(RefusedUrlError, match=says):
        Allowance(hosts=HOSTS).place(url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.2.3.4", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "255.255.255.255", "224.0.0.1", "198.18.0.1", "::1", "::", "fe80::1%eth0",
        "fc00::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1",
        "2002:7f00:1::", "2001:db8::1", "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "64:ff9b:1::7f00:1", "3fff::1", "5f00::1", "192.88.99.1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(RefusedUrlError, match="which is not public"):
        Allowance(hosts=HOSTS).check("https://example.org", address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_a_public_address_is_allowed(address: str) -> None:
    Allowance(hosts=HOSTS).check("https://example.org", address)


def test_a_private_network_is_allowed_where_it_was_named() -> None:
    allowance = Allowance(hosts=HOSTS, private=["10.1.0.0/16", "::1/128"])
    allowance.check("https://example.org", "10.1.2.3")
    allowance.check("https://example.org", "::1")
    with pytest.raises(RefusedUrlError):
        allowance.check("https://example.org", "10.2.0.1")


@pytest.mark.parametrize(
    ("hosts", "private", "says"),
    [
        ([], [], "`hosts` is empty"),
        (["https://example.org/"], [], "write example.org"),
        (["*"], [], "write example.org"),
        (["a.*.example"], [], "write example.org"),
        (["u@example.org"], [], "write example.org"),
        (["example.org:x"], [], "`hosts` has 'example.org:x'"),
        (["example.org"], ["10.0.0.1/8"], "`private`: .*has host bits set"),
    ],
)
def test_a_malformed_list_is_refused(hosts: list[str], private: list[str], says: str) -> None:
    with pytest.raises(ToolDefinitionError, match=says):
        Allowance(hosts=hosts, private=private)
