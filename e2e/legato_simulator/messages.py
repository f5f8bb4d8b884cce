"""Makes, changes and deletes messages, and tells the bots. It knows no sockets."""

from dataclasses import dataclass, replace

from legato_simulator import message_forms, message_payloads
from legato_simulator.json_values import Json
from legato_simulator.message_forms import SETTABLE, Draft, Flag, Upload
from legato_simulator.simulation import Simulation
from legato_simulator.world import Channel, Message


@dataclass(frozen=True, slots=True)
class Origin:
    """Who writes a message, and what it comes from."""

    author_id: int
    application_id: int | None = None
    interaction: Json | None = None
    visible_to: int | None = None
    loading: bool = False
    type: int = 0


def create(
    sim: Simulation, channel: Channel, draft: Draft, origin: Origin, uploads: list[Upload]
) -> Message:
    """Write a message into a channel."""
    message = Message(
        id=sim.make_id(),
        channel_id=channel.id,
        author_id=origin.author_id,
        timestamp=sim.clock.timestamp(),
        guild_id=channel.guild_id,
        type=origin.type,
        tts=draft.tts,
        nonce=draft.nonce,
        application_id=origin.application_id,
        interaction=origin.interaction,
        visible_to=origin.visible_to,
    )
    if draft.reference:
        _refer(message, draft.reference)
    _write(sim, message, replace(draft, given=_ALL), uploads)
    if origin.visible_to is not None:
        message.flags |= int(Flag.EPHEMERAL)
    if origin.loading:
        message.flags |= int(Flag.LOADING)
    sim.world.messages.setdefault(channel.id, {})[message.id] = message
    channel.last_message_id = message.id
    _announce(sim, "MESSAGE_CREATE", message)
    return message


_ALL = frozenset({"content", "embeds", "components", "attachments", "flags", "allowed_mentions"})


def edit(sim: Simulation, message: Message, draft: Draft, uploads: list[Upload]) -> None:
    """Change what a draft names, and nothing else; a loading message becomes a real one."""
    loading = bool(message.flags & Flag.LOADING)
    message.flags &= ~int(Flag.LOADING)
    _write(sim, message, draft, uploads)
    if not loading:
        message.edited_timestamp = sim.clock.timestamp()
    message.edits += 1
    _announce(sim, "MESSAGE_UPDATE", message)


def delete(sim: Simulation, message: Message) -> None:
    """Delete a message; the oracle still knows it."""
    message.deleted = True
    body = {"id": str(message.id), "channel_id": str(message.channel_id)}
    if message.guild_id is not None:
        body["guild_id"] = str(message.guild_id)
    if message.visible_to is None and message.guild_id is not None:
        sim.dispatch.emit("MESSAGE_DELETE", body, guild_id=message.guild_id)
    sim.publish("message_deleted", body)


def with_nonce(sim: Simulation, channel: Channel, draft: Draft, author_id: int) -> Message | None:
    """Find the message an enforced nonce already made in the last few minutes."""
    if not draft.enforce_nonce or draft.nonce is None:
        return None
    recent = list(sim.world.messages.get(channel.id, {}).values())[-100:]
    for message in recent:
        same = message.nonce is not None and str(message.nonce) == str(draft.nonce)
        if same and message.author_id == author_id:
            return message
    return None


def _refer(message: Message, reference: Json) -> None:
    message.type = 19 if not reference.get("type") else message.type
    message.reference = {
        "type": reference.get("type") or 0,
        "channel_id": str(reference.get("channel_id") or message.channel_id),
        "message_id": str(reference["message_id"]),
    }
    if message.guild_id is not None:
        message.reference["guild_id"] = str(message.guild_id)


def _write(sim: Simulation, message: Message, draft: Draft, uploads: list[Upload]) -> None:
    if "content" in draft.given:
        message.content = draft.content
        pinged = message_forms.mentions(draft.content, draft.allowed_mentions)
        message.mentions, message.mention_roles = pinged.users, pinged.roles
        message.mention_everyone = pinged.everyone
    if "embeds" in draft.given:
        message.embeds = draft.embeds
    if "components" in draft.given:
        message.components = draft.components
    if "flags" in draft.given:
        message.flags = message.flags & ~int(SETTABLE) | draft.flags & int(SETTABLE)
    if "attachments" in draft.given:
        kept = {str(each.get("id")) for each in draft.attachments}
        old = [each for each in message.attachments if each["id"] in kept]
        message.attachments = old + [_attach(sim, message, draft, each) for each in uploads]


def _attach(sim: Simulation, message: Message, draft: Draft, upload: Upload) -> Json:
    attachment_id = sim.make_id()
    sim.uploads[attachment_id] = (upload.content_type, upload.body)
    path = f"/attachments/{message.channel_id}/{attachment_id}/{upload.filename}"
    body: Json = {
        "id": str(attachment_id),
        "filename": upload.filename,
        "size": len(upload.body),
        "url": sim.base_url + path,
        "proxy_url": sim.base_url + path,
        "content_type": upload.content_type,
    }
    number = upload.field.removeprefix("files[").removesuffix("]")
    named = next((each for each in draft.attachments if str(each.get("id")) == number), {})
    if named.get("description"):
        body["description"] = named["description"]
    return body


def _announce(sim: Simulation, event: str, message: Message) -> None:
    body = message_payloads.message(sim.world, message)
    kind = "message_created" if event == "MESSAGE_CREATE" else "message_edited"
    seen = str(message.visible_to) if message.visible_to is not None else None
    sim.publish(kind, body | {"guild_id": str(message.guild_id), "visible_to": seen})
    if message.visible_to is None:
        sim.dispatch.message(event, message)
