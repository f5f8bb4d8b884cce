"""What a service's log may hold: nothing that warns, but for lines a scenario expects, counted."""

import pathlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

LOUD = frozenset({"warning", "error", "critical", "exception"})
SERVERS = {
    "postgres": re.compile(r"\b(?:WARNING|ERROR|FATAL|PANIC): +(.*)"),
    "valkey": re.compile(r" # (.*)"),
}
"""How the embedded servers mark what matters; the rest of their logs is everyday talk."""
FILE, SOME_FILE = re.compile(r'"base/[^"]+"'), "a file"
"""PostgreSQL's files have other names in each run."""
BUCKET = re.compile(r"bucket '[^']*' (.*?) \([\d.]+ -> [\d.]+\)|(rate limited) for [\d.]+s")
"""hikari names each of Discord's buckets, and how long it waits for it."""
ADDRESS = re.compile(r" at 0x[0-9a-f]+")
"""Where Python keeps an object."""
OFTEN = range(1000)
EVERYDAY = {
    # Our own look whether it is ready yet.
    "postgres the database system is starting up": OFTEN,
    "postgres the database system is shutting down": OFTEN,
    "postgres the database system is not yet accepting connections": OFTEN,
    "postgres the database system is in recovery mode": OFTEN,
    # It is ended while it tidies up by itself.
    "postgres terminating autovacuum process due to administrator command": OFTEN,
    "valkey WARNING Memory overcommit must be enabled! Without it, a background save or "
    "replication may fail under low memory condition. To fix this issue add "
    "'vm.overcommit_memory = 1' to /etc/sysctl.conf and then reboot or run the command "
    "'sysctl vm.overcommit_memory=1' for this to take effect.": OFTEN,
    "valkey Valkey is now ready to exit, bye bye...": OFTEN,
}
_UNAVAILABLE = (
    "books out of reach",
    "caches not told",
    "commands wait for redis",
    "commit waits",
    "directive not read",
    "events wait for redis",
    "inbox not read",
    "inbox waits",
    "lease not released",
    "lease not taken",
    "leases not renewed",
    "life not noted",
    "no permit",
    "no permit to identify",
    "observed not written",
    "people not noted",
    "permit not given back",
    "players not read yet",
    "put off",
    "redis out of reach",
    "search not answered",
    "a shard waits for redis",
    "the books are empty: written anew",
    "waiting for a dependency",
    "waiting for redis",
)


class Line(msgspec.Struct):
    """One JSON line of a log."""

    event: str = ""
    level: str = "info"
    service: str = ""
    exception: str = ""


def of_part(name: str, log: pathlib.Path) -> Iterator[str]:
    """Yield what warns in a part's log."""
    return loud_server(name, log) if name in SERVERS else loud(log)


def loud(log: pathlib.Path) -> Iterator[str]:
    """Yield what warns: `level event`, or the raw text of a line that is no JSON."""
    for raw in log.read_text(errors="replace").splitlines() if log.exists() else ():
        if not raw.strip():
            continue
        try:
            line = msgspec.json.decode(raw, type=Line)
        except (msgspec.DecodeError, msgspec.ValidationError):
            yield f"raw {raw.strip()}"
            continue
        if line.level.lower() in LOUD:
            said = ADDRESS.sub("", BUCKET.sub(_any_bucket, line.event))
            yield f"{line.level.lower()} {said}"
        elif line.exception:
            yield f"exception {line.event}"


def _any_bucket(found: re.Match[str]) -> str:
    return f"a bucket {found[1]}" if found[1] else found[2]


def loud_server(name: str, log: pathlib.Path) -> Iterator[str]:
    """Yield what an embedded server marks as a warning or worse: `name text`."""
    for raw in log.read_text(errors="replace").splitlines() if log.exists() else ():
        if match := SERVERS[name].search(raw):
            yield f"{name} {FILE.sub(SOME_FILE, match[1].strip())}"


def redis_away(*, most: int = 1000) -> dict[str, range]:
    """Return what services may say while Redis is away and when it is back, each so often at most.

    Which of them they say depends on what was under way when it went: none is owed.
    """
    return {f"warning {event}": range(most) for event in _UNAVAILABLE}


def unexpected(found: Counter[str], expected: Mapping[str, range]) -> list[str]:
    """Compare what warned with what a scenario expects; return a sentence for each difference."""
    said = [
        f"{count} x {text!r} was not expected"
        for text, count in found.items()
        if text not in expected and text not in EVERYDAY
    ]
    return said + [
        f"{found[text]} x {text!r}, expected {counts.start} to {counts.stop - 1}"
        for text, counts in expected.items()
        if found[text] not in counts
    ]
