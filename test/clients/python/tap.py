"""What the tests in Python share: results, one a line, and databases of the private server."""

import os
import sys
import traceback

import psycopg2

PORT = os.environ['CLIENTS_PORT']
WORK = os.environ['CLIENTS_WORK']
SOURCE = os.environ['CLIENTS_SOURCE']


def url(database, port=PORT, scheme='postgresql'):
    return '%s://postgres@127.0.0.1:%s/%s' % (scheme, port, database)


def connect(database='postgres', **options):
    connection = psycopg2.connect(url(database), **options)
    connection.autocommit = True
    return connection


def sql(database, statement, *parameters):
    """Runs a statement; returns its rows, if it has any."""
    connection = connect(database)
    try:
        cursor = connection.cursor()
        cursor.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else None
    finally:
        connection.close()


def create_database(name):
    sql('postgres', 'CREATE DATABASE ' + name)
    sql(name, 'CREATE EXTENSION availability')


def ok(passed, name, *facts):
    print(('ok - ' if passed else 'not ok - ') + name, flush=True)
    if not passed:
        for fact in facts:
            print('# %s' % (fact,), flush=True)


def equal(found, expected, name):
    ok(found == expected, name, 'found: %r' % (found,), 'expected: %r' % (expected,))


def raises(kind, action, name, check=lambda error: True):
    try:
        action()
    except kind as error:
        ok(check(error), name, repr(error))
    except Exception as error:
        ok(False, name, 'raised %r' % error)
    else:
        ok(False, name, 'raised nothing')


def run(*tests):
    """Runs each test; one that dies is a failure and does not keep the others from running."""
    for test in tests:
        try:
            test()
        except Exception:
            traceback.print_exc(file=sys.stdout)
            ok(False, test.__name__)
