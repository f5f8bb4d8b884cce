"""Why something did not start: one clear sentence and an exit code. Pure values.

Problem
├── PortTaken      3
├── FolderBroken   4
├── DiskFull       5
├── TokenRefused   6
└── StartFailed    1
"""


class Problem(Exception):
    """A start that can't go on; the text is shown to the person who typed the command."""

    exit_code = 1


class StartFailed(Problem):
    """A program did not come up."""


class PortTaken(Problem):
    """Another program listens on a port that was asked for."""

    exit_code = 3


class FolderBroken(Problem):
    """The data folder is not ours, not usable, or not of this version."""

    exit_code = 4


class DiskFull(Problem):
    """There is no room for the data."""

    exit_code = 5


class TokenRefused(Problem):
    """Discord does not know this token."""

    exit_code = 6
