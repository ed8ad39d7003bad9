"""The consumers of decoder/examples that keep a copy: each, in both formats, is stopped after every event and started
again, and in the end has done each event once, in order, and holds the calendars."""

import concurrent.futures
import json
import os
import subprocess
import time

from tap import SOURCE, WORK, connect, create_database, equal, ok, run, sql, url

CALENDAR = 'public.reservations_calendar'
BOOK = 'INSERT INTO reservations (listing_id, stay) VALUES '
FORMATS = ('json', 'protobuf')
CONSUMERS = {
    'consumer.py': ([WORK + '/python/bin/python', SOURCE + '/decoder/examples/consumer.py', url('consumers')], WORK),
    'consumer.go': ([WORK + '/go/consumer', url('consumers')], WORK),
    'consumer.mjs': (['node', 'consumer.mjs', url('consumers')], WORK + '/node'),
    'Consumer.java': (
        [
            'java',
            '-XX:TieredStopAtLevel=1',
            '-XX:+UseSerialGC',
            '-cp',
            WORK + '/java/classes:' + WORK + '/java/lib/*',
            'Consumer',
            'jdbc:postgresql://127.0.0.1:%s/consumers?user=postgres' % os.environ['CLIENTS_PORT'],
        ],
        WORK,
    ),
}
DEADLINE = 120


class Consumer:
    def __init__(self, name, form):
        self.name = '%s, %s' % (name, form)
        self.slot = 'of_%s_%s' % (name.replace('.', '_').lower(), form)
        self.path = '%s/%s.jsonl' % (WORK, self.slot)
        command, self.directory = CONSUMERS[name]
        self.command = command + [self.slot, CALENDAR, self.path, form]
        self.printed = []

    def start(self, stop=None):
        return subprocess.Popen(
            self.command + ([str(stop)] if stop else []),
            cwd=self.directory,
            env=dict(os.environ, PYTHONPATH=WORK),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run_until(self, done):
        """Runs the consumer until the condition holds, then kills it."""
        process = self.start()
        deadline = time.time() + DEADLINE
        is_done = done()
        while not is_done and process.poll() is None and time.time() < deadline:
            time.sleep(0.05)
            is_done = done()
        process.kill()
        out, _ = process.communicate()
        if not is_done:
            raise RuntimeError('%s: %s' % (self.name, out))
        self.printed += out.splitlines()

    def begin(self):
        """The first run: makes the slot and the copy."""
        self.run_until(lambda: os.path.exists(self.path) and self.is_active())

    def step(self):
        """Runs the consumer up to the next event, at which it dies."""
        process = self.start(1)
        try:
            out, _ = process.communicate(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise RuntimeError('%s: no event' % self.name)
        lines = out.splitlines()
        if len(lines) != 1 or process.returncode != 0:
            raise RuntimeError('%s: %s' % (self.name, out))
        self.printed += lines

    def is_active(self):
        return bool(sql('consumers', 'SELECT 1 FROM pg_replication_slots WHERE slot_name = %s AND active', self.slot))

    def has_confirmed(self, lsn):
        return bool(
            sql(
                'consumers',
                'SELECT 1 FROM pg_replication_slots WHERE slot_name = %s AND confirmed_flush_lsn >= %s',
                self.slot,
                lsn,
            )
        )

    def wait_until_free(self):
        while self.is_active():
            time.sleep(0.02)

    def read(self, events, end):
        for _ in events:
            self.step()
            self.wait_until_free()
        # All is applied; what was not confirmed comes again, and is confirmed.
        self.run_until(lambda: self.has_confirmed(end))
        self.wait_until_free()
        return self


def tell():
    """All that happens, as (listing, version, booked), and where it ends."""
    connection = connect('consumers')
    cursor = connection.cursor()
    cursor.execute("SELECT pg_create_logical_replication_slot('told', 'availability_decoder')")
    for statement in (
        BOOK + "(1, '[2027-01-01,2027-01-04)')",
        # Two events of one transaction, on two listings and on one.
        BOOK + "(1, '[2027-02-01,2027-02-04)'), (2, '[2027-02-01,2027-02-04)')",
        BOOK + "(3, '[2027-03-01,2027-03-04)'), (3, '[2027-03-08,2027-03-14)')",
        "UPDATE reservations SET listing_id = 4 WHERE listing_id = 2",
        # A commit beside another, of a transaction that began before it.
        "BEGIN; " + BOOK + "(5, '[2027-04-01,2027-04-04)'); PREPARE TRANSACTION 'beside'",
        BOOK + "(1, '[2027-05-01,2027-05-04)')",
        "COMMIT PREPARED 'beside'",
        "CREATE TABLE other AS SELECT 1 AS id",
        "BEGIN; DELETE FROM reservations WHERE listing_id = 3; DELETE FROM listings WHERE id = 3; COMMIT",
    ):
        cursor.execute(statement)
    cursor.execute("SELECT data::json FROM pg_logical_slot_get_changes('told', NULL, NULL, 'tables', %s)", (CALENDAR,))
    told = [row[0] for row in cursor.fetchall()]
    cursor.execute("SELECT pg_current_wal_flush_lsn()")
    end = cursor.fetchone()[0]
    cursor.execute("SELECT pg_drop_replication_slot('told')")
    connection.close()
    return [(event['listing'], str(event['version']), event['booked']) for event in told], end


def calendar(line):
    parsed = json.loads(line)
    return parsed['listing'], str(parsed['version']), parsed['booked']


def test_consumers():
    create_database('consumers')
    sql(
        'consumers',
        """
        CREATE TABLE listings (id int PRIMARY KEY);
        CREATE TABLE reservations (
            id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int REFERENCES listings, stay daterange);
        INSERT INTO listings SELECT generate_series(1, 5);
        SELECT availability.track('reservations');
        INSERT INTO reservations (listing_id, stay) VALUES (2, '[2026-12-20,2026-12-27)')""",
    )
    before = {
        row[0]: (str(row[1]), row[2])
        for row in sql('consumers', 'SELECT listing_id::text, version, booked::jsonb FROM reservations_calendar')
    }

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        consumers = finished(pool, Consumer.begin, [Consumer(name, form) for name in CONSUMERS for form in FORMATS])
        told, end = tell()
        ok(len(told) == 14 and len({row[0] for row in told}) == 5, 'there is something to tell', told)
        for consumer in finished(pool, lambda consumer: consumer.read(told, end), consumers):
            check(consumer, before, told)


def finished(pool, action, consumers):
    """Does something with each consumer at once; those with which that went well."""
    fine = []
    for consumer, result in [(consumer, pool.submit(action, consumer)) for consumer in consumers]:
        try:
            result.result()
            fine.append(consumer)
        except Exception as error:
            ok(False, '%s: runs' % consumer.name, error)
    return fine


def check(consumer, before, told):
    equal([calendar(line) for line in consumer.printed], told, '%s: every event once, in order' % consumer.name)
    with open(consumer.path) as file:
        copied = [calendar(line) for line in file]
    equal(
        {row[0]: row[1:] for row in copied[: len(before)]},
        before,
        '%s: the copy begins with the calendars as they were' % consumer.name,
    )
    equal(copied[len(before) :], told, '%s: and goes on with the events' % consumer.name)
    equal(
        sql('consumers', "SELECT count(*) FROM pg_logical_slot_peek_changes(%s, NULL, NULL)", consumer.slot),
        [(0,)],
        '%s: all is confirmed' % consumer.name,
    )
    sql('consumers', 'SELECT pg_drop_replication_slot(%s)', consumer.slot)


run(test_consumers)
