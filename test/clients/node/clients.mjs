// node-postgres, knex and TypeORM: bookings, conflicts, functions, daysets.

import 'reflect-metadata';
import pg from 'pg';
import knex from 'knex';
import { DataSource, EntitySchema, QueryFailedError } from 'typeorm';
import { RoaringBitmap32 } from 'roaring-wasm';
import { daysetTransformer, fromBytes, registerDayset, spans, toBytes, toText } from './dayset.mjs';

const url = (database) => `postgres://postgres@127.0.0.1:${process.env.CLIENTS_PORT}/${database}`;

function ok(passed, name, ...facts) {
    console.log(`${passed ? 'ok' : 'not ok'} - ${name}`);
    if (!passed) console.log('#', ...facts);
}

const equal = (found, expected, name) =>
    ok(JSON.stringify(found) === JSON.stringify(expected), name, 'found:', found, 'expected:', expected);

// The error that a promise ends in.
const failure = (promise) =>
    promise.then(
        () => new Error('nothing was raised'),
        (error) => error,
    );

async function run(test) {
    try {
        await test();
    } catch (error) {
        console.log(error);
        ok(false, test.name);
    }
}

const client = new pg.Client(url('node'));

async function create() {
    const admin = new pg.Client(url('postgres'));
    await admin.connect();
    await admin.query('CREATE DATABASE node');
    await admin.end();
    await client.connect();
    await client.query(`CREATE EXTENSION availability;
        CREATE TABLE reservations (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id bigint, stay daterange, guest text);
        SELECT availability.track('reservations')`);
}

async function nodePostgres() {
    const insert = 'INSERT INTO reservations (listing_id, stay) VALUES ($1, $2)';
    await client.query(insert, [1, '[2027-01-01,2027-01-04)']);
    const conflict = await failure(client.query(insert, [1, '[2027-01-03,2027-01-05)']));
    equal(
        [conflict.code, conflict.constraint, conflict.table],
        ['23505', 'reservations_day_pkey', 'reservations_day'],
        'node-postgres: a double booking is told',
    );
    const ignored = await failure(client.query(`${insert} ON CONFLICT DO NOTHING`, [1, '[2027-01-03,2027-01-05)']));
    equal(ignored.code, '23505', 'node-postgres: ON CONFLICT DO NOTHING does not swallow it');

    const book = 'SELECT reservation_id, replayed FROM availability.book($1, $2, $3, $4, $5)';
    const {
        rows: [first],
    } = await client.query(book, ['reservations', 2, '[2027-02-01,2027-02-04)', 'key', { guest: 'Ada' }]);
    const {
        rows: [again],
    } = await client.query(book, ['reservations', '2', '[2027-02-01,2027-02-04)', 'key', '{"guest":"Ada"}']);
    equal(
        [again.reservation_id, again.replayed],
        [first.reservation_id, true],
        'node-postgres: book, and again with its key',
    );
    const {
        rows: [hold],
    } = await client.query('SELECT availability.hold($1, $2, $3, $4)', [
        'reservations',
        2,
        '[2027-03-01,2027-03-04)',
        '1 hour',
    ]);
    const {
        rows: [confirmed],
    } = await client.query('SELECT * FROM availability.confirm($1, $2, $3)', [
        'reservations',
        hold.hold,
        { guest: 'Grace' },
    ]);
    const {
        rows: [moved],
    } = await client.query('SELECT * FROM availability.move($1, $2, $3)', [
        'reservations',
        confirmed.reservation_id,
        '[2027-04-01,2027-04-02)',
    ]);
    const {
        rows: [cancelled],
    } = await client.query('SELECT * FROM availability.cancel($1, $2)', ['reservations', Number(moved.reservation_id)]);
    equal(cancelled.reservation_id, confirmed.reservation_id, 'node-postgres: hold, confirm, move, cancel');

    const read = 'SELECT booked, booked::bytea AS bytes FROM reservations_calendar WHERE listing_id = 1';
    await registerDayset(client);
    const {
        rows: [calendar],
    } = await client.query(read);
    equal(spans(calendar.booked), [['2027-01-01', '2027-01-04']], 'dayset.mjs: a calendar is read');
    equal(
        spans(fromBytes(calendar.bytes)),
        [['2027-01-01', '2027-01-04']],
        'dayset.mjs: its bytes are read by the Roaring library',
    );
    const {
        rows: [same],
    } = await client.query(
        `SELECT $1 OPERATOR(availability.=) booked AS text,
            $2::bytea::availability.dayset OPERATOR(availability.=) booked AS bytes
        FROM reservations_calendar WHERE listing_id = 1`,
        [calendar.booked, toBytes(calendar.booked)],
    );
    equal([same.text, same.bytes], [true, true], 'dayset.mjs: a bitmap is written');
    equal(
        [toText(new RoaringBitmap32()), toText(new RoaringBitmap32([0, 2, 3, 65535]))],
        ['{}', '{[1970-01-01,1970-01-02),[1970-01-03,1970-01-05),[2149-06-06,2149-06-07)}'],
        'dayset.mjs: the text form',
    );
}

async function knexQueries() {
    const db = knex({ client: 'pg', connection: url('node') });
    try {
        await db('reservations').insert({ listing_id: 10, stay: '[2027-01-01,2027-01-04)' });
        const conflict = await failure(
            db('reservations').insert({ listing_id: 10, stay: '[2027-01-03,2027-01-05)' }).onConflict().ignore(),
        );
        equal(
            [conflict.code, conflict.constraint],
            ['23505', 'reservations_day_pkey'],
            'knex: a double booking is told, with onConflict().ignore() too',
        );
        const free = await db('reservations_calendar')
            .where({ listing_id: 10 })
            .whereRaw('availability.is_available(booked, ?)', ['[2027-01-04,2027-01-06)']);
        equal(free.length, 1, 'knex: a search');
        const {
            rows: [answer],
        } = await db.raw('SELECT * FROM availability.book(?, ?, ?, attributes => ?)', [
            'reservations',
            10,
            '[2027-01-04,2027-01-06)',
            { guest: 'Ada' },
        ]);
        equal(answer.replayed, false, 'knex: book');
    } finally {
        await db.destroy();
    }
}

async function typeorm() {
    const Reservation = new EntitySchema({
        name: 'Reservation',
        tableName: 'reservations',
        columns: {
            id: { type: 'bigint', primary: true, generated: 'identity', generatedIdentity: 'ALWAYS' },
            listingId: { type: 'bigint', name: 'listing_id', nullable: true },
            stay: { type: 'daterange', nullable: true },
            guest: { type: 'text', nullable: true },
        },
    });
    const Home = new EntitySchema({
        name: 'Home',
        tableName: 'homes',
        columns: {
            id: { type: 'int', primary: true },
            booked: { type: 'text', nullable: true, transformer: daysetTransformer },
        },
    });
    await client.query('CREATE TABLE homes (id int PRIMARY KEY, booked availability.dayset)');
    const source = await new DataSource({
        type: 'postgres',
        url: url('node'),
        entities: [Reservation, Home],
    }).initialize();
    try {
        const reservations = source.getRepository(Reservation);
        const saved = await reservations.save({ listingId: 20, stay: '[2027-01-01,2027-01-04)' });
        ok(saved.id > 0, 'TypeORM: save books', saved);
        const conflict = await failure(reservations.save({ listingId: 20, stay: '[2027-01-03,2027-01-05)' }));
        ok(conflict instanceof QueryFailedError, 'TypeORM: a double booking is a QueryFailedError', conflict);
        equal(
            [conflict.driverError.code, conflict.driverError.constraint],
            ['23505', 'reservations_day_pkey'],
            'TypeORM: which names the constraint',
        );
        const ignored = await failure(
            reservations
                .createQueryBuilder()
                .insert()
                .values({ listingId: 20, stay: '[2027-01-03,2027-01-05)' })
                .orIgnore()
                .execute(),
        );
        equal(ignored.driverError?.code, '23505', 'TypeORM: orIgnore() does not swallow it');
        await reservations.update(saved.id, { stay: '[2027-01-10,2027-01-12)' });
        const upserted = await reservations
            .upsert({ id: saved.id, listingId: 21, stay: '[2027-01-10,2027-01-12)' }, ['id'])
            .catch((error) => error);
        ok(upserted instanceof QueryFailedError || upserted.identifiers.length === 1, 'TypeORM: upsert', upserted);
        const failed = await failure(
            source.transaction(async (manager) => {
                await manager.save(Reservation, { listingId: 22, stay: '[2027-01-01,2027-01-02)' });
                await manager.save(Reservation, { listingId: 22, stay: '[2027-01-01,2027-01-02)' });
            }),
        );
        equal(
            [failed.driverError?.code, await reservations.countBy({ listingId: 22 })],
            ['23505', 0],
            'TypeORM: a transaction with a conflict is undone',
        );

        const homes = source.getRepository(Home);
        await homes.save({ id: 1, booked: new RoaringBitmap32([20818, 20819]) });
        const home = await homes.findOneByOrFail({ id: 1 });
        equal(spans(home.booked), [['2026-12-31', '2027-01-02']], 'TypeORM: a column of the type dayset');
    } finally {
        await source.destroy();
    }
}

async function verify() {
    const { rows } = await client.query(`SELECT * FROM availability.verify('reservations')`);
    equal(rows, [], 'nothing is left amiss');
}

await create();
for (const test of [nodePostgres, knexQueries, typeorm, verify]) await run(test);
await client.end();
