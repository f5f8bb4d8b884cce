"""The operator as a process: `python -m legato_operator`."""

import asyncio
import os

from legato import lifecycle, settings, telemetry
from legato_operator.app import Operator
from legato_operator.settings import Settings

if __name__ == "__main__":
    told = settings.load(Settings, os.environ)
    telemetry.set_up(told)
    asyncio.run(lifecycle.run(Operator(told), stop_timeout=told.stop_timeout))
