"""What can happen: each action does something now, and says what is to be done later to undo it.

The choice depends on nothing but the seed and the number of the action; one that makes no sense at the moment, such as
freezing a peer that is dead, does nothing.
"""

from collections.abc import Callable
from random import Random
from typing import Final

from tests.soak.agent import VARIANTS, PeerSetup
from tests.soak.parties import AgentParty, Party
from tests.soak.world import World

Undo = tuple[float, Callable[[], None]]
"""After so many seconds, do this."""

Action = Callable[[World, Random], Undo | None]
"""Does something."""


def change_routes(world: World, random: Random) -> Undo | None:
    """Somebody announces, changes and withdraws some routes."""
    party = random.choice([world.subject, *world.parties])
    prefixes = random.sample(world.pool(party), random.randint(1, 8))
    change = {prefix: random.choice([None, *range(VARIANTS)]) for prefix in prefixes}
    announced = {prefix: variant for prefix, variant in change.items() if variant is not None}
    withdrawn = [prefix for prefix, variant in change.items() if variant is None and prefix in party.routes]
    for prefix in withdrawn:
        del party.routes[prefix]
    party.routes.update(announced)
    if party.is_running and party.is_ready():
        party.change(announced, withdrawn)
    elif party.is_frozen:
        # It will not hear of it before it goes on.
        return 0.0, lambda: _restate(world, party)
    return None


def _restate(world: World, party: Party) -> None:
    if party.is_frozen:
        party.thaw()
    if party.is_running:
        world.wait_ready(party)
        _replace(party)


def _replace(party: Party) -> None:
    number = int(party.address.split(".")[3])
    everything = [f"10.{100 + number}.{third}.0/24" for third in range(40)]
    everything += [f"10.99.{third}.0/24" for third in range(20)]
    party.change(party.routes, [prefix for prefix in everything if prefix not in party.routes])


def kill(world: World, random: Random) -> Undo | None:
    """A peer dies, and comes back."""
    party, pause, restarting = random.choice(world.parties), random.uniform(0.0, 4.0), random.random() < 0.5
    if not party.is_running:
        return None
    party.kill()

    def revive() -> None:
        party.start(restarting=restarting)
        world.wait_ready(party)

    return pause, revive


def freeze(world: World, random: Random) -> Undo | None:
    """A peer stands still, for less or for more than the hold time."""
    party, pause = random.choice(world.parties), random.choice([0.5, 3.0, 14.0])
    if not party.is_running:
        return None
    party.freeze()
    return pause, party.thaw


def cut(world: World, random: Random) -> Undo | None:
    """Nothing of a peer arrives for a while."""
    party, pause = random.choice(world.parties), random.choice([0.5, 4.0, 14.0])
    world.cut(party)
    return pause, world.mend


def kill_connections(world: World, random: Random) -> Undo | None:
    """The kernel ends the connections with a peer."""
    party = random.choice(world.parties)
    world.ours.run("ss", "-K", "dst", party.peer_address)
    return None


def corrupt(world: World, random: Random) -> Undo | None:
    """The relay flips octets."""
    count, seed = random.randint(1, 3), random.getrandbits(32)
    relayed = world.relayed
    if not relayed.is_running or not relayed.is_ready():
        return None
    relayed.call("corrupt", count=count, seed=seed)
    world.is_corrupted = True
    return 4.0, world.heal


def send_garbage(world: World, random: Random) -> Undo | None:
    """Somebody sends octets to the listener that make no sense."""
    garbage = world.garbage(random)
    sender: AgentParty = world.agents[0]
    if sender.is_running and sender.is_ready():
        sender.call("garbage", **garbage)
    return None


def refresh(world: World, random: Random) -> Undo | None:
    """One side asks the other for all its routes."""
    party, from_us = random.choice(world.parties), random.random() < 0.5
    if from_us:
        world.subject.call("refresh", peer=party.peer_address)
    elif party.is_running and party.is_ready():
        party.refresh()
    return None


def reset(world: World, random: Random) -> Undo | None:
    """We reset a session."""
    world.subject.call("reset", peer=random.choice(world.parties).peer_address)
    return None


def reconfigure(world: World, random: Random) -> Undo | None:
    """We want something else of a peer, or judge its routes by something else."""
    party = random.choice(world.parties)
    name, value = random.choice(
        [
            ("imports", random.choice(["all", "even"])),
            ("exports", random.choice(["all", "even", "tagged", "none"])),
            ("hold_time", random.choice([6, 9])),
            ("restarts", random.choice([True, False])),
        ]
    )
    change: PeerSetup = {name: value}  # type: ignore[misc]
    world.wanted[party.peer_address].update(change)
    world.subject.call("change", peer=party.peer_address, wanted=change)
    return None


def remove(world: World, random: Random) -> Undo | None:
    """We forget a peer, and add it again."""
    address = random.choice(world.parties).peer_address
    world.subject.call("remove", peer=address)
    world.subject.call("add", peer=address, wanted=world.wanted[address])
    return None


def restart(world: World, random: Random) -> Undo | None:
    """Our speaker ends, with or without a promise to come back, and comes back."""
    world.subject.call("restart", gracefully=random.random() < 0.6)
    return None


def drain(world: World, random: Random) -> Undo | None:
    """Our speaker is drained, and comes back."""
    world.subject.call("drain")
    return None


ACTIONS: Final[dict[Action, int]] = {
    change_routes: 60,
    kill: 4,
    freeze: 4,
    cut: 4,
    kill_connections: 3,
    corrupt: 3,
    send_garbage: 6,
    refresh: 5,
    reset: 3,
    reconfigure: 6,
    remove: 2,
    restart: 1,
    drain: 1,
}
"""How often each happens, beside the others."""


def choose(seed: int, number: int) -> tuple[Action, Random]:
    """The action with this number, and where its own choices come from."""
    random = Random(f"{seed}/{number}")
    (action,) = random.choices(list(ACTIONS), list(ACTIONS.values()))
    return action, random
