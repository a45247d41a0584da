"""How fast the codec is, beside other implementations and beside what Python can do at best.

`make bench` runs it; `python -m tests.benchmarks.run --help` says what can be chosen. Nothing here is part of
`make test` but test_generator.py, and no test knows a time: seconds depend on the machine, only ratios that were
measured in one run mean something.

    generator.py   the messages, made of plain bytes without help from `bgp`
    floor.py       the shortest eager codec that we can write: how fast Python gets
    measure.py     what every subject does in a process of its own, and how it is timed
    ours.py        `bgp` as a subject
    peers/         ExaBGP, os-ken, yabgp and scapy as subjects, each in a virtual environment of its own
    venvs.py       makes those environments
    report.py      tables, and the targets
    run.py         the program
"""
