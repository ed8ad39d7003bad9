"""psycopg 2: a dayset is read as a BitMap and a BitMap written as a dayset.

register(connection)
cursor.execute('SELECT booked FROM reservations_calendar WHERE listing_id = 42')
"""

from psycopg2.extensions import AsIs, new_type, register_adapter, register_type
from pyroaring import BitMap

import dayset


def register(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 'availability.dayset'::regtype::oid")
        (oid,) = cursor.fetchone()
    load = new_type((oid,), 'DAYSET', lambda text, cursor: None if text is None else dayset.from_text(text))
    register_type(load, connection)
    register_adapter(BitMap, lambda days: AsIs("'%s'::availability.dayset" % dayset.to_text(days)))
