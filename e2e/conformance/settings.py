"""Which server is spoken to, and how that server reaches this machine; knows no server."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from legato_simulator.dave.policy import Policy


@dataclass(frozen=True, slots=True)
class Target:
    """A server under test."""

    url: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """What one run is told."""

    target: Target | None
    """None starts an embedded node."""
    bind: str
    """Where voice and music servers listen."""
    host: str
    """Under which name or address the server reaches them."""
    music_port: int
    """Where the music is served; 0 takes a free port. For servers that must be told a port."""
    certificates: Path | None
    """A folder with the voice server's certificates that the server trusts; None makes new ones."""
    encryption: Policy
    """What voice demands; `off` is for a server from before end-to-end encryption."""
    patience: float
    """By what every wait is multiplied, for a server that is slow or far away."""


def load(environment: Mapping[str, str]) -> Settings:
    """Read the environment; raises ValueError with a sentence."""
    url = environment.get("LAVALINK_URL", "").rstrip("/")
    if url and not url.startswith(("http://", "https://")):
        raise ValueError("LAVALINK_URL must begin with http:// or https://")
    certificates = environment.get("CONFORMANCE_CERTIFICATES")
    return Settings(
        target=Target(url, _password(environment)) if url else None,
        bind=environment.get("CONFORMANCE_BIND") or "127.0.0.1",
        host=environment.get("CONFORMANCE_HOST") or "localhost",
        music_port=int(environment.get("CONFORMANCE_MUSIC_PORT") or "0"),
        certificates=Path(certificates) if certificates else None,
        encryption=Policy(environment.get("CONFORMANCE_ENCRYPTION") or "required"),
        patience=float(environment.get("CONFORMANCE_PATIENCE") or "1"),
    )


def _password(environment: Mapping[str, str]) -> str:
    file = environment.get("LAVALINK_PASSWORD_FILE")
    if file:
        return Path(file).read_text().strip()
    return environment.get("LAVALINK_PASSWORD", "")
