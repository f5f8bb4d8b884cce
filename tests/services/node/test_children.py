import os
import subprocess
import sys


def test_a_node_asks_for_more_than_an_equal_share_and_goes_on_without() -> None:
    code = "import os; from legato.node.children import favour; favour(-5); print(os.nice(0))"

    found = int(
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout
    )

    assert found == (-5 if os.geteuid() == 0 else os.nice(0))
