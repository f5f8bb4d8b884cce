"""The name of every Redis key, in one place. Pure: formats names, touches no server.

Keys of a partition share its tag, keys of a shard share its, and keys of a bot share `{bot}`; one
script touches keys of one tag only, so that everything runs on a Redis Cluster.
"""

from legato.contracts.partitions import Partition, Shard

Owned = Partition | Shard


def lease(what: Owned) -> str:
    """Hash owner, epoch, renewed_at (server ms); it has no time to live of its own."""
    return f"{what.tag}:lease"


def inbox(what: Owned) -> str:
    """Stream of messages to the owner: commands and events of a partition, actions of a shard."""
    return f"{what.tag}:inbox"


def position(what: Owned) -> str:
    """String `id commits`: the last inbox entry whose outcome is committed, and a commit count."""
    return f"{what.tag}:position"


def seen(what: Owned) -> str:
    """Sorted set of message ids already done, by time in ms, 15 minutes long."""
    return f"{what.tag}:seen"


def attempts(what: Owned) -> str:
    """Hash inbox id -> how many times its step was begun."""
    return f"{what.tag}:attempts"


def dead(what: Owned) -> str:
    """Stream of dead letters: the message as it came, and why it was put aside."""
    return f"{what.tag}:dead"


def alive(partition: Partition) -> str:
    """String: `alive_at` in server ms, committed every second by the owner."""
    return f"{partition.tag}:alive"


def guilds(partition: Partition) -> str:
    """Set of the guilds that have a player here."""
    return f"{partition.tag}:guilds"


def pending(partition: Partition) -> str:
    """Set of the guilds whose outbox is not empty."""
    return f"{partition.tag}:pending"


def node_sessions(partition: Partition) -> str:
    """Hash node name -> the partition's Lavalink session id there."""
    return f"{partition.tag}:nodes"


def head(partition: Partition, guild_id: int) -> str:
    """String: the player without its queue, as JSON."""
    return f"{partition.tag}:g:{guild_id}:head"


def items(partition: Partition, guild_id: int) -> str:
    """Hash item id -> queue item as JSON; each item carries its rank, which gives the order."""
    return f"{partition.tag}:g:{guild_id}:items"


def outbox(partition: Partition, guild_id: int) -> str:
    """Hash effect key -> effect as JSON, with the order in it."""
    return f"{partition.tag}:g:{guild_id}:outbox"


def gateway_session(shard: Shard) -> str:
    """Hash session_id, seq, resume_url, user_id: what another process needs to RESUME."""
    return f"{shard.tag}:session"


def voice_index(shard: Shard) -> str:
    """Hash guild -> who is in which voice channel, packed (`gateway.shard_state`)."""
    return f"{shard.tag}:voice"


def guild_facts(shard: Shard) -> str:
    """Hash guild -> what permission checks of voice channels need, packed likewise."""
    return f"{shard.tag}:facts"


def open_interactions(shard: Shard) -> str:
    """Hash interaction id -> what is needed to defer it; it holds tokens and dies in 15 minutes."""
    return f"{shard.tag}:open"


def layout(bot: int) -> str:
    """Hash `shards`, `partitions:<region>`: counts that are stored once and then binding."""
    return f"{{{bot}}}:layout"


def homes(bot: int) -> str:
    """Hash guild -> home region, where it is not the default."""
    return f"{{{bot}}}:homes"


def members(bot: int, component: str) -> str:
    """Hash member -> its record: ready since, last seen (server ms), weight, draining."""
    return f"{{{bot}}}:members:{component}"


def permits(bot: int, component: str) -> str:
    """Sorted set of the things being handed over, by when their permit lapses (server ms)."""
    return f"{{{bot}}}:permits:{component}"


def identify(bot: int) -> str:
    """Hash: the ledger of IDENTIFY permits."""
    return f"{{{bot}}}:identify"


def directive(bot: int) -> str:
    """String: the Directive as JSON; the operator, or the supervisor of one machine, writes it."""
    return f"{{{bot}}}:directive"


def observed(bot: int) -> str:
    """Hash `component:member` -> Observed as JSON."""
    return f"{{{bot}}}:observed"


def guild_settings(bot: int) -> str:
    """Hash guild -> GuildSettings as JSON, a copy of PostgreSQL's row."""
    return f"{{{bot}}}:settings"


def flags(bot: int) -> str:
    """String: a bot's flags by name as JSON, the worker's copy of PostgreSQL's rows."""
    return f"{{{bot}}}:flags"


def live(bot: int, guild_id: int) -> str:
    """String: NowPlaying as JSON, for dashboards and the API."""
    return f"{{{bot}}}:live:{guild_id}"


def live_channel(bot: int) -> str:
    """Pub/sub channel on which NowPlaying documents go out."""
    return f"{{{bot}}}:live"


def invalidated(bot: int) -> str:
    """Pub/sub channel on which names of changed cache entries go out."""
    return f"{{{bot}}}:invalidated"


def cached(bot: int, name: str) -> str:
    """String: what the second level of the cache keeps under a name, as JSON with a time limit."""
    return f"{{{bot}}}:cache:{name}"


def registered_commands(bot: int) -> str:
    """Hash: the hash of the slash commands that Discord was last given."""
    return f"{{{bot}}}:commands"


def command_claim(bot: int) -> str:
    """String with a time limit: somebody is registering the slash commands."""
    return f"{{{bot}}}:commands:claim"


def requests(bot: int, region: str) -> str:
    """List of questions to any audio worker of a region (autocomplete)."""
    return f"{{{bot}:{region}:ask}}:requests"


def answer(bot: int, region: str, request_id: str) -> str:
    """List that holds the one answer to a question, short-lived."""
    return f"{{{bot}:{region}:ask}}:answer:{request_id}"


def health() -> str:
    """Return the key that is written to see whether anything can be."""
    return "legato:health"


def tick() -> str:
    """String `since last`, server ms, refreshed by every lease holder; a gap shows an outage."""
    return "{legato}:tick"


def limit(bot: int, policy: str, subject: str) -> str:
    """String: one token bucket of the rate limiter."""
    return f"{{{bot}:limits}}:{policy}:{subject}"


def limit_policies(bot: int) -> str:
    """Hash policy, or `policy:subject` -> `capacity per until` (ms; until 0 = for ever).

    A copy of PostgreSQL's policies and penalties, which the limiter's script reads.
    """
    return f"{{{bot}:limits}}:policies"
