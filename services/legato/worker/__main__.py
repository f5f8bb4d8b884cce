"""`python -m legato.worker`: the worker as a process of its own."""

import asyncio
import os

from legato import lifecycle, settings, telemetry
from legato.worker import app
from legato.worker.settings import Settings

if __name__ == "__main__":
    chosen = settings.load(Settings, os.environ)
    telemetry.set_up(chosen)
    asyncio.run(lifecycle.run(app.build(chosen), stop_timeout=chosen.stop_timeout))
