"""Prints the part of requirements.lock that some extras need, hashes and all. Touches no network.

Needs only the standard library: it runs before anything is installed.
"""

import pathlib
import re
import sys
import tomllib

ROOT = pathlib.Path(__file__).parents[1]
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
OURS = re.compile(r"legato\[([^\]]*)\]")


def normal(name: str) -> str:
    """Spell a name as the lock does: PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(project: dict[str, object], extras: list[str]) -> set[str]:
    """Return the names that a project and its extras require directly."""
    optional = project["optional-dependencies"]
    dependencies = project["dependencies"]
    assert isinstance(optional, dict)
    assert isinstance(dependencies, list)
    lines, seen, todo = list(dependencies), set(), list(extras)
    while todo:
        extra = todo.pop()
        if extra not in seen:
            seen.add(extra)
            lines += optional[extra]
            for line in optional[extra]:
                if inner := OURS.match(line):
                    todo += inner[1].split(",")
    found = (NAME.match(line) for line in lines if not OURS.match(line))
    return {normal(name[0]) for name in found if name}


def blocks(lock: str) -> dict[str, str]:
    """Split a lock into the lines of each package; one package may have several versions."""
    found: dict[str, str] = {}
    for block in re.split(r"\n(?=\S)", lock.strip()):
        name = NAME.match(block)
        if name:
            found[normal(name[0])] = found.get(normal(name[0]), "") + block + "\n"
    return found


def parents(block: str) -> set[str]:
    """Read who requires a package, from the `# via` comment under it."""
    comment = " ".join(line for line in block.splitlines() if line.lstrip().startswith("#"))
    return {normal(name) for name in NAME.findall(comment)} - {"via"}


def reachable(packages: dict[str, str], roots: set[str]) -> set[str]:
    """Return the roots and all that they need."""
    needs = {name: parents(block) for name, block in packages.items()}
    found = roots & set(packages)
    while more := {name for name in packages if needs[name] & found} - found:
        found |= more
    return found


def main() -> int:
    """Print the lock's part for the extras that the command line names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    packages = blocks((ROOT / "requirements.lock").read_text())
    roots = wanted(project, sys.argv[1:])
    missing = roots - set(packages)
    if missing:
        names = ", ".join(sorted(missing))
        print(f"requirements.lock lacks {names}; run: make lock", file=sys.stderr)
        return 1
    found = reachable(packages, roots)
    print("".join(packages[name] for name in sorted(found)), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
