"""Discord's JSON for interactions: INTERACTION_CREATE, and what answers say of it. Pure."""

from legato_simulator import message_payloads, payloads, permissions
from legato_simulator.bots import Bot
from legato_simulator.interactions import Interaction, Kind
from legato_simulator.json_values import Json
from legato_simulator.world import Channel, Guild, User, World

_FOR_ALL = permissions.EVERYONE | permissions.BOT


def metadata(world: World, interaction: Interaction) -> Json:
    """Write what a message says about the interaction it answers."""
    owner = str(interaction.guild_id) if interaction.guild_id is not None else "0"
    body: Json = {
        "id": str(interaction.id),
        "type": int(interaction.kind),
        "user": payloads.user(world.users[interaction.user_id]),
        "authorizing_integration_owners": {"0": owner},
    }
    if interaction.kind is Kind.COMPONENT:
        body["interacted_message_id"] = str(interaction.source_message)
    if interaction.kind is Kind.MODAL:
        body["triggering_interaction_metadata"] = interaction.parent
    return body


def created(world: World, bot: Bot, interaction: Interaction, data: Json) -> Json:
    """Write INTERACTION_CREATE."""
    channel = world.channel(interaction.channel_id)
    user = world.users[interaction.user_id]
    guild = world.guilds.get(interaction.guild_id or 0)
    body: Json = {
        "version": 1,
        "type": int(interaction.kind),
        "token": interaction.token,
        "id": str(interaction.id),
        "application_id": str(interaction.application_id),
        "data": data,
        "channel_id": str(interaction.channel_id),
        "locale": user.locale,
        "entitlements": [],
        "entitlement_sku_ids": [],
        "attachment_size_limit": 10_485_760,
    }
    if channel is not None:
        body["channel"] = payloads.channel(world, channel)
    if interaction.source_message is not None:
        source = world.message(interaction.channel_id, interaction.source_message)
        if source is not None:
            body["message"] = message_payloads.message(world, source)
    if guild is None or channel is None:
        return body | _in_dm(user)
    body["channel"]["permissions"] = str(_bits(guild, channel, user.id))
    return body | _in_guild(world, guild, channel, user, bot)


def _in_dm(user: User) -> Json:
    return {
        "user": payloads.user(user),
        "context": 1,
        "authorizing_integration_owners": {"0": "0"},
        "app_permissions": str(_FOR_ALL),
    }


def _in_guild(world: World, guild: Guild, channel: Channel, user: User, bot: Bot) -> Json:
    member = payloads.member(world, guild.members[user.id])
    member["permissions"] = str(_bits(guild, channel, user.id))
    return {
        "guild_id": str(guild.id),
        "guild": {"id": str(guild.id), "locale": guild.locale, "features": []},
        "guild_locale": guild.locale,
        "member": member,
        "context": 0,
        "authorizing_integration_owners": {"0": str(guild.id)},
        "app_permissions": str(_bits(guild, channel, bot.id)),
    }


def _bits(guild: Guild, channel: Channel, user_id: int) -> int:
    return permissions.in_channel(guild, guild.members[user_id], channel)
