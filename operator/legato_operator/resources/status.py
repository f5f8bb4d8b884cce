"""What both resources report. kstatus, kubectl wait, Argo and Flux read the conditions."""

from typing import Annotated, Literal

from msgspec import Meta

from legato_operator.resources.fields import MANY, Short, Text
from legato_operator.resources.shared import Part


class Condition(Part, frozen=True, kw_only=True):
    """One thing that is so, is not so, or is unknown, and why."""

    type: Annotated[str, Meta(min_length=1, max_length=64)]
    """What it is about."""
    status: Literal["True", "False", "Unknown"]
    """Whether it is so."""
    reason: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z]+$")]
    """Why, in a word that stays the same."""
    message: Text = ""
    """Why, in a sentence."""
    observed_generation: int = 0
    """The spec that this was said of."""
    last_transition_time: Annotated[str, Meta(max_length=32)] = ""
    """When the status changed."""


class Progress(Part, frozen=True, kw_only=True):
    """What is in progress."""

    what: Short
    """The thing that is changed, in words."""
    since: Annotated[str, Meta(max_length=32)] = ""
    """From when on."""
    blocked_by: Text = ""
    """The predicate that it waits for; empty = it goes on."""


class Status(Part, frozen=True, kw_only=True):
    """What both kinds report."""

    observed_generation: int = 0
    """The spec that the rest was said of."""
    conditions: Annotated[
        tuple[Condition, ...], Meta(max_length=64, extra={"map_key": "type"})
    ] = ()
    """What is so, by type."""
    version: Short = ""
    """The version that runs, or is on its way; pinned at the first look."""
    players: int = 0
    """Players by our own records."""
    in_progress: Annotated[tuple[Progress, ...], MANY] = ()
    """What is changed right now, and what holds it up."""


class Shards(Part, frozen=True, kw_only=True):
    """The bot's gateway sessions."""

    wanted: int = 0
    """How many the bot has."""
    connected: int = 0
    """How many are held by a gateway."""
    summary: Short = ""
    """Both, as 16/16."""


class Identifies(Part, frozen=True, kw_only=True):
    """Discord's daily allowance of new gateway sessions."""

    remaining: int = 0
    """What is left."""
    total: int = 0
    """What a day allows."""


class RegionStatus(Part, frozen=True, kw_only=True):
    """One region's audio pods."""

    name: Short
    """The region."""
    audio: int = 0
    """How many audio pods are wanted."""
    nodes: int = 0
    """How many nodes answer that its players may be on."""
    players: int = 0
    """How many players the region has."""


class BotStatus(Status, frozen=True, kw_only=True):
    """What a MusicBot reports."""

    shards: Shards | None = None
    """Its gateway sessions."""
    identifies: Identifies | None = None
    """How many new sessions it may begin today."""
    regions: Annotated[tuple[RegionStatus, ...], MANY] = ()
    """Its regions."""


class NodeStatus(Status, frozen=True, kw_only=True):
    """What a LavalinkNode reports."""

    replicas: int = 0
    """How many nodes there are: what /scale shows."""
    ready_replicas: int = 0
    """How many of them answer."""
    desired_replicas: int = 0
    """How many our scaler wants; spec.replicas outranks it."""
    selector: Annotated[str, Meta(max_length=512)] = ""
    """The labels of its pods: what /scale shows."""
    nodes: Short = ""
    """Ready and wanted, as 3/3."""
    rotation: int = 0
    """The rotation of the password that is in force."""
