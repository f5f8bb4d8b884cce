"""Answers to op 8, Request Guild Members. Pure."""

from collections.abc import Iterator

from legato_simulator import payloads
from legato_simulator.intents import Intent
from legato_simulator.json_values import Json
from legato_simulator.sessions import Session
from legato_simulator.world import Guild, Member, World

CHUNK = 1000


def member_chunks(world: World, session: Session, data: Json) -> Iterator[Json]:
    """Yield the GUILD_MEMBERS_CHUNK events that answer one request."""
    guild = world.guilds.get(int(data.get("guild_id") or 0))
    if guild is None or session.bot_id not in guild.members:
        return
    found, missing = _chosen(world, guild, session, data)
    parts = [found[start : start + CHUNK] for start in range(0, len(found), CHUNK)] or [[]]
    for index, part in enumerate(parts):
        body: Json = {
            "guild_id": str(guild.id),
            "members": [payloads.member(world, each) for each in part],
            "chunk_index": index,
            "chunk_count": len(parts),
        }
        if missing:
            body["not_found"] = missing
        if data.get("presences"):
            body["presences"] = []
        if data.get("nonce") is not None:
            body["nonce"] = data["nonce"]
        yield body


def _chosen(
    world: World, guild: Guild, session: Session, data: Json
) -> tuple[list[Member], list[str]]:
    wanted = data.get("user_ids")
    if wanted is not None:
        ids = [str(each) for each in (wanted if isinstance(wanted, list) else [wanted])]
        found = [guild.members[int(each)] for each in ids if int(each) in guild.members]
        return found[:100], [each for each in ids if int(each) not in guild.members]
    query, limit = str(data.get("query") or "").lower(), int(data.get("limit") or 0)
    everyone = list(guild.members.values())
    if not query and not limit and not session.intents & Intent.GUILD_MEMBERS:
        return [guild.members[session.bot_id]], []
    named = [each for each in everyone if _name(world, each).startswith(query)]
    return named[: min(limit, 100)] if query or limit else named, []


def _name(world: World, member: Member) -> str:
    return (member.nick or world.users[member.user_id].username).lower()
