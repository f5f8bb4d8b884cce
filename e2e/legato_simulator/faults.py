"""What a script wants to go wrong: rules over requests and identifies, used up one by one. Pure."""

import re
from dataclasses import dataclass, field

from msgspec import Struct


class RestFault(Struct, frozen=True, kw_only=True):
    """What happens to the next requests that match."""

    method: str = "*"
    route: str = ".*"
    """A regular expression over "/path" as the client sent it, after /api/v10."""
    status: int | None = None
    """Answer this instead of handling the request; 429 also says retry_after."""
    code: int = 0
    """Discord's error code of that answer, such as 40060 or 10062."""
    retry_after: float = 1.0
    scope: str = "user"
    """For 429: user, shared or global."""
    delay: float = 0.0
    """Seconds to wait before anything else."""
    after_effect: bool = False
    """Do what was asked, then answer wrongly all the same: the outcome is unknown to the client."""
    drop: bool = False
    """Close the connection without an answer (after the effect, if that is set)."""
    count: int = 1


class IdentifyFault(Struct, frozen=True, kw_only=True):
    """What happens to the next IDENTIFYs."""

    delay: float = 0.0
    close_code: int | None = None
    invalid_session: bool = False
    """Answer op 9 (false)."""
    ready_delay: float = 0.0
    """Seconds between IDENTIFY and READY."""
    guild_delay: float = 0.0
    """Seconds between two GUILD_CREATE of the start."""
    count: int = 1


@dataclass(slots=True)
class _Armed:
    fault: RestFault
    left: int


@dataclass(slots=True)
class Faults:
    """All rules that are armed, the oldest first."""

    rest: list[_Armed] = field(default_factory=list)
    identifies: list[IdentifyFault] = field(default_factory=list)
    duplicate_interactions: int = 0

    def arm_rest(self, fault: RestFault) -> None:
        """Let the next matching requests go wrong."""
        re.compile(fault.route)
        self.rest.append(_Armed(fault, fault.count))

    def arm_identify(self, fault: IdentifyFault) -> None:
        """Let the next identifies go wrong."""
        self.identifies.extend([fault] * fault.count)

    def for_request(self, method: str, path: str) -> RestFault | None:
        """Use up one matching rule."""
        for armed in self.rest:
            fault = armed.fault
            if fault.method in {"*", method} and re.search(fault.route, path):
                armed.left -= 1
                if armed.left <= 0:
                    self.rest.remove(armed)
                return fault
        return None

    def for_identify(self) -> IdentifyFault | None:
        """Use up one rule over identifies."""
        return self.identifies.pop(0) if self.identifies else None

    def deliveries(self) -> int:
        """Say how often the next interaction is delivered."""
        if self.duplicate_interactions <= 0:
            return 1
        self.duplicate_interactions -= 1
        return 2

    def clear(self) -> None:
        """Let everything go right again."""
        self.rest.clear()
        self.identifies.clear()
        self.duplicate_interactions = 0
