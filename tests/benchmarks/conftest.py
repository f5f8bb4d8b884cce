"""Lets the tests here import the benchmarks, which nothing installs."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))
