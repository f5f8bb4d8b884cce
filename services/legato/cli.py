"""The `legato` command: words in, exit codes out. Imports a service only when it is asked for.

Exit codes: 0 done, 1 failed, 2 wrong settings or words, 3 port in use, 4 data folder, 5 disk full,
6 token refused, 130 ended by a second Ctrl-C.
"""

import asyncio
import contextlib
import functools
import os
import pathlib
import sys
from collections.abc import Iterator, Mapping

import click

from legato import dead_cli, fleet_cli

SERVICES = {
    "gateway": "Serve Discord: commands in, answers and panels out.",
    "audio": "Own the players, and drive the nodes.",
    "api": "Serve the HTTP API.",
    "node": "Play music to Discord, over Lavalink's v4 protocol.",
}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="legato", message="legato %(version)s")
def main() -> None:
    """Music for Discord that does not stop.

    `legato up` runs everything on this machine. The other commands run one part, as a container
    does. Settings come from the environment: docs/settings.md lists them, `legato doctor` checks
    them.
    """


@main.command()
@click.option("--data", metavar="FOLDER", help="Keep all data there. [LEGATO_DATA]")
@click.option("--port", "page_port", type=int, help="Port of the simulator's page. [PAGE_PORT]")
@click.option("--api-port", type=int, help="Port of the HTTP API. [API_PORT]")
@click.option("--gateway-port", type=int, help="Health pages of the gateway. [GATEWAY_PORT]")
@click.option("--audio-port", type=int, help="Health pages of audio. [AUDIO_PORT]")
@click.option("--worker-port", type=int, help="Health pages of the worker. [WORKER_PORT]")
@click.option("--database-port", type=int, help="Embedded PostgreSQL. [DATABASE_PORT]")
@click.option("--redis-port", type=int, help="Embedded Valkey. [REDIS_PORT]")
@click.option("--node-port", type=int, help="First embedded node. [NODE_PORT]")
@click.option("--nodes", type=int, help="How many embedded nodes, 1 to 16; else 1. [NODES]")
@click.option("--audio", type=int, help="How many audio workers, 1 to 16; else 1. [AUDIO]")
@click.option("--gateway", type=int, help="How many gateways, 1 to 16; else 1. [GATEWAY]")
@click.option("--open", "open_page", is_flag=True, help="Open the page in the browser.")
@click.option("-v", "--verbose", is_flag=True, help="Show the parts' logs as well.")
def up(*, open_page: bool, verbose: bool, **given: str | int | None) -> None:
    """Run the whole platform on this machine.

    With DISCORD_TOKEN (in the environment, in .env, or in a file that DISCORD_TOKEN_FILE names) it
    serves Discord. Without one it starts a Discord simulator and prints the address of its page.

    DATABASE_URL, REDIS_URL and LAVALINK_URL replace the embedded PostgreSQL, Valkey and nodes.
    Ports are the usual ones if free, else others, unless they are set.
    """
    from legato import up  # noqa: PLC0415
    from legato.embedded import options, report  # noqa: PLC0415

    with explained():
        named = {
            ("LEGATO_DATA" if name == "data" else name.upper()): str(value)
            for name, value in given.items()
            if value is not None
        }
        environ = options.environment(os.environ, pathlib.Path(".env"), named)
        chosen = up.load(environ)
        wish = up.Wish(verbose=verbose, open_page=open_page)
        asyncio.run(up.run(chosen, environ, wish, report.Terminal(sys.stdout)))


def _service(name: str, summary: str) -> click.Command:
    @main.command(name, help=summary, short_help=summary)
    def start() -> None:
        from legato import together  # noqa: PLC0415

        with explained():
            together.run([name], os.environ)

    return start


for _name, _summary in SERVICES.items():
    _service(_name, _summary)


@main.group(invoke_without_command=True)
@click.pass_context
def worker(context: click.Context) -> None:
    """Do the regular work: clean-up and daily figures, by the clock."""
    if context.invoked_subcommand is None:
        from legato import together  # noqa: PLC0415

        with explained():
            together.run(["worker"], os.environ)


@worker.command("run")
@click.argument("job")
def run_job(*, job: str) -> None:
    """Run one JOB now, once, as a CronJob does: cleanup, usage, limits or flags."""
    from legato import together  # noqa: PLC0415
    from legato.embedded import running  # noqa: PLC0415

    with explained():
        environ = running.completed(os.environ)
        click.echo(together.run_job(job, environ, progress=functools.partial(click.echo, err=True)))


@main.command(hidden=True)
@click.argument("names", nargs=-1, required=True)
@click.option("--migrate", is_flag=True, help="Bring the schema up to date first.")
def together(*, names: tuple[str, ...], migrate: bool) -> None:
    """Run several services in one event loop; `legato up` starts this."""
    from legato import database, together  # noqa: PLC0415

    with explained():
        if migrate:
            asyncio.run(database.migrate(os.environ))
        together.run(names, os.environ)


@main.command()
@click.option("--check", is_flag=True, help="Only say whether this release runs on the schema.")
def migrate(*, check: bool) -> None:
    """Bring the database's schema up to date (DATABASE_URL).

    With --check nothing is changed; the exit code is 1 when this release can't run on it.
    """
    from legato import database  # noqa: PLC0415
    from legato.embedded import running  # noqa: PLC0415

    with explained():
        work = database.check if check else database.migrate
        click.echo(asyncio.run(work(running.completed(os.environ))))


@main.command()
def doctor() -> None:
    """Check every setting and dependency, and say how to mend each.

    Beside a running `legato up` it needs no setting, but LEGATO_DATA where that is not on the
    usual folder. The exit code is 1 when something is wrong.
    """
    from legato import doctor  # noqa: PLC0415
    from legato.embedded import options  # noqa: PLC0415

    async def examine() -> int:
        file = pathlib.Path(".env")
        environ = options.environment(os.environ, file, {})
        findings = []
        async for finding in doctor.examine(environ, own=options.of_file(file)):
            findings.append(finding)
            colour = {"ok": "green", "note": "cyan", "wrong": "red"}[finding.state]
            click.echo(f"{click.style(f'{finding.state:<6}', fg=colour)}{finding.name}: ", nl=False)
            click.echo(finding.text)
            if finding.remedy:
                click.echo(f"      {finding.remedy}" + ("" if finding.remedy[-1] in ".?" else "."))
        return doctor.exit_code(findings)

    with explained():
        sys.exit(asyncio.run(examine()))


for _command in (fleet_cli.nodes, fleet_cli.members, fleet_cli.players, dead_cli.dead):
    main.add_command(_command)


@main.group()
def apikey() -> None:
    """Make, list and revoke keys for the HTTP API."""


_bot = click.option("--bot", type=int, help="The application's id. [DISCORD_APPLICATION_ID]")


def _bot_of(given: int | None, environ: Mapping[str, str]) -> int:
    found = given or int(environ.get("DISCORD_APPLICATION_ID") or 0)
    if not found:
        raise click.UsageError("Name the bot with --bot or DISCORD_APPLICATION_ID.")
    return found


@apikey.command("create")
@click.argument("name")
@_bot
@click.option(
    "--guild", "guilds", type=int, multiple=True, help="Only for this server; repeatable."
)
@click.option("--days", type=click.IntRange(1, 3650), help="How long it is valid; else for ever.")
def create_key(*, name: str, bot: int | None, guilds: tuple[int, ...], days: int | None) -> None:
    """Make an API key called NAME and print it; it is never shown again."""
    from legato import database  # noqa: PLC0415
    from legato.embedded import running  # noqa: PLC0415

    with explained():
        environ = running.completed(os.environ)
        wanted = database.Wanted(bot=_bot_of(bot, environ), name=name, guilds=guilds, days=days)
        key = asyncio.run(database.create_key(environ, wanted))
        told = f"The key {name}, shown this once; send it as Authorization: Bearer KEY:"
        click.echo(told, err=True)
        click.echo(key)


@apikey.command("list")
@_bot
def list_keys(*, bot: int | None) -> None:
    """Show the bot's keys that are not revoked: id, name, servers, validity, last use."""
    from legato import database  # noqa: PLC0415
    from legato.embedded import running  # noqa: PLC0415

    with explained():
        environ = running.completed(os.environ)
        found = asyncio.run(database.list_keys(environ, _bot_of(bot, environ)))
        if not found:
            click.echo("There are no keys. Make one with: legato apikey create NAME", err=True)
        for line in found:
            click.echo(line)


@apikey.command("revoke")
@click.argument("key_id", metavar="ID")
def revoke_key(*, key_id: str) -> None:
    """Make the key with this ID useless, within 10 s and for good."""
    from legato import database  # noqa: PLC0415
    from legato.embedded import running  # noqa: PLC0415

    with explained():
        click.echo(asyncio.run(database.revoke_key(running.completed(os.environ), key_id)))


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turn what people can mend into sentences and exit codes; bugs keep their traceback."""
    from legato import faults  # noqa: PLC0415

    try:
        yield
    except KeyboardInterrupt:
        sys.exit(130)
    except click.ClickException:
        raise
    except Exception as error:  # an edge: what is no known fault goes on as it is
        found = faults.explain(error)
        if found is None:
            raise
        click.echo(found.sentence, err=True)
        sys.exit(found.exit_code)
