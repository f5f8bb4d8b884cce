"""A small certificate authority of the run's own, and the certificate it signs for this machine.

It knows nothing of what the certificate protects. Clients trust it by a file: SSL_CERT_FILE
(Python and anything on OpenSSL) or NODE_EXTRA_CA_CERTS (Node).
"""

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = timedelta(days=30)
LEFT = timedelta(days=7)
"""What must be left of it at a start."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """Where the files of one run are."""

    ca_file: Path
    """The authority alone: for NODE_EXTRA_CA_CERTS, and for SSL_CERT_FILE in a closed test."""
    bundle_file: Path
    """The authority and the machine's public ones: SSL_CERT_FILE that still reaches the world."""
    chain_file: Path
    key_file: Path

    def server_context(self) -> ssl.SSLContext:
        """Build the TLS side of a server."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.chain_file, self.key_file)
        return context

    def client_context(self) -> ssl.SSLContext:
        """Build the TLS side of a client that trusts this authority only."""
        return ssl.create_default_context(cafile=str(self.ca_file))


def make(folder: Path, *, now: datetime | None = None, host: str = "localhost") -> Certificates:
    """Write an authority and a certificate for this machine and `host`, or keep good ones.

    Who trusted an earlier run of the same folder goes on trusting this one.
    """
    made = Certificates(
        ca_file=folder / "ca.pem",
        bundle_file=folder / "bundle.pem",
        chain_file=folder / "server.pem",
        key_file=folder / "server.key",
    )
    present = now or datetime.now(UTC)
    if not _lasts(made, host, until=present + LEFT):
        _write(made, host, start=present - timedelta(hours=1))
    return made


def _lasts(made: Certificates, host: str, *, until: datetime) -> bool:
    """Say whether what is there is whole and valid for long enough."""
    try:
        leaf = x509.load_pem_x509_certificate(made.chain_file.read_bytes())
        made.server_context()
    except (OSError, ValueError):
        return False
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return _alternative(host) in names and leaf.not_valid_after_utc > until


def _write(made: Certificates, host: str, *, start: datetime) -> None:
    made.ca_file.parent.mkdir(parents=True, exist_ok=True)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _authority(ca_key, start)
    leaf = _leaf(key, authority, ca_key, start, host)
    made.ca_file.write_bytes(_pem(authority))
    made.bundle_file.write_bytes(_public_authorities() + _pem(authority))
    made.key_file.touch(mode=0o600)
    made.key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    # Last, and what is looked at first: what a crash leaves half-written is written anew.
    made.chain_file.write_bytes(_pem(leaf) + _pem(authority))


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _public_authorities() -> bytes:
    """Read the machine's own list; a machine without one has nothing to add."""
    known = ssl.get_default_verify_paths().cafile
    return Path(known).read_bytes() + b"\n" if known else b""


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, start: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _authority(key: ec.EllipticCurvePrivateKey, start: datetime) -> x509.Certificate:
    name = _name("Legato simulator's authority")
    return (
        _builder(name, name, key.public_key(), start)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _leaf(
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    start: datetime,
    host: str,
) -> x509.Certificate:
    # Python 3.13 verifies strictly: the key identifiers and usages below are then required.
    names = [_alternative(name) for name in dict.fromkeys(("localhost", "127.0.0.1", host))]
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    return (
        _builder(_name("localhost"), authority.subject, key.public_key(), start)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer_id, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
