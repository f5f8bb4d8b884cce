import subprocess
import sys

import pytest


@pytest.mark.parametrize("service", ["api", "worker"])
def test_wrong_settings_end_the_process_with_all_of_them_and_no_secret(service):
    environ = {
        "REDIS_URL": "hunter2",
        "DATABASE_URL": "mysql://u:hunter2@h/d",
        "LOG_LEVEL": "hunter2",
        "STOP_TIMEOUT": "hunter2",
        f"{service.upper()}_PORT": "hunter2",
    }
    done = subprocess.run(
        [sys.executable, "-m", f"legato.{service}"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.startswith("6 settings are wrong:")
    assert all(name in done.stderr for name in (*environ, "DISCORD_APPLICATION_ID"))
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr
