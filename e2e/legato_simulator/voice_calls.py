"""Every call of a voice server: which there are, who is in which, and what encryption each demands.

It knows no websocket and no port.
"""

import asyncio

from legato_simulator.dave.mls import ExternalSender
from legato_simulator.dave.policy import Policy
from legato_simulator.voice_call import Deliver, Encryption, Surroundings, VoiceCall
from legato_simulator.voice_faults import FaultBook
from legato_simulator.voice_session import Grant, VoiceSession

Key = tuple[int, int]

MOST_EARS = 3
"""Each takes milliseconds of every change of its group."""


class VoiceCalls:
    """The calls by guild and channel."""

    def __init__(
        self, policy: Policy, sender: ExternalSender, deliver: Deliver, faults: FaultBook
    ) -> None:
        self.most_ears = MOST_EARS
        """People of one call who are members of its group."""
        self._policies: dict[int | None, Policy] = {None: policy}
        self._sender, self._deliver, self._faults = sender, deliver, faults
        self._turn = asyncio.Lock()
        self._calls: dict[Key, VoiceCall] = {}
        self._seats: dict[Key, Key] = {}
        """(guild, person) -> their call."""
        self._stages: set[Key] = set()

    def stop(self) -> None:
        """End every call."""
        for call in self._calls.values():
            call.end()
        self._calls.clear()

    def policy(self, grant: Grant) -> Policy:
        """Say what a call demands: nothing on a stage, as on Discord."""
        return Policy.OFF if grant.stage else self._of_guild(grant.guild_id)

    def demand(self, policy: Policy, guild_id: int | None) -> None:
        """Change what a guild's calls demand, or all others'; it holds for calls under way."""
        self._policies[guild_id] = policy
        for key, call in self._calls.items():
            if key not in self._stages:
                call.demand(self._of_guild(key[0]))

    def of(self, session: VoiceSession) -> VoiceCall:
        """Give a client's call."""
        return self._call(session.grant.call)

    def stage(self, guild_id: int, channel_id: int) -> None:
        """Learn that a channel is a stage: it is never encrypted."""
        key = (guild_id, channel_id)
        self._stages.add(key)
        if key in self._calls:
            self._calls[key].demand(Policy.OFF)

    def leave(self, session: VoiceSession) -> None:
        """Let a client go for good."""
        key = session.grant.call
        if key in self._calls:
            self._calls[key].leave(session)
            self._tidy(key)

    def seat(self, guild_id: int, user_id: int, channel_id: int | None) -> None:
        """Bring a person into a channel's call, or out of the one they are in."""
        person = (guild_id, user_id)
        before = self._seats.pop(person, None)
        after = None if channel_id is None else (guild_id, channel_id)
        if before is not None and before != after:
            self._calls[before].depart(user_id)
            self._tidy(before)
        if after is not None:
            self._seats[person] = after
            if before != after:
                self._call(after).arrive(user_id)

    def told(self) -> list[Encryption]:
        """Describe the encryption of every call that a client is in."""
        return [each.told() for each in self._calls.values() if each.clients]

    def _call(self, key: Key) -> VoiceCall:
        found = self._calls.get(key)
        if found is None:
            guild_id = key[0]
            demanded = Policy.OFF if key in self._stages else self._of_guild(guild_id)
            around = Surroundings(
                self._deliver,
                lambda: self._faults.of(guild_id),
                lambda counted: self._faults.spend(guild_id, counted),
                self._sender,
                self._turn,
                lambda: self.most_ears,
            )
            found = self._calls[key] = VoiceCall(key, demanded, around)
        return found

    def _of_guild(self, guild_id: int) -> Policy:
        return self._policies.get(guild_id, self._policies[None])

    def _tidy(self, key: Key) -> None:
        if self._calls[key].empty:
            self._calls.pop(key).end()
