"""A complete consumer of events, with psycopg 2: keeps a copy of every calendar in a file.

    pip install psycopg2                      # for protobuf: protobuf, pyroaring, and protoc --python_out=. event.proto
    python3 consumer.py "dbname=app" cache public.reservations_calendar calendars.jsonl [json|protobuf [STOP]]

The first run makes the slot and copies the calendars; every run goes on from what the slot has confirmed. A transaction
is confirmed when its last event is in the file. What was in the file but not confirmed when the consumer died comes
again, and its version tells that it is known: nothing is lost, nothing is done twice. STOP ends it after so many
events, for tests.
"""

import datetime
import json
import os
import sys

import psycopg2
import psycopg2.extras

dsn, slot, table, path = sys.argv[1:5]
form = sys.argv[5] if len(sys.argv) > 5 else 'json'
left = int(sys.argv[6]) if len(sys.argv) > 6 else -1
KINDS = ('created', 'updated', 'cancelled', 'reset', 'dropped')


def copy_calendars():
    """Makes the slot, then copies: events from before the copy come too, and are older than what it holds."""
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(
        """SELECT pg_create_logical_replication_slot(%s, 'availability_decoder')
        WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = %s)""",
        (slot, slot),
    )
    cursor.execute('SELECT listing_id::text, version, booked::jsonb FROM ' + table)
    with open(path + '.new', 'w') as new:
        for listing, version, booked in cursor:
            new.write(json.dumps({'listing': listing, 'version': version, 'booked': booked}) + '\n')
    os.replace(path + '.new', path)
    connection.close()


def spans(roaring):
    """A portable Roaring bitmap of days since 1970-01-01, as JSON has them: half-open spans."""
    from pyroaring import BitMap

    result = []
    for day in BitMap.deserialize(roaring):
        if not result or result[-1][1] != day:
            result.append([day, day])
        result[-1][1] = day + 1
    return [[str(datetime.date(1970, 1, 1) + datetime.timedelta(day)) for day in span] for span in result]


def parse(payload):
    """A message as a dictionary with the keys of JSON; lsn as a number."""
    if form == 'json':
        event = json.loads(payload)
        high, low = event['lsn'].split('/')
        event['lsn'] = int(high, 16) << 32 | int(low, 16)
        return event
    import event_pb2

    event = event_pb2.Event.FromString(payload)
    parsed = {
        'event': event_pb2.Kind.Name(event.event).lower(),
        'lsn': event.lsn,
        'last': event.last,
        'reason': event.reason,
    }
    if parsed['event'] in KINDS:
        parsed.update(
            listing=str(getattr(event, event.WhichOneof('listing'))), version=event.version, booked=spans(event.booked)
        )
    return parsed


def consume(message):
    global left
    event = parse(message.payload)
    if event['event'] not in KINDS:
        sys.stderr.write('skipped: %s\n' % event)
    elif known.get(event['listing'], -1 << 63) < event['version']:
        line = json.dumps({key: event[key] for key in ('listing', 'version', 'booked')})
        copy.write(line + '\n')
        copy.flush()
        known[event['listing']] = event['version']
        print(line, flush=True)
        left -= 1
    if event.get('last'):
        os.fsync(copy.fileno())
        # force: at once; without, with the next report of status.
        message.cursor.send_feedback(flush_lsn=event['lsn'], force=True)
    if left == 0:
        os._exit(0)


if not os.path.exists(path):
    copy_calendars()
known = {}
copy = open(path, 'a+')
copy.seek(0)
for line in copy:
    calendar = json.loads(line)
    known[calendar['listing']] = calendar['version']

stream = psycopg2.connect(dsn, connection_factory=psycopg2.extras.LogicalReplicationConnection).cursor()
# protobuf is bytes: decode=False. A keepalive that comes when all is confirmed moves the slot by itself.
stream.start_replication(slot_name=slot, decode=form == 'json', options={'format': form, 'tables': table})
stream.consume_stream(consume)
