"""AS numbers of four octets past speakers that know only two (RFC 6793).

An OLD speaker gets AS_TRANS in AS_PATH and AGGREGATOR wherever a number does not fit, and the true numbers in
AS4_PATH and AS4_AGGREGATOR, which it passes on without looking. On its way AS_PATH grows, and AS4_PATH does not.
The next NEW speaker puts the two together: what AS_PATH has more, at its front, followed by AS4_PATH.
"""

from bgp.aspath import MAX_SEGMENT, ASPath, ASSegment
from bgp.iana import AS_TRANS, SegmentType


def as4_path_of(path: ASPath) -> ASPath | None:
    """The AS4_PATH to send beside `path` to an OLD speaker, None if it needs none (RFC 6793 4.2.2).

    Members of a confederation are left out, whether their numbers fit or not.
    """
    outside = path.without_confederations()
    return outside if any(asn > 0xFFFF for asn in outside.asns) else None


def counts_as4(aggregator_as: int | None, as4_aggregator_as: int | None) -> bool:
    """Whether AS4_PATH and AS4_AGGREGATOR of an OLD speaker's UPDATE count, or are both to be ignored.

    Takes the AS numbers of AGGREGATOR and AS4_AGGREGATOR, None where the attribute is missing. If both came
    and AGGREGATOR is not AS_TRANS, then an OLD speaker has aggregated since and what AS4_* say is stale
    (RFC 6793 4.2.3).
    """
    return aggregator_as is None or as4_aggregator_as is None or aggregator_as == AS_TRANS


def merge_as4_path(as_path: ASPath, as4_path: ASPath) -> ASPath:
    """The path that AS_PATH and AS4_PATH together tell (RFC 6793 4.2.3).

    An AS4_PATH that is longer than AS_PATH is ignored; a confederation's segments in it are discarded
    (RFC 6793 6). The result is as long as `as_path`, by the count of route selection.
    """
    true_end = as4_path.without_confederations()
    extra = as_path.length - true_end.length
    if extra < 0:
        return as_path
    front, cut = _leading(as_path, extra)
    end = true_end.segments
    if cut and end and end[0].type is SegmentType.AS_SEQUENCE:
        # AS_PATH goes on here in the same segment, so it does in the result, if it fits.
        whole = front[-1].asns + end[0].asns
        if len(whole) <= MAX_SEGMENT:
            front[-1] = ASSegment(SegmentType.AS_SEQUENCE, whole)
            end = end[1:]
    return ASPath([*front, *end])


def _leading(path: ASPath, count: int) -> tuple[list[ASSegment], bool]:
    """The segments that hold the first `count` ASes, and whether the last of them is only part of a segment.

    A confederation's segment comes along if it is the first, or next to one that is taken.
    """
    taken: list[ASSegment] = []
    for segment in path.segments:
        if segment.length > count > 0:
            taken.append(ASSegment(segment.type, segment.asns[:count]))
            return taken, True
        if segment.length > count:
            break
        taken.append(segment)
        count -= segment.length
    return taken, False
