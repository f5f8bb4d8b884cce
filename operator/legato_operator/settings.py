"""The operator's settings."""

from datetime import timedelta
from typing import Annotated

from legato.settings import Common, between


class Settings(Common, frozen=True, kw_only=True):
    """What the operator is told."""

    namespaces: tuple[str, ...] = ()
    """The namespaces it works in; none = all of them."""
    release: str = "0.1.0"
    """The release of Legato that bots without a version of their own run."""
    look_again: Annotated[timedelta, between(timedelta(seconds=1), timedelta(minutes=10))] = (
        timedelta(seconds=30)
    )
    """How often each resource is looked at though nothing happened."""
    looks_at_once: int = 4
    """How many resources are looked at at the same time."""
    machines: bool = True
    """Whether it may look at machines; that needs a ClusterRole."""
