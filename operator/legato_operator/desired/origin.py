"""What a workload was made of, and as what: so that a newer operator leaves it as it is. Pure.

A newer operator may make other pods of the same wishes; done at once, every bot would roll. So a
workload carries what it was made of. As long as this operator makes the same of that as of what is
wanted now, nothing that matters has changed, and the workload stays to the letter. What other
objects say of its pods, such as ports, must therefore fit those of the release before.
"""

import base64
import zlib
from collections.abc import Callable, Iterable, Mapping

import msgspec

from legato_operator import names
from legato_operator.desired.manifest import Manifest, ref
from legato_operator.resources.shared import SecretRef

Listed = list[tuple[str, str, str]]
"""Name, key and fingerprint of each Secret that is used."""
Make = Callable[[Manifest], Manifest | None]
"""From inputs to a workload; None, or an error, where they can't be its any more."""
LONGEST = 131_072
"""Signs; all annotations of an object together may have 262,144."""
MOST = 4_194_304
"""Bytes that are unpacked; an object of the API server's has at most 1.5 MiB."""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Read by other releases: fields are only added, with defaults."""

    inputs: Manifest
    """What it was made of, every default written out: another release may have others."""
    labels: names.Labels
    spec: Manifest
    """As it was made, without a count."""


def kept(wanted: Manifest, inputs: Manifest, there: Iterable[Manifest], make: Make) -> Manifest:
    """Take the workload that is there and was made of the same, however it looks; else the wanted.

    Wanted: without a count, made of the inputs. There: what may be left in its place.
    """
    for one in sorted(there, key=lambda one: (ref(one) != ref(wanted), ref(one))):
        said = read(one)
        # Most looks find the very same inputs; to make a workload again takes longer.
        if said and (said.inputs == inputs or _spec(_made(make, said.inputs)) == wanted["spec"]):
            return _as_it_was(wanted, one, said)
    return _noted(wanted, inputs)


def read(workload: Manifest) -> Origin | None:
    """Read a workload's origin; None where it carries none that can be read."""
    text = (workload["metadata"].get("annotations") or {}).get(names.ORIGIN, "")
    try:
        packed = base64.b64decode(text, validate=True)
        # Whoever may change a Deployment may write this: never more than one could have.
        return msgspec.json.decode(zlib.decompressobj().decompress(packed, MOST), type=Origin)
    except (ValueError, zlib.error, msgspec.DecodeError):
        return None


def listed(secrets: Mapping[SecretRef, str]) -> list[list[str]]:
    """Write which Secrets are used, and what tells their contents apart, as JSON reads it."""
    return sorted([one.name, one.key, said] for one, said in secrets.items())


def by_ref(found: Listed) -> dict[SecretRef, str]:
    """Read what `listed` wrote."""
    return {SecretRef(name=name, key=key): said for name, key, said in found}


def plain(value: object) -> object:
    """Write a value with all its fields, whether or not they have their default."""
    match value:
        case msgspec.Struct():
            fields = zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
            return {name: plain(getattr(value, field)) for name, field in fields}
        case tuple() | list():
            return [plain(one) for one in value]
        case dict():
            return {key: plain(one) for key, one in value.items()}
        case _:
            return value


def _made(make: Make, inputs: Manifest) -> Manifest | None:
    try:
        return make(inputs)
    except (ValueError, LookupError, TypeError):  # of another release, or changed by hand
        return None


def _spec(made: Manifest | None) -> Manifest | None:
    return made and made["spec"]


def _noted(wanted: Manifest, inputs: Manifest) -> Manifest:
    said = Origin(inputs=inputs, labels=wanted["metadata"]["labels"], spec=wanted["spec"])
    packed = zlib.compress(msgspec.json.encode(said), level=9)
    text = base64.b64encode(packed).decode()
    return _annotated(wanted, text) if len(text) <= LONGEST else wanted


def _as_it_was(wanted: Manifest, there: Manifest, said: Origin) -> Manifest:
    metadata = wanted["metadata"] | {"name": there["metadata"]["name"], "labels": said.labels}
    was = {**wanted, "metadata": metadata, "spec": said.spec}
    return _annotated(was, there["metadata"]["annotations"][names.ORIGIN])


def _annotated(manifest: Manifest, text: str) -> Manifest:
    metadata = dict(manifest["metadata"])
    metadata["annotations"] = metadata.get("annotations", {}) | {names.ORIGIN: text}
    return {**manifest, "metadata": metadata}
