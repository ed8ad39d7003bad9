"""psycopg 3: a dayset is read as a BitMap and a BitMap written as a dayset, in text and binary.

register(connection)
booked, = connection.execute('SELECT booked FROM reservations_calendar WHERE listing_id = 42').fetchone()
"""

from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format
from psycopg.types import TypeInfo
from pyroaring import BitMap

import dayset


class TextLoader(Loader):
    def load(self, data):
        return dayset.from_text(bytes(data).decode())


class BinaryLoader(Loader):
    format = Format.BINARY

    def load(self, data):
        return dayset.from_bytes(data)


class TextDumper(Dumper):
    def dump(self, days):
        return dayset.to_text(days).encode()


class BinaryDumper(Dumper):
    format = Format.BINARY

    def dump(self, days):
        return dayset.to_bytes(days)


def register(connection):
    info = TypeInfo.fetch(connection, 'availability.dayset')
    info.register(connection)
    connection.adapters.register_loader(info.oid, TextLoader)
    connection.adapters.register_loader(info.oid, BinaryLoader)
    for dumper in TextDumper, BinaryDumper:
        # A class of its own, since the type's number is that of the database.
        connection.adapters.register_dumper(BitMap, type(dumper.__name__, (dumper,), {'oid': info.oid}))
