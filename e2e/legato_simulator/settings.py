"""What can be set when a simulator starts. Values only."""

from msgspec import Struct

from legato_simulator.dave.policy import Policy


class Settings(Struct, frozen=True, kw_only=True):
    """One simulator's settings."""

    host: str = "127.0.0.1"
    """Address to listen on. Every protocol part but UDP voice is on one port."""
    port: int = 0
    """0 takes a free port, which the ready line names."""
    public_host: str | None = None
    """Host written into the URLs handed to clients; the listening address unless set."""
    voice_address: str | None = None
    """The IP address to which clients on other machines send voice; unset, there are none.

    Where it is set, voice servers listen as all else does, and go by the host that is handed out.
    """
    data: str | None = None
    """Folder in which the world survives a restart; nothing is kept without one."""
    tokens: tuple[str, ...] = ()
    """A bot for each token; one bot with a made-up token when empty."""
    guilds: int = 1
    """Guilds of the world a new simulator starts with."""
    voice: bool = False
    """Whether voice servers run; without them a bot is told of an endpoint that answers nothing."""
    voice_encryption: Policy = Policy.REQUIRED
    """What voice demands of end-to-end encryption, on stages apart."""
    heartbeat_interval: float = 41.25
    """Seconds between a client's heartbeats, as Discord's HELLO says."""
    session_ttl: float = 120.0
    """Seconds a gateway session waits for a RESUME. Discord: "a few minutes"; 90 s were seen."""
    replay_events: int = 20_000
    """Events a session keeps for RESUME."""
    max_concurrency: int = 1
    """Identifies allowed at once, each in a bucket of its own."""
    identify_window: float = 5.0
    """Seconds between two identifies of one bucket."""
    identify_limit: int = 1000
    """Identifies a day; past it Discord ends every session and resets the token."""
    shards: int | None = None
    """Shards recommended by /gateway/bot; one per 1,000 guilds unless set."""
    shard_multiple: int = 1
    """Very large bots must use a multiple of this many shards."""
    guilds_per_shard: int = 2500
    """Above this many guilds on one shard: close code 4011."""
    gateway_events: int = 120
    """Payloads a client may send in 60 s on one connection."""
    privileged_intents: int = 0
    """Privileged intents the applications were granted, as bits."""
    rate_limits: bool = True
    """Whether REST buckets and the global limit are enforced."""
    global_limit: int = 50
    """REST requests a second for a bot, interaction routes apart."""
    invalid_limit: int = 10_000
    """401, 403 and 429 answers in 10 min before the address is refused altogether."""
    answer_within: float = 3.0
    """Seconds a bot has for the first answer to an interaction."""
    token_life: float = 900.0
    """Seconds an interaction's token works."""
    records: int = 20_000
    """Requests and gateway payloads the recorder keeps, each."""
    openapi: str | None = None
    """Discord's openapi.json; with it every request and answer is checked against it."""
