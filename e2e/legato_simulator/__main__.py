"""Runs a simulator: `python -m legato_simulator --help`."""

from legato_simulator.command import main

if __name__ == "__main__":
    main()
