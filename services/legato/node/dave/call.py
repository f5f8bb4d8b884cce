"""What a member of an encrypted call does at each message: the new state, and effects. Pure.

It knows no key, no socket and no clock; keys are the key process's, which answers
with events too. The protocol: github.com/discord/dave-protocol, protocol.md; its sections are named
here.
"""

from dataclasses import dataclass, replace

from legato.node.dave.exchange import (
    Answer,
    Ask,
    BeginMembership,
    ClientDisconnected,
    ClientsConnected,
    CommitOrWelcome,
    CommitReady,
    Effect,
    Event,
    ExecuteTransition,
    ExternalSender,
    Handshake,
    HandshakeProcessed,
    KeyPackageReady,
    KeysLost,
    Leave,
    Media,
    NewKeyUsed,
    PrepareEpoch,
    PrepareTransition,
    ProcessHandshake,
    ProcessProposals,
    Proposals,
    Resumed,
    SendCommitWelcome,
    SendInvalidCommitWelcome,
    SendKeyPackage,
    SendMedia,
    SendReadyForTransition,
    SessionDescribed,
    SetExternalSender,
    UseNewKey,
    WaitEnded,
)

NONE = 0
"""The protocol version without end-to-end encryption."""

NOW = 0
"""The transition that is carried out at once ("dave_protocol_prepare_transition (21)")."""

MISSED = 16
"""Transitions that a key process may be behind; their numbers have 16 bits and begin anew."""

MOST_WAITS = 3
"""Waits for a place in the group, each twice as long as the one before, until it is given up."""

FIRST_EPOCH = 1
"""An announced epoch 1 means a new group ("dave_protocol_prepare_epoch (24)")."""


@dataclass(frozen=True, slots=True)
class Call:
    """One voice connection's part in a call."""

    version: int = NONE
    """Of the media that we send now."""
    group: int = NONE
    """Version that our group is, or will be, made for."""
    incarnation: int = 0
    """Counts our memberships: what the key process answers about an older one is out of date."""
    joined: bool = False
    """Whether we are a member, not only a pending one."""
    commit: bytes = b""
    """Our commit that is on its way, if any."""
    flagged: int | None = None
    """The invalid transition that we reported, until our new package is answered."""
    waits: int = 0
    """How often a place in the group was waited for in vain."""
    others: frozenset[int] = frozenset()
    prepared: tuple[tuple[int, int], ...] = ()
    """Transitions that we are ready for, and their versions, the oldest first."""
    last: int = NOW
    """The newest transition that we know of."""
    missed: tuple[int, ...] = ()
    """Transitions that were executed before we were ready for them, the newest last."""
    sender: bytes = b""
    """The voice server's credential, which every group names."""
    package: bytes = b""
    """Our newest key package."""
    media: Media = "nothing"
    """How frames go out; nothing goes out before this is known."""


Step = tuple[Call, list[Effect]]


def step(call: Call, event: Event) -> Step:
    """Take one event."""
    match event:
        case KeyPackageReady() | CommitReady() | HandshakeProcessed() | NewKeyUsed() | WaitEnded():
            current = event.incarnation == call.incarnation
            return _answered(call, event) if current else (call, [])
        case SessionDescribed(version=version):
            call = replace(call, version=version, last=NOW, missed=())
            return _send(call, "plain") if version == NONE else _begin(call, version)
        case Resumed():
            return call, _repeat(call)
        case ClientsConnected(users=users):
            return replace(call, others=call.others | users), []
        case ClientDisconnected(user=user):
            return _alone(replace(call, others=call.others - {user}))
        case PrepareTransition(transition=transition, version=version):
            return _prepare(call, transition, version)
        case ExecuteTransition(transition=transition):
            return _execute(call, transition)
        case PrepareEpoch(epoch=epoch, version=version):
            # Another epoch than the first changes no group; no version but one has groups yet.
            return _begin(call, version) if epoch == FIRST_EPOCH and version else (call, [])
        case ExternalSender(data=data):
            call, effects = _alone(replace(call, sender=data))
            return call, [SetExternalSender(call.incarnation, data), *effects]
        case Proposals() | CommitOrWelcome():
            return call, [_asked(call, event)]
        case KeysLost():
            return _lost(call)


def _answered(call: Call, event: Answer | WaitEnded) -> Step:
    """Take what the key process or the clock says of this membership."""
    match event:
        case KeyPackageReady(data=data):
            return replace(call, package=data), [SendKeyPackage(data)]
        case CommitReady(data=data):
            return replace(call, commit=data), [SendCommitWelcome(data)]
        case HandshakeProcessed(valid=True, transition=transition):
            return _joined(call, transition)
        case HandshakeProcessed(transition=transition, kind=kind):
            return _invalid(call, transition, kind)
        case NewKeyUsed():
            return _send(call, "encrypted") if call.version and call.joined else (call, [])
        case WaitEnded():
            return _waited(call)


def _asked(call: Call, event: Proposals | CommitOrWelcome) -> Ask:
    """Say what the key process is to do with a message of the group."""
    if isinstance(event, Proposals):
        return ProcessProposals(call.incarnation, event.revoked, event.data, call.others)
    return ProcessHandshake(call.incarnation, event.transition, event.kind, event.data)


def _begin(call: Call, version: int) -> Step:
    """Become a pending member of a group of this version ("Key Packages")."""
    call = replace(
        call,
        group=version,
        incarnation=call.incarnation + 1,
        joined=False,
        commit=b"",
        flagged=None,
        prepared=(),
        missed=(),
        package=b"",
    )
    return call, [BeginMembership(call.incarnation, version, call.sender)]


def _send(call: Call, media: Media) -> Step:
    call = replace(call, waits=0)
    return (call, []) if call.media == media else (replace(call, media=media), [SendMedia(media)])


def _alone(call: Call) -> Step:
    """Wait for no group where there is nobody to found it with."""
    if call.media == "nothing" and call.sender and not call.others and not call.joined:
        return _send(call, "plain")
    return call, []


def _prepare(call: Call, transition: int, version: int) -> Step:
    """Get ready for a transition without a commit: a downgrade, or back to a group of our own."""
    call = replace(call, last=transition)
    if transition == NOW:
        call = replace(call, version=version)
        # Only who is alone is told so ("Sole member reset"): nobody can be left out.
        return (call, []) if version and call.joined else _send(call, "plain")
    prepared = (*(each for each in call.prepared if each[0] != transition), (transition, version))
    call, ready = replace(call, prepared=prepared), [SendReadyForTransition(transition)]
    if transition not in call.missed:
        return call, [*ready]
    # The others did not wait for us, and it is not executed again.
    call, effects = _execute(call, transition)
    return call, [*ready, *effects]


def _joined(call: Call, transition: int) -> Step:
    """Be a member of the new epoch; its keys are used when the transition is executed."""
    call = replace(call, joined=True, commit=b"", flagged=None, waits=0)
    if transition == NOW:
        return _use_new_key(replace(call, version=call.group, last=NOW))
    return _prepare(call, transition, call.group)


def _execute(call: Call, transition: int) -> Step:
    """Carry a transition out; those prepared before it are over."""
    numbers = [number for number, _ in call.prepared]
    if transition not in numbers:
        return replace(call, missed=(*call.missed, transition)[-MISSED:]), []
    at = numbers.index(transition)
    version, prepared = call.prepared[at][1], call.prepared[at + 1 :]
    missed = call.missed[call.missed.index(transition) + 1 :] if transition in call.missed else ()
    call = replace(call, version=version, prepared=prepared, missed=missed)
    if call.version == NONE:
        return _send(call, "plain")
    return _use_new_key(call) if call.joined else (call, [])


def _use_new_key(call: Call) -> Step:
    return call, [UseNewKey(call.incarnation, call.media != "encrypted")]


def _invalid(call: Call, transition: int, kind: Handshake) -> Step:
    """Ask to be removed and added anew ("Recovery from Invalid Commit or Welcome")."""
    if kind == "commit" and not call.joined and not call.commit:
        # A commit of a group that we are not yet in; our welcome will come.
        return call, []
    return _rejoin(replace(call, last=transition))


def _rejoin(call: Call) -> Step:
    call, effects = _begin(call, call.group)
    return replace(call, flagged=call.last), [SendInvalidCommitWelcome(call.last), *effects]


def _lost(call: Call) -> Step:
    """Join again with new keys; a pending member needs only a new key package."""
    if not call.group:
        return call, []
    versions = (call.version, *(version for _, version in call.prepared))
    if call.joined and not any(versions):
        # Downgraded: the way up again begins with an epoch of its own.
        return replace(call, joined=False, group=NONE), []
    return _rejoin(call) if call.joined else _begin(call, call.group)


def _repeat(call: Call) -> list[Effect]:
    """Say again what may have been lost on the way; the server has it once or twice."""
    effects: list[Effect] = []
    if call.flagged is not None:
        effects.append(SendInvalidCommitWelcome(call.flagged))
    if call.package and not call.joined:
        effects.append(SendKeyPackage(call.package))
    if call.commit:
        effects.append(SendCommitWelcome(call.commit))
    return [*effects, *(SendReadyForTransition(transition) for transition, _ in call.prepared)]


def _waited(call: Call) -> Step:
    """Let the track go on with the key that there is; who is not alone tries to join again."""
    if call.version == NONE:
        return call, []
    if not call.joined and call.others:
        # Plain frames would tell everyone what was to be encrypted, and members drop them.
        call = replace(call, waits=call.waits + 1)
        return (call, [Leave()]) if call.waits >= MOST_WAITS else _begin(call, call.group)
    if not call.joined:
        return _send(call, "plain")
    return (call, []) if call.media == "encrypted" else _use_new_key(call)
