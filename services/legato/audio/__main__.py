"""The audio service as a process of its own: `python -m legato.audio`."""

import os
import sys

from legato import together

if __name__ == "__main__":
    sys.exit(together.alone("audio", os.environ))
