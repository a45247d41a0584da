"""Hunt for inputs that a target does not hold for: `python -m fuzz.hunt [TARGET…] --seconds 600 --jobs 2`.

Runs each target under atheris for so many seconds, without stopping at what it finds: each new way to fail is made
small and goes to `crashes/TARGET/`. Inputs that led to new paths through the code stay in `found/TARGET/`, for the
next hunt to begin with. Exits with 1 if anything failed. To look at a failure without atheris:

    python -m fuzz.hunt updates --replay fuzz/crashes/updates/*
"""

import argparse
import hashlib
import importlib
import multiprocessing
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TARGETS = (
    "messages",
    "updates",
    "attributes",
    "nlri",
    "opens",
    "capabilities",
    "notifications",
    "texts",
    "framing",
    "sessions",
    "peerings",
    "mrt",
    "bmp",
    "bfd",
    "arp_frames",
    "arp_ndp",
    "arp_responder",
)

_HERE = Path(__file__).parent
_OF_EACH_KIND = 3
"""So many inputs are kept that fail in the same place."""

_Check = Callable[[bytes], None]
_Failure = tuple[str, str, int | None]
"""The exception, and the place that it came from."""


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.hunt", description="Fuzz bgp and arp with atheris.")
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], metavar="TARGET", help="default: all")
    parser.add_argument("--seconds", type=int, default=600, help="for each target, default 600")
    parser.add_argument("--jobs", type=int, default=1, help="so many targets at a time, default 1")
    parser.add_argument("--replay", type=Path, nargs="+", metavar="FILE", help="check these inputs and stop")
    arguments = parser.parse_args()
    targets = arguments.targets or TARGETS
    if arguments.replay:
        for target in targets:
            check: _Check = importlib.import_module(f"fuzz.{target}").check
            for path in arguments.replay:
                check(path.read_bytes())
        return 0
    with ThreadPoolExecutor(arguments.jobs) as pool:
        list(pool.map(lambda target: _run(target, arguments.seconds), targets))
    crashes = sorted((_HERE / "crashes").glob("*/*"))
    print("\n".join(f"crash: {path}" for path in crashes) or "no crashes")
    return 1 if crashes else 0


def _run(target: str, seconds: int) -> None:
    # In a process of its own: libFuzzer does not return.
    process = multiprocessing.get_context("spawn").Process(target=_fuzz, args=(target, seconds))
    process.start()
    process.join()


def _fuzz(target: str, seconds: int) -> None:
    atheris = importlib.import_module("atheris")  # not everybody who checks this file's types has it
    with atheris.instrument_imports(include=["bgp", "arp"]):
        check = importlib.import_module(f"fuzz.{target}").check
    crashes, found, corpus = (_HERE / kind / target for kind in ("crashes", "found", "corpus"))
    for folder in (crashes, found):
        folder.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={seconds}", "-max_len=1024", "-timeout=20", "-print_final_stats=1"]
    atheris.Setup(
        [f"fuzz.{target}", *options, f"-artifact_prefix={crashes}/", str(found), str(corpus)],
        _collecting(check, crashes),
    )
    atheris.Fuzz()


def _collecting(check: _Check, folder: Path) -> _Check:
    """A check that writes down what fails and goes on."""
    seen: Counter[_Failure] = Counter()

    def collect(data: bytes) -> None:
        failure = _failure(check, data)
        if failure is None or seen[failure] >= _OF_EACH_KIND:
            return
        seen[failure] += 1
        small = _minimised(check, data, failure)
        path = folder / hashlib.sha256(small).hexdigest()[:12]
        path.write_bytes(small)
        print(f"\n{folder.name}: {' '.join(map(str, failure))}\n{small.hex()}", file=sys.stderr)

    return collect


def _failure(check: _Check, data: bytes) -> _Failure | None:
    try:
        check(data)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return type(error).__name__, last.filename, last.lineno
    return None


def _minimised(check: _Check, data: bytes, failure: _Failure) -> bytes:
    """Leave out what is not needed to fail in the same place: halves first, at last single octets; then zero more."""
    size = len(data) // 2
    while size:
        for start in range(len(data) - size, -1, -size):
            shorter = data[:start] + data[start + size :]
            if _failure(check, shorter) == failure:
                data = shorter
        size //= 2
    for at in range(len(data)):
        plainer = data[:at] + b"\0" + data[at + 1 :]
        if _failure(check, plainer) == failure:
            data = plainer
    return data


if __name__ == "__main__":
    sys.exit(main())
