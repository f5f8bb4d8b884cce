"""The `legato` command: words in, exit codes out. Imports a service only when it is asked for.

Exit codes: 0 done, 1 failed, 2 wrong settings or words, 3 port in use, 4 data folder, 5 disk full,
6 token refused, 130 ended by a second Ctrl-C.
"""

import asyncio
import contextlib
import os
import pathlib
import sys
from collections.abc import Iterator

import click

SERVICES = {
    "gateway": "Serve Discord: commands in, answers and panels out.",
    "audio": "Own the players, and drive the nodes.",
    "api": "Serve the HTTP API.",
    "node": "Play music to Discord, over Lavalink's v4 protocol.",
}
WRONG_SETTINGS = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="legato", message="legato %(version)s")
def main() -> None:
    """Music for Discord that does not stop.

    `legato up` runs everything on this machine. The other commands run one part, as a container
    does. Settings come from the environment: docs/running.md lists them, `legato doctor` checks
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
@click.option("--nodes", type=int, help="How many embedded nodes. [NODES]")
@click.option("--open", "open_page", is_flag=True, help="Open the page in the browser.")
@click.option("-v", "--verbose", is_flag=True, help="Show the parts' logs as well.")
def up(*, open_page: bool, verbose: bool, **given: str | int | None) -> None:
    """Run the whole platform on this machine.

    With DISCORD_TOKEN (in the environment, in .env, or in a file that DISCORD_TOKEN_FILE names) it
    serves Discord. Without one it starts a Discord simulator and prints the address of its page.

    DATABASE_URL, REDIS_URL and LAVALINK_URL replace the embedded PostgreSQL, Valkey and nodes.
    Ports are the usual ones if free, else others, unless they are set.
    """
    from legato import settings, up  # noqa: PLC0415
    from legato.embedded import options, report  # noqa: PLC0415

    with explained():
        named = {
            ("LEGATO_DATA" if name == "data" else name.upper()): str(value)
            for name, value in given.items()
            if value is not None
        }
        environ = options.environment(os.environ, pathlib.Path(".env"), named)
        chosen = settings.load(options.Options, environ)
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


@main.command(hidden=True)
@click.argument("names", nargs=-1, required=True)
def together(names: tuple[str, ...]) -> None:
    """Run several services in one event loop; `legato up` starts this."""
    from legato import together  # noqa: PLC0415

    with explained():
        together.run(names, os.environ)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turn what people can mend into sentences and exit codes; bugs keep their traceback."""
    from legato.embedded.problems import Problem  # noqa: PLC0415
    from legato.settings import WrongSettings  # noqa: PLC0415

    try:
        yield
    except WrongSettings as error:
        click.echo(str(error), err=True)
        sys.exit(WRONG_SETTINGS)
    except Problem as error:
        click.echo(f"\n{error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
