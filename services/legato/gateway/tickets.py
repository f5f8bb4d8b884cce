"""What an interaction leaves behind: to answer it here, from another process, or for the player."""

from legato import telemetry
from legato.contracts.playback import Origin
from legato.gateway import events
from legato.gateway.asked import of_command
from legato.gateway.conversation import Ticket
from legato.gateway.shard_store import OpenInteraction


def ticket(event: events.Interaction) -> Ticket:
    """Take what is needed to answer."""
    asked = of_command(event.data) if event.type == events.COMMAND else None
    hidden = asked is not None and asked.command is not None and asked.command.hidden
    return Ticket(
        event.id,
        event.application_id,
        event.token,
        is_button=event.type == events.COMPONENT,
        hidden=hidden,
    )


def note(ticket: Ticket, received_at: int) -> OpenInteraction:
    """Write down what another process needs to defer it."""
    return OpenInteraction(
        id=ticket.id,
        application_id=ticket.application_id,
        token=ticket.token,
        received_at=received_at,
        is_button=ticket.is_button,
        hidden=ticket.hidden,
    )


def origin(event: events.Interaction, received_at: int) -> Origin:
    """Tell the player who asked, and where its answer goes."""
    return Origin(
        source="component" if event.type == events.COMPONENT else "interaction",
        user_id=event.user_id,
        channel_id=event.channel_id,
        interaction_id=event.id,
        token=event.token,
        received_at=received_at,
        locale=event.locale,
        traceparent=telemetry.traceparent(),
    )
