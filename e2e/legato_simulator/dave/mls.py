"""The messages of MLS that a delivery service reads and writes, in DAVE's one cipher suite. Pure.

RFC 9420 throughout; cipher suite 2 is DHKEMP256_AES128GCM_SHA256_P256 (17.1), whose signatures are
ECDSA in DER and whose public keys are uncompressed points (5.1.1, 5.1.2).
"""

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from legato_simulator.dave.encoding import Malformed, Reader, u8, u16, u32, u64, vector

MLS10, CIPHER_SUITE = 1, 2
PUBLIC_MESSAGE = 1
BASIC = 1
"""The one credential type allowed (protocol.md, "MLS Parameters")."""
MEMBER, EXTERNAL = 1, 2
PROPOSAL, COMMIT = 2, 3
ADD, REMOVE = 1, 3
BY_REFERENCE = 2
FROM_KEY_PACKAGE, FROM_COMMIT = 1, 3
POINT = 65
WHOLE_LIFE = bytes(8) + b"\xff" * 8
"""The only lifetime allowed (protocol.md, "Key Packages", "Validation")."""
SENDER_NAME = b"Legato simulator"


def labelled(label: str, content: bytes) -> bytes:
    """Write what is signed: 5.1.2, SignContent."""
    return vector(b"MLS 1.0 " + label.encode()) + vector(content)


def reference(label: str, content: bytes) -> bytes:
    """Hash a key package or a proposal to what names it: 5.2, RefHash."""
    name = f"MLS 1.0 {label} Reference".encode()
    return hashlib.sha256(vector(name) + vector(content)).digest()


def verify(key: bytes, label: str, content: bytes, signature: bytes) -> None:
    """Check a signature; raises Malformed."""
    try:
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
        point.verify(signature, labelled(label, content), ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError) as error:
        raise Malformed(f"the signature of a {label} is wrong") from error


@dataclass(frozen=True, slots=True)
class LeafNode:
    """7.2: one member's place in the tree."""

    encryption_key: bytes
    signature_key: bytes
    credential_type: int
    identity: bytes
    source: int
    origin: bytes
    signed: bytes
    """LeafNodeTBS, whole only where the source is a key package."""
    signature: bytes


def read_leaf(reader: Reader) -> LeafNode:
    """Take a leaf node."""
    start = reader.at
    encryption_key, signature_key = reader.vector(), reader.vector()
    credential_type, identity = reader.number(2), reader.vector()
    for _ in range(5):
        reader.vector()
    source = reader.number(1)
    if source not in {FROM_KEY_PACKAGE, FROM_COMMIT}:
        raise Malformed("a leaf of a wrong source")
    origin = reader.raw(16) if source == FROM_KEY_PACKAGE else reader.vector()
    reader.vector()
    signed = reader.since(start)
    return LeafNode(
        encryption_key,
        signature_key,
        credential_type,
        identity,
        source,
        origin,
        signed,
        reader.vector(),
    )


@dataclass(frozen=True, slots=True)
class KeyPackage:
    """10: what lets others add a member."""

    raw: bytes
    leaf: LeafNode

    @property
    def reference(self) -> bytes:
        """Name it as a Welcome does."""
        return reference("KeyPackage", self.raw)


def read_key_package(raw: bytes, user_id: int) -> KeyPackage:
    """Read and check a user's key package as protocol.md, "Key Packages", asks.

    It is bare, not in an MLSMessage as the text of op 26 says: so davey sends it.
    """
    reader = Reader(raw)
    if (reader.number(2), reader.number(2)) != (MLS10, CIPHER_SUITE):
        raise Malformed("a key package of another version or cipher suite")
    init_key = reader.vector()
    leaf = read_leaf(reader)
    reader.vector()
    signed = reader.since(0)
    signature = reader.vector()
    if not reader.done:
        raise Malformed("bytes after a key package")
    if {len(init_key), len(leaf.encryption_key), len(leaf.signature_key)} != {POINT}:
        raise Malformed("a key package's key is no point of the curve")
    if init_key == leaf.encryption_key:
        raise Malformed("a key package uses one key twice")
    if leaf.credential_type != BASIC or leaf.identity != u64(user_id):
        raise Malformed("a key package of someone else")
    if leaf.source != FROM_KEY_PACKAGE or leaf.origin != WHOLE_LIFE:
        raise Malformed("a key package with a lifetime of its own")
    verify(leaf.signature_key, "LeafNodeTBS", leaf.signed, leaf.signature)
    verify(leaf.signature_key, "KeyPackageTBS", signed, signature)
    return KeyPackage(raw, leaf)


@dataclass(frozen=True, slots=True)
class Commit:
    """12.4: a member's move to the next epoch, as far as a server can read it."""

    raw: bytes
    group_id: bytes
    epoch: int
    leaf_index: int
    references: tuple[bytes, ...]
    leaf: LeafNode | None
    """The committer's new leaf, where there is a path."""


def read_commit(reader: Reader) -> Commit:
    """Take an MLSMessage that holds a member's commit by references alone (6, 6.2, 12.4)."""
    start = reader.at
    if (reader.number(2), reader.number(2)) != (MLS10, PUBLIC_MESSAGE):
        raise Malformed("a commit that is no public message")
    group_id, epoch = reader.vector(), reader.number(8)
    if reader.number(1) != MEMBER:
        raise Malformed("a commit of no member")
    leaf_index = reader.number(4)
    reader.vector()
    if reader.number(1) != COMMIT:
        raise Malformed("no commit")
    references = _read_references(Reader(reader.vector()))
    leaf = _read_path(reader) if reader.number(1) else None
    for _signature_confirmation_membership in range(3):
        reader.vector()
    return Commit(reader.since(start), group_id, epoch, leaf_index, references, leaf)


def _read_references(reader: Reader) -> tuple[bytes, ...]:
    found = []
    while not reader.done:
        if reader.number(1) != BY_REFERENCE:
            raise Malformed("a commit with a proposal of its own")
        found.append(reader.vector())
    return tuple(found)


def _read_path(reader: Reader) -> LeafNode:
    """Take an UpdatePath (7.6)."""
    leaf = read_leaf(reader)
    reader.vector()
    return leaf


def welcome_for(welcome: bytes, package: KeyPackage) -> bytes:
    """Cut a Welcome down to one newcomer's entry (12.4.3.1; protocol.md, op 30)."""
    reader = Reader(welcome)
    suite = reader.raw(2)
    if int.from_bytes(suite, "big") != CIPHER_SUITE:
        raise Malformed("a welcome of another cipher suite")
    secrets, group_info = Reader(reader.vector()), reader.vector()
    if not reader.done:
        raise Malformed("bytes after a welcome")
    wanted = package.reference
    while not secrets.done:
        start = secrets.at
        found = secrets.vector() == wanted
        secrets.vector()
        secrets.vector()
        if found:
            return suite + vector(secrets.since(start)) + vector(group_info)
    raise Malformed("a welcome without a newcomer's secrets")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A signed message to hand out, and how a commit names it."""

    message: bytes
    reference: bytes


class ExternalSender:
    """12.1.8.1: the voice server's name and key, with which it proposes."""

    def __init__(self, key: ec.EllipticCurvePrivateKey | None = None) -> None:
        self._key = key or ec.generate_private_key(ec.SECP256R1())

    @property
    def package(self) -> bytes:
        """Say who proposes: the ExternalSender of op 25."""
        point = self._key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return vector(point) + u16(BASIC) + vector(SENDER_NAME)

    def add(self, group_id: bytes, epoch: int, package: bytes) -> Proposal:
        """Propose to add the owner of a key package (12.1.1)."""
        return self._propose(group_id, epoch, u16(ADD) + package)

    def remove(self, group_id: bytes, epoch: int, leaf_index: int) -> Proposal:
        """Propose to remove a leaf (12.1.3)."""
        return self._propose(group_id, epoch, u16(REMOVE) + u32(leaf_index))

    def _propose(self, group_id: bytes, epoch: int, body: bytes) -> Proposal:
        """Sign a PublicMessage (6, 6.1); one from outside has no membership tag (6.2)."""
        sender = u8(EXTERNAL) + u32(0)
        content = vector(group_id) + u64(epoch) + sender + vector(b"") + u8(PROPOSAL) + body
        signed = u16(MLS10) + u16(PUBLIC_MESSAGE) + content
        signature = self._key.sign(labelled("FramedContentTBS", signed), ec.ECDSA(hashes.SHA256()))
        message = signed + vector(signature)
        # AuthenticatedContent (6) is the message without its version.
        return Proposal(message, reference("Proposal", message[2:]))
