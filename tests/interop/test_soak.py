"""A short soak, with peers of ours and BIRD: see tests/soak. `make soak` is a long one, with all daemons."""

import subprocess
import sys
from pathlib import Path

from tests.interop.netns import needs_namespaces

pytestmark = [*needs_namespaces]

_ROOT = Path(__file__).parents[2]
_PATIENCE = 400.0


def test_all_sides_agree_after_twenty_seconds_of_trouble() -> None:
    command = [sys.executable, "-m", "tests.soak", "--seconds", "20", "--checkpoint", "10", "--seed", "5"]
    result = subprocess.run(
        [*command, "--daemons", "bird"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("checkpoint: all sides agree") >= 2
    assert "nothing amiss" in result.stdout
