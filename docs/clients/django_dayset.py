"""Django: a field of the type dayset, which holds a BitMap.

class Home(models.Model):
    booked = DaysetField(null=True)
"""

from django.db import models
from pyroaring import BitMap

import dayset


class DaysetField(models.Field):
    def db_type(self, connection):
        return 'availability.dayset'

    # The cast, since the driver may declare the parameter as text.
    def get_placeholder(self, value, compiler, connection):
        return '%s::availability.dayset'

    def get_prep_value(self, days):
        return dayset.to_text(days) if isinstance(days, BitMap) else days

    def from_db_value(self, text, expression, connection):
        return None if text is None else dayset.from_text(text)

    def to_python(self, value):
        return dayset.from_text(value) if isinstance(value, str) else value
