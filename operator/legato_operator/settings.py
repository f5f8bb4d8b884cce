"""The operator's settings."""

from datetime import timedelta
from typing import Annotated

from msgspec import Meta

from legato.settings import Common, HttpUrl, Port, Secret, between


class Settings(Common, frozen=True, kw_only=True):
    """What the operator is told."""

    namespaces: tuple[str, ...] = ()
    """The namespaces it works in; none = all of them."""
    release: Annotated[str, Meta(pattern=r"^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$")] = "0.1.0"
    """The release of Legato that bots without a version of their own run."""
    rollouts_at_once: Annotated[int, Meta(ge=1, le=1000)] = 1
    """How many bots that follow the operator's release take it at the same time."""
    look_again: Annotated[timedelta, between(timedelta(seconds=1), timedelta(minutes=10))] = (
        timedelta(seconds=30)
    )
    """How often each resource is looked at though nothing happened."""
    looks_at_once: Annotated[int, Meta(ge=1, le=64)] = 8
    """How many resources are looked at at the same time."""
    machines: bool = True
    """Whether it looks at machines, so that one that is drained or lost is noticed; that needs a
    ClusterRole, without which a condition says that it is off."""
    operator_port: Port = 8085
    """Of /healthz, /readyz and /metrics."""
    blind_after: Annotated[timedelta, between(timedelta(seconds=5), timedelta(hours=1))] = (
        timedelta(minutes=5)
    )
    """/healthz fails once a watch has heard nothing for so long; it hears about once a minute."""

    operator_namespace: str = ""
    """Where its Lease is; empty = the namespace of its pod, else default."""
    lease_duration: Annotated[timedelta, between(timedelta(seconds=3), timedelta(minutes=5))] = (
        timedelta(seconds=10)
    )
    """After so long without a renewal another operator may lead."""
    lease_renew_within: Annotated[
        timedelta, between(timedelta(seconds=2), timedelta(minutes=4))
    ] = timedelta(seconds=6)
    """It stops acting once it could not renew for so long; a call may take the rest."""
    lease_retry: Annotated[
        timedelta, between(timedelta(milliseconds=200), timedelta(minutes=1))
    ] = timedelta(seconds=2)
    """How often it renews, or looks whether it may lead."""

    prometheus_url: HttpUrl | None = None
    """Whom it asks how many play; without it counts are held, and a condition says so."""
    prometheus_token: Secret | None = None
    """A bearer token for it."""
    prometheus_ca_file: str = ""
    """Whose certificates it is trusted by; empty = the system's."""
    prometheus_timeout: Annotated[
        timedelta, between(timedelta(seconds=1), timedelta(minutes=1))
    ] = timedelta(seconds=3)
    """How long one answer may take."""
    prometheus_fresh: Annotated[timedelta, between(timedelta(seconds=5), timedelta(minutes=5))] = (
        timedelta(minutes=1)
    )
    """An older figure is none; a few of the intervals in which pods are read."""

    check_tokens: bool = True
    """Whether Discord is asked about a token before it is used."""
    discord_rest_url: HttpUrl = "https://discord.com/api/v10"
    """Where Discord is, for bots without spec.discord."""
    check_tokens_every: Annotated[timedelta, between(timedelta(seconds=10), timedelta(hours=1))] = (
        timedelta(minutes=5)
    )
    """How often it is asked again, also for the identifies that are left."""

    def __post_init__(self) -> None:
        if not self.lease_retry < self.lease_renew_within < self.lease_duration:
            raise ValueError(
                "LEASE_RENEW_WITHIN",
                "is not between LEASE_RETRY and LEASE_DURATION",
                "Set them such as 2s, 6s and 10s, in this order",
            )
