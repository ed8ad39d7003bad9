"""asyncpg: a dayset is read as a BitMap and a BitMap written as a dayset. For a pool: create_pool(…, init=register).

await register(connection)
booked = await connection.fetchval('SELECT booked FROM reservations_calendar WHERE listing_id = $1', 42)
"""

import dayset


async def register(connection):
    await connection.set_type_codec(
        'dayset', schema='availability', format='binary', encoder=dayset.to_bytes, decoder=dayset.from_bytes
    )
