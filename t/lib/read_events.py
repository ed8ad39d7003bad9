# Reads events, one a line, and prints each as JSON with its keys in order: protobuf in hexadecimal, read with what protoc made of
# event.proto, or with --json as they are.
# Arguments: the directory of event_pb2.py, or --json.

import base64
import datetime
import json
import struct
import sys

if sys.argv[1] != '--json':
    sys.path.insert(0, sys.argv[1])
    import event_pb2

EPOCH = datetime.datetime(1970, 1, 1)


def date(day):
    return str((EPOCH + datetime.timedelta(days=day)).date())


def days_of(roaring):
    """The days of a portable Roaring bitmap of at most one container, by its specification."""
    cookie, = struct.unpack_from('<I', roaring)
    if cookie & 0xffff == 12347:
        assert cookie >> 16 == 0 and roaring[4] == 1
        runs, = struct.unpack_from('<H', roaring, 9)
        pairs = struct.unpack_from('<%dH' % (2 * runs), roaring, 11)
        assert len(roaring) == 11 + 4 * runs
        return [day for first, more in zip(pairs[::2], pairs[1::2]) for day in range(first, first + more + 1)]
    assert cookie == 12346
    containers, = struct.unpack_from('<I', roaring, 4)
    if containers == 0:
        assert len(roaring) == 8
        return []
    key, more, offset = struct.unpack_from('<HHI', roaring, 8)
    assert containers == 1 and key == 0 and offset == 16
    if more < 4096:
        return list(struct.unpack_from('<%dH' % (more + 1), roaring, 16))
    bits = int.from_bytes(roaring[16:16 + 8192], 'little')
    return [day for day in range(65536) if bits >> day & 1]


def spans_of(days):
    spans = []
    for day in days:
        if spans and spans[-1][1] == day:
            spans[-1][1] = day + 1
        else:
            spans.append([day, day + 1])
    return [[date(first), date(end)] for first, end in spans]


def stay_of(stay):
    assert stay.nights > 0
    return [date(stay.first_day), date(stay.first_day + stay.nights)]


def json_of(event):
    result = {'v': 1, 'event': event_pb2.Kind.Name(event.event).lower()}
    if event.table:
        result['table'] = event.table
    for name in ('listing', 'reservation'):
        which = event.WhichOneof(name)
        if which is not None:
            result[name] = str(getattr(event, which))
    for name in ('stay', 'was'):
        if event.HasField(name):
            result[name] = stay_of(getattr(event, name))
    has_calendar = event.event in (event_pb2.CREATED, event_pb2.UPDATED, event_pb2.CANCELLED, event_pb2.RESET, event_pb2.DROPPED)
    if has_calendar:
        result['version'] = event.version
        result['booked'] = spans_of(days_of(event.booked))
    if event.reason:
        result['reason'] = event.reason
    if event.xid:
        result['xid'] = event.xid
    if event.event == event_pb2.MESSAGE:
        result['prefix'] = event.prefix
        try:
            result['content'] = event.content.decode('utf-8')
            assert '\0' not in result['content']
        except (UnicodeDecodeError, AssertionError):
            result.pop('content', None)
            result['content_base64'] = base64.b64encode(event.content).decode()
    result['lsn'] = '%X/%X' % (event.lsn >> 32, event.lsn & 0xffffffff)
    if event.seq:
        result['seq'] = event.seq
    if event.skipped:
        result['skipped'] = event.skipped
    if event.last:
        result['last'] = True
    at = (event.version + event.at_after_version + 2 ** 63) % 2 ** 64 - 2 ** 63
    result['at'] = (EPOCH + datetime.timedelta(microseconds=at)).isoformat(timespec='microseconds') + 'Z'
    return result


def event_of(line):
    if sys.argv[1] == '--json':
        return json.loads(line)
    message = event_pb2.Event()
    message.ParseFromString(bytes.fromhex(line))
    assert not message.UnknownFields()
    return json_of(message)


for line in sys.stdin:
    print(json.dumps(event_of(line), sort_keys=True, ensure_ascii=False))
