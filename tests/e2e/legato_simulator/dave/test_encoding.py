import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato_simulator.dave.encoding import Malformed, Reader, vector


@given(st.lists(st.binary(max_size=20_000), max_size=4))
def test_vectors_are_read_as_they_were_written(parts: list[bytes]):
    reader = Reader(b"".join(map(vector, parts)))

    assert [reader.vector() for _ in parts] == parts
    assert reader.done


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "too early"),
        (b"\x05abc", "too early"),
        (b"\x40\x05abcde", "fewest"),
        (b"\x80\x00\x00\x05abcde", "fewest"),
        (b"\xc0abc", "no vector"),
    ],
)
def test_what_is_no_vector_is_refused(data: bytes, why: str):
    with pytest.raises(Malformed, match=why):
        Reader(data).vector()
