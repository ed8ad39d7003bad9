"""Django: bookings and conflicts of models, the field, and migrations: track, add, rename, retype, remove, delete."""

import datetime

import django
from django.conf import settings

from tap import PORT, create_database, equal, ok, raises, run, sql

create_database('django')
settings.configure(
    DATABASES={
        'default': {
            'ENGINE': 'django.db.backends.postgresql',
            'NAME': 'django',
            'USER': 'postgres',
            'HOST': '127.0.0.1',
            'PORT': PORT,
        }
    },
    INSTALLED_APPS=[],
    DEFAULT_AUTO_FIELD='django.db.models.BigAutoField',
    USE_TZ=True,
)
django.setup()

from django.db import IntegrityError, connection, migrations, models, transaction  # noqa: E402
from django.db.migrations.state import ProjectState  # noqa: E402
from pyroaring import BitMap  # noqa: E402

import dayset  # noqa: E402
from django_dayset import DaysetField  # noqa: E402

DAY = datetime.date(2027, 1, 1)
state = ProjectState()


def migrate(*operations):
    """One migration in a transaction, as Django runs it; goes on from the state that the last one left."""
    global state
    migration = migrations.Migration('migration', 'rooms')
    migration.operations = list(operations)
    with connection.schema_editor(atomic=True) as editor:
        state = migration.apply(state.clone(), editor)


def model(name):
    return state.apps.get_model('rooms', name)


def day(n):
    return DAY + datetime.timedelta(n)


# As docs/migrations.md has them: Django makes foreign keys at the end of a migration, so that track can't find the
# listings by theirs.
TRACK = migrations.RunSQL(
    "SELECT availability.track('rooms_booking', listings => 'rooms_listing')",
    "SELECT availability.untrack('rooms_booking')",
)
UNTRACK = migrations.RunSQL(TRACK.reverse_sql, TRACK.sql)


SUSPEND = migrations.RunSQL(
    "SELECT availability.suspend('rooms_booking')", "SELECT availability.retrack('rooms_booking')"
)
RETRACK = migrations.RunSQL(SUSPEND.reverse_sql, SUSPEND.sql)
CALENDARS = 'SELECT listing_id, version, booked::text FROM rooms_booking_calendar ORDER BY 1'


def retrack(arguments):
    return migrations.RunSQL("SELECT availability.retrack('rooms_booking', %s)" % arguments, SUSPEND.sql)


def undone(*operations):
    """A migration there and back."""
    migration = migrations.Migration('undone', 'rooms')
    migration.operations = list(operations)
    with connection.schema_editor(atomic=True) as editor:
        migration.apply(state.clone(), editor)
    with connection.schema_editor(atomic=True) as editor:
        migration.unapply(state.clone(), editor)


def in_order(what):
    equal(
        sql('django', "SELECT * FROM availability.verify('rooms_booking')"),
        [],
        'Django: %s, and all is in order' % what,
    )


def create_and_track():
    migrate(
        migrations.CreateModel(
            'Listing', [('id', models.BigAutoField(primary_key=True)), ('name', models.TextField())]
        ),
        migrations.CreateModel(
            'Booking',
            [
                ('id', models.BigAutoField(primary_key=True)),
                ('listing', models.ForeignKey('rooms.Listing', models.CASCADE)),
                ('check_in', models.DateField()),
                ('check_out', models.DateField()),
            ],
        ),
        migrations.CreateModel(
            'Home', [('id', models.BigAutoField(primary_key=True)), ('booked', DaysetField(null=True))]
        ),
        TRACK,
    )
    in_order('a new model is tracked')


def bookings():
    Listing, Booking = model('Listing'), model('Booking')
    first, second = Listing.objects.create(name='Dune'), Listing.objects.create(name='Heath')
    booking = Booking.objects.create(listing=first, check_in=day(0), check_out=day(3))

    def clash():
        with transaction.atomic():
            Booking.objects.create(listing=first, check_in=day(2), check_out=day(5))

    raises(
        IntegrityError,
        clash,
        'Django: a double booking is an IntegrityError',
        lambda error: error.__cause__.diag.constraint_name == 'rooms_booking_day_pkey'
        and 'violates unique constraint "rooms_booking_day_pkey"' in str(error),
    )
    clashing = [
        Booking(listing=first, check_in=day(2), check_out=day(5)),
        Booking(listing=second, check_in=day(2), check_out=day(5)),
    ]
    raises(
        IntegrityError,
        lambda: Booking.objects.bulk_create(clashing, ignore_conflicts=True),
        'Django: ignore_conflicts does not swallow it',
    )
    equal(Booking.objects.count(), 1, 'Django: and nothing of the batch is there')
    Booking.objects.bulk_create(clashing[1:])
    raises(
        IntegrityError,
        lambda: Booking.objects.get_or_create(listing=first, check_in=day(2), defaults={'check_out': day(5)}),
        'Django: get_or_create says so as well',
    )
    booking.check_out = day(4)
    booking.save()
    Booking.objects.filter(listing=second).update(listing=first, check_in=day(4), check_out=day(6))
    Booking.objects.filter(pk=booking.pk).delete()
    second.delete()
    equal(
        sql('django', 'SELECT listing_id, booked::text FROM rooms_booking_calendar'),
        [(first.pk, '{[2027-01-05,2027-01-07)}')],
        'Django: saved, moved, deleted',
    )
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT reservation_id FROM availability.book(%s, %s, %s)',
            ['rooms_booking', first.pk, '[2027-02-01,2027-02-03)'],
        )
        equal(Booking.objects.filter(pk=cursor.fetchone()[0]).count(), 1, 'Django: book')
    in_order('after bookings')


def field():
    Home = model('Home')
    days = BitMap(range(dayset.day_of(DAY), dayset.day_of(DAY) + 3))
    Home.objects.create(id=1, booked=days)
    Home.objects.create(id=2)
    equal([home.booked for home in Home.objects.order_by('id')], [days, None], 'django_dayset.py: read and written')
    Home.objects.filter(id=2).update(booked=days)
    equal(Home.objects.get(id=2).booked, days, 'django_dayset.py: updated')
    free = Home.objects.extra(where=['availability.is_available(booked, %s)'], params=['[2027-01-02,2027-01-03)'])
    equal(free.count(), 0, 'django_dayset.py: a search')


def other_fields():
    migrate(migrations.AddField('Booking', 'guest', models.CharField(max_length=20, default='nobody')))
    in_order('a field is added')
    migrate(migrations.AlterField('Booking', 'guest', models.TextField(null=True)))
    in_order('retyped')
    migrate(migrations.RenameField('Booking', 'guest', 'name'))
    in_order('renamed')
    migrate(migrations.AddIndex('Booking', models.Index(fields=['name'], name='booking_name')))
    migrate(migrations.RemoveIndex('Booking', 'booking_name'))
    migrate(migrations.RemoveField('Booking', 'name'))
    in_order('removed')


def claimed_fields():
    migrate(migrations.RenameField('Booking', 'check_in', 'arrival'))
    in_order('a field that claims read is renamed')
    model('Booking').objects.create(listing=model('Listing').objects.get(), arrival=day(60), check_out=day(61))
    migrate(migrations.RenameField('Booking', 'arrival', 'check_in'))
    # Retyped: PostgreSQL refuses, and so does the migration as a whole.
    raises(
        Exception,
        lambda: migrate(migrations.AlterField('Booking', 'check_in', models.DateTimeField())),
        'Django: such a field is not retyped while it is tracked',
        lambda error: getattr(error.__cause__, 'sqlstate', '') in ('0A000', '2BP01'),
    )
    before = sql('django', CALENDARS)
    migrate(
        SUSPEND,
        migrations.AlterField('Booking', 'check_in', models.DateTimeField()),
        migrations.AlterField('Booking', 'check_out', models.DateTimeField()),
        retrack("stay => $$availability.stay_days(check_in, check_out, 'UTC', '00:00')$$"),
    )
    in_order('dates became timestamps')
    migrate(
        SUSPEND,
        migrations.AlterField('Booking', 'check_in', models.DateField()),
        migrations.AlterField('Booking', 'check_out', models.DateField()),
        retrack("stay => 'daterange(check_in, check_out)'"),
    )
    in_order('and dates again')
    # While it is suspended no row is taken, so that what is copied is copied before.
    migrate(
        migrations.AddField('Booking', 'nights', models.IntegerField(default=1)),
        migrations.RunSQL('UPDATE rooms_booking SET nights = check_out - check_in'),
        SUSPEND,
        migrations.RemoveField('Booking', 'check_out'),
        retrack("stay => 'daterange(check_in, check_in + nights)'"),
    )
    in_order('a field that claims read is replaced by another')
    equal(sql('django', CALENDARS), before, 'Django: calendars and their versions are as they were')
    undone(SUSPEND, RETRACK)
    in_order('a migration is undone')


def rename_model():
    migrate(migrations.RenameModel('Booking', 'Reservation'))
    equal(
        sql('django', "SELECT * FROM availability.verify('rooms_reservation')"),
        [],
        'Django: the model is renamed, its companions keep their names',
    )
    migrate(migrations.RenameModel('Reservation', 'Booking'))
    in_order('renamed back')


def leftovers():
    return sql(
        'django',
        "SELECT relname FROM pg_class WHERE relname ~ '^rooms_booking_(calendar|day|hold|request|month|open|claims)'",
    )


def remove_field():
    migrate(migrations.RemoveField('Booking', 'nights'))
    equal(
        (sql('django', 'SELECT count(*) FROM availability.tracked'), leftovers()),
        ([(0,)], []),
        'Django: a field that claims read is removed without a word, and tracking with it',
    )
    migrate(
        migrations.AddField('Booking', 'check_out', models.DateField(null=True)),
        migrations.RunSQL('UPDATE rooms_booking SET check_out = check_in + 1'),
        TRACK,
    )
    in_order('it is back, and tracked again')


def delete_model():
    migrate(migrations.DeleteModel('Booking'))
    equal(
        (sql('django', 'SELECT count(*) FROM availability.tracked'), leftovers()),
        ([(0,)], []),
        'Django: a model that is deleted takes its companions along',
    )
    migrate(
        migrations.CreateModel(
            'Booking',
            [
                ('id', models.BigAutoField(primary_key=True)),
                ('listing', models.ForeignKey('rooms.Listing', models.CASCADE)),
                ('check_in', models.DateField()),
                ('check_out', models.DateField()),
            ],
        ),
        TRACK,
    )
    in_order('a model of the same name is tracked')
    migrate(UNTRACK, migrations.DeleteModel('Booking'))
    equal(leftovers(), [], 'Django: a model that is untracked and deleted leaves nothing')
    migrate(migrations.DeleteModel('Home'), migrations.DeleteModel('Listing'))


run(create_and_track, bookings, field, other_fields, claimed_fields, rename_model, remove_field, delete_model)
