"""The reasons to refuse what somebody asks: first all that need nobody else, then the others."""

import msgspec

from legato.contracts import keys
from legato.contracts.settings import GuildSettings
from legato.contracts.tracks import NowPlaying
from legato.gateway import addresses, checks, events, urls
from legato.gateway.asked import Asked
from legato.gateway.ways import Home, Ways
from legato.limits import Claim
from legato.redis import reaching

_OPEN_TO_ALL = GuildSettings()


class Screening:
    """Finds the first reason."""

    def __init__(self, ways: Ways) -> None:
        self._ways = ways

    def at_once(self, event: events.Interaction, asked: Asked, home: Home) -> str | None:
        """Find a reason by what the shard knows itself, Redis or not."""
        if event.guild_id is None or event.member is None:
            return "not_in_guild"
        return self._check(event, asked, home, _OPEN_TO_ALL)

    async def against(self, event: events.Interaction, asked: Asked, home: Home) -> str | None:
        """Find one of the reasons that are left. Raises Unavailable."""
        ways, guild_id = self._ways, event.guild_id or 0
        if await self._is_too_much(event.user_id, guild_id):
            return "rate_limited"
        settings = await ways.settings.of(guild_id)
        if settings.dj_role_id is not None:
            reason = self._check(event, asked, home, settings)
            if reason is not None:
                return reason
        if asked.path == "play" and await self._leads_inside(asked):
            return "private_address"
        if asked.play_id is not None and await self._is_old_panel(event, guild_id, asked.play_id):
            return "old_panel"
        return "busy" if await ways.producer.is_crowded(guild_id) else None

    def _check(
        self, event: events.Interaction, asked: Asked, home: Home, settings: GuildSettings
    ) -> str | None:
        guild_id, state = event.guild_id or 0, home.state
        member = event.member or events.Member()
        asker = checks.Asker(event.user_id, member.roles, member.permissions)
        voice, facts = state.voice_of(guild_id), state.facts_of(guild_id)
        place = checks.Place(guild_id, state.bot, voice, facts, settings)
        return checks.check(asked, asker, place, allowed=self._ways.manners.allowed)

    async def _is_too_much(self, user_id: int, guild_id: int) -> bool:
        """Take the person's token first: what they are refused must not use up the guild's."""
        manners = self._ways.manners
        claims = Claim(manners.per_user, user_id), Claim(manners.per_guild, guild_id)
        return bool(await self._ways.limits.take_each(*claims))

    async def _leads_inside(self, asked: Asked) -> bool:
        link = urls.read(asked.text("query"), allowed=self._ways.manners.allowed)
        return isinstance(link, urls.Link) and await addresses.is_private(link)

    async def _is_old_panel(self, event: events.Interaction, guild_id: int, play_id: str) -> bool:
        """Tell a button of the guild's panel from one of a message left behind.

        Where the panel's message is not known, as after a restart, what plays now decides.
        """
        if event.message is None:
            return True
        if self._ways.panels.is_current(guild_id, event.message.id):
            return False
        with reaching("live state"):
            raw = await self._ways.redis.get(keys.live(self._ways.bot, guild_id))
        return raw is None or msgspec.json.decode(raw, type=NowPlaying).play_id != play_id
