"""The API as a process of its own: `python -m legato.api`."""

import os
import sys

from legato import together

if __name__ == "__main__":
    sys.exit(together.alone("api", os.environ))
