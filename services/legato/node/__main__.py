"""Start a node as its own process: `python -m legato.node`."""

import asyncio
import os
import sys

from legato import lifecycle, settings, telemetry
from legato.node import app
from legato.node.settings import NodeSettings

try:
    own = settings.load(NodeSettings, os.environ)
except settings.WrongSettings as error:
    sys.stderr.write(f"{error}\n")
    raise SystemExit(2) from None
telemetry.set_up(own)
asyncio.run(lifecycle.run(app.build(own), stop_timeout=own.stop_timeout))
