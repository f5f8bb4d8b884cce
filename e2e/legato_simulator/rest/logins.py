"""What a client asks before it connects: the gateway, its own user and application."""

from legato_simulator import payloads, population
from legato_simulator.json_values import Json
from legato_simulator.problems import Form
from legato_simulator.rest.routes import Answer, Call, Routes

routes = Routes()


@routes.add("GET", "/gateway", open_to_all=True)
async def gateway(call: Call) -> Answer:
    """Say where the gateway is."""
    return Answer({"url": call.sim.gateway_url})


@routes.add("GET", "/gateway/bot")
async def gateway_bot(call: Call) -> Answer:
    """Say where the gateway is, how many shards to open, and what is left of the identifies."""
    sim, now = call.sim, call.sim.clock.monotonic()
    allowance = sim.identifies(call.bot)
    guilds = sum(call.bot.id in guild.members for guild in sim.world.guilds.values())
    limit = {
        "total": allowance.limit,
        "remaining": allowance.remaining(now),
        "reset_after": round(allowance.reset_after(now) * 1000),
        "max_concurrency": allowance.concurrency,
    }
    shards = sim.settings.shards or max(1, -(-guilds // 1000))
    return Answer({"url": sim.gateway_url, "shards": shards, "session_start_limit": limit})


@routes.add("GET", "/users/@me")
async def own_user(call: Call) -> Answer:
    """Show the bot its user."""
    return Answer(payloads.own_user(call.sim.world.users[call.bot.id]))


@routes.add("PATCH", "/users/@me")
async def edit_own_user(call: Call) -> Answer:
    """Rename the bot."""
    user = call.sim.world.users[call.bot.id]
    name = call.form.get("username")
    if name is not None:
        form = Form()
        form.length(("username",), name, 2, 32)
        form.raise_if_wrong()
        user.username = name
    return Answer(payloads.own_user(user))


@routes.add("GET", "/users/@me/guilds")
async def own_guilds(call: Call) -> Answer:
    """List the bot's guilds, 200 at a time."""
    bot_id = call.bot.id
    after, limit = int(call.query.get("after", "0")), int(call.query.get("limit", "200"))
    before = int(call.query.get("before") or 1 << 63)
    mine = [each for each in call.sim.world.guilds.values() if bot_id in each.members]
    mine = [each for each in sorted(mine, key=lambda each: each.id) if after < each.id < before]
    chosen = mine[:limit] if "before" not in call.query else mine[-limit:]
    return Answer([payloads.partial_guild(each, each.members[bot_id]) for each in chosen])


@routes.add("DELETE", "/users/@me/guilds/{guild_id}")
async def leave_guild(call: Call) -> Answer:
    """Let the bot leave a guild."""
    guild = call.guild()
    await call.attendance.leave(guild, call.bot.id)
    population.remove_bot(call.sim, guild, call.bot)
    return Answer()


@routes.add("POST", "/users/@me/channels")
async def open_dm(call: Call) -> Answer:
    """Open a direct channel with a user."""
    call.params["user_id"] = str(call.form.get("recipient_id"))
    channel = population.dm_with(call.sim, call.bot, call.user())
    body = payloads.channel(call.sim.world, channel)
    others = [each for each in body["recipients"] if each["id"] != str(call.bot.id)]
    return Answer(body | {"recipients": others})


@routes.add("GET", "/users/{user_id}")
async def user(call: Call) -> Answer:
    """Show any user."""
    return Answer(payloads.user(call.user()))


def _application(call: Call) -> Json:
    sim, bot = call.sim, call.bot
    owner = next(each for each in sim.world.users.values() if not each.bot)
    guilds = sum(bot.id in guild.members for guild in sim.world.guilds.values())
    return payloads.application(bot, owner, sim.world.users[bot.id], guilds)


@routes.add("GET", "/applications/@me")
async def application(call: Call) -> Answer:
    """Show the bot its application."""
    return Answer(_application(call))


@routes.add("GET", "/oauth2/applications/@me")
async def oauth2_application(call: Call) -> Answer:
    """Show the bot its application, at the older path."""
    return Answer(_application(call))


@routes.add("GET", "/voice/regions")
async def regions(call: Call) -> Answer:
    """List the voice regions."""
    return Answer(
        [
            {
                "id": region,
                "name": region.title(),
                "custom": False,
                "deprecated": False,
                "optimal": region == "local",
            }
            for region in ("local", "remote")
        ]
    )
