"""The operator as a process: `python -m legato_operator`."""

import os
import sys

from legato_operator import app

if __name__ == "__main__":
    sys.exit(app.main(os.environ))
