"""Channels, and the messages in them."""

from legato_simulator import message_forms, message_payloads, messages, payloads, population
from legato_simulator.json_values import Json
from legato_simulator.message_forms import Flag
from legato_simulator.messages import Origin
from legato_simulator.permissions import Permission
from legato_simulator.problems import Form, Problem
from legato_simulator.ratelimits import Bucket
from legato_simulator.rest.routes import Answer, Call, Routes
from legato_simulator.world import Channel, ChannelType, Message, Overwrite

routes = Routes()
SEND = Bucket(5, 5.0)
EDIT = Bucket(5, 5.0)
DELETE = Bucket(5, 1.0)


@routes.add("GET", "/channels/{channel_id}")
async def channel(call: Call) -> Answer:
    """Show a channel."""
    return Answer(payloads.channel(call.sim.world, call.channel()))


@routes.add("PATCH", "/channels/{channel_id}")
async def edit_channel(call: Call) -> Answer:
    """Change a channel."""
    found = call.channel(Permission.MANAGE_CHANNELS)
    form = Form()
    if "name" in call.form:
        form.length(("name",), call.form["name"], 1, 100)
    form.raise_if_wrong()
    for name in ("name", "topic", "position", "nsfw", "bitrate", "user_limit", "rtc_region"):
        if name in call.form:
            setattr(found, name, call.form[name])
    guild = call.sim.world.guild_of(found)
    if guild is not None:
        population.channel_event(call.sim, guild, "CHANNEL_UPDATE", found)
    return Answer(payloads.channel(call.sim.world, found))


@routes.add("DELETE", "/channels/{channel_id}")
async def delete_channel(call: Call) -> Answer:
    """Delete a channel, with everyone in it."""
    found = call.channel(Permission.MANAGE_CHANNELS)
    body = payloads.channel(call.sim.world, found)
    guild = call.sim.world.guild_of(found)
    if guild is not None:
        await call.attendance.empty(guild, found)
        call.sim.world.remove_channel(found)
        population.channel_event(call.sim, guild, "CHANNEL_DELETE", found)
    return Answer(body)


@routes.add("PUT", "/channels/{channel_id}/permissions/{overwrite_id}")
async def set_overwrite(call: Call) -> Answer:
    """Allow or deny a role or member something in a channel."""
    found = call.channel(Permission.MANAGE_ROLES)
    allow, deny = int(call.form.get("allow") or 0), int(call.form.get("deny") or 0)
    kind = int(call.form.get("type") or 0)
    overwrite = Overwrite(call.id("overwrite_id"), kind, allow, deny)
    population.set_overwrite(call.sim, found, overwrite)
    return Answer()


@routes.add("POST", "/channels/{channel_id}/typing", Bucket(5, 5.0))
async def typing(call: Call) -> Answer:
    """Show that the bot is typing."""
    found = call.channel(Permission.SEND_MESSAGES)
    body: Json = {
        "channel_id": str(found.id),
        "user_id": str(call.bot.id),
        "timestamp": int(call.sim.clock.wall()),
    }
    if found.guild_id is not None:
        body["guild_id"] = str(found.guild_id)
        call.sim.dispatch.emit("TYPING_START", body, guild_id=found.guild_id)
    call.sim.publish("typing", body)
    return Answer()


def readable(call: Call) -> Channel:
    """Find the path's channel, which has to hold messages the bot may read."""
    return call.channel(Permission.READ_MESSAGE_HISTORY)


def message_of(call: Call, found: Channel) -> Message:
    """Find the path's message; an ephemeral one is not there for this."""
    message = call.sim.world.message(found.id, call.id("message_id"))
    if message is None or message.visible_to is not None:
        raise Problem(10008)
    return message


@routes.add("GET", "/channels/{channel_id}/messages")
async def list_messages(call: Call) -> Answer:
    """List a channel's latest messages, the newest first."""
    found = readable(call)
    limit = int(call.query.get("limit", "50"))
    low, high = int(call.query.get("after", "0")), int(call.query.get("before") or 1 << 63)
    kept = [
        each
        for each in call.sim.world.messages.get(found.id, {}).values()
        if not each.deleted and each.visible_to is None and low < each.id < high
    ]
    chosen = kept[:limit] if "after" in call.query else kept[-limit:]
    world = call.sim.world
    return Answer([message_payloads.message(world, each) for each in reversed(chosen)])


@routes.add("GET", "/channels/{channel_id}/messages/{message_id}")
async def message(call: Call) -> Answer:
    """Show a message."""
    found = message_of(call, readable(call))
    return Answer(message_payloads.message(call.sim.world, found))


def _sendable(call: Call) -> Channel:
    found = call.channel(Permission.SEND_MESSAGES)
    if found.type == ChannelType.CATEGORY:
        raise Problem(50024)
    if call.form.get("embeds"):
        call.channel(Permission.EMBED_LINKS)
    if call.uploads:
        call.channel(Permission.ATTACH_FILES)
    return found


@routes.add("POST", "/channels/{channel_id}/messages", SEND)
async def send_message(call: Call) -> Answer:
    """Write a message; an enforced nonce that was used already returns the first one."""
    found = _sendable(call)
    draft = message_forms.check(call.form, call.uploads, edit=False)
    if draft.reference and not _known_reference(call, found, draft.reference):
        form = Form()
        form.add(("message_reference",), "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        form.raise_if_wrong()
    sent = messages.with_nonce(call.sim, found, draft, call.bot.id)
    if sent is None:
        origin = Origin(author_id=call.bot.id)
        sent = messages.create(call.sim, found, draft, origin, call.uploads)
    return Answer(message_payloads.message(call.sim.world, sent))


def _known_reference(call: Call, found: Channel, reference: Json) -> bool:
    if not str(reference.get("message_id", "")).isdigit():
        return False
    known = call.sim.world.message(found.id, int(reference["message_id"]))
    return known is not None or reference.get("fail_if_not_exists") is False


@routes.add("PATCH", "/channels/{channel_id}/messages/{message_id}", EDIT)
async def edit_message(call: Call) -> Answer:
    """Change one of the bot's own messages."""
    found = message_of(call, call.channel())
    if found.author_id != call.bot.id:
        raise Problem(50005)
    body = call.form
    if found.flags & Flag.COMPONENTS_V2:
        body = body | {"flags": (body.get("flags") or 0) | Flag.COMPONENTS_V2}
    draft = message_forms.check(body, call.uploads, edit=True)
    messages.edit(call.sim, found, draft, call.uploads)
    return Answer(message_payloads.message(call.sim.world, found))


@routes.add("DELETE", "/channels/{channel_id}/messages/{message_id}", DELETE)
async def delete_message(call: Call) -> Answer:
    """Delete a message: the bot's own, or any with MANAGE_MESSAGES."""
    found = message_of(call, call.channel())
    if found.author_id != call.bot.id:
        call.channel(Permission.MANAGE_MESSAGES)
    messages.delete(call.sim, found)
    return Answer()


@routes.add("POST", "/channels/{channel_id}/messages/bulk-delete", Bucket(1, 3.0))
async def bulk_delete(call: Call) -> Answer:
    """Delete 2 to 100 messages."""
    found = call.channel(Permission.MANAGE_MESSAGES)
    listed = call.form.get("messages") or []
    if not 2 <= len(listed) <= 100:
        form = Form()
        message = "Must be between 2 and 100 in length."
        form.add(("messages",), "BASE_TYPE_BAD_LENGTH", message)
        form.raise_if_wrong()
    for each in listed:
        known = call.sim.world.message(found.id, int(each))
        if known is not None:
            messages.delete(call.sim, known)
    return Answer()
