"""The gateway as a process of its own: `python -m legato.gateway`."""

import os
import sys

from legato import together

if __name__ == "__main__":
    sys.exit(together.alone("gateway", os.environ))
