"""First answers to interactions, and what follows through their webhook tokens."""

from legato_simulator import (
    command_forms,
    components,
    interaction_payloads,
    message_forms,
    message_payloads,
    messages,
)
from legato_simulator.interactions import ALLOWED, Callback, Interaction
from legato_simulator.json_values import Json
from legato_simulator.message_forms import Draft, Flag
from legato_simulator.messages import Origin
from legato_simulator.problems import Form, Problem
from legato_simulator.ratelimits import Bucket
from legato_simulator.rest.routes import Answer, Call, Routes
from legato_simulator.world import Channel, Message

routes = Routes()
HOOK = "/webhooks/{webhook_id}/{webhook_token}"
FOLLOW = Bucket(5, 2.0)
_EMPTY = Draft(given=frozenset())


@routes.add(
    "POST",
    "/interactions/{interaction_id}/{interaction_token}/callback",
    None,
    open_to_all=True,
    unlimited=True,
)
async def answer(call: Call) -> Answer:
    """Take the first answer to an interaction: within 3 s, and once."""
    now = call.sim.clock.monotonic()
    token = call.params["interaction_token"]
    interaction = call.sim.interactions.to_answer(
        call.id("interaction_id"), token, now, lateness=call.sim.lateness.worst
    )
    callback = _callback(interaction, call.form)
    data = call.form.get("data") or {}
    match callback:
        case Callback.CHOICES:
            _choose(interaction, data)
        case Callback.MODAL:
            form = Form()
            components.check_modal(form, data)
            form.raise_if_wrong()
            interaction.modal = data
        case Callback.MESSAGE | Callback.DEFERRED_MESSAGE:
            _reply(call, interaction, data, loading=callback is Callback.DEFERRED_MESSAGE)
        case Callback.UPDATE:
            _update(call, interaction, data)
        case _:
            interaction.original = interaction.source_message
    interaction.answer(callback, now)
    _publish(call, interaction)
    if not call.asks("with_response"):
        return Answer()
    return Answer(_callback_body(call, interaction))


def _callback(interaction: Interaction, body: Json) -> Callback:
    kind = body.get("type")
    if kind in ALLOWED[interaction.kind]:
        return Callback(kind)
    form = Form()
    message = f"Value must be one of {sorted(int(each) for each in ALLOWED[interaction.kind])}."
    form.add(("type",), "BASE_TYPE_CHOICES", message)
    form.raise_if_wrong()
    return Callback.PONG


def _choose(interaction: Interaction, data: Json) -> None:
    form = Form()
    choices = form.items(("data", "choices"), data.get("choices"), 25)
    command_forms.check_choices(form, choices)
    form.raise_if_wrong()
    interaction.choices = choices


def _channel(call: Call, interaction: Interaction) -> Channel:
    channel = call.sim.world.channel(interaction.channel_id)
    if channel is None:
        raise Problem(10003)
    return channel


def _reply(call: Call, interaction: Interaction, data: Json, *, loading: bool) -> None:
    flags = int(data.get("flags") or 0)
    draft = _EMPTY if loading else message_forms.check(data, call.uploads, edit=False)
    interaction.ephemeral = bool(flags & Flag.EPHEMERAL)
    message = _write(call, interaction, draft, ephemeral=interaction.ephemeral, loading=loading)
    interaction.original, interaction.loading = message.id, loading


def _write(
    call: Call, interaction: Interaction, draft: Draft, *, ephemeral: bool, loading: bool = False
) -> Message:
    origin = Origin(
        author_id=interaction.application_id,
        application_id=interaction.application_id,
        interaction=interaction_payloads.metadata(call.sim.world, interaction),
        visible_to=interaction.user_id if ephemeral else None,
        loading=loading,
        type=20 if interaction.command_id is not None else 0,
    )
    return messages.create(call.sim, _channel(call, interaction), draft, origin, call.uploads)


def _update(call: Call, interaction: Interaction, data: Json) -> None:
    interaction.original = interaction.source_message
    found = _message(call, interaction, interaction.source_message)
    draft = message_forms.check(_kept_v2(found, data), call.uploads, edit=True)
    messages.edit(call.sim, found, draft, call.uploads)


def _kept_v2(message: Message, body: Json) -> Json:
    """A message once made of V2 components stays so, said or not."""
    if not message.flags & Flag.COMPONENTS_V2:
        return body
    return body | {"flags": (body.get("flags") or 0) | Flag.COMPONENTS_V2}


def _message(call: Call, interaction: Interaction, message_id: int | None) -> Message:
    found = call.sim.world.message(interaction.channel_id, message_id or 0)
    if found is None:
        raise Problem(10008)
    return found


def _callback_body(call: Call, interaction: Interaction) -> Json:
    about: Json = {"id": str(interaction.id), "type": int(interaction.kind)}
    body: Json = {"interaction": about}
    if interaction.original is not None:
        about["response_message_id"] = str(interaction.original)
        about["response_message_loading"] = interaction.loading
        about["response_message_ephemeral"] = interaction.ephemeral
    if interaction.callback in {Callback.MESSAGE, Callback.UPDATE}:
        found = _message(call, interaction, interaction.original)
        shown = message_payloads.message(call.sim.world, found)
        body["resource"] = {"type": int(interaction.callback), "message": shown}
    return body


def _publish(call: Call, interaction: Interaction) -> None:
    interaction.touch()
    body: Json = {
        "id": str(interaction.id),
        "name": interaction.name,
        "channel_id": str(interaction.channel_id),
        "user_id": str(interaction.user_id),
        "callback": int(interaction.callback or 0),
        "ephemeral": interaction.ephemeral,
        "loading": interaction.loading,
        "message_id": str(interaction.original) if interaction.original else None,
        "choices": interaction.choices,
        "modal": interaction.modal,
    }
    call.sim.publish("interaction_answered", body)


def _followed(call: Call) -> Interaction:
    now = call.sim.clock.monotonic()
    return call.sim.interactions.to_follow(call.id("webhook_id"), call.params["webhook_token"], now)


@routes.add("POST", HOOK, FOLLOW, open_to_all=True, unlimited=True)
async def follow_up(call: Call) -> Answer:
    """Write a further message; while the answer is still "thinking", this one becomes it."""
    interaction = _followed(call)
    draft = message_forms.check(call.form, call.uploads, edit=False)
    if interaction.loading:
        found = _message(call, interaction, interaction.original)
        messages.edit(call.sim, found, draft, call.uploads)
    else:
        ephemeral = bool(draft.flags & Flag.EPHEMERAL)
        found = _write(call, interaction, draft, ephemeral=ephemeral)
        interaction.followups.append(found.id)
    interaction.show(call.sim.clock.monotonic())
    _publish(call, interaction)
    return Answer(message_payloads.message(call.sim.world, found))


def _named(call: Call, interaction: Interaction) -> Message:
    """Find the message of the path: @original, a follow-up, or the source of a component."""
    if call.params.get("message_id", "@original") == "@original":
        return _message(call, interaction, interaction.original)
    message_id = call.id("message_id")
    known = {interaction.original, *interaction.followups}
    if message_id not in known:
        raise Problem(10008)
    return _message(call, interaction, message_id)


@routes.add("GET", HOOK + "/messages/@original", open_to_all=True, unlimited=True)
@routes.add("GET", HOOK + "/messages/{message_id}", open_to_all=True, unlimited=True)
async def show(call: Call) -> Answer:
    """Show an answer."""
    found = _named(call, _followed(call))
    return Answer(message_payloads.message(call.sim.world, found))


@routes.add("PATCH", HOOK + "/messages/@original", FOLLOW, open_to_all=True, unlimited=True)
@routes.add("PATCH", HOOK + "/messages/{message_id}", FOLLOW, open_to_all=True, unlimited=True)
async def edit(call: Call) -> Answer:
    """Change an answer, or give the deferred one."""
    interaction = _followed(call)
    found = _named(call, interaction)
    draft = message_forms.check(_kept_v2(found, call.form), call.uploads, edit=True)
    before = _shown(found)
    messages.edit(call.sim, found, draft, call.uploads)
    if found.id == interaction.original:
        interaction.show(call.sim.clock.monotonic(), is_news=_shown(found) != before)
    _publish(call, interaction)
    return Answer(message_payloads.message(call.sim.world, found))


def _shown(message: Message) -> tuple[object, ...]:
    """Take what people see of a message."""
    shown = (message.content, message.embeds, message.components)
    return (*shown, len(message.attachments), message.flags & Flag.LOADING)


@routes.add("DELETE", HOOK + "/messages/@original", FOLLOW, open_to_all=True, unlimited=True)
@routes.add("DELETE", HOOK + "/messages/{message_id}", FOLLOW, open_to_all=True, unlimited=True)
async def delete(call: Call) -> Answer:
    """Delete an answer."""
    interaction = _followed(call)
    found = _named(call, interaction)
    messages.delete(call.sim, found)
    if found.id == interaction.original:
        interaction.loading = False
    return Answer()
