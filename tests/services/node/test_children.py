import os
import subprocess
import sys


def told(code: str) -> list[int]:
    """Run a few lines as a process of their own, and read the numbers they print."""
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return [int(word) for word in ran.stdout.split()]


def test_a_node_asks_for_more_than_an_equal_share_and_goes_on_without() -> None:
    found = told(
        "import os; from legato.node.children import favour; favour(-5); print(os.nice(0))"
    )

    assert found == [-5 if os.geteuid() == 0 else os.nice(0)]


def test_a_node_takes_all_the_descriptors_that_it_may_have() -> None:
    code = """
import resource
from legato.node.children import open_many
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (256, most))
open_many()
print(*resource.getrlimit(resource.RLIMIT_NOFILE), most)
"""

    soft, hard, most = told(code)

    assert (soft, hard) == (most, most)
