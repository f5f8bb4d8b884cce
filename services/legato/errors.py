"""The errors that cross modules; anything else that is raised is a bug and propagates.

Exception
├── Rejected        a person's doing; its reason is shown to them in words, never retried
├── Unavailable     a dependency's doing; retried with backoff
└── WrongSettings   (settings.py) the operator's doing; a service doesn't start
"""


class Rejected(Exception):
    """What was asked can't be done, and the asker can do something about it."""

    def __init__(self, reason: str, detail: str = "") -> None:
        """Take one of text.REFUSALS' names, and text from outside that explains it."""
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class Unavailable(Exception):
    """A dependency didn't do its part, now."""

    def __init__(self, dependency: str, why: str = "") -> None:
        """Take the dependency's name (redis, postgres, node, discord), and what happened."""
        super().__init__(
            f"{dependency} is unavailable: {why}" if why else f"{dependency} is unavailable"
        )
        self.dependency = dependency
        self.why = why
