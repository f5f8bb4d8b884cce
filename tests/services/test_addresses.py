import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.addresses import address_of, is_public

CLOSED = [
    "0.0.0.0",
    "0.255.255.255",
    "10.0.0.0",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.9",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "64:ff9b:1:808:8:800::",
    "100::1",
    "100:0:0:1::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "2001:0:4136:e378:8000:63bf:f7f7:f7f7",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2002:808:808::1",
    "3fff::1",
    "3fff:fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe80::1",
    "fe80::1%eth0",
    "febf::1",
    "fec0::1",
    "feff::1",
    "ff02::1",
    "ff0e::1",
]
OPEN = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "168.63.129.17",
    "172.15.255.255",
    "172.32.0.0",
    "191.255.255.255",
    "192.0.1.1",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2606:4700::1111",
    "2a00:1450:4001::1",
    "3fff:1000::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]


@pytest.mark.parametrize("text", CLOSED)
def test_what_a_registry_keeps_from_the_internet_is_not_public(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", OPEN)
def test_what_is_given_out_is_public(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@given(st.ip_addresses())
def test_nothing_is_public_that_python_knows_to_be_closed(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    is_closed = (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
    )

    assert not (is_closed and is_public(address))


@given(st.ip_addresses(v=4))
def test_a_translated_address_is_as_private_as_what_it_means(
    address: ipaddress.IPv4Address,
) -> None:
    mapped = ipaddress.IPv6Address(f"::ffff:{address}")
    nat = ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) | int(address))

    assert is_public(mapped) == is_public(nat) == is_public(address)


@given(st.ip_addresses(v=4), st.integers(0, 2**80 - 1))
def test_no_tunnel_of_old_is_public(address: ipaddress.IPv4Address, rest: int) -> None:
    assert not is_public(ipaddress.IPv6Address(0x2002 << 112 | int(address) << 80 | rest))
    assert not is_public(ipaddress.IPv6Address(0x20010000 << 96 | int(address) << 64 | rest >> 16))


@given(st.ip_addresses(v=4))
def test_every_spelling_of_an_address_is_the_same_address(address: ipaddress.IPv4Address) -> None:
    number = int(address)

    for spelling in (str(address), str(number), hex(number)):
        assert address_of(spelling) == address


@pytest.mark.parametrize("host", ["example.org", "", "1.2.3.4.5", "0xg", "-1", "a.1"])
def test_a_name_is_no_address(host: str) -> None:
    assert address_of(host) is None
