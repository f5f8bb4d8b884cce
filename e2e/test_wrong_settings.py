"""Wrong settings stop the start with every fault listed, and no secret shown."""

import subprocess
import sys

from legato.embedded import parts

WRONG = {
    "REDIS_URL": "http://127.0.0.1:1",
    "DATABASE_URL": "mysql://legato:very-secret@127.0.0.1/legato",
    "AUDIO_PORT": "70000",
    "LEASE_TTL": "soon",
    "LOG_LEVEL": "LOUD",
}


def test_five_wrong_settings_are_all_listed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "legato", "audio"],
        env={**parts.plain_environment(), **WRONG},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    for name in WRONG:
        assert name in done.stderr
    assert "very-secret" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
