"""Discord's JSON for messages, in REST answers and in gateway events. Pure."""

from legato_simulator import payloads
from legato_simulator.intents import Intent
from legato_simulator.json_values import Json
from legato_simulator.world import Message, World

_HIDDEN: Json = {"content": "", "embeds": [], "attachments": [], "components": []}


def message(world: World, value: Message) -> Json:
    """Write a message as REST answers it."""
    everyone = [world.users[each] for each in value.mentions if each in world.users]
    body: Json = {
        "id": str(value.id),
        "type": value.type,
        "channel_id": str(value.channel_id),
        "author": payloads.user(world.users[value.author_id]),
        "content": value.content,
        "embeds": value.embeds,
        "components": value.components,
        "attachments": value.attachments,
        "mentions": [payloads.user(each) for each in everyone],
        "mention_roles": [str(each) for each in value.mention_roles],
        "mention_everyone": value.mention_everyone,
        "timestamp": value.timestamp,
        "edited_timestamp": value.edited_timestamp,
        "flags": value.flags,
        "pinned": False,
        "tts": value.tts,
    }
    if value.nonce is not None:
        body["nonce"] = value.nonce
    if value.application_id is not None:
        body["application_id"] = str(value.application_id)
    if value.interaction is not None:
        body["webhook_id"] = str(value.application_id)
        body["interaction_metadata"] = value.interaction
    if value.reference is not None:
        body["message_reference"] = value.reference
        body["referenced_message"] = _referenced(world, value.reference)
    return body


def _referenced(world: World, reference: Json) -> Json | None:
    channel_id, message_id = int(reference["channel_id"]), int(reference["message_id"])
    found = world.message(channel_id, message_id)
    if found is None:
        return None
    body = message(world, found)
    body.pop("referenced_message", None)
    return body


def event(world: World, value: Message) -> Json:
    """Write a message as a gateway event carries it."""
    body = message(world, value)
    guild = world.guilds.get(value.guild_id or 0)
    if guild is None:
        return body | {"channel_type": 1}
    author = guild.members.get(value.author_id)
    body |= {"guild_id": str(guild.id), "channel_type": guild.channels[value.channel_id].type}
    return body if author is None else body | {"member": payloads.bare_member(author)}


def seen_by(body: Json, value: Message, bot_id: int, intents: int) -> Json:
    """Hide the content from a bot without MESSAGE_CONTENT unless it wrote it or is addressed.

    Source: https://discord.com/developers/docs/events/gateway#message-content-intent
    """
    own = value.author_id == bot_id or bot_id in value.mentions or value.guild_id is None
    if own or intents & Intent.MESSAGE_CONTENT:
        return body
    return body | _HIDDEN
