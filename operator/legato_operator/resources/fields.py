"""The kinds of value that specs are made of, each bounded, and the rules between them.

Every text and list has a bound: the API server refuses a rule over what could be endless.
"""

import dataclasses
from typing import Annotated

from msgspec import Meta

Name = Annotated[str, Meta(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
"""A DNS label."""
ObjectName = Annotated[
    str, Meta(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
]
RegionName = Annotated[
    str, Meta(min_length=1, max_length=20, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
]
"""Short: it is part of names of children."""
Key = Annotated[str, Meta(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")]
"""A key of a Secret."""
LabelKey = Annotated[str, Meta(min_length=1, max_length=317)]
LabelValue = Annotated[str, Meta(max_length=63)]
Short = Annotated[str, Meta(max_length=253)]
Text = Annotated[str, Meta(max_length=4096)]
Image = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[^\s]+$")]
Semver = Annotated[
    str, Meta(min_length=5, max_length=64, pattern=r"^\d{1,4}\.\d{1,4}\.\d{1,4}(-[-.0-9A-Za-z]+)?$")
]
Snowflake = Annotated[str, Meta(min_length=15, max_length=20, pattern=r"^[1-9][0-9]+$")]
"""A text: Discord's ids are greater than what many JSON readers keep exact."""
Quantity = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=32,
        pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$",
    ),
]
Url = Annotated[str, Meta(min_length=8, max_length=512, pattern=r"^https?://[^\s]+$")]
Host = Annotated[
    str, Meta(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
]
HostPort = Annotated[str, Meta(min_length=3, max_length=261, pattern=r"^[^\s:]+:[0-9]{1,5}$")]
Schedule = Annotated[str, Meta(min_length=9, max_length=128)]
Query = Annotated[str, Meta(min_length=1, max_length=2048)]

Free = dict[str, object]
"""Another kind's own form, kept as it is: the API server checks it where it is used."""

FEW = Meta(max_length=16)
SOME = Meta(max_length=32)
MANY = Meta(max_length=64)


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """What the API server checks between fields, in CEL, and the sentence it refuses with.

    Only what Kubernetes 1.31 knows: the oldest that is supported.
    """

    name: str
    holds: str
    message: str


def immutable(field: str, why: str) -> Rule:
    """Make the rule that a required field never changes."""
    return Rule(f"{field}-immutable", f"self.{field} == oldSelf.{field}", why)


IMAGE_PINNED = Rule(
    "image-pinned",
    "!has(self.image) || (self.image.matches('(:[^/:@]+|@sha256:[0-9a-f]{64})$')"
    " && !self.image.endsWith(':latest'))",
    "image needs a tag other than latest, or a digest: pods of one revision must be equal.",
)


def named(most: int) -> Rule:
    """Make the rule for the name of a resource, which names of children begin with."""
    return Rule(
        "name",
        f"self.metadata.name.matches('^[a-z]([-a-z0-9]{{0,{most - 2}}}[a-z0-9])?$')",
        f"The name must begin with a letter, hold only a-z, 0-9 and -, and have at most {most}"
        " signs: the names of children begin with it.",
    )
