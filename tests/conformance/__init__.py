"""What the RFCs demand, one test for each demand.

A test stands under `@rfc("4271 6.1", "MUST …")`: the RFC and its section, and the demand in our own words. Demands
that the library does not meet yet have no test; they are listed, with the reason, in `notyet.py`. The README's table
of standards is made from both (`make rfc-table`), so it cannot claim more than the tests show. A demand that is not
met and should be is a test that is expected to fail: strictly, so that it speaks up once the library is mended.

Tests speak of octets, since that is what the RFCs do; `octets.py` has the vocabulary for them, `neighbour.py` that
for sessions.
"""
