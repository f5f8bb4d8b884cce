"""Certificates and kubeconfigs of one throw-away cluster. Knows nothing of its processes."""

import base64
import dataclasses
import datetime as dt
import ipaddress
from collections.abc import Sequence
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = dt.timedelta(days=30)
SERVER_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")


@dataclasses.dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its key, as PEM."""

    certificate: bytes
    key: bytes

    def write(self, folder: Path, name: str) -> None:
        """Keep both as NAME.crt and NAME.key."""
        (folder / f"{name}.crt").write_bytes(self.certificate)
        secret = folder / f"{name}.key"
        secret.touch(mode=0o600)
        secret.write_bytes(self.key)


class Authority:
    """A certificate authority of its own for one cluster."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named("legato-cluster")
        self._made = (
            _builder(self._name, self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def certificate(self) -> bytes:
        """Give what clients trust, as PEM."""
        return self._made.public_bytes(serialization.Encoding.PEM)

    @property
    def identity(self) -> Identity:
        """Give the authority's own certificate and key."""
        return Identity(self.certificate, private_pem(self._key))

    def issue(self, user: str, *, group: str = "", addresses: Sequence[str] = ()) -> Identity:
        """Sign a client's certificate; with addresses also a server's, valid for them."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_named(user, group), self._name, key)
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
        if addresses:
            usages.append(ExtendedKeyUsageOID.SERVER_AUTH)
            names: list[x509.GeneralName] = [x509.DNSName(name) for name in SERVER_NAMES]
            names += [x509.IPAddress(ipaddress.ip_address(one)) for one in addresses]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        signed = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False).sign(
            self._key, hashes.SHA256()
        )
        return Identity(signed.public_bytes(serialization.Encoding.PEM), private_pem(key))


def service_account_key() -> ec.EllipticCurvePrivateKey:
    """Make the key that signs the tokens of service accounts."""
    return ec.generate_private_key(ec.SECP256R1())


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Write a private key as PKCS#8."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def public_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Write the public half."""
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def kubeconfig(server: str, authority: Authority, identity: Identity) -> bytes:
    """Write a client's configuration; JSON, which is YAML."""
    cluster = {"server": server, "certificate-authority-data": _base64(authority.certificate)}
    user = {
        "client-certificate-data": _base64(identity.certificate),
        "client-key-data": _base64(identity.key),
    }
    return msgspec.json.encode(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "legato-cluster", "cluster": cluster}],
            "users": [{"name": "client", "user": user}],
            "contexts": [
                {"name": "test", "context": {"cluster": "legato-cluster", "user": "client"}}
            ],
            "current-context": "test",
        }
    )


def _named(user: str, group: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, user)]
    if group:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
    return x509.Name(parts)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
