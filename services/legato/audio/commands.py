"""What each command of a person does to a player. Pure; /play is in `asks`.

A refusal is an answer like any other: every command is told exactly one thing.
"""

from typing import assert_never

import msgspec
from msgspec.structs import replace

from legato.audio import asks, ending, position, preferences, turns, views, voicing
from legato.audio.effects import Audit, SaveSettings, SyncPanel
from legato.audio.rules import Rules
from legato.audio.state import Player, Step, with_panel_in, with_voice
from legato.contracts import playback
from legato.contracts.actions import Answer, Done, NowShown, Refused, SettingsShown
from legato.contracts.playback import Command, Playback

MAX_VOLUME = 200


def take(player: Player, command: Playback, *, now: int, rules: Rules) -> Step:
    """Do what a person asks, or say why not."""
    if now > command.expires_at:
        return _refuse(player, command, "too_late")
    match command:
        case playback.Play():
            return asks.play(player, command, now=now, rules=rules)
        case playback.Pause():
            return _pause(player, command, paused=True, now=now)
        case playback.Resume():
            return _pause(player, command, paused=False, now=now)
        case playback.TogglePause():
            paused = not (player.paused or player.halted)
            return _pause(player, command, paused=paused, now=now)
        case playback.Skip():
            return _skip(player, command, now=now)
        case playback.Stop():
            return _stop(player, command, now=now)
        case playback.Seek():
            return _seek(player, command, now=now)
        case playback.SetVolume():
            return _set_volume(player, command)
        case playback.Leave():
            return _leave(player, command, now=now)
        case _:
            return _show(player, command, now=now)


def _show(
    player: Player,
    command: playback.ShowQueue
    | playback.ShowNowPlaying
    | playback.ChangeSettings
    | playback.ShowSettings,
    *,
    now: int,
) -> Step:
    match command:
        case playback.ShowQueue():
            return _answer(player, command, views.page(player, command.page, now=now))
        case playback.ShowNowPlaying():
            return _show_now_playing(player, command, now=now)
        case playback.ChangeSettings():
            return _change_settings(player, command, now=now)
        case playback.ShowSettings():
            return _answer(player, command, SettingsShown(settings=player.settings))
        case _:
            assert_never(command)


def _pause(player: Player, command: Command, *, paused: bool, now: int) -> Step:
    what = "paused" if paused else "resumed"
    if player.halted and not paused:
        return _answer(replace(player, halted=False, paused=False), command, Done(what=what))
    if player.play is None:
        return _refuse(player, command, "nothing_playing")
    if player.voice.wanted is None:
        return _refuse(player, command, "kicked")
    done = Done(
        what=what,
        track=player.play.track,
        value=views.heard(player, now=now),
        already=player.paused == paused,
    )
    if done.already:
        return _answer(player, command, done)
    return _answer(replace(player, paused=paused), command, done)


def _skip(player: Player, command: playback.Skip, *, now: int) -> Step:
    play = player.play
    if play is None and not (player.halted and player.queue):
        return _refuse(player, command, "nothing_playing")
    if command.play_id is not None and (play is None or command.play_id != play.play_id):
        return _refuse(player, command, "old_panel")
    ended = turns.end(player, "skipped", now=now)
    player = replace(ended.player, paused=False, halted=False)
    done = Done(what="skipped", track=play.track if play else None)
    title = play.track.title if play else ""
    deed = _audit(command, "player.skipped", now=now, track=title)
    return _answer(player, command, done).also(*ended.effects, deed)


def _stop(player: Player, command: playback.Stop, *, now: int) -> Step:
    already = not (player.play or player.queue or player.asks)
    stopped = ending.clear(player, "stopped", now=now)
    done = Done(what="stopped", already=already)
    deed = () if already else (_audit(command, "player.stopped", now=now),)
    return _answer(stopped.player, command, done).also(*stopped.effects, *deed)


def _leave(player: Player, command: playback.Leave, *, now: int) -> Step:
    voice = player.voice
    already = voice.wanted is None and voice.actual is None and not player.queue
    left = ending.clear(player, "left", now=now)
    done = Done(what="left", already=already)
    player = with_voice(left.player, voicing.unwanted(voice))
    deed = () if already else (_audit(command, "player.left", now=now),)
    return _answer(player, command, done).also(*left.effects, *deed)


def _seek(player: Player, command: playback.Seek, *, now: int) -> Step:
    play = player.play
    if play is None:
        return _refuse(player, command, "nothing_playing")
    if play.track.is_stream or not play.track.is_seekable:
        return _refuse(player, command, "not_seekable")
    if command.to < 0 or (play.track.length and command.to > play.track.length):
        return _refuse(player, command, "bad_position")
    clock = position.seek(play.clock, command.to, now=now)
    player = replace(player, play=replace(play, clock=clock, surely=None, entered=0))
    return _answer(player, command, Done(what="sought", track=play.track, value=command.to))


def _set_volume(player: Player, command: playback.SetVolume) -> Step:
    if command.volume is None:
        volume = min(max(player.volume + command.change, 0), MAX_VOLUME)
    elif 0 <= command.volume <= MAX_VOLUME:
        volume = command.volume
    else:
        return _refuse(player, command, "bad_volume")
    done = Done(what="volume", value=volume, already=volume == player.volume)
    return _answer(player if done.already else replace(player, volume=volume), command, done)


def _show_now_playing(player: Player, command: playback.ShowNowPlaying, *, now: int) -> Step:
    shown = NowShown(now=views.now_playing(player, now=now))
    channel = command.origin.channel_id
    if player.text_channel_id != channel:
        return _answer(with_panel_in(player, channel), command, shown)
    return _answer(player, command, shown).also(SyncPanel(anew=True))


def _change_settings(player: Player, command: playback.ChangeSettings, *, now: int) -> Step:
    old = player.settings
    volume = command.default_volume
    if volume is not msgspec.UNSET and not 0 <= volume <= MAX_VOLUME:
        return _refuse(player, command, "bad_volume")
    asked = {"dj_role_id": command.dj_role_id, "default_volume": volume}
    before = msgspec.structs.asdict(old)
    changes = {
        name: value
        for name, value in asked.items()
        if value is not msgspec.UNSET and value != before[name]
    }
    if not changes:
        return _answer(player, command, Done(what="settings", already=True))
    settings = replace(old, **changes, version=old.version + 1)
    deed = _audit(
        command,
        "settings.changed",
        now=now,
        **changes,
        before={name: before[name] for name in changes},
    )
    return _answer(preferences.follow(player, settings), command, Done(what="settings")).also(
        SaveSettings(settings=settings), deed
    )


def _audit(command: Command, action: str, *, now: int, **detail: object) -> Audit:
    user = command.origin.user_id
    return Audit(key=str(command.id), action=action, user_id=user, at=now, detail=detail)


def _answer(player: Player, command: Command, answer: Answer) -> Step:
    return Step(player, (asks.tell(command, answer),), f"answered {command.__struct_config__.tag}")


def _refuse(player: Player, command: Command, reason: str) -> Step:
    return Step(player, (asks.tell(command, Refused(reason=reason)),), f"refused: {reason}")
