"""How fast a whole speaker is, with the routes of a real table, beside other implementations.

`make bench-scale` runs it, as root; `python -m tests.benchmarks.scale.run --help` says what can be chosen. Every
subject gets two network namespaces of its own with a cable between them: a router in one, the peers in the other. The
peers are plain sockets that play octets which were made before, and read first and count later, so that they cost the
subject next to nothing. All subjects take turns, round after round; the best of each one's rounds counts.

    receive     a peer announces a table: seconds from its TCP connect until the router's own counter says that it has
                all, processor seconds, and how much memory each prefix takes
    readvertise the same, while another peer is told of everything: seconds until it has all, how many UPDATEs it took
    spread      four peers connect at once to a router that has the table: seconds until all of them have all
    million     `receive` with ten times as many prefixes
    flap        two peers announce the same prefixes, the better one dies: seconds until a third has been told all from
                the other
    latency     500 routes of the subject's own reach BIRD: milliseconds between Established and BIRD's counter at 500

    feeds.py     the octets to play            player.py    plays them, and reports what it is told
    tally.py     counts what a peer was told   answers.py   reads what routers answer
    routers.py   the subjects as routers       ours.py      `bgp` as a router
    courses.py   what happens in a scenario    latency.py   the same for the last one
    usage.py     processor time and memory     report.py    tables, and the targets
"""
