"""What can go wrong with a cluster for tests."""


class NoCluster(Exception):
    """It can't be had on this machine; the text says why in a sentence."""


class NotStarted(Exception):
    """A part ended or was not ready in time; the text holds its last words."""
