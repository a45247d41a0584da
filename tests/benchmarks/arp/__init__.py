"""How fast a responder answers, beside the Linux kernel and beside a bare loop that does nothing else.

`make bench` runs it, as root; `python -m tests.benchmarks.arp.run --help` says what can be chosen. A segment is
two network namespaces with a cable between them: somebody who asks in one, the subject in the other. The asker is
a blocking raw socket, the same for all. All subjects take turns, round after round.

    kernel      Linux itself, which has the address on its interface
    loop        fifteen lines of Python around a blocking raw socket, for one address: the floor
    ours-1, ours-100, ours-10000
                `arp.interface` with so many addresses, every third of a range
    asleep, computing
                `arp.interface` with one address in a program whose event loop gets no turn for half a second, time
                and again, while it sleeps or while it computes

Each is asked by ARP and by Neighbor Discovery:

    latency     one question after the other, each sent once the one before is answered: median, and 99th percentile
    burst       20,000 questions as fast as one socket sends them: how many are answered, and how many in a second
    busy        100,000 questions in some three seconds about addresses of others: processor seconds of the subject
    gaps        the same about the addresses between those that are owned, which the kernel filter, beyond some
                number of addresses, cannot tell apart from them: the worst that a segment can do
    waits       a question every millisecond or so, for the last two subjects: the longest wait

    family.py    questions and answers, as octets      asker.py     asks, and measures
    subjects.py  who answers                           loop.py  ours.py  the two that are programs
    report.py    tables, and the targets
"""
