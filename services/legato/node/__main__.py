"""Start a node as its own process: `python -m legato.node`."""

import asyncio
import os
import sys

from legato import lifecycle, settings, telemetry
from legato.node import app
from legato.node.settings import NodeSettings

if __name__ == "__main__":
    try:
        own = settings.load(NodeSettings, os.environ)
    except settings.WrongSettings as error:
        sys.exit(f"{error}")
    telemetry.set_up(own)
    asyncio.run(lifecycle.run(app.build(own), stop_timeout=own.stop_timeout))
