"""Voice states over REST, and the status line of voice channels."""

from legato_simulator import payloads, permissions, population
from legato_simulator.permissions import Permission
from legato_simulator.problems import Form, Problem
from legato_simulator.rest.routes import Answer, Call, Routes
from legato_simulator.world import ChannelType, Guild, VoiceState

routes = Routes()


def _state(call: Call, guild: Guild) -> VoiceState:
    state = guild.voice_states.get(call.id("user_id") if "user_id" in call.params else call.bot.id)
    if state is None:
        raise Problem(10065)
    return state


@routes.add("GET", "/guilds/{guild_id}/voice-states/@me")
async def own_state(call: Call) -> Answer:
    """Show where the bot is connected."""
    return Answer(payloads.voice_state(call.sim.world, _state(call, call.guild())))


@routes.add("GET", "/guilds/{guild_id}/voice-states/{user_id}")
async def state(call: Call) -> Answer:
    """Show where a user is connected."""
    return Answer(payloads.voice_state(call.sim.world, _state(call, call.guild())))


async def _change(call: Call) -> Answer:
    """Speak, fall silent or ask to speak on a stage.

    Source: https://discord.com/developers/docs/resources/voice#modify-current-user-voice-state
    """
    guild = call.guild()
    found = _state(call, guild)
    channel = guild.channels[found.channel_id]
    if channel.type != ChannelType.STAGE:
        raise Problem(50024)
    moderates = permissions.may(guild, call.me(guild), channel, Permission.MUTE_MEMBERS)
    other = found.user_id != call.bot.id
    if (other or call.form.get("suppress") is False) and not moderates:
        raise Problem(50013)
    found.suppress = bool(call.form.get("suppress", found.suppress))
    if "request_to_speak_timestamp" in call.form:
        found.request_to_speak = call.form["request_to_speak_timestamp"]
    call.attendance.changed(guild, found.user_id)
    return Answer()


@routes.add("PATCH", "/guilds/{guild_id}/voice-states/@me")
async def change_own(call: Call) -> Answer:
    """Change the bot's own part on a stage."""
    return await _change(call)


@routes.add("PATCH", "/guilds/{guild_id}/voice-states/{user_id}")
async def change(call: Call) -> Answer:
    """Change another's part on a stage."""
    return await _change(call)


@routes.add("PUT", "/channels/{channel_id}/voice-status")
async def set_status(call: Call) -> Answer:
    """Write the line under a voice channel's name.

    It takes SET_VOICE_CHANNEL_STATUS, and MANAGE_CHANNELS too while the bot is not connected to it.
    Source: https://discord.com/developers/docs/resources/channel#set-voice-channel-status
    """
    channel = call.channel(Permission.SET_VOICE_CHANNEL_STATUS)
    if channel.type != ChannelType.VOICE:
        raise Problem(50024)
    status = call.form.get("status")
    form = Form()
    form.length(("status",), status or "", 0, 500)
    form.raise_if_wrong()
    inside = any(
        each.user_id == call.bot.id
        for each in call.sim.world.listeners(channel.guild_id or 0, channel.id)
    )
    if not inside:
        call.channel(Permission.MANAGE_CHANNELS)
    population.set_status(call.sim, channel, status)
    return Answer()
