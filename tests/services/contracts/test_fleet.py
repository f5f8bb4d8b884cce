"""The directive and what was observed, once written, must always be understood, by both sides.

golden/fleet/ holds what is written today, to the byte; what the first release wrote; and what a
later one may write. The operator and the services are not of one release during an upgrade.
"""

from typing import TypeVar

import msgspec
import pytest

import support_golden
from legato.contracts.fleet import Directive, Node, Observed, ObservedNode

Document = TypeVar("Document", Directive, Observed)

FOLDER = support_golden.GOLDEN / "fleet"

DIRECTIVE = Directive(
    version=12,
    nodes=(
        Node(name="n0", url="http://n0:2333", password="not-a-real-password"),
        Node(
            name="n1",
            url="http://n1:2333",
            password="not-a-real-password",
            region="eu",
            cordoned=True,
            drain_deadline=1_764_000_060_000,
            session_quota=32,
            lead=400,
            revision="r2",
        ),
    ),
    weights={"audio-1": 0.5, "audio-2": 0.0},
    max_handovers=4,
)
OBSERVED = {
    "audio": Observed(
        member="audio-1",
        component="audio",
        at=1_764_000_000_000,
        directive_version=12,
        nodes=(
            ObservedNode(name="n0"),
            ObservedNode(
                name="n1", players=3, playing=2, listeners=9, connected=True, frame_deficit=4
            ),
        ),
        partitions=("1:default:p3", "1:default:p4"),
    ),
    "gateway": Observed(
        member="gateway-1",
        component="gateway",
        at=1_764_000_000_000,
        directive_version=12,
        shards=("1:s0of2",),
    ),
}
OBSERVED["gateway.connected"] = msgspec.structs.replace(
    OBSERVED["gateway"], shards=("1:s0of2", "1:s1of2"), connected=("1:s0of2",)
)
PLACED = msgspec.structs.replace(
    DIRECTIVE,
    handovers={"audio:europe": 1, "gateway": 4},
    voice_regions={"frankfurt": "europe", "us-east": "america"},
)
WRITTEN: dict[str, Directive | Observed] = {
    "directive": DIRECTIVE,
    "directive.placed": PLACED,
    **{f"observed.{component}": found for component, found in OBSERVED.items()},
}


@pytest.mark.parametrize("tag", support_golden.tags(Directive, Observed))
def test_a_document_once_written_is_understood(tag: str) -> None:
    support_golden.assert_understood(Directive | Observed, tag)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_document_is_written_to_the_byte_as_before(name: str) -> None:
    document = WRITTEN[name]
    golden = (FOLDER / f"{name}.json").read_bytes().rstrip(b"\n")

    assert msgspec.json.encode(document) == golden
    assert msgspec.json.decode(golden, type=type(document)) == document


def test_what_the_first_release_wrote_is_understood() -> None:
    directive = _read("directive.older", Directive)
    observed = _read("observed.older", Observed)

    assert directive == Directive(
        version=3, nodes=(Node(name="n0", url="http://n0:2333", password="not-a-real-password"),)
    )
    assert (directive.max_handovers, directive.weight("audio-1")) == (2, 1.0)
    assert observed == Observed(member="audio-1", component="audio", at=1_764_000_000_000)


def test_a_roll_has_its_own_pace_where_it_is_said() -> None:
    rolls = ("gateway", "audio:europe", "audio:america")

    assert [PLACED.most_handovers(one) for one in rolls] == [4, 1, 4]
    assert [DIRECTIVE.most_handovers(one) for one in rolls] == [4, 4, 4]
    assert (PLACED.regions["frankfurt"], DIRECTIVE.regions) == ("europe", {})


def test_what_a_later_release_adds_is_passed_over() -> None:
    directive = _read("directive.newer", Directive)
    observed = _read("observed.newer", Observed)

    assert directive == DIRECTIVE
    assert observed == OBSERVED["audio"]


@pytest.mark.parametrize("raw", [b"{}", b'{"type":"fleet.directive.v2","version":1}', b"[]"])
def test_what_is_no_directive_of_this_kind_is_refused(raw: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(raw, type=Directive)


def test_members_of_several_services_stand_beside_each_other() -> None:
    assert {one.field for one in OBSERVED.values()} == {"audio:audio-1", "gateway:gateway-1"}


def _read(name: str, kind: type[Document]) -> Document:
    return msgspec.json.decode((FOLDER / f"{name}.json").read_bytes(), type=kind)
