import socket

import pytest

from legato.embedded import ports
from legato.embedded.problems import PortTaken


def test_a_taken_port_is_refused_with_the_option_that_mends_it() -> None:
    with socket.socket() as other:
        other.bind((ports.LOOPBACK, 0))
        other.listen()
        taken = other.getsockname()[1]

        with pytest.raises(PortTaken, match=rf"Port {taken} \(the page\) .* --port"):
            ports.claim(taken, what="the page", option="--port")


def test_the_usual_port_gives_way_to_a_free_one() -> None:
    with socket.socket() as other:
        other.bind((ports.LOOPBACK, 0))
        other.listen()
        taken = other.getsockname()[1]
        found = ports.usual(0, taken, what="the page", option="--port")

    assert found != taken
    assert ports.is_free(found)


def test_the_usual_port_is_taken_when_free() -> None:
    free = ports.free()

    assert ports.usual(0, free, what="the page", option="--port") == free
