"""Fuzz targets: octets that no test has thought of, and what has to hold for them all the same.

Each module but the last ones is a target: its first comment says the invariant, and `check(data)` raises
`AssertionError`, or whatever it was that nobody documented, where it does not hold.

    messages       whole messages of every type
    opens          the body of an OPEN             capabilities   capabilities, and what two lists of them amount to
    updates        the body of an UPDATE           attributes     path attributes, and the judgement on them
    nlri           lists of destinations           notifications  the bodies of NOTIFICATION and ROUTE-REFRESH
    texts          what people type                framing        a stream, however the network cuts it
    sessions       a session: any octets and any verbs in any order
    peerings       a peering: the same, with two connections
    mrt            dumps                           bmp            messages to a BMP station
    bfd            a BFD session: any packets at any time
    arp_frames     Ethernet, VLAN tags and ARP    arp_ndp        Neighbor Discovery
    arp_responder  a responder: frames in and the clock forward, any verbs in any order

In most targets for `bgp` the first octet chooses the kind of session (`contexts`). `corpus/` has a folder of inputs for
each, made by `python -m fuzz.seeds` from captures and from the packages' own strategies, and by `python -m fuzz.distil`
from what hunts have learnt; tests/bgp/test_fuzz_corpus.py runs them with every test run, and needs nothing for it.
`make hunt` looks for new ones with atheris (`hunt`).
"""
