// A dayset as a RoaringBitmap32 of days since 1970-01-01, with node-postgres, knex and TypeORM.
//
//   npm install pg roaring-wasm
//   await registerDayset(client);                                        // node-postgres, knex: what booked is read as
//   @Column({ type: 'text', transformer: daysetTransformer }) booked     // TypeORM: a column of the type dayset
//
// A bitmap of roaring-wasm lives outside JavaScript's memory: dispose() of it.

import pg from 'pg';
import { RoaringBitmap32, roaringLibraryInitialize } from 'roaring-wasm';

await roaringLibraryInitialize();

const dayOf = (date) => Date.parse(`${date}T00:00:00Z`) / 86400000;
const dateOf = (day) => new Date(day * 86400000).toISOString().slice(0, 10);

// The binary form, booked::bytea, and booked of a protobuf event: a portable Roaring bitmap.
export const fromBytes = (bytes) => RoaringBitmap32.deserialize('portable', bytes);

export function toBytes(days) {
    days.runOptimize();
    return Buffer.from(days.serialize('portable'));
}

// The text form: '{[2026-12-20,2026-12-27),[2027-01-01,2027-01-03)}'.
export function fromText(text) {
    const days = new RoaringBitmap32();
    for (const [, first, end] of text.matchAll(/\[([\d-]+),([\d-]+)\)/g)) days.addRange(dayOf(first), dayOf(end));
    return days;
}

// The runs of a set, as half-open pairs of dates.
export function spans(days) {
    const result = [];
    for (const day of days) {
        if (result.at(-1)?.[1] !== day) result.push([day, day]);
        result.at(-1)[1] = day + 1;
    }
    return result.map(([first, end]) => [dateOf(first), dateOf(end)]);
}

export const toText = (days) =>
    `{${spans(days)
        .map(([first, end]) => `[${first},${end})`)
        .join()}}`;

// node-postgres takes a bitmap as a parameter, too, when it can turn into the text form.
RoaringBitmap32.prototype.toPostgres = function () {
    return toText(this);
};

export async function registerDayset(client) {
    const { rows } = await client.query(`SELECT 'availability.dayset'::regtype::oid AS oid`);
    pg.types.setTypeParser(rows[0].oid, fromText);
}

export const daysetTransformer = {
    from: (value) => (typeof value === 'string' ? fromText(value) : value),
    to: (days) => (days == null ? days : toText(days)),
};
