"""Shake a speaker and its peers at random for a while, then see whether everybody has what the others say.

`make soak` runs it, as root; `python -m tests.soak --help` says what can be chosen. The choice of what happens follows
from the seed; when exactly, and who wins a race, does not.

    agent.py     a process with a speaker of ours, which does what it is told over a Unix socket
    parties.py   the peers: told their routes, killed, frozen, asked
    daemons.py   those of them that are not ours
    world.py     the namespaces, the speaker under test, its peers, and the routes that each of them should announce
    actions.py   what can happen
    checks.py    what must hold once nothing happens any more
    shown.py     reads what daemons show
    __main__.py  the program
"""
