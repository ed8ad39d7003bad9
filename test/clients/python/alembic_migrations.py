"""SQLAlchemy and Alembic: bookings and conflicts of a session, the type, and migrations: track, add, rename, retype,
drop, and that autogenerate leaves the companions alone."""

import datetime
import os
import textwrap

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from pyroaring import BitMap
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import DATERANGE, Range, insert

import dayset
from sqlalchemy_dayset import Dayset, include_object
from tap import WORK, create_database, equal, ok, raises, run, sql, url

DAY = datetime.date(2027, 1, 1)
engine = sa.create_engine(url('alembic', scheme='postgresql+psycopg'))


class Base(orm.DeclarativeBase):
    pass


class Reservation(Base):
    __tablename__ = 'reservations'
    id: orm.Mapped[int] = orm.mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    listing_id: orm.Mapped[int] = orm.mapped_column(sa.BigInteger)
    stay = orm.mapped_column(DATERANGE)


class Home(Base):
    __tablename__ = 'homes'
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    booked = orm.mapped_column(Dayset, nullable=True)


ENVIRONMENT = '''
    import sqlalchemy
    from alembic import context
    from sqlalchemy_dayset import include_object

    with sqlalchemy.create_engine(context.config.get_main_option('sqlalchemy.url')).connect() as connection:
        context.configure(connection=connection, include_object=include_object)
        with context.begin_transaction():
            context.run_migrations()
'''
TRACK = "SELECT availability.track('reservations', stay => 'stay')"
# What each migration does on its way up, in order; see docs/migrations.md.
MIGRATIONS = (
    # A new table and its tracking in one.
    """op.create_table('reservations', sa.Column('id', sa.BigInteger, sa.Identity(), primary_key=True),
           sa.Column('listing_id', sa.BigInteger, nullable=False),
           sa.Column('stay', postgresql.DATERANGE))
       op.create_table('homes', sa.Column('id', sa.Integer, primary_key=True), sa.Column('booked', Dayset))
       op.execute("%s")""" % TRACK,
    # A column that claims do not read: added, retyped, dropped.
    "op.add_column('reservations', sa.Column('guest', sa.String(20), server_default='nobody'))",
    "op.alter_column('reservations', 'guest', type_=sa.Text)",
    "op.drop_column('reservations', 'guest')",
    # One that they read: renamed, and named back.
    "op.alter_column('reservations', 'stay', new_column_name='nights')",
    "op.alter_column('reservations', 'nights', new_column_name='stay')",
)


def migrate():
    folder = WORK + '/alembic'
    os.makedirs(folder + '/versions', exist_ok=True)
    with open(folder + '/env.py', 'w') as file:
        file.write(textwrap.dedent(ENVIRONMENT))
    for n, migration in enumerate(MIGRATIONS):
        with open('%s/versions/m%d.py' % (folder, n), 'w') as file:
            file.write("""import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy_dayset import Dayset

revision = 'm%d'
down_revision = %r


def upgrade():
    %s
""" % (n, 'm%d' % (n - 1) if n else None, textwrap.dedent('       ' + migration).strip().replace('\n', '\n    ')))
    config = Config()
    config.set_main_option('script_location', folder)
    config.set_main_option('sqlalchemy.url', url('alembic', scheme='postgresql+psycopg'))
    for n in range(len(MIGRATIONS)):
        command.upgrade(config, 'm%d' % n)
        if n == 0:
            sql('alembic', "INSERT INTO reservations (listing_id, stay) VALUES (1, '[2027-01-01,2027-01-04)')")
        equal(
            sql('alembic', "SELECT * FROM availability.verify('reservations')"),
            [],
            'Alembic: migration %d leaves all in order' % n,
        )


def differences(**options):
    with engine.connect() as connection:
        return compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)


def autogenerate():
    dropped = {difference[1].name for difference in differences() if difference[0] == 'remove_table'}
    ok(
        {'reservations_calendar', 'reservations_day', 'reservations_hold', 'reservations_request'} <= dropped,
        'Alembic: autogenerate would drop the companions',
        dropped,
    )
    equal(differences(include_object=include_object), [], 'Alembic: not with include_object')


def bookings():
    with orm.Session(engine) as session:
        session.add(Reservation(listing_id=2, stay=Range(DAY, DAY + datetime.timedelta(3))))
        session.commit()
        session.add(Reservation(listing_id=2, stay=Range(DAY, DAY + datetime.timedelta(1))))
        raises(
            sa.exc.IntegrityError,
            session.commit,
            'SQLAlchemy: a double booking is an IntegrityError',
            lambda error: error.orig.diag.constraint_name == 'reservations_day_pkey'
            and 'violates unique constraint "reservations_day_pkey"' in str(error),
        )
        session.rollback()
        raises(
            sa.exc.IntegrityError,
            lambda: session.execute(
                insert(Reservation)
                .values(listing_id=2, stay=Range(DAY, DAY + datetime.timedelta(1)))
                .on_conflict_do_nothing()
            ),
            'SQLAlchemy: on_conflict_do_nothing() does not swallow it',
        )
        session.rollback()
        answer = session.execute(
            sa.text('SELECT reservation_id, replayed FROM availability.book(:reservations, :listing, :stay)'),
            {'reservations': 'reservations', 'listing': 3, 'stay': '[2027-01-01,2027-01-04)'},
        ).one()
        equal(answer.replayed, False, 'SQLAlchemy: book')
        session.commit()


def types():
    days = BitMap(range(dayset.day_of(DAY), dayset.day_of(DAY) + 3))
    for driver in 'psycopg', 'psycopg2':
        with orm.Session(sa.create_engine(url('alembic', scheme='postgresql+' + driver))) as session:
            session.query(Home).delete()
            session.add_all([Home(id=1, booked=days), Home(id=2, booked=None)])
            session.commit()
            session.expire_all()
            equal(
                [home.booked for home in session.scalars(sa.select(Home).order_by(Home.id))],
                [days, None],
                'sqlalchemy_dayset.py: with ' + driver,
            )
            free = sa.select(Home.id).where(
                sa.func.availability.is_available(Home.booked, Range(DAY, DAY + datetime.timedelta(1)))
            )
            equal(session.scalars(free).all(), [], 'sqlalchemy_dayset.py: a search with ' + driver)
            session.commit()


def retype():
    """A column that claims read: suspended, changed and tracked again in one transaction. All else stays."""
    raises(
        sa.exc.DBAPIError,
        alter,
        'a column that claims read is not retyped while they do',
        lambda error: error.orig.sqlstate in ('0A000', '2BP01'),
    )
    sql('alembic', 'CREATE INDEX by_version ON reservations_calendar (version)')
    sql('alembic', 'GRANT SELECT ON reservations_calendar TO PUBLIC')
    hold = sql('alembic', "SELECT availability.hold('reservations', 7, '[2027-01-01,2027-01-04)', '1 hour')")[0][0]
    before = sql('alembic', CALENDARS)
    with engine.begin() as connection:
        operations = Operations(MigrationContext.configure(connection))
        operations.execute("SELECT availability.suspend('reservations')")
        operations.alter_column('reservations', 'listing_id', type_=sa.Text)
        operations.execute("SELECT availability.retrack('reservations')")
    equal(
        sql('alembic', "SELECT * FROM availability.verify('reservations')"), [], 'suspended, retyped and tracked again'
    )
    equal(sql('alembic', CALENDARS), before, 'its calendars and their versions are as they were')
    facts = sql(
        'alembic',
        """SELECT to_regclass('by_version') IS NOT NULL, has_table_privilege('public', 'reservations_calendar', 'SELECT'),
            (SELECT format_type(atttypid, NULL) FROM pg_attribute
                WHERE attrelid = 'reservations_calendar'::regclass AND attname = 'listing_id')""",
    )
    equal(facts, [(True, True, 'text')], 'with indexes and privileges of their own, and the type of now')
    ok(sql('alembic', 'SELECT availability.release(%s)', hold) == [(True,)], 'holds are there')
    raises(sa.exc.IntegrityError, book_text, 'and it is guarded')


CALENDARS = 'SELECT listing_id::text, version, booked::text FROM reservations_calendar ORDER BY 1'


def alter():
    with engine.begin() as connection:
        connection.exec_driver_sql('ALTER TABLE reservations ALTER listing_id TYPE text')


def book_text():
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO reservations (listing_id, stay) VALUES ('1', '[2027-01-01,2027-01-04)')"
        )


def drop():
    with engine.begin() as connection:
        connection.exec_driver_sql("SELECT availability.untrack('reservations')")
        connection.exec_driver_sql('DROP TABLE reservations')
    equal(
        sql('alembic', "SELECT relname FROM pg_class WHERE relname ~ '^reservations'"),
        [],
        'a table that is untracked and dropped leaves nothing',
    )
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
        connection.exec_driver_sql(TRACK)
    raises(
        sa.exc.DBAPIError,
        lambda: Reservation.__table__.drop(engine),
        'a tracked table is not dropped by a mere DROP TABLE',
        lambda error: error.orig.sqlstate == '2BP01',
    )
    with engine.begin() as connection:
        connection.exec_driver_sql('DROP TABLE reservations CASCADE')
    equal(
        sql('alembic', "SELECT relname FROM pg_class WHERE relname ~ '^reservations'"),
        [],
        'DROP TABLE ... CASCADE takes the companions along',
    )


create_database('alembic')
run(migrate, autogenerate, bookings, types, retype, drop)
