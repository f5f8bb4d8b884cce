"""`legato dead`: the messages that were put aside, listed, shown and dropped."""

import time
from typing import TYPE_CHECKING

import click

from legato.fleet_cli import as_json, reached, working

if TYPE_CHECKING:
    from legato.dead_letters import DeadLetter

LONGEST_REASON = 60


@click.group(invoke_without_command=True, short_help="List commands and events that crashed.")
@as_json
@click.pass_context
def dead(context: click.Context, *, as_json: bool) -> None:
    """List the messages to players that were put aside (dead letters), the newest first.

    Each could not be read, or its step crashed three times; whoever asked was told so. Beside a
    running `legato up` it needs no setting; elsewhere set REDIS_URL and DISCORD_APPLICATION_ID.
    """
    if context.invoked_subcommand is None:
        _show_all(as_json=as_json)


@dead.command("list")
@as_json
def list_letters(*, as_json: bool) -> None:
    """List them, as `legato dead` alone does."""
    _show_all(as_json=as_json)


@dead.command()
@click.argument("name")
def show(*, name: str) -> None:
    """Print the letter called NAME as it came, with tokens hidden."""
    click.echo(_json(next(iter(_named([name])))))


@dead.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="Every letter there is.")
def drop(*, names: tuple[str, ...], everything: bool) -> None:
    """Forget the letters called NAME."""
    from legato import dead_letters  # noqa: PLC0415
    from legato.overview import Overview  # noqa: PLC0415

    if bool(names) == everything:
        raise click.UsageError("Name the letters to drop, or say --all; legato dead lists them.")
    wanted = [one.name for one in (_letters() if everything else _named(names))]

    async def work() -> list[str]:
        async with reached() as (client, bot):
            partitions = await Overview(client, bot=bot).partitions()
            return await dead_letters.drop(client, partitions, wanted)

    dropped = working(work)
    click.echo(f"{len(dropped)} dropped." if dropped else "There was none.")


def _show_all(*, as_json: bool) -> None:
    found = _letters()
    click.echo(_json(found) if as_json else _table(found))


def _letters() -> "list[DeadLetter]":
    from legato import dead_letters  # noqa: PLC0415
    from legato.overview import Overview  # noqa: PLC0415

    async def work() -> "list[DeadLetter]":
        async with reached() as (client, bot):
            return await dead_letters.letters(client, await Overview(client, bot=bot).partitions())

    return working(work)


def _named(names: "tuple[str, ...] | list[str]") -> "list[DeadLetter]":
    known = {letter.name: letter for letter in _letters()}
    for name in names:
        if name not in known:
            raise click.ClickException(f"There is no letter {name}. legato dead lists them.")
    return [known[name] for name in names]


def _json(found: object) -> str:
    import msgspec  # noqa: PLC0415

    return msgspec.json.format(msgspec.json.encode(found)).decode()


def _table(found: "list[DeadLetter]") -> str:
    from legato import tables  # noqa: PLC0415

    if not found:
        return "No message was put aside."
    head = ("letter", "when", "message", "guild", "why")
    return tables.table(
        head,
        [
            (
                one.name,
                time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(one.at / 1000)),
                one.kind,
                one.guild_id or "-",
                tables.shortened(one.why, LONGEST_REASON),
            )
            for one in found
        ],
    )
