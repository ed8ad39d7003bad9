// A complete consumer of events, with pg-logical-replication: keeps a copy of every calendar in a file.
//
//   npm install pg pg-logical-replication      # for protobuf: protobufjs, roaring-wasm
//   node consumer.mjs postgres://localhost/app cache public.reservations_calendar calendars.jsonl [FORMAT [STOP]]
//
// The first run makes the slot and copies the calendars; every run goes on from what the slot has confirmed. A
// transaction is confirmed when its last event is in the file. What was in the file but not confirmed when the consumer
// died comes again, and its version tells that it is known: nothing is lost, nothing is done twice. STOP ends it after
// so many events, for tests. For protobuf, event.proto lies in the current directory.

import fs from 'node:fs';
import pg from 'pg';
import { LogicalReplicationService } from 'pg-logical-replication';

const [url, slot, table, path, format = 'json', stop = '-1'] = process.argv.slice(2);
const kinds = ['created', 'updated', 'cancelled', 'reset', 'dropped'];
let left = Number(stop);

// Makes the slot, then copies: events from before the copy come too, and are older than what it holds.
async function copyCalendars() {
    const client = new pg.Client(url);
    await client.connect();
    await client.query(
        `SELECT pg_create_logical_replication_slot($1, 'availability_decoder')
        WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1)`,
        [slot],
    );
    const { rows } = await client.query(
        `SELECT listing_id::text AS listing, version, booked::jsonb AS booked FROM ${table}`,
    );
    fs.writeFileSync(`${path}.new`, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    fs.renameSync(`${path}.new`, path);
    await client.end();
}

// A function that reads a message: an object with the keys of JSON. Versions are strings, since they outgrow a number
// of JavaScript by and by: as pg has every bigint.
async function parser() {
    if (format === 'json')
        return (bytes) => JSON.parse(bytes.toString().replace(/"version":(-?\d+)/, '"version":"$1"'));

    const { default: protobuf } = await import('protobufjs');
    const { RoaringBitmap32, roaringLibraryInitialize } = await import('roaring-wasm');
    await roaringLibraryInitialize();
    const Event = protobuf.loadSync('event.proto').lookupType('availability.v1.Event');
    const date = (day) => new Date(day * 86400000).toISOString().slice(0, 10);
    // A portable Roaring bitmap of days since 1970-01-01, as JSON has them: half-open spans.
    const spans = (bytes) => {
        const result = [];
        const days = RoaringBitmap32.deserialize('portable', bytes);
        for (const day of days) {
            if (result.at(-1)?.[1] !== day) result.push([day, day]);
            result.at(-1)[1] = day + 1;
        }
        days.dispose();
        return result.map(([first, end]) => [date(first), date(end)]);
    };
    return (bytes) => {
        const event = Event.toObject(Event.decode(bytes), {
            longs: String,
            enums: String,
            bytes: Buffer,
            defaults: true,
        });
        return {
            ...event,
            event: event.event.toLowerCase(),
            listing: event.listingText ?? event.listingNumber,
            booked: spans(event.booked),
        };
    };
}

if (!fs.existsSync(path)) await copyCalendars();
const known = new Map();
for (const line of fs.readFileSync(path, 'utf8').split('\n').filter(Boolean)) {
    const { listing, version } = JSON.parse(line);
    known.set(listing, BigInt(version));
}
const copy = fs.openSync(path, 'a');
const parse = await parser();

const tables = table.replaceAll("'", "''");
const plugin = {
    parse,
    start: (client, name, lsn) =>
        client.query(
            `START_REPLICATION SLOT "${name}" LOGICAL ${lsn} (format '${format}', tables '${tables}')`,
        ),
};
// auto would confirm before this program has applied, and timeoutSeconds what it has not.
const service = new LogicalReplicationService(
    { connectionString: url },
    { acknowledge: { auto: false, timeoutSeconds: 0 } },
);
service.on('error', (error) => {
    console.error(error);
    process.exit(1);
});
service.on('data', (place, event) => {
    if (kinds.includes(event.event) && !(known.get(event.listing) >= BigInt(event.version))) {
        const line = JSON.stringify({ listing: event.listing, version: event.version, booked: event.booked });
        fs.writeSync(copy, `${line}\n`);
        known.set(event.listing, BigInt(event.version));
        fs.writeSync(1, `${line}\n`);
        left -= 1;
    }
    if (event.last) {
        fs.fsyncSync(copy);
        // acknowledge() adds one byte. The place of the last message bears that; event.lsn, where another commit may
        // begin, does not.
        service.acknowledge(place);
    }
    if (left === 0) process.exit(0);
});
// What the server has sent up to there is in the file, and the rest had nothing for us.
service.on('heartbeat', (place) => {
    const [high, low] = place.split('/').map((half) => BigInt(`0x${half}`));
    const before = ((high << 32n) | low) - 1n;
    service.acknowledge(`${(before >> 32n).toString(16)}/${(before & 0xffffffffn).toString(16)}`);
});
await service.subscribe(plugin, slot);
