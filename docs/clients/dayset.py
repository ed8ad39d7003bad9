"""A dayset as a pyroaring BitMap of days since 1970-01-01, from and to each of its forms. Used by the other files here.

pip install pyroaring
"""

import datetime
import re

from pyroaring import BitMap

EPOCH = datetime.date(1970, 1, 1)


def day_of(date):
    return (date - EPOCH).days


def date_of(day):
    return EPOCH + datetime.timedelta(day)


def from_bytes(data):
    """The binary form, `booked::bytea`, and `booked` of a protobuf event: a portable Roaring bitmap."""
    return BitMap.deserialize(bytes(data))


def to_bytes(days):
    days = BitMap(days)
    days.run_optimize()
    return days.serialize()


def from_text(text):
    """The text form: '{[2026-12-20,2026-12-27),[2027-01-01,2027-01-03)}'."""
    days = BitMap()
    for first, end in re.findall(r'\[([\d-]+),([\d-]+)\)', text):
        days.add_range(day_of(datetime.date.fromisoformat(first)), day_of(datetime.date.fromisoformat(end)))
    return days


def spans(days):
    """The runs of a set, as half-open pairs of dates."""
    result = []
    for day in days:
        if not result or result[-1][1] != day:
            result.append([day, day])
        result[-1][1] = day + 1
    return [(date_of(first), date_of(end)) for first, end in result]


def to_text(days):
    return '{%s}' % ','.join('[%s,%s)' % span for span in spans(days))
