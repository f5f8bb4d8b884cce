"""What people do: commands, typing, buttons, menus, forms, messages, voice."""

import asyncio
from dataclasses import dataclass

from legato_simulator import (
    command_options,
    components,
    interaction_payloads,
    message_forms,
    messages,
    permissions,
)
from legato_simulator.actions.subjects import Subjects
from legato_simulator.bots import Bot
from legato_simulator.interactions import Interaction, Kind
from legato_simulator.json_values import Json
from legato_simulator.messages import Origin
from legato_simulator.permissions import Permission
from legato_simulator.views import InteractionView, MessageView, ScriptError
from legato_simulator.world import Channel, Guild, Message, User

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody put into a command's options, and which of them they are still typing."""

    options: dict[str, Value]
    focused: str | None = None
    forge: bool = False


@dataclass(slots=True)
class People:
    """Acts as the users of a guild."""

    of: Subjects

    async def run_command(
        self,
        user: str,
        channel: str,
        command: str,
        options: dict[str, Value] | None = None,
        bot: str | None = None,
        *,
        forge: bool = False,
    ) -> InteractionView:
        """Run a slash command; sub-commands are written as words ("settings dj").

        `forge` sends option values that Discord's own client would not let a person type.
        """
        typed = Typed(options or {}, forge=forge)
        return await self._type_command(user, channel, command, typed, bot)

    async def autocomplete(
        self,
        user: str,
        channel: str,
        command: str,
        focused: str,
        options: dict[str, Value] | None = None,
        bot: str | None = None,
    ) -> InteractionView:
        """Type into an option with autocomplete; `focused` names it."""
        typed = Typed(options or {}, focused=focused)
        return await self._type_command(user, channel, command, typed, bot)

    async def _type_command(
        self,
        user: str,
        channel: str,
        command: str,
        typed: Typed,
        bot: str | None,
    ) -> InteractionView:
        who, place = self.of.user(user), self.of.channel(channel)
        guild = self.of.sim.world.guild_of(place)
        name, *path = command.removeprefix("/").split()
        owner, declared = self._command(guild, name, bot)
        self._check_allowed(who, guild, place, declared)
        options = command_options.Typed(self.of.sim.world, guild, typed.focused, typed.forge)
        data = options.data(declared, path, typed.options)
        kind = Kind.COMMAND if typed.focused is None else Kind.AUTOCOMPLETE
        interaction = self._interaction(owner, kind, who, place, " ".join([name, *path]))
        interaction.command_id = int(declared["id"])
        return self._deliver(owner, interaction, data)

    def _command(self, guild: Guild | None, name: str, ref: str | None) -> tuple[Bot, Json]:
        bots = [self.of.bot(ref)] if ref else list(self.of.sim.bots.by_id.values())
        scopes = [str(guild.id), None] if guild else [None]
        for bot in bots:
            if guild is not None and bot.id not in guild.members:
                continue
            for scope in scopes:
                for command in bot.commands.values():
                    if command["name"] == name and command.get("guild_id") == scope:
                        return bot, command
        raise ScriptError(f"There is no command /{name} here.")

    def _check_allowed(self, who: User, guild: Guild | None, place: Channel, command: Json) -> None:
        if guild is None:
            return
        member = guild.members.get(who.id)
        if member is None:
            raise ScriptError(f"{who.username} is no member of {guild.name}.")
        bits = permissions.in_channel(guild, member, place)
        needed = int(command.get("default_member_permissions") or 0)
        if not bits & Permission.USE_APPLICATION_COMMANDS or bits & needed != needed:
            raise ScriptError(f"Discord does not offer /{command['name']} to {who.username} here.")

    def _interaction(
        self, bot: Bot, kind: Kind, who: User, place: Channel, name: str
    ) -> Interaction:
        sim = self.of.sim
        return Interaction(
            id=sim.make_id(),
            application_id=bot.id,
            kind=kind,
            user_id=who.id,
            channel_id=place.id,
            guild_id=place.guild_id,
            created=sim.clock.monotonic(),
            name=name,
        )

    def _deliver(self, bot: Bot, interaction: Interaction, data: Json) -> InteractionView:
        sim = self.of.sim
        sim.interactions.add(interaction)
        body = interaction_payloads.created(sim.world, bot, interaction, data)
        interaction.deliveries = sim.faults.deliveries()
        for _ in range(interaction.deliveries):
            sim.dispatch.emit(
                "INTERACTION_CREATE", body, guild_id=interaction.guild_id, bot_id=bot.id
            )
        kind = interaction.kind.name.lower()
        brief = {"id": str(interaction.id), "kind": kind, "name": interaction.name, "data": data}
        sim.publish("interaction_created", brief | {"user_id": str(interaction.user_id)})
        return self.of.see_interaction(interaction)

    async def press_button(
        self, user: str, message: str, custom_id: str, forge: bool = False
    ) -> InteractionView:
        """Press a button of a message; `forge` sends a custom id that the message does not have."""
        found = self.of.message(message)
        button = self._component(found, custom_id, user, forge=forge)
        data = {"component_type": 2, "custom_id": custom_id, "id": button.get("id", 1)}
        return self._use(found, user, custom_id, data)

    async def choose(
        self, user: str, message: str, custom_id: str, values: list[str], forge: bool = False
    ) -> InteractionView:
        """Choose values in a select menu."""
        found = self.of.message(message)
        menu = self._component(found, custom_id, user, forge=forge)
        offered = {option["value"] for option in menu.get("options", [])}
        if not forge and menu.get("type") == 3 and not set(values) <= offered:
            raise ScriptError(f"The menu offers {sorted(offered)}.")
        kind = menu.get("type", 3)
        data: Json = {"component_type": kind, "custom_id": custom_id, "values": values}
        data["id"] = menu.get("id", 1)
        if kind in {5, 6, 7, 8}:
            data["resolved"] = self._resolved(found, kind, values)
        return self._use(found, user, custom_id, data)

    def _resolved(self, found: Message, kind: int, values: list[str]) -> Json:
        world = self.of.sim.world
        typed = command_options.Typed(world, world.guilds.get(found.guild_id or 0))
        for value in values:
            if kind == 8:
                typed.resolve_channel(int(value))
            elif int(value) in world.users:
                typed.resolve_user(int(value))
        return typed.resolved

    def _component(self, found: Message, custom_id: str, user: str, *, forge: bool) -> Json:
        component = components.find(found.components, custom_id)
        if forge:
            return component or {}
        if found.visible_to not in {None, self.of.user(user).id} or found.deleted:
            raise ScriptError(f"{user} does not see that message.")
        if component is None or component.get("disabled"):
            raise ScriptError(f"There is nothing to press with the custom id {custom_id!r}.")
        return component

    def _use(self, found: Message, user: str, custom_id: str, data: Json) -> InteractionView:
        bot = self.of.sim.bots.by_id[found.author_id]
        place = self.of.channel(str(found.channel_id))
        who = self.of.user(user)
        interaction = self._interaction(bot, Kind.COMPONENT, who, place, custom_id)
        interaction.source_message = found.id
        return self._deliver(bot, interaction, data)

    async def submit_modal(self, interaction: str, values: dict[str, str]) -> InteractionView:
        """Fill in and send the form that an interaction was answered with."""
        opener = self.of.interaction(interaction)
        if opener.modal is None:
            raise ScriptError("That interaction was not answered with a modal.")
        bot = self.of.sim.bots.by_id[opener.application_id]
        place, who = self.of.channel(str(opener.channel_id)), self.of.user(str(opener.user_id))
        custom_id = opener.modal["custom_id"]
        submitted = self._interaction(bot, Kind.MODAL, who, place, custom_id)
        submitted.source_message = opener.source_message
        submitted.parent = interaction_payloads.metadata(self.of.sim.world, opener)
        rows = [_filled(row, values) for row in components.shown(opener.modal["components"])]
        return self._deliver(bot, submitted, {"custom_id": custom_id, "components": rows})

    async def send_message(self, user: str, channel: str, content: str) -> MessageView:
        """Write a message."""
        who, place = self.of.user(user), self.of.channel(channel)
        draft = message_forms.check({"content": content}, [], edit=False)
        made = messages.create(self.of.sim, place, draft, Origin(author_id=who.id), [])
        return self.of.see_message(made)

    async def join_voice(self, user: str, channel: str) -> None:
        """Join a voice channel, or change to it."""
        who, place = self.of.user(user), self.of.channel(channel)
        guild = self.of.home(place)
        if who.id not in guild.members:
            raise ScriptError(f"{who.username} is no member of {guild.name}.")
        if not self.of.attendance.may_join(guild, place, who.id):
            raise ScriptError(f"{who.username} may not join {place.name}.")
        await self.of.attendance.join(guild, place, who.id)

    async def leave_voice(self, user: str, guild: str) -> None:
        """Leave voice; for a bot this is a kick."""
        await self.of.attendance.leave(self.of.guild(guild), self.of.user(user).id)

    async def move_voice(self, user: str, channel: str) -> None:
        """Move someone who is connected, the bot too, to another channel."""
        place = self.of.channel(channel)
        who = self.of.user(user)
        if not await self.of.attendance.move(self.of.home(place), place, who.id):
            raise ScriptError(f"{who.username} is not connected to voice.")

    async def mute_voice(
        self, user: str, guild: str, mute: bool | None = None, deaf: bool | None = None
    ) -> None:
        """Mute or deafen someone in a guild, as its moderators can."""
        home, who = self.of.guild(guild), self.of.user(user)
        member = home.members[who.id]
        member.mute = member.mute if mute is None else mute
        member.deaf = member.deaf if deaf is None else deaf
        self.of.attendance.changed(home, who.id)

    async def interaction(
        self, interaction: str, until: str = "now", timeout: float = 10.0
    ) -> InteractionView:
        """Show an interaction, once it is "acknowledged" or "answered" if that is asked for."""
        found = self.of.interaction(interaction)
        async with asyncio.timeout(timeout):
            while not self._reached(found, until):
                await self._changed(found)
        return self.of.see_interaction(found)

    async def _changed(self, found: Interaction) -> None:
        """Wait for a change, or for the moment the application has failed to respond."""
        try:
            async with asyncio.timeout(0.25):
                await found.changed.wait()
        except TimeoutError:
            return

    def _reached(self, found: Interaction, until: str) -> bool:
        state = self.of.state_of(found)
        if until == "acknowledged":
            return state != "waiting"
        return until == "now" or state in {"answered", "failed"}


def _filled(row: Json, values: dict[str, str]) -> Json:
    """Write one row of a form as it is submitted; a Label (18) holds one component."""
    if row["type"] == 18:
        return {"type": 18, "id": row["id"], "component": _field(row["component"], values)}
    if row["type"] == 10:
        return {"type": 10, "id": row["id"]}
    children = [_field(child, values) for child in row["components"]]
    return {"type": 1, "id": row["id"], "components": children}


def _field(component: Json, values: dict[str, str]) -> Json:
    custom_id = component["custom_id"]
    body: Json = {"type": component["type"], "id": component["id"], "custom_id": custom_id}
    value = values.get(custom_id, component.get("value", ""))
    if not value and component.get("required", True):
        raise ScriptError(f"The field {custom_id!r} is required.")
    return body | ({"value": value} if component["type"] == 4 else {"values": [value]})
