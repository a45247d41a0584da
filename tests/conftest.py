"""Hypothesis profiles: `gate`, derandomised, for every run; `hunt`, random and long, for finding new cases.

HYPOTHESIS_PROFILE=hunt .venv/bin/pytest tests/bgp
"""

import os
import signal

from hypothesis import HealthCheck, settings

settings.register_profile(
    "gate",
    derandomize=True,
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "hunt",
    deadline=None,
    max_examples=100_000,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))

# A shell lets what it starts in the background ignore SIGINT, and so would the programs that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
