"""The worker as a process of its own: `python -m legato.worker`."""

import os
import sys

from legato import together

if __name__ == "__main__":
    sys.exit(together.alone("worker", os.environ))
