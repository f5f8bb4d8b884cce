"""Writes every generated file of the repository, or says which are out of date."""

import pathlib
import sys

import chart
import dashboards
import legato.api.settings
import legato.audio.settings
import legato.gateway.settings
import legato.node.settings
import legato.worker.settings
import legato_operator.settings
from legato import settings, settings_page
from legato.embedded import options
from legato.gateway import command_docs
from legato.store.settings import StoreSettings
from legato_operator import crds

ROOT = pathlib.Path(__file__).parents[1]


FIRST_SETTINGS: settings_page.Sections = {
    "discord_token": options.Options,
    "lavalink_url": options.Options,
    "lavalink_password": options.Options,
    "legato_data": options.Options,
    "catalogue_url": legato.audio.settings.Settings,
}
SHARED_SETTINGS: settings_page.Sections = {
    "Every service": settings.Common,
    "Audio, api and worker: PostgreSQL": StoreSettings,
}
OWN_SETTINGS: settings_page.Sections = {
    "Gateway": legato.gateway.settings.Settings,
    "Audio": legato.audio.settings.Settings,
    "API": legato.api.settings.Settings,
    "Worker": legato.worker.settings.Settings,
    "Node": legato.node.settings.NodeSettings,
    "Operator": legato_operator.settings.Settings,
    "`legato up`": options.Options,
}


def render() -> dict[str, str]:
    """Return every generated file: its path from the root, and its text."""
    return {
        command_docs.PATH: command_docs.render(),
        **crds.render(),
        **chart.render(crds.render()),
        **dashboards.render(),
        "docs/settings.md": settings_page.render(SHARED_SETTINGS, OWN_SETTINGS, FIRST_SETTINGS),
    }


def main() -> int:
    """Write the files, or with --check only compare; exits 1 when one differs."""
    stale = [
        path
        for path, text in render().items()
        if not (ROOT / path).is_file() or (ROOT / path).read_text() != text
    ]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path} is out of date; run: make docs")
        return bool(stale)
    for path in stale:
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(render()[path])
    return 0


if __name__ == "__main__":
    sys.exit(main())
