"""Everything one simulated Discord holds, put together. No sockets; time comes from its clock."""

from legato_simulator.background import Background
from legato_simulator.bots import Bot, Bots
from legato_simulator.calls import NoVoice, VoicePort
from legato_simulator.clock import Clock
from legato_simulator.dispatch import Dispatch
from legato_simulator.faults import Faults
from legato_simulator.feed import Feed
from legato_simulator.identifies import Identifies
from legato_simulator.interactions import Interactions
from legato_simulator.json_values import Json
from legato_simulator.lateness import Lateness
from legato_simulator.presence import Presence
from legato_simulator.ratelimits import RateLimits
from legato_simulator.recorder import Recorder
from legato_simulator.sessions import Sessions
from legato_simulator.settings import Settings
from legato_simulator.snowflakes import Snowflakes
from legato_simulator.world import World


class Simulation:
    """The state that REST, gateway and script share."""

    def __init__(self, settings: Settings, voice: VoicePort | None = None) -> None:
        self.settings = settings
        self.clock = Clock()
        self.ids = Snowflakes()
        self.world = World()
        self.bots = Bots()
        self.sessions = Sessions()
        self.dispatch = Dispatch(self.world, self.sessions)
        self.interactions = Interactions(settings.answer_within, settings.token_life)
        self.recorder = Recorder(settings.records)
        self.limits = RateLimits(settings.global_limit, settings.invalid_limit)
        self.faults = Faults()
        self.feed = Feed()
        self.presence = Presence()
        self.background = Background()
        self.lateness = Lateness()
        self.voice: VoicePort = voice or NoVoice()
        self.uploads: dict[int, tuple[str, bytes]] = {}
        """Content type and bytes of uploaded files, by attachment id."""
        self.base_url = ""
        self.gateway_url = ""
        self._identifies: dict[int, Identifies] = {}

    def make_id(self) -> int:
        """Make the id of something that happens now."""
        return self.ids.make(self.clock.wall())

    def identifies(self, bot: Bot) -> Identifies:
        """Find a bot's allowance of identifies."""
        known = self._identifies.get(bot.id)
        if known is None:
            limits = self.settings
            known = Identifies(
                limits.identify_limit, limits.max_concurrency, limits.identify_window
            )
            self._identifies[bot.id] = known
        return known

    def publish(self, kind: str, data: Json) -> None:
        """Tell those who follow the world."""
        self.feed.publish(kind, data, self.clock.monotonic())
