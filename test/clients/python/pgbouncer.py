"""PgBouncer in transaction mode: bookings, conflicts, functions, settings of a transaction; few server connections for
many clients."""

import concurrent.futures
import os
import socket
import subprocess
import time

import psycopg
import psycopg2
import psycopg2.extras

from tap import PORT, WORK, create_database, equal, ok, raises, run, sql, url

CLIENTS = 8
NIGHTS = 12


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def start(port):
    folder = WORK + '/pgbouncer'
    os.makedirs(folder, exist_ok=True)
    with open(folder + '/pgbouncer.ini', 'w') as file:
        file.write("""[databases]
pooled = host=127.0.0.1 port=%s dbname=pooled user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
ignore_startup_parameters = extra_float_digits
""" % (PORT, port))
    with open(WORK + '/logs/pgbouncer', 'w') as log:
        process = subprocess.Popen(['/usr/sbin/pgbouncer', folder + '/pgbouncer.ini'], stdout=log, stderr=log)
    deadline = time.time() + 60
    while time.time() < deadline:
        try:
            psycopg2.connect(pooled(port)).close()
            return process
        except psycopg2.OperationalError:
            time.sleep(0.1)
    process.kill()
    raise RuntimeError('PgBouncer does not answer')


def pooled(port):
    return 'host=127.0.0.1 port=%d dbname=pooled user=postgres' % port


def book_all(port, client):
    """Each client tries to book each night, one transaction each; without prepared statements, which a pooler gives
    away."""
    booked = refused = 0
    with psycopg.connect(pooled(port), autocommit=True, prepare_threshold=None) as connection:
        for n in range(NIGHTS):
            night = (n + client) % NIGHTS
            try:
                connection.execute(
                    "SELECT availability.book('reservations', 1,"
                    " daterange(date '2027-01-01' + %s, date '2027-01-02' + %s), idempotency_key => %s)",
                    (night, night, '%d/%d' % (client, night)),
                )
                booked += 1
            except psycopg.errors.UniqueViolation as error:
                refused += error.diag.constraint_name == 'reservations_day_pkey'
    return booked, refused


def test_pooler(port):
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        results = list(pool.map(lambda client: book_all(port, client), range(CLIENTS)))
    equal(
        (sum(r[0] for r in results), sum(r[1] for r in results)),
        (NIGHTS, NIGHTS * (CLIENTS - 1)),
        'each night is booked once, and refused to all others',
    )
    backends = sql(
        'pooled', "SELECT count(*) FROM pg_stat_activity WHERE datname = 'pooled' AND pid <> pg_backend_pid()"
    )[0][0]
    ok(0 < backends <= 3, 'over three server connections', backends)

    with psycopg.connect(pooled(port), prepare_threshold=None) as connection:
        hold = connection.execute("SELECT availability.hold('reservations', 2, '[2027-01-01,2027-01-03)')").fetchone()[
            0
        ]
        connection.commit()
        # Another transaction, which may be of another server connection; settings are its own by SET LOCAL.
        connection.execute("SET LOCAL availability.idempotency_retention = '1h'")
        connection.execute("SELECT availability.confirm('reservations', %s, idempotency_key => 'pooled')", (hold,))
        connection.commit()
        expires = connection.execute(
            "SELECT expires_at < now() + interval '2 hours' FROM reservations_request WHERE key = 'pooled'"
        ).fetchone()
        equal(expires, (True,), 'hold and confirm in two transactions, with a setting of one')
        connection.commit()
        connection.execute("SET LOCAL search_path = public, availability")
        equal(
            connection.execute(
                "SELECT count(*) FROM reservations_calendar WHERE booked && daterange('2027-01-01', '2027-01-02')"
            ).fetchone(),
            (2,),
            'operators by SET LOCAL search_path',
        )
        connection.rollback()
    raises(
        psycopg2.OperationalError,
        lambda: psycopg2.connect(pooled(port), connection_factory=psycopg2.extras.LogicalReplicationConnection),
        'events do not come through it: a consumer connects to the server itself',
    )
    equal(sql('pooled', "SELECT * FROM availability.verify('reservations')"), [], 'nothing is left amiss')


def pgbouncer():
    create_database('pooled')
    sql(
        'pooled',
        """
        CREATE TABLE reservations (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id bigint, stay daterange);
        SELECT availability.track('reservations')""",
    )
    port = free_port()
    process = start(port)
    try:
        test_pooler(port)
    finally:
        process.kill()
        process.wait()


run(pgbouncer)
