"""The machine that measures: what it is, and how busy it was."""

import os
import pathlib
import platform
import resource


def describe() -> str:
    """Name the processor, cores, memory, kernel and Python."""
    return " · ".join(
        (
            f"{_field('/proc/cpuinfo', 'model name')}, {cores()} cores",
            f"{int(_field('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.0f} GiB",
            f"Linux {platform.release()}",
            f"{platform.python_implementation()} {platform.python_version()}",
        )
    )


def cores() -> int:
    """Count the cores we may run on."""
    return len(os.sched_getaffinity(0))


def load() -> float:
    """Return the load average of the last minute."""
    return os.getloadavg()[0]


def spent_by_others() -> float:
    """Return the processor seconds since the boot that no ended child of this process used."""
    ticks = pathlib.Path("/proc/stat").read_text().split()[1:]
    user, nice, system, _idle, _waiting, hard, soft = (int(each) for each in ticks[:7])
    busy = (user + nice + system + hard + soft) / os.sysconf("SC_CLK_TCK")
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    return busy - own.ru_utime - own.ru_stime


def _field(file: str, name: str) -> str:
    for line in pathlib.Path(file).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"
