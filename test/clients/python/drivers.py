"""psycopg 2, psycopg 3 and asyncpg: bookings, conflicts, functions with what Python has, daysets, operators with and
without a search_path."""

import asyncio
import datetime
import uuid

import asyncpg
import psycopg
import psycopg2
import psycopg2.extras
from psycopg.types.json import Json, Jsonb
from psycopg.types.range import DateRange
from pyroaring import BitMap

import asyncpg_dayset
import dayset
import psycopg2_dayset
import psycopg_dayset
from tap import connect, create_database, equal, ok, raises, run, sql, url

DAY = datetime.date(2027, 1, 1)
THREE_DAYS = BitMap(range(dayset.day_of(DAY), dayset.day_of(DAY) + 3))
INSERT = 'INSERT INTO reservations (listing_id, stay) VALUES (%s, %s)'


def day(n):
    return DAY + datetime.timedelta(n)


def forms():
    equal(dayset.to_text(BitMap()), '{}', 'dayset.py: none')
    text = '{[1970-01-01,1970-01-02),[1970-01-03,1970-01-05),[2149-06-06,2149-06-07)}'
    equal(dayset.to_text(BitMap([0, 2, 3, 65535])), text, 'dayset.py: the text form')
    equal(dayset.from_text(text), BitMap([0, 2, 3, 65535]), 'dayset.py: and back')
    rows = sql(
        'drivers',
        "SELECT d::text, d::bytea, %s::bytea::availability.dayset::text FROM CAST(%s AS availability.dayset) AS d",
        dayset.to_bytes(BitMap([0, 2, 3, 65535])),
        text,
    )
    equal(
        (rows[0][0], dayset.from_bytes(rows[0][1]), rows[0][2]),
        (text, BitMap([0, 2, 3, 65535]), text),
        'dayset.py: the bytes',
    )


def psycopg2_driver():
    connection = connect('drivers')
    cursor = connection.cursor()
    cursor.execute(INSERT, (1, psycopg2.extras.DateRange(DAY, day(3))))
    for rest in '', ' ON CONFLICT DO NOTHING':
        raises(
            psycopg2.errors.UniqueViolation,
            lambda: cursor.execute(INSERT + rest, (1, psycopg2.extras.DateRange(day(2), day(5)))),
            'psycopg 2: a double booking is a UniqueViolation' + rest,
            lambda error: error.diag.constraint_name == 'reservations_day_pkey'
            and error.diag.message_detail == 'Taken days: [2027-01-03,2027-01-04).',
        )
    book = 'SELECT reservation_id, replayed FROM availability.book(%s, %s, %s, %s, %s)'
    key = str(uuid.uuid4())
    cursor.execute(
        book, ('reservations', 2, psycopg2.extras.DateRange(DAY, day(3)), key, psycopg2.extras.Json({'guest': 'Ada'}))
    )
    first = cursor.fetchone()
    cursor.execute(book, ('reservations', '2', '[2027-01-01,2027-01-04)', key, '{"guest": "Ada"}'))
    equal(cursor.fetchone(), (first[0], True), 'psycopg 2: book, and again with its key')
    psycopg2_dayset.register(connection)
    cursor.execute(
        'SELECT booked, NULL::availability.dayset, %s OPERATOR(availability.=) booked'
        ' FROM reservations_calendar WHERE listing_id = 1',
        (THREE_DAYS,),
    )
    equal(cursor.fetchone(), (THREE_DAYS, None, True), 'psycopg2_dayset.py: read and written')
    connection.close()


def psycopg3_driver():
    with psycopg.connect(url('drivers'), autocommit=True) as connection:
        connection.execute(INSERT, (11, DateRange(DAY, day(3))))
        raises(
            psycopg.errors.UniqueViolation,
            lambda: connection.execute(INSERT, (11, DateRange(day(2), day(5)))),
            'psycopg 3: a double booking is a UniqueViolation',
            lambda error: error.diag.constraint_name == 'reservations_day_pkey',
        )
        book = 'SELECT reservation_id, replayed FROM availability.book(%s, %s, %s, %s, %s)'
        key = uuid.uuid4()
        first = connection.execute(
            book, ('reservations', 12, DateRange(DAY, day(3)), key, Jsonb({'guest': 'Ada'}))
        ).fetchone()
        for listing, stay, attributes in (
            (12, DateRange(DAY, day(3)), Json({'guest': 'Ada'})),
            ('12', '[2027-01-01,2027-01-04)', '{"guest": "Ada"}'),
        ):
            equal(
                connection.execute(book, ('reservations', listing, stay, key, attributes)).fetchone(),
                (first[0], True),
                'psycopg 3: book with %r' % listing,
            )
        hold = connection.execute(
            'SELECT availability.hold(%s, %s, %s, %s)',
            ('reservations', 12, DateRange(day(10), day(12)), datetime.timedelta(hours=1)),
        ).fetchone()[0]
        confirmed = connection.execute(
            'SELECT reservation_id FROM availability.confirm(%s, %s, %s)',
            ('reservations', hold, Jsonb({'guest': 'Grace'})),
        ).fetchone()[0]
        connection.execute(
            'SELECT availability.move(%s, %s, %s)', ('reservations', int(confirmed), DateRange(day(20), day(22)))
        )
        connection.execute('SELECT availability.cancel(%s, %s)', ('reservations', confirmed))
        ok(True, 'psycopg 3: hold, confirm, move, cancel')
        psycopg_dayset.register(connection)
        for binary in False, True:
            cursor = connection.cursor(binary=binary)
            select = 'SELECT booked, %{0} OPERATOR(availability.=) booked FROM {1} WHERE listing_id = 11'.format(
                'b' if binary else 't', 'reservations_calendar'
            )
            equal(
                cursor.execute(select, (THREE_DAYS,)).fetchone(),
                (THREE_DAYS, True),
                'psycopg_dayset.py: read and written, %s' % ('binary' if binary else 'text'),
            )


async def asyncpg_calls():
    connection = await asyncpg.connect(url('drivers'))
    stay = asyncpg.Range(DAY, day(3))
    await connection.execute('INSERT INTO reservations (listing_id, stay) VALUES ($1, $2)', 21, stay)
    try:
        await connection.execute('INSERT INTO reservations (listing_id, stay) VALUES ($1, $2)', 21, stay)
        ok(False, 'asyncpg: a double booking')
    except asyncpg.UniqueViolationError as error:
        equal(error.constraint_name, 'reservations_day_pkey', 'asyncpg: a double booking is a UniqueViolationError')
    # asyncpg sends what it does not know as text, and casts say what it knows.
    text = await connection.fetchrow(
        'SELECT reservation_id, replayed FROM availability.book($1, $2, $3, $4)',
        'reservations',
        '22',
        '[2027-01-01,2027-01-04)',
        'asyncpg',
    )
    typed = await connection.fetchrow(
        'SELECT reservation_id, replayed FROM availability.book($1, $2::bigint, $3::daterange, $4)',
        'reservations',
        22,
        stay,
        'asyncpg',
    )
    equal((typed[0], typed[1]), (text[0], True), 'asyncpg: book, with strings and with casts')
    await asyncpg_dayset.register(connection)
    row = await connection.fetchrow(
        'SELECT booked, $1 OPERATOR(availability.=) booked FROM reservations_calendar WHERE listing_id = 21', THREE_DAYS
    )
    equal((row[0], row[1]), (THREE_DAYS, True), 'asyncpg_dayset.py: read and written')
    await connection.close()


def asyncpg_driver():
    asyncio.run(asyncpg_calls())


def operators():
    """What needs the schema on the search_path, and what does not."""

    def answer(statement):
        return sql('drivers', statement)

    calendars = 'reservations_calendar'
    raises(
        psycopg2.errors.UndefinedFunction,
        lambda: answer('SELECT a.booked = b.booked FROM %s a, %s b' % (calendars, calendars)),
        'without it, = is not found',
        lambda error: 'operator does not exist: availability.dayset = availability.dayset' in str(error),
    )
    raises(
        psycopg2.errors.UndefinedFunction, lambda: answer("SELECT booked IN ('{}') FROM %s" % calendars), 'nor is IN'
    )
    raises(
        psycopg2.errors.UndefinedFunction,
        lambda: answer("SELECT booked && '[2027-01-01,2027-01-02)'::daterange FROM %s" % calendars),
        'nor &&',
    )
    answer("INSERT INTO reservations (listing_id, stay) VALUES (99, '[2027-06-01,2027-06-02)')")
    count = answer('SELECT count(*) FROM %s' % calendars)[0][0]
    equal(
        answer('SELECT count(*) FROM (SELECT DISTINCT booked FROM %s) AS d' % calendars),
        [(2,)],
        'DISTINCT needs nothing',
    )
    equal(
        answer('SELECT sum(n)::int FROM (SELECT count(*) AS n FROM %s GROUP BY booked) AS g' % calendars),
        [(count,)],
        'nor GROUP BY',
    )
    equal(
        answer('SELECT count(*) FROM (SELECT booked FROM %s ORDER BY booked DESC) AS o' % calendars),
        [(count,)],
        'nor ORDER BY',
    )
    equal(
        answer(
            'SELECT count(*) FROM (SELECT booked FROM %s UNION SELECT booked FROM %s) AS u' % (calendars, calendars)
        ),
        [(2,)],
        'nor UNION',
    )
    equal(
        answer(
            "SELECT count(*) > 0 FROM %s WHERE availability.is_booked(booked, '[2027-01-01,2027-01-02)')" % calendars
        ),
        [(True,)],
        'nor functions',
    )
    equal(
        answer("SELECT booked OPERATOR(availability.=) '{}' FROM %s LIMIT 1" % calendars),
        [(False,)],
        'OPERATOR() names one',
    )
    equal(
        sql(
            'drivers',
            "SET search_path = public, availability;"
            "SELECT count(*) FROM %s WHERE booked IN ('{}') OR booked && '[1999-01-01,1999-01-02)'::daterange"
            % calendars,
        ),
        [(0,)],
        'with the schema on the search_path all are found',
    )


def verify():
    equal(sql('drivers', "SELECT * FROM availability.verify('reservations')"), [], 'nothing is left amiss')


create_database('drivers')
sql(
    'drivers',
    """
    CREATE TABLE reservations (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id bigint, stay daterange, guest text);
    SELECT availability.track('reservations')""",
)
run(forms, psycopg2_driver, psycopg3_driver, asyncpg_driver, operators, verify)
