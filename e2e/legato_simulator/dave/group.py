"""One MLS group as its delivery service knows it: epoch, leaves, open proposals. Pure.

protocol.md, "Delivery Service" and "Voice Gateway Commit Validity". The server has no secret of the
group: it can't check a commit's signature or its tags, only structure, references and sender.
"""

from dataclasses import dataclass

from legato_simulator.dave import mls
from legato_simulator.dave.encoding import Reader, u64
from legato_simulator.dave.mls import Commit, ExternalSender, KeyPackage


class Invalid(ValueError):
    """A commit that the server does not pass on; the text says why."""


class Outrun(Invalid):
    """A commit of an epoch or a group that is over: another one won."""


@dataclass(frozen=True, slots=True)
class Addition:
    """An open proposal to add someone."""

    user_id: int
    package: KeyPackage


@dataclass(frozen=True, slots=True)
class Removal:
    """An open proposal to remove a leaf."""

    user_id: int
    leaf_index: int


@dataclass(frozen=True, slots=True)
class Opened:
    """The signed proposals of an epoch: (whose, message), removals first."""

    removals: list[tuple[int, bytes]]
    additions: list[tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a valid commit brings."""

    commit: bytes
    welcomes: dict[int, bytes]
    """Each newcomer's own part of the welcome."""


class Group:
    """A group from its first proposals on; epoch 0 has no members yet, only founders."""

    def __init__(self, channel_id: int, sender: ExternalSender) -> None:
        self.id = u64(channel_id)
        self.epoch = 0
        self._sender = sender
        self._leaves: list[Addition | None] = []
        self._open: dict[bytes, Addition | Removal] = {}

    @property
    def members(self) -> list[int]:
        """List who has a leaf."""
        return [leaf.user_id for leaf in self._leaves if leaf is not None]

    @property
    def waits(self) -> bool:
        """Say whether proposals are out that no commit has taken up."""
        return bool(self._open)

    def package_of(self, user_id: int) -> KeyPackage | None:
        """Give the key package that a member was added by."""
        found = [each for each in self._leaves if each is not None and each.user_id == user_id]
        return found[0].package if found else None

    def propose(self, remove: list[int], add: dict[int, KeyPackage]) -> Opened:
        """Open the proposals of this epoch, once: a second batch confuses clients."""
        if self._open:
            raise Invalid("this epoch has its proposals")
        removals = [(user_id, self._propose_removal(user_id)) for user_id in remove]
        additions = [
            (user_id, self._propose_addition(user_id, package)) for user_id, package in add.items()
        ]
        return Opened(removals, additions)

    def _propose_removal(self, user_id: int) -> bytes:
        index = self._leaf_of(user_id)
        made = self._sender.remove(self.id, self.epoch, index)
        self._open[made.reference] = Removal(user_id, index)
        return made.message

    def _propose_addition(self, user_id: int, package: KeyPackage) -> bytes:
        made = self._sender.add(self.id, self.epoch, package.raw)
        self._open[made.reference] = Addition(user_id, package)
        return made.message

    def _leaf_of(self, user_id: int) -> int:
        for index, leaf in enumerate(self._leaves):
            if leaf is not None and leaf.user_id == user_id:
                return index
        raise Invalid("no member of the group")

    def accept(self, user_id: int, payload: bytes) -> Accepted:
        """Take op 28's body: the first valid commit of the epoch moves the group on.

        Raises Invalid or Malformed and leaves the group as it was.
        """
        reader = Reader(payload)
        commit = mls.read_commit(reader)
        self._check(user_id, commit)
        added = self._added(commit)
        welcome = reader.rest()
        if bool(welcome) != bool(added):
            raise Invalid("a welcome without newcomers, or newcomers without a welcome")
        welcomes = {each.user_id: mls.welcome_for(welcome, each.package) for each in added}
        self._leaves = self._after(user_id, commit, added)
        self.epoch += 1
        self._open = {}
        return Accepted(commit.raw, welcomes)

    def _check(self, user_id: int, commit: Commit) -> None:
        if commit.group_id != self.id or commit.epoch > self.epoch:
            raise Invalid("a commit of another group or a later epoch")
        named = set(commit.references)
        if commit.epoch < self.epoch or (named and named.isdisjoint(self._open)):
            raise Outrun("a commit of proposals that are settled")
        if not named or len(named) != len(commit.references):
            raise Invalid("a commit without proposals, or with one twice")
        if named != self._open.keys() - self._own_addition(user_id):
            raise Invalid("a commit of other proposals than the open ones")
        founder = self._founder(user_id) if self.epoch == 0 else None
        index = 0 if founder else self._leaf_of(user_id)
        if commit.leaf_index != index:
            raise Invalid("a commit of another member")
        taken = [self._open[each] for each in commit.references]
        removals = [each for each in taken if isinstance(each, Removal)]
        if any(each.leaf_index == index for each in removals):
            raise Invalid("a commit by whom it removes")
        if removals and commit.leaf is None:
            raise Invalid("a removal without a path")
        package = founder.package if founder else self.package_of(user_id)
        if commit.leaf is not None and package is not None:
            self._check_leaf(commit.leaf, package.leaf)

    def _check_leaf(self, new: mls.LeafNode, old: mls.LeafNode) -> None:
        kept = (new.credential_type, new.identity, new.signature_key)
        if kept != (old.credential_type, old.identity, old.signature_key):
            raise Invalid("a commit that changes its maker's credential or key")
        if new.source != mls.FROM_COMMIT:
            raise Invalid("a path whose leaf is not the commit's")

    def _own_addition(self, user_id: int) -> set[bytes]:
        """Name a founder's own addition, which its own commit can't hold."""
        if self.epoch > 0:
            return set()
        return {
            name
            for name, each in self._open.items()
            if isinstance(each, Addition) and each.user_id == user_id
        }

    def _founder(self, user_id: int) -> Addition:
        for each in self._open.values():
            if isinstance(each, Addition) and each.user_id == user_id:
                return each
        raise Invalid("no founder of the group")

    def _added(self, commit: Commit) -> list[Addition]:
        taken = [self._open[each] for each in commit.references]
        return [each for each in taken if isinstance(each, Addition)]

    def _after(self, user_id: int, commit: Commit, added: list[Addition]) -> list[Addition | None]:
        """Place the leaves: removals first, additions from the left (12.3, 7.7, 7.8)."""
        leaves = list(self._leaves) if self.epoch else [self._founder(user_id)]
        after: list[Addition | None] = [*leaves]
        for name in commit.references:
            proposal = self._open[name]
            if isinstance(proposal, Removal):
                after[proposal.leaf_index] = None
        while after and after[-1] is None:
            after.pop()
        for each in added:
            index = after.index(None) if None in after else len(after)
            after[index : index + 1] = [each]
        return after
