"""The audio service as a process of its own."""

import os

from legato import together

if __name__ == "__main__":
    together.run(["audio"], os.environ)
