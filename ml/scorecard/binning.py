"""Bins and weights of evidence.

A characteristic is cut into bins; a bin's weight of evidence is ln(share of the good in it / share of the bad in it). Ordered
characteristics get bins whose bad rate never turns round (monotone); unordered ones get groups of codes.
"""

import math
from dataclasses import dataclass, field

SMOOTHING = 0.5
MIN_SHARE = 0.05
MIN_GAP_Z = 1.0
MIN_CODE_ROWS = 25


@dataclass
class Bin:
    """One bin: codes of a code list, or the half-open interval [low, high) of a number."""

    codes: list = field(default_factory=list)
    low: float | None = None
    high: float | None = None
    good: int = 0
    bad: int = 0
    woe: float = 0.0

    @property
    def count(self):
        return self.good + self.bad

    @property
    def bad_rate(self):
        return self.bad / self.count

    def joined(self, other):
        return Bin(self.codes + other.codes, self.low, other.high, self.good + other.good, self.bad + other.bad)


def tally(values, bad, bins, locate):
    for value, is_bad in zip(values, bad):
        found = bins[locate(value)]
        if is_bad:
            found.bad += 1
        else:
            found.good += 1


def code_bins(values, bad, codes, ordered):
    """One bin per code, in the stated order, or by bad rate if the codes have none; empty codes join a neighbour later."""
    index = {code: i for i, code in enumerate(codes)}
    bins = [Bin(codes=[code]) for code in codes]
    tally(values, bad, bins, lambda v: index[v])
    if not ordered:
        bins = pool_rare(bins)
        overall = sum(bad) / len(bad)
        bins.sort(key=lambda b: ((b.bad + 5 * overall) / (b.count + 5), codes.index(b.codes[0])))
    return bins


def pool_rare(bins):
    """Unordered codes with too few rows to say anything share one bin, instead of joining whichever neighbour chance gave them."""
    rare = [b for b in bins if b.count < MIN_CODE_ROWS]
    kept = [b for b in bins if b.count >= MIN_CODE_ROWS]
    if not rare:
        return kept
    pooled = rare[0]
    for b in rare[1:]:
        pooled = pooled.joined(b)
    return kept + [pooled]


def runs_as(bins, better):
    """Whether the good end of the bins is where common sense has it."""
    if not better:
        return True
    rises = bins[-1].bad_rate > bins[0].bad_rate
    return rises == (better == "low")


def number_bins(values, bad, edges):
    """Fine bins of a number between the candidate edges."""
    lows = [None] + edges
    highs = edges + [None]
    bins = [Bin(low=low, high=high) for low, high in zip(lows, highs)]

    def locate(value):
        return sum(1 for edge in edges if value >= edge)

    tally(values, bad, bins, locate)
    return bins


def merge(bins, total, monotone):
    """Join neighbours until every bin is big enough, differs from its neighbour and, if asked, the bad rate runs one way."""
    bins = list(bins)
    while len(bins) > 2:
        small = min(range(len(bins)), key=lambda i: bins[i].count)
        if bins[small].count < MIN_SHARE * total:
            join(bins, nearest(bins, small))
            continue
        turning = turn(bins) if monotone else None
        if turning is not None:
            join(bins, turning)
            continue
        gaps = [gap(bins[i], bins[i + 1]) for i in range(len(bins) - 1)]
        closest = min(range(len(gaps)), key=lambda i: gaps[i])
        if gaps[closest] >= MIN_GAP_Z:
            break
        join(bins, closest)
    return bins


def nearest(bins, i):
    """The left index of the pair in which bin i joins the neighbour with the closer bad rate."""
    if i == 0:
        return 0
    if i == len(bins) - 1:
        return i - 1
    if bins[i].count == 0:
        return i - 1
    left = abs(bins[i].bad_rate - bins[i - 1].bad_rate) if bins[i - 1].count else 0.0
    right = abs(bins[i].bad_rate - bins[i + 1].bad_rate) if bins[i + 1].count else 0.0
    return i - 1 if left <= right else i


def turn(bins):
    """The left index of the weakest pair that runs against the main direction, or None."""
    steps = [bins[i + 1].bad_rate - bins[i].bad_rate for i in range(len(bins) - 1)]
    weight = sum(
        (bins[j].bad_rate - bins[i].bad_rate) * bins[i].count * bins[j].count
        for i in range(len(bins))
        for j in range(i + 1, len(bins))
    )
    sign = 1 if weight >= 0 else -1
    against = [i for i, step in enumerate(steps) if step * sign < 0]
    if not against:
        return None
    return min(against, key=lambda i: gap(bins[i], bins[i + 1]))


def gap(a, b):
    """How many standard errors apart two bad rates are."""
    pooled = (a.bad + b.bad + 1) / (a.count + b.count + 2)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / a.count + 1 / b.count))
    return abs(a.bad_rate - b.bad_rate) / spread


def join(bins, left):
    bins[left : left + 2] = [bins[left].joined(bins[left + 1])]


def weigh(bins, total_good, total_bad):
    """Sets each bin's weight of evidence (smoothed, rounded to six places: what is published is what is used)."""
    n = len(bins)
    for b in bins:
        good = (b.good + SMOOTHING) / (total_good + SMOOTHING * n)
        bad = (b.bad + SMOOTHING) / (total_bad + SMOOTHING * n)
        b.woe = round(math.log(good / bad), 6)


def information_value(bins, total_good, total_bad):
    return sum((b.good / total_good - b.bad / total_bad) * b.woe for b in bins)


def woe_of(bins, value):
    """The weight of evidence of a value: the bin that has it."""
    for b in bins:
        if b.codes:
            if value in b.codes:
                return b.woe
        elif (b.low is None or value >= b.low) and (b.high is None or value < b.high):
            return b.woe
    raise ValueError("a value outside every bin")
