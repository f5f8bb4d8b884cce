"""`legato nodes | members | players`: the directive and what is observed, shown and changed."""

import asyncio
import contextlib
import functools
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from legato import redis
    from legato.contracts.fleet import Directive
    from legato.overview import MemberRow, NodeRow, Overview, PlayerRow

T = TypeVar("T")

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
LONGEST_TITLE = 40
DEADLINE = "10m"
LONG_AGO = 60_000
"""Milliseconds; from there on tenths of a second say nothing."""


def length(text: str) -> timedelta:
    """Read a length of time, such as 30s, 10m or 1h, as settings are read."""
    from legato import settings  # noqa: PLC0415

    try:
        return settings.duration(text)
    except ValueError as error:
        told = f"{text} is no length of time. Write one such as 90s, 10m or 1h."
        raise click.BadParameter(told) from error


@click.group(invoke_without_command=True)
@as_json
@click.pass_context
def nodes(context: click.Context, *, as_json: bool) -> None:
    """Show the nodes: what is wanted of each, and what is observed.

    Beside a running `legato up` it needs no setting; elsewhere set REDIS_URL and
    DISCORD_APPLICATION_ID.
    """
    if context.invoked_subcommand is None:
        _show(lambda overview: overview.nodes(), _nodes_table, as_json=as_json)


@nodes.command()
@click.argument("name")
def cordon(*, name: str) -> None:
    """Let new players go elsewhere; those on node NAME play on there."""
    from legato import fleet  # noqa: PLC0415

    wanted = _change(lambda client, bot: fleet.cordon(client, bot=bot, node=name))
    if all(node.cordoned for node in wanted.nodes):
        click.echo(f"{name} is cordoned, and no other node takes players: new ones wait.")
        return
    click.echo(f"{name} is cordoned: new players go elsewhere.")


@nodes.command()
@click.argument("name")
def uncordon(*, name: str) -> None:
    """Use node NAME again, and stop draining it."""
    from legato import fleet  # noqa: PLC0415

    _change(lambda client, bot: fleet.uncordon(client, bot=bot, node=name))
    click.echo(f"{name} takes players again.")


@nodes.command()
@click.argument("name")
@click.option("--deadline", type=length, default=DEADLINE, show_default=True,
              help="When the last player must be off at the latest.")  # fmt: skip
def drain(*, name: str, deadline: timedelta) -> None:
    """Cordon node NAME, and move its players to others while they play.

    `legato nodes` shows how many are left.
    """
    from legato import fleet, settings  # noqa: PLC0415

    wanted = _change(lambda client, bot: fleet.drain(client, bot=bot, node=name, within=deadline))
    if all(node.cordoned for node in wanted.nodes):
        click.echo(f"{name} is cordoned, but no other node takes players: its own stay.")
        return
    within = settings.spell(deadline)
    click.echo(f"{name} is cordoned, and its players move off within {within}.")
    click.echo("Watch it with: legato nodes")


@click.command()
@as_json
def members(*, as_json: bool) -> None:
    """Show which process holds which partitions and shards.

    One that died without a word is named for ten minutes, as dead; others hold what it held.

    Beside a running `legato up` it needs no setting; elsewhere set REDIS_URL and
    DISCORD_APPLICATION_ID.
    """
    _show(lambda overview: overview.members(), _members_table, as_json=as_json)


@click.command()
@as_json
def players(*, as_json: bool) -> None:
    """Show every player: where it plays what, on which node.

    Beside a running `legato up` it needs no setting; elsewhere set REDIS_URL and
    DISCORD_APPLICATION_ID.
    """
    _show(lambda overview: overview.players(), _players_table, as_json=as_json)


def _show(
    read: "Callable[[Overview], Awaitable[list[T]]]",
    write: Callable[[list[T], int], str],
    *,
    as_json: bool,
) -> None:
    import msgspec  # noqa: PLC0415

    from legato.overview import Overview  # noqa: PLC0415

    async def work() -> tuple[list[T], int]:
        async with reached() as (client, bot):
            overview = Overview(client, bot=bot)
            return await read(overview), await overview.now()

    rows, now = working(work)
    shown = msgspec.json.format(msgspec.json.encode(rows)).decode() if as_json else write(rows, now)
    click.echo(shown)


def _change(work: "Callable[[redis.Client, int], Awaitable[Directive]]") -> "Directive":
    from legato.fleet import NoSuchNode  # noqa: PLC0415

    async def change() -> "Directive":
        async with reached() as (client, bot):
            return await work(client, bot)

    try:
        return working(change)
    except NoSuchNode as error:
        raise click.ClickException(str(error)) from error


def working(work: Callable[[], Awaitable[T]]) -> T:
    """Run what is to be done, and explain what people can mend."""
    from legato.cli import explained  # noqa: PLC0415

    async def run() -> T:
        return await work()

    with explained():
        return asyncio.run(run())
    raise AssertionError("explained never swallows")


@contextlib.asynccontextmanager
async def reached() -> "AsyncIterator[tuple[redis.Client, int]]":
    """Connect to the Redis of a bot: the one that is set, else that of a running `legato up`."""
    from legato import redis, settings  # noqa: PLC0415
    from legato.embedded import running  # noqa: PLC0415

    found = settings.load(running.Reach, running.completed(os.environ))
    if found.redis_url is None or found.discord_application_id is None:
        raise click.ClickException(running.nowhere(os.environ))
    client = redis.connect(found.redis_url, ca_file=found.redis_ca_file)
    try:
        yield client, found.discord_application_id
    finally:
        await client.aclose()


# As it is shown.


def _nodes_table(rows: "list[NodeRow]", now: int) -> str:
    from legato import tables  # noqa: PLC0415

    head = ("node", "region", "cordoned", "draining", "players", "playing", "sessions",
            "connected", "frame deficit")  # fmt: skip
    return tables.table(
        head,
        [
            (
                row.name if row.wanted else f"{row.name} (gone)",
                row.region or "-",
                tables.yes(row.cordoned),
                _draining(row, now),
                str(row.players),
                str(row.playing),
                str(row.sessions),
                tables.yes(row.connected),
                str(row.frame_deficit),
            )
            for row in rows
        ],
    )


def _draining(row: "NodeRow", now: int) -> str:
    from legato import tables  # noqa: PLC0415

    if not row.draining:
        return "-"
    if row.players == 0:
        return "done"
    left = row.drain_deadline - now
    return f"{tables.span(left)} left" if left > 0 else "late"


def _members_table(rows: "list[MemberRow]", now: int) -> str:
    from legato import tables  # noqa: PLC0415

    head = ("member", "component", "for", "last seen", "weight", "draining", "directive",
            "to come", "holds", "which")  # fmt: skip
    return tables.table(
        head,
        [
            (
                row.name if row.alive else f"{row.name} (dead)",
                row.component,
                tables.span(now - row.since) if row.alive else "-",
                _ago(now - row.seen),
                f"{row.weight:g}",
                tables.yes(row.draining),
                "-" if row.directive_version is None else str(row.directive_version),
                str(row.awaited or "-"),
                str(len(row.held)),
                _which(row.held),
            )
            for row in rows
        ],
    )


def _ago(milliseconds: int) -> str:
    """Say how long ago; who lives says so every few seconds."""
    from legato import tables  # noqa: PLC0415

    if milliseconds >= LONG_AGO:
        return f"{tables.span(milliseconds)} ago"
    return f"{max(0, milliseconds) / 1000:.1f} s ago"


def _which(held: Sequence[str]) -> str:
    """Write `12:default:p0`, `12:default:p1` as `default p0-1`, and shards by their number."""
    from legato import tables  # noqa: PLC0415

    groups: dict[str, list[int]] = {}
    for one in held:
        place, _, last = one.partition(":")[2].rpartition(":")
        index = last[1:].partition("of")[0]
        prefix = f"{place} {last[0]}" if place else "shards "
        groups.setdefault(prefix, []).append(int(index))
    return "; ".join(f"{prefix}{tables.ranges(found)}" for prefix, found in groups.items()) or "-"


def _players_table(rows: "list[PlayerRow]", _: int) -> str:
    from legato import tables  # noqa: PLC0415

    place = functools.partial(tables.shortened, most=LONGEST_TITLE)
    head = ("guild", "channel", "track", "position", "node", "paused", "queue")
    return tables.table(
        head,
        [
            (
                row.guild_id,
                str(row.voice_channel_id or "-"),
                place(row.track or "-"),
                _position(row) if row.track else "-",
                row.node or "-",
                ", ".join(row.pause_reasons) or tables.yes(row.paused),
                str(row.queue_length),
            )
            for row in rows
        ],
    )


def _position(row: "PlayerRow") -> str:
    from legato import tables  # noqa: PLC0415

    return tables.span(row.position) + (f" of {tables.span(row.length)}" if row.length else "")
