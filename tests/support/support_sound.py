"""Reading WebM by a hand other than the simulator's."""

import io

import av


def packets_of(body: bytes) -> list[bytes]:
    """Demux a WebM stream, cut off anywhere, into its packets."""
    with av.open(io.BytesIO(body), mode="r", format="matroska") as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]
