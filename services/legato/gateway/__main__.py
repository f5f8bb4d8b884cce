"""Start a gateway as its own process: `python -m legato.gateway`."""

import asyncio
import os
import sys

from legato import lifecycle, settings, telemetry
from legato.gateway import app
from legato.gateway.settings import Settings

if __name__ == "__main__":
    try:
        own = settings.load(Settings, os.environ)
    except settings.WrongSettings as error:
        sys.exit(f"{error}")
    telemetry.set_up(own)
    asyncio.run(lifecycle.run(app.build(own), stop_timeout=own.stop_timeout))
