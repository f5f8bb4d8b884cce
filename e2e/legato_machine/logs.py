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
EVERYDAY = {
    # Our own look whether it is ready yet.
    "postgres the database system is starting up": range(1000),
    "postgres the database system is shutting down": range(1000),
    "postgres the database system is not yet accepting connections": range(1000),
    "postgres the database system is in recovery mode": range(1000),
    "valkey WARNING Memory overcommit must be enabled! Without it, a background save or "
    "replication may fail under low memory condition. To fix this issue add "
    "'vm.overcommit_memory = 1' to /etc/sysctl.conf and then reboot or run the command "
    "'sysctl vm.overcommit_memory=1' for this to take effect.": range(1000),
    "valkey Valkey is now ready to exit, bye bye...": range(1000),
}


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
            yield f"{line.level.lower()} {BUCKET.sub(_any_bucket, line.event)}"
        elif line.exception:
            yield f"exception {line.event}"


def _any_bucket(found: re.Match[str]) -> str:
    return f"a bucket {found[1]}" if found[1] else found[2]


def loud_server(name: str, log: pathlib.Path) -> Iterator[str]:
    """Yield what an embedded server marks as a warning or worse: `name text`."""
    for raw in log.read_text(errors="replace").splitlines() if log.exists() else ():
        if match := SERVERS[name].search(raw):
            yield f"{name} {FILE.sub(SOME_FILE, match[1].strip())}"


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
