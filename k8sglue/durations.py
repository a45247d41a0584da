"""Durations as Go writes them, because that is how MetalLB's configuration has them: `90s`, `1m30s`, `500ms`."""

import math
import re

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)"
_WHOLE = re.compile(f"([-+]?)((?:{_PART})+)")


def parse_duration(text: str) -> float | None:
    """Read a duration in seconds; None if it is none. A number without a unit is one only if it is 0."""
    if text in ("0", "+0", "-0"):
        return 0.0
    whole = _WHOLE.fullmatch(text)
    if whole is None:
        return None
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in re.findall(_PART, whole[2]))
    if not math.isfinite(seconds):
        return None
    return -seconds if whole[1] == "-" else seconds


def format_duration(seconds: float) -> str:
    """Write a duration of 0 or more in whole milliseconds: `90s`, `1.5s`."""
    return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"
