import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from legato_simulator import certs


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> None:
    """Shake hands in memory, without a socket."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        server.wrap_bio(to_server, to_client, server_side=True),
        client.wrap_bio(to_client, to_server, server_hostname=name),
    ]
    while ends:
        for end in list(ends):
            try:
                end.do_handshake()
                ends.remove(end)
            except ssl.SSLWantReadError:
                continue


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_a_client_that_verifies_strictly_trusts_it_for_this_machine(tmp_path: Path, name: str):
    made = certs.make(tmp_path)
    client = made.client_context()
    client.verify_flags |= ssl.VERIFY_X509_STRICT

    _handshake(made.server_context(), client, name)


def test_it_is_good_for_no_other_name_and_no_other_authority(tmp_path: Path):
    made, other = certs.make(tmp_path / "a"), certs.make(tmp_path / "b")

    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(made.server_context(), made.client_context(), "discord.media")
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(made.server_context(), other.client_context(), "localhost")


def test_the_key_is_the_owner_s_alone_and_the_bundle_holds_the_authority(tmp_path: Path):
    made = certs.make(tmp_path)

    assert made.key_file.stat().st_mode & 0o077 == 0
    assert made.bundle_file.read_bytes().endswith(made.ca_file.read_bytes())
    assert x509.load_pem_x509_certificate(made.ca_file.read_bytes()).subject.rfc4514_string()


def test_who_trusted_an_earlier_run_of_a_folder_trusts_the_next(tmp_path: Path):
    earlier = certs.make(tmp_path).client_context()

    _handshake(certs.make(tmp_path).server_context(), earlier, "localhost")


def test_what_is_broken_or_soon_over_is_made_anew(tmp_path: Path):
    old = datetime.now(UTC) - certs.LIFETIME + timedelta(days=1)
    before = certs.make(tmp_path, now=old).chain_file.read_bytes()
    made = certs.make(tmp_path)
    renewed = made.chain_file.read_bytes()
    made.key_file.write_bytes(b"")
    mended = certs.make(tmp_path)

    assert len({before, renewed, mended.chain_file.read_bytes()}) == 3
    _handshake(mended.server_context(), mended.client_context(), "localhost")
