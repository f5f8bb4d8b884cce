"""Start a node as its own process: `python -m legato.node`."""

import os
import sys

from legato.node import app

sys.exit(app.main(os.environ))
