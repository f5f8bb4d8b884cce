import socket

import pytest

from legato.embedded import ports
from legato.embedded.problems import PortTaken


def test_a_taken_port_is_refused_with_the_option_that_mends_it() -> None:
    with socket.socket() as other:
        other.bind((ports.LOOPBACK, 0))
        other.listen()
        taken = other.getsockname()[1]

        told = rf"Port {taken} \(the page\) .* --port"
        with ports.Claims() as claims, pytest.raises(PortTaken, match=told):
            claims.asked(taken, what="the page", option="--port")


def test_the_usual_port_gives_way_to_a_free_one() -> None:
    with socket.socket() as other:
        other.bind((ports.LOOPBACK, 0))
        other.listen()
        taken = other.getsockname()[1]
        with ports.Claims() as claims:
            found = claims.usual(taken)

    assert found != taken
    assert ports.is_free(found)


def test_two_starts_at_the_same_moment_choose_different_ports() -> None:
    free = ports.free()
    with ports.Claims() as one, ports.Claims() as other:
        chosen = [each.usual(free) for each in (one, other)]
    with ports.Claims() as later:
        again = later.usual(free)

    assert chosen[0] == again == free
    assert chosen[1] != free


def test_the_usual_port_is_taken_when_free() -> None:
    free = ports.free()

    with ports.Claims() as claims:
        assert claims.usual(free) == free


def test_a_port_that_was_asked_for_is_nobody_elses_usual_one() -> None:
    free = ports.free()

    with ports.Claims() as claims:
        assert claims.asked(free, what="api", option="--api-port") == free
        assert claims.usual(free) != free


def test_a_port_that_is_asked_for_twice_is_refused_in_one_sentence() -> None:
    free = ports.free()

    with ports.Claims() as claims:
        claims.asked(free, what="the page", option="--port")
        with pytest.raises(PortTaken, match=r"twice: for the page and for api.*--api-port"):
            claims.asked(free, what="api", option="--api-port")


def test_no_two_starts_are_given_the_same_free_port() -> None:
    with ports.Claims() as one, ports.Claims() as other:
        given = [claims.free() for claims in (one, other) for _ in range(300)]

    assert len(set(given)) == len(given)
    assert set(given) <= set(ports.ANY)
