"""SQLAlchemy: a column of the type dayset holds a BitMap, with any driver. Alembic: hides the companions.

class Home(Base):
    booked: Mapped[BitMap] = mapped_column(Dayset)

week = Range(date(2027, 7, 10), date(2027, 7, 17))
session.scalars(select(Home).where(func.availability.is_available(Home.booked, week)))
"""

import re

from sqlalchemy import cast
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import UserDefinedType

import dayset


class Dayset(UserDefinedType):
    cache_ok = True

    def get_col_spec(self, **_):
        return 'availability.dayset'

    def bind_processor(self, dialect):
        return lambda days: None if days is None else dayset.to_text(days)

    # The cast, since a driver may declare the parameter as text.
    def bind_expression(self, value):
        return cast(value, self)

    def result_processor(self, dialect, coltype):
        return lambda text: None if text is None else dayset.from_text(text)


# What reflection finds.
ischema_names['availability.dayset'] = Dayset

# For context.configure(include_object=…) in env.py: without it, autogenerate drops what track has made.
COMPANION = re.compile(r'_(calendar|day|hold|request)$')


def include_object(object, name, type_, reflected, compare_to):
    return not (type_ == 'table' and reflected and compare_to is None and COMPANION.search(name))
