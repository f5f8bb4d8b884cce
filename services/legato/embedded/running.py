"""How other commands find the Legato that `legato up` runs here: its settings, in a 0600 file."""

import fcntl
import pathlib
from collections.abc import Mapping

import msgspec

from legato.embedded import folder
from legato.settings import RedisUrl

NAMES = (
    "DATABASE_URL",
    "REDIS_URL",
    "DISCORD_TOKEN",
    "DISCORD_APPLICATION_ID",
    "DISCORD_REST_URL",
    "GATEWAY_PORT",
    "AUDIO_PORT",
    "API_PORT",
    "WORKER_PORT",
)


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """What a command needs to look at a bot's services."""

    redis_url: RedisUrl | None = None
    """Where leases, streams and live state are."""
    redis_ca_file: str = ""
    """The authority that signed Redis' certificate; with rediss:// only."""
    discord_application_id: int | None = None
    """The bot's application id."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a running `legato up` tells of itself."""

    settings: dict[str, str]
    health: dict[str, int] = {}
    """Process of a service -> port of its pages: `audio`, `audio-2` and so on."""


def begin(data: folder.Folder) -> None:
    """Forget what an earlier start told: this one is not ready yet."""
    _file(data.path).unlink(missing_ok=True)


def tell(
    data: folder.Folder, environment: Mapping[str, str], health: Mapping[str, int] | None = None
) -> None:
    """Write down what a command run beside it needs; ours alone to read, it holds passwords."""
    file = _file(data.path)
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    settings = {name: environment[name] for name in NAMES if environment.get(name)}
    file.write_bytes(msgspec.json.encode(Told(settings=settings, health=dict(health or {}))))


def completed(environ: Mapping[str, str]) -> dict[str, str]:
    """Add the settings of a Legato that runs here, where no database is named otherwise."""
    told = beside(environ)
    if told is None:
        return dict(environ)
    return {
        **environ,
        **{name: one for name, one in told.settings.items() if not environ.get(name)},
    }


def beside(environ: Mapping[str, str]) -> Told | None:
    """Read what a Legato tells that runs here, where no database is named otherwise."""
    if environ.get("DATABASE_URL") or environ.get("DATABASE_URL_FILE"):
        return None
    path = folder.chosen(environ.get("LEGATO_DATA", ""), environ)
    if not is_running(path) or not _file(path).exists():
        return None
    return msgspec.json.decode(_file(path).read_bytes(), type=Told)


def nowhere(environ: Mapping[str, str]) -> str:
    """Say what to do where neither settings nor a running Legato tell what to look at."""
    path = folder.chosen(environ.get("LEGATO_DATA", ""), environ)
    if is_running(path):
        return f"The Legato on the data folder {path} is starting; try again when it is ready."
    return (
        f"No Legato runs on the data folder {path}. Start it with legato up; or set LEGATO_DATA "
        "to the folder of one that runs, or REDIS_URL and DISCORD_APPLICATION_ID."
    )


def is_running(path: pathlib.Path) -> bool:
    """Say whether somebody holds the data folder."""
    try:
        with (path / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _file(path: pathlib.Path) -> pathlib.Path:
    return path / "run" / "settings.json"
