"""Answers and panels as Discord messages, in the asker's language. Pure.

https://discord.com/developers/docs/resources/message
"""

from collections.abc import Iterator, Sequence

from legato import queries, text
from legato.contracts import actions
from legato.contracts.tracks import NowPlaying, QueueItem, Track
from legato.gateway import customids
from legato.gateway.commands import REGISTRY, Command

Json = dict[str, object]

EPHEMERAL = 1 << 6
_COLOUR = 0x5865F2
_PRIMARY, _SECONDARY, _DANGER = 1, 2, 4
"""Button styles: https://discord.com/developers/docs/components/reference#button-button-styles"""
NO_MENTIONS: Json = {"parse": []}


def message(answer: actions.Answer, locale: str) -> Json:
    """Put what became of a command into words; `flags` say who sees it."""
    match answer:
        case actions.Refused():
            return refusal(answer.reason, locale, detail=answer.detail)
        case actions.Queued():
            return _said(_queued(answer, locale))
        case actions.Done(what="settings"):
            return {**_said(_done(answer, locale)), "flags": EPHEMERAL}
        case actions.Done():
            return _said(_done(answer, locale))
        case actions.QueuePage():
            return _queue(answer, locale)
        case actions.NowShown():
            return _embedded(_now(answer.now, locale, lives=False))
        case actions.SettingsShown():
            return {**_embedded(_settings(answer, locale)), "flags": EPHEMERAL}


def refusal(reason: str, locale: str, *, detail: str = "") -> Json:
    """Say kindly why not, to the asker alone."""
    return {**_said(text.refusal(reason, locale, detail=detail)), "flags": EPHEMERAL}


def help_page(locale: str) -> Json:
    """List the commands, to the asker alone."""
    lines = [f"**/{_typed(c, locale)}**: {text.say(c.key, locale)}" for c in REGISTRY]
    embed: Json = {
        "title": text.say("help.title", locale),
        "description": "\n".join(lines),
        "footer": {"text": text.say("help.more", locale)},
        "color": _COLOUR,
    }
    return {**_embedded(embed), "flags": EPHEMERAL}


def _typed(command: Command, locale: str) -> str:
    """Name a command as the asker's Discord shows it."""
    name = text.command_name(command.key, locale, default=command.name)
    if not command.group:
        return name
    group = text.command_name(f"command.{command.group}", locale, default=command.group)
    return f"{group} {name}"


def panel(now: NowPlaying, locale: str, *, notice: str = "", detail: str = "") -> Json:
    """Draw the now-playing panel with its buttons."""
    content = text.notice(notice, locale, detail=detail) if notice in text.NOTICES else ""
    return {
        "content": content,
        "embeds": [_now(now, locale, lives=True)],
        "components": _panel_buttons(now, locale),
        "allowed_mentions": NO_MENTIONS,
    }


def _said(content: str) -> Json:
    return {"content": content, "allowed_mentions": NO_MENTIONS}


def _embedded(embed: Json) -> Json:
    return {"embeds": [embed], "allowed_mentions": NO_MENTIONS}


def _queued(answer: actions.Queued, locale: str) -> str:
    track = _title(answer.track)
    if answer.count > 1:
        playlist = text.harmless(answer.playlist, 200)
        first = text.say("answer.queued_many", locale, count=answer.count, playlist=playlist)
    elif answer.place == 0:
        return text.say("answer.playing", locale, track=track)
    else:
        first = text.say("answer.queued", locale, track=track, place=answer.place)
    if answer.wait:
        first += ", " + text.say("answer.in", locale, wait=text.clock(answer.wait))
    return first


def _done(answer: actions.Done, locale: str) -> str:
    if answer.already and (key := f"answer.already.{answer.what}") in text.CATALOGUE["en-US"]:
        return text.say(key, locale)
    key = f"answer.{answer.what}"
    if key not in text.CATALOGUE["en-US"]:
        key = "answer.settings"
    return text.say(
        key,
        locale,
        track=_title(answer.track) if answer.track else "—",
        position=text.clock(answer.value),
        volume=answer.value,
    )


def _title(track: Track) -> str:
    return text.linked(track.title or track.identifier, track.uri, 300)


def _length(track: Track, locale: str) -> str:
    return text.say("panel.live", locale) if track.is_stream else text.clock(track.length)


def _now(now: NowPlaying, locale: str, *, lives: bool) -> Json:
    """Show what plays; what `lives` is edited whenever that changes."""
    track = now.track
    if track is None:
        nothing: Json = {"title": text.say("panel.nothing", locale), "color": _COLOUR}
        hint = "" if now.queue_length else text.say("queue.empty", locale)
        return nothing | ({"description": hint} if hint else {})
    embed: Json = {
        "title": text.say("panel.paused" if now.paused else "panel.title", locale),
        "description": "\n".join(_now_lines(now, track, locale, lives=lives)),
        "color": _COLOUR,
        "footer": {"text": _footer(now, locale)},
    }
    if track.artwork_url and track.artwork_url.startswith("https://"):
        embed["thumbnail"] = {"url": track.artwork_url[:2048]}
    return embed


def _now_lines(now: NowPlaying, track: Track, locale: str, *, lives: bool) -> Iterator[str]:
    yield _title(track)
    author = f"{text.harmless(track.author, 150)} · " if track.author else ""
    yield f"{author}{_time(now, track, locale, lives=lives)}"
    if now.requester_id:
        yield text.say("panel.requested_by", locale, user=f"<@{now.requester_id}>")
    if now.upcoming:
        titles = " · ".join(text.harmless(title, 100) for title in now.upcoming[:3])
        yield f"{text.say('panel.next', locale)}: {titles}"


def _time(now: NowPlaying, track: Track, locale: str, *, lives: bool) -> str:
    """Show where it is; Discord's own clock counts on, so that no edit is needed for it."""
    length = _length(track, locale)
    endless = track.is_stream or not track.length
    if now.paused or not (lives or endless):
        return f"{text.clock(now.position)} / {length}"
    if endless:
        return length
    ends = (now.as_of + track.length - now.position) // 1000
    return f"{length} · {text.say('panel.ends', locale, when=f'<t:{ends}:R>')}"


def _footer(now: NowPlaying, locale: str) -> str:
    queued = text.say("panel.in_queue", locale, count=now.queue_length)
    return f"{now.volume} % · {queued}"


def _panel_buttons(now: NowPlaying, locale: str) -> list[Json]:
    if now.track is None or now.play_id is None:
        return []
    toggle = "panel.resume" if now.paused else "panel.pause"
    words: Sequence[tuple[customids.PanelAction, str, str, int]] = (
        ("toggle", toggle, "▶️" if now.paused else "⏸️", _PRIMARY),
        ("skip", "panel.skip", "⏭️", _SECONDARY),
        ("stop", "panel.stop", "⏹️", _DANGER),
        ("quieter", "panel.quieter", "🔉", _SECONDARY),
        ("louder", "panel.louder", "🔊", _SECONDARY),
    )
    return _row(
        _button(customids.panel(action, now.play_id), text.say(key, locale), emoji, style)
        for action, key, emoji, style in words
    )


def _row(buttons: Iterator[Json]) -> list[Json]:
    return [{"type": 1, "components": [*buttons]}]


def _button(
    custom_id: str, label: str, emoji: str, style: int = _SECONDARY, *, disabled: bool = False
) -> Json:
    return {
        "type": 2,
        "style": style,
        "label": text.plain(label, 80),
        "emoji": {"name": emoji},
        "custom_id": custom_id,
        "disabled": disabled,
    }


def _queue(answer: actions.QueuePage, locale: str) -> Json:
    pages = max(answer.pages, 1)
    lines = [*_queue_lines(answer, locale)] or [text.say("queue.empty", locale)]
    if answer.asked:
        lines.insert(0, text.say("queue.no_page", locale, asked=answer.asked))
    embed: Json = {
        "title": text.say("queue.title", locale),
        "description": "\n".join(lines),
        "color": _COLOUR,
    }
    if answer.total:
        embed["footer"] = {"text": _queue_footer(answer, pages, locale)}
    return {**_embedded(embed), "components": _page_buttons(answer.page, pages, locale)}


def _queue_lines(answer: actions.QueuePage, locale: str) -> Iterator[str]:
    now = answer.now
    if now.track is not None:
        yield f"▶️ {_title(now.track)} · {_time(now, now.track, locale, lives=False)}"
    first = (answer.page - 1) * _per_page(answer) + 1
    for place, item in enumerate(answer.items, first):
        yield f"{place}. {_item(item, locale)}"


def _per_page(answer: actions.QueuePage) -> int:
    """Derive the size of a page: full on all but the last, where it follows from the total."""
    before = answer.page - 1
    if answer.page < answer.pages or not before:
        return len(answer.items)
    return (answer.total - len(answer.items)) // before


def _item(item: QueueItem, locale: str) -> str:
    if item.track is None:
        return text.say(
            "queue.resolving", locale, query=text.harmless(queries.shown(item.query), 100)
        )
    title = text.linked(item.track.title or item.track.identifier, item.track.uri, 250)
    return f"{title} · {_length(item.track, locale)} · <@{item.requester_id}>"


def _queue_footer(answer: actions.QueuePage, pages: int, locale: str) -> str:
    length = text.clock(answer.length)
    total = text.say_many("queue.total", answer.total, locale, length=length)
    if pages == 1:
        return total
    return f"{text.say('queue.page', locale, page=answer.page, pages=pages)} · {total}"


def _page_buttons(page: int, pages: int, locale: str) -> list[Json]:
    if pages <= 1:
        return []
    back = customids.page(max(page - 1, 1), "back")
    on = customids.page(min(page + 1, pages), "on")
    before, after = (text.say(key, locale) for key in ("queue.previous", "queue.next"))
    return _row(
        iter(
            (
                _button(back, before, "◀️", disabled=page <= 1),
                _button(on, after, "▶️", disabled=page >= pages),
            )
        )
    )


def _settings(answer: actions.SettingsShown, locale: str) -> Json:
    role = answer.settings.dj_role_id
    who = f"<@&{role}>" if role else text.say("settings.everybody", locale)
    volume = f"{answer.settings.default_volume} %"
    return {
        "title": text.say("settings.title", locale),
        "color": _COLOUR,
        "fields": [
            {"name": text.say("settings.dj_role", locale), "value": who, "inline": True},
            {"name": text.say("settings.default_volume", locale), "value": volume, "inline": True},
        ],
    }
