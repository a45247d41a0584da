"""Run a soak: `python -m tests.soak --seconds 1800 --seed 1`."""

import argparse
import contextlib
import heapq
import itertools
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.interop.netns import NetworkNamespace, exit_when_terminated
from tests.soak.actions import choose
from tests.soak.daemons import DAEMONS
from tests.soak.parties import AgentError, Party
from tests.soak.world import DifferenceError, World

_PROGRESS = 5.0


def main() -> int:
    """Do what the command line says; return 1 if something does not hold."""
    options = _options()
    if os.geteuid() != 0:
        sys.exit("this needs root, to make network namespaces")
    exit_when_terminated()
    daemons = [name for name in DAEMONS if name in options.daemons and _is_here(name)]
    with (
        tempfile.TemporaryDirectory(prefix="k8sglue-soak-") as folder,
        NetworkNamespace("ours") as ours,
        NetworkNamespace("theirs") as theirs,
    ):
        Path(folder).chmod(0o755)
        world = World(ours, theirs, Path(folder), daemons)
        soak = Soak(world, options)
        try:
            soak.run()
        except (DifferenceError, AgentError) as error:
            soak.report(error, Path(folder))
            return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak",
        description="Shake a speaker and its peers at random, then compare what everybody has. Needs root.",
    )
    parser.add_argument("--seconds", type=float, default=1800, help="for how long (default 1800)")
    parser.add_argument(
        "--seed", type=int, default=1, help="what the choice of actions follows from (default 1)"
    )
    parser.add_argument(
        "--checkpoint", type=float, default=60, help="seconds between comparisons (default 60)"
    )
    peers = "peers beside our own, where they are installed (default: all)"
    parser.add_argument("--daemons", nargs="*", default=list(DAEMONS), choices=list(DAEMONS), help=peers)
    return parser.parse_args()


def _is_here(name: str) -> bool:
    if DAEMONS[name].is_here():
        return True
    print(f"{name} is not installed and is left out", file=sys.stderr)
    return False


class Soak:
    """One run."""

    def __init__(self, world: World, options: argparse.Namespace) -> None:
        self._world, self._seed = world, options.seed
        self._seconds, self._between = options.seconds, options.checkpoint
        self._undo: list[tuple[float, int, Callable[[], None]]] = []
        self._counts: Counter[str] = Counter()
        self._last: list[str] = []
        self._number = 0
        self._order = itertools.count()

    def run(self) -> None:
        """Shake, and compare now and then; raise what the comparison says."""
        random = Random(self._seed)
        self._world.start(random)
        begun = time.monotonic()
        self._world.check()
        self._say(begun, "all sessions are up, and all sides agree")
        while (left := begun + self._seconds - time.monotonic()) > 0:
            self._shake(min(left, self._between), begun, random)
            self._quiesce()
            since = time.monotonic()
            self._world.check()
            self._say(begun, f"checkpoint: all sides agree, after {time.monotonic() - since:.1f} s")
        counts = ", ".join(f"{name} {count}" for name, count in self._counts.most_common())
        print(f"nothing amiss after {self._number} actions: {counts}")

    def _shake(self, seconds: float, begun: float, random: Random) -> None:
        end, said = time.monotonic() + seconds, time.monotonic()
        while (now := time.monotonic()) < end:
            while self._undo and self._undo[0][0] <= now:
                heapq.heappop(self._undo)[2]()
            self._act(now)
            if now > said + _PROGRESS:
                said = now
                self._say(begun, f"{self._number} actions, the last: {', '.join(self._last[-3:])}")
            time.sleep(random.uniform(0.0, 0.4))

    def _act(self, now: float) -> None:
        action, random = choose(self._seed, self._number)
        self._number += 1
        self._counts[action.__name__] += 1
        self._last.append(action.__name__)
        undo = action(self._world, random)
        if undo is not None:
            heapq.heappush(self._undo, (now + undo[0], next(self._order), undo[1]))

    def _quiesce(self) -> None:
        """Undo all that is to be undone, at once."""
        while self._undo:
            heapq.heappop(self._undo)[2]()
        self._world.heal()

    def _say(self, begun: float, what: str) -> None:
        print(f"{time.monotonic() - begun:7.1f} s  {what}", flush=True)

    def report(self, error: Exception, folder: Path) -> None:
        """Say what does not hold, and what led to it."""
        print(f"\nAMISS after {self._number} actions with seed {self._seed}:\n{error}")
        print(f"the last actions: {', '.join(self._last[-12:])}")
        with contextlib.suppress(AgentError):
            print(f"health: {self._world.health()}")
        parties: list[Party] = [self._world.subject, *self._world.parties]
        for party in parties:
            log = party.folder / "log"
            lines = log.read_text(errors="replace").splitlines() if log.exists() else []
            if lines:
                print(f"{party} said last: " + "\n    ".join(lines[-4:]))


if __name__ == "__main__":
    sys.exit(main())
