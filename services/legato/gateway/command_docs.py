"""The page docs/commands.md, written from the registry. Pure."""

from collections.abc import Iterator

from legato import text
from legato.gateway.commands import REGISTRY, Command, Option

PATH = "docs/commands.md"

_HEAD = """\
# Commands

<!-- Written by `make docs` from services/legato/gateway/commands.py; change it there. -->

Type `/` in a channel of a server that Legato is in. Answers come in your own Discord language where
Legato speaks it.

## What can be played

- **Links** (`https://…`, `http://…`) that lead straight to music: Ogg (Opus, Vorbis, FLAC), WebM,
  Matroska, MP3, FLAC, WAV, MP4/M4A and AAC, files as well as radio streams without an end; and
  playlists of such links (M3U, PLS). Pages of video and music sites, and HLS, are beyond the
  embedded node.
- **Words** are looked for in the catalogue: the simulator brings one, `CATALOGUE_URL` names one of
  your own. Nothing else is searched.

For more, run a [Lavalink](https://lavalink.dev) with the plugins for the sites you want, name it in
`LAVALINK_URL`, and set `SEARCH_PREFIX` to what makes words a search there, such as `ytsearch:`. See
[running](running.md).

## What is not there

- **YouTube, Spotify, SoundCloud and the like**, unless you run a Lavalink with what they take, as
  said above.
- **Changing the queue**: nothing shuffles it, and nothing moves or removes a single track in it.
  `/play when: next` puts one in front, `/skip` ends what plays, `/stop` ends it and empties all.
- **Repeating**: no loop of a track or the queue, no way back to the track before, no autoplay.
- **Sound effects** such as bass boost or speed, lyrics, saved playlists, uploading a file, and
  votes to skip.

Staying in a channel day and night is no command but a setting: `LEAVE_AFTER=0`
([settings](settings.md#audio)).
"""


def render() -> str:
    """Write the whole page."""
    return _HEAD + "".join(_section(command) for command in REGISTRY)


def _section(command: Command) -> str:
    lines = [f"\n## /{command.path}\n", command.help]
    if command.options:
        lines += ["", "| option | what | |", "| --- | --- | --- |"]
        lines += [_row(command, option) for option in command.options]
    if rules := " ".join(_rules(command)):
        lines += ["", rules]
    if command.example:
        lines += ["", f"    {command.example}"]
    return "\n".join(lines) + "\n"


def _row(command: Command, option: Option) -> str:
    what = text.say(f"{command.key}.{option.name}")
    return f"| `{option.name}` | {what} | {', '.join(_bounds(option))} |"


def _bounds(option: Option) -> Iterator[str]:
    yield "required" if option.required else "optional"
    if option.choices:
        yield " or ".join(f"`{choice}`" for choice in option.choices)
    if option.kind == "number":
        yield f"{option.least} to {option.most}"
    if option.autocomplete:
        yield "suggests while you type"


def _rules(command: Command) -> Iterator[str]:
    if command.rules.in_voice:
        yield "You must be in the voice channel that Legato is in, or in any if it is in none."
    if command.rules.steers:
        yield "Where the server has a DJ role, only its members may, and who is alone with Legato."
    if command.rules.manages:
        yield "Takes the permission Manage Server."
    if command.hidden:
        yield "Only you see the answer."
