# Dumps of a part of a database, and restores in parts: what comes without its settings takes no row, the doctor says the
# line, and that line mends it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Availability;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = logical_node('parts');
my $directory = PostgreSQL::Test::Utils::tempdir;
my %connect = (PGHOST => $node->host, PGPORT => $node->port);
local @ENV{ keys %connect } = values %connect;

# Two tables: one with listings, a way to cancel and things that its owner put on top; one without day rows in a schema of
# its own.
$node->safe_psql('postgres', 'CREATE DATABASE original; CREATE ROLE clerk');
$node->safe_psql('original', q(
	CREATE EXTENSION availability;
	CREATE TABLE listings (id int PRIMARY KEY);
	CREATE TABLE reservations (id int PRIMARY KEY, listing_id int REFERENCES listings, stay daterange, status text DEFAULT 'confirmed');
	INSERT INTO listings SELECT generate_series(1, 5);
	SELECT availability.track('reservations', active => $$status = 'confirmed'$$, cancel => $$status = 'cancelled'$$);
	GRANT SELECT ON reservations_calendar, reservations_month TO clerk;
	CREATE INDEX by_version ON reservations_calendar (version);
	INSERT INTO reservations SELECT n, 1 + n % 4, daterange(date '2027-01-01' + 3 * n, date '2027-01-03' + 3 * n) FROM generate_series(1, 40) AS n;
	SELECT availability.hold('reservations', 5, daterange('2027-01-01', '2027-01-03'), '1 hour');
	CREATE SCHEMA yard;
	CREATE TABLE yard.cars (id int PRIMARY KEY, listing_id text, stay daterange);
	SELECT availability.track('yard.cars', day_rows => false);
	INSERT INTO yard.cars VALUES (1, 'red', daterange('2027-01-01', '2027-01-03'))));

sub sql { return $node->safe_psql(@_) }

sub refused
{
	my ($database, $statement, $why, $what) = @_;
	my (undef, undef, $error) = $node->psql($database, $statement);
	like($error, $why, $what);
	return;
}

# Restores one or more dumps, each made with the options given.
sub restore
{
	my ($database, $made_before, @dumps) = @_;
	sql('postgres', "CREATE DATABASE $database");
	sql($database, $made_before) if $made_before;
	my $n = 0;
	for my $options (@dumps)
	{
		my $file = "$directory/$database." . $n++;
		command_ok([ 'pg_dump', @$options, '-f', $file, 'original' ], "$database: pg_dump @$options");
		command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', "$directory/out", '-f', $file, $database ], "$database: psql restores it");
	}
	return;
}

sub findings { return sql($_[0], q(SELECT subject, remedy FROM availability.doctor() WHERE subject !~ 'wal_level|slot|plugin' ORDER BY 1, 2)) }

# Runs the doctor's lines until he has none.
sub mend
{
	my ($database) = @_;
	for (1 .. 3)
	{
		my @lines = map { (split /\|/, $_, 2)[1] } split /\n/, findings($database);
		last if !@lines;
		sql($database, "SET client_min_messages = error; $_") for @lines;
	}
	is(findings($database), '', "$database: the doctor has nothing to say");
	return;
}

my $cars = q(INSERT INTO yard.cars VALUES (2, 'red', daterange('2027-01-02', '2027-01-04')));
my $booked = q(INSERT INTO reservations VALUES (100, 1, daterange('2027-01-13', '2027-01-14')));

# Books as the original does, and refuses what that refuses.
sub check_works
{
	my ($database, $with_rows) = @_;
	is(sql($database, q(SELECT * FROM availability.verify('reservations'))), '', "$database: verify finds nothing");
	if ($with_rows)
	{
		is(sql($database, 'SELECT listing_id, booked FROM reservations_calendar ORDER BY 1'), sql('original', 'SELECT listing_id, booked FROM reservations_calendar ORDER BY 1'),
			"$database: the calendars of the original");
		refused($database, $booked, qr/listing 1 is already booked/, "$database: a double booking is refused");
	}
	sql($database, q(
		INSERT INTO listings VALUES (10);
		INSERT INTO reservations VALUES (101, 10, daterange('2027-01-01', '2027-01-03'));
		DELETE FROM reservations WHERE id = 101));
	is(sql($database, 'SELECT booked, change FROM reservations_calendar WHERE listing_id = 10'), '{}|cancelled', "$database: books and cancels");
	is(sql($database, q(SELECT listing FROM reservations r, reservations_claim(r) LIMIT 1)), ($with_rows ? sql('original', q(SELECT listing FROM reservations r, reservations_claim(r) LIMIT 1)) : ''), "$database: the claim function");
	is(sql($database, q(SELECT * FROM availability.verify('reservations'))), '', "$database: and verify finds nothing");
	return;
}

sub check_kept
{
	my $database = shift;
	is(sql($database, q(SELECT has_table_privilege('clerk', 'reservations_calendar', 'SELECT') AND has_table_privilege('clerk', 'reservations_month', 'SELECT') AND to_regclass('by_version') IS NOT NULL)),
		't', "$database: grants and indexes are kept");
	return;
}

# The schema alone, as every test database has it.
restore('schema', '', ['--schema-only']);
refused('schema', "INSERT INTO listings VALUES (1)", qr/serves no tracked table/, 'schema: the listings take no row');
refused('schema', "SELECT availability.verify('reservations')", qr/is not tracked/, 'schema: nor is anything tracked');
is(findings('schema'), "table public.reservations|SELECT availability.retrack('public.reservations');\ntable yard.cars|SELECT availability.retrack('yard.cars');", 'schema: the doctor says the lines');
mend('schema');
is(sql('schema', q(SELECT t.stay, t.active, t.cancel, t.day, t.listings, t.listings_trigger FROM availability.tracked t ORDER BY reservations::text)),
	"stay|(status = 'confirmed'::text)|status = 'cancelled'::text|reservations_day|listings|_reservations_listing\nstay|true||||", 'schema: the arguments of the original');
check_kept('schema');
check_works('schema');
# and then the rows of the tables alone, which book
command_ok([ 'pg_dump', '--data-only', '-t', 'public.listings', '-t', 'public.reservations', '-f', "$directory/rows", 'original' ], 'pg_dump of the rows');
sql('schema', 'DELETE FROM listings');
command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', "$directory/out", '-f', "$directory/rows", 'schema' ], 'psql books them');
is(sql('schema', q(SELECT count(*) FROM availability.verify('reservations'))), '0', 'verify finds nothing');
sql('schema', "SELECT availability.untrack('reservations')");
is(sql('schema', q(SELECT relname FROM pg_class WHERE relname ~ '^reservations_' AND relkind IN ('r', 'v') UNION ALL SELECT proname FROM pg_proc WHERE proname ~ '^reservations_(claim|cancel)')),
	'', 'untrack leaves nothing');

# Tables that were renamed and moved since they were tracked, and one that is suspended.
restore('renamed', '', []);
sql('renamed', q(
	CREATE SCHEMA other;
	ALTER TABLE reservations RENAME TO "My Bookings";
	ALTER TABLE "My Bookings" SET SCHEMA other;
	SELECT availability.suspend('yard.cars')));
sql('postgres', 'CREATE DATABASE renamed_schema');
command_ok([ 'pg_dump', '--schema-only', '-f', "$directory/renamed", 'renamed' ], 'renamed: pg_dump');
command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', "$directory/out", '-f', "$directory/renamed", 'renamed_schema' ], 'renamed: psql restores it');
is(findings('renamed_schema'),
	qq(table other."My Bookings"|SELECT availability.retrack('other."My Bookings"');\ntable yard.cars|SELECT availability.untrack('yard.cars');  -- then availability.track again),
	'renamed: the doctor says the lines');
mend('renamed_schema');
is(sql('renamed_schema', 'SELECT reservations, calendar, day, claims, claim, cancel, listings_trigger, hold FROM availability.tracked'),
	q(other."My Bookings"|reservations_calendar|reservations_day|reservations_claims|reservations_claim|status = 'cancelled'::text|_reservations_listing|reservations_hold),
	'renamed: its companions are adopted');
is(sql('renamed_schema', q(
	INSERT INTO listings VALUES (1);
	INSERT INTO other."My Bookings" VALUES (1, 1, daterange('2027-01-01', '2027-01-03'));
	SELECT reservation_id FROM availability.cancel('other."My Bookings"', 1);
	SELECT * FROM availability.verify('other."My Bookings"'))), '1', 'renamed: books and cancels');

# The schema alone, and cleared or tracked with other arguments in place of adopted.
restore('cleared', '', ['--schema-only']);
sql('cleared', "SELECT availability.untrack('reservations'); SELECT availability.untrack('yard.cars')");
is(findings('cleared'), '', 'cleared: nothing to say');
is(sql('cleared', q(SELECT relname FROM pg_class WHERE relname ~ '^(reservations|cars)_' AND relkind IN ('r', 'v') UNION ALL SELECT proname FROM pg_proc WHERE proname ~ '^(reservations|cars)_(claim|cancel)')),
	'', 'cleared: nothing is left');
sql('cleared', "INSERT INTO listings VALUES (1); SELECT availability.track('reservations')");
check_works('cleared');
restore('tracked', '', ['--schema-only']);
sql('tracked', "SELECT availability.track('reservations', active => \$\$status <> 'cancelled'\$\$); SELECT availability.track('yard.cars', day_rows => false)");
is(findings('tracked'), '', 'tracked: nothing to say');
check_kept('tracked');
check_works('tracked');

# A subscriber: the schema alone, and rows that no trigger saw.
restore('subscriber', '', ['--schema-only']);
sql('subscriber', q(
	SET session_replication_role = replica;
	INSERT INTO listings SELECT generate_series(1, 5);
	INSERT INTO reservations SELECT n, 1 + n % 4, daterange(date '2027-01-01' + 3 * n, date '2027-01-03' + 3 * n) FROM generate_series(1, 40) AS n));
mend('subscriber');
is(sql('subscriber', q(SELECT sum(availability.booked_days(booked)), count(*) FROM reservations_calendar)), '80|5', 'subscriber: the calendars are filled');
refused('subscriber', $booked, qr/listing 1 is already booked/, 'subscriber: a double booking is refused');

# Tables by their names, into a database that has the extension: companions with their rows, no functions, no settings.
restore('tables', 'CREATE EXTENSION availability', [ '-t', 'public.reservations*', '-t', 'public.listings' ]);
is(findings('tables'), "table public.reservations|SELECT availability.retrack('public.reservations');", 'tables: the doctor says the line');
mend('tables');
is(sql('tables', 'SELECT listing_id, version, ordinal FROM reservations_calendar ORDER BY 1'), sql('original', 'SELECT listing_id, version, ordinal FROM reservations_calendar ORDER BY 1'),
	'tables: calendars that are right are left as they were');
is(sql('tables', 'SELECT count(*) FROM reservations_hold'), '1', 'tables: the hold too');
check_kept('tables');
check_works('tables', 1);

# The tables without their companions.
restore('alone', 'CREATE EXTENSION availability', [ '-t', 'public.reservations', '-t', 'public.listings' ]);
is(findings('alone'), "table public.reservations|SELECT availability.untrack('public.reservations');  -- then availability.track again", 'alone: the doctor says the line');
refused('alone', $booked, qr/is not tracked/, 'alone: no row is written');
sql('alone', "SELECT availability.track('reservations', active => \$\$status = 'confirmed'\$\$)");
is(findings('alone'), '', 'alone: nothing to say');
is(sql('alone', q(SELECT availability.hold('reservations', 5, daterange('2027-01-01', '2027-01-03'), '1 hour') IS NOT NULL)), 't', 'alone: holds');
check_works('alone', 1);

# One schema.
restore('yard', 'CREATE EXTENSION availability', [ '-n', 'yard' ]);
is(findings('yard'), "table yard.cars|SELECT availability.retrack('yard.cars');", 'yard: the doctor says the line');
mend('yard');
refused('yard', $cars, qr/listing red is already booked/, 'yard: a double booking is refused');

# In sections: each of the states on the way, and the end.
restore('sections', '', ['--section=pre-data']);
is(findings('sections'), "table public.reservations|SELECT availability.untrack('public.reservations');\ntable yard.cars|SELECT availability.untrack('yard.cars');", 'sections: pre-data alone');
refused('sections', "SELECT availability.track('reservations', key => 'id')", qr/companion "reservations_calendar" has not the primary key/, 'sections: keys are to come');
for my $section ('data', 'post-data')
{
	command_ok([ 'pg_dump', "--section=$section", '-f', "$directory/$section", 'original' ], "sections: pg_dump of $section");
	command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', "$directory/out", '-f', "$directory/$section", 'sections' ], 'sections: psql restores it');
	like(findings('sections'), qr/SELECT availability.repair/, 'sections: triggers are missing') if $section eq 'data';
}
is(findings('sections'), '', 'sections: all is there');
check_works('sections', 1);
restore('early', '', ['--section=pre-data']);
mend('early');
sql('early', q(SELECT availability.track('reservations', key => 'id'); INSERT INTO reservations VALUES (1, 1, daterange('2027-01-01', '2027-01-03'))));
is(sql('early', 'SELECT count(*) FROM reservations_calendar'), '1', 'early: cleared and tracked anew');

# All of it, into a database that has the extension already: its schema is there, nothing else is in the way.
sql('postgres', 'CREATE DATABASE again');
sql('again', 'CREATE EXTENSION availability');
command_ok([ 'pg_dump', '-Fc', '-f', "$directory/all", 'original' ], 'again: pg_dump');
command_checks_all([ 'pg_restore', '-d', 'again', "$directory/all" ], 1, [], [qr/schema "availability" already exists.*errors ignored on restore: 1/s], 'again: pg_restore stumbles over the schema alone');
is(findings('again'), '', 'again: nothing to say');
check_kept('again');
check_works('again', 1);

# The rows first, all triggers off, then nothing: a data-only restore into tables that are tracked there.
restore('rows', '', ['--schema-only']);
command_ok([ 'pg_dump', '--data-only', '--disable-triggers', '-f', "$directory/data", 'original' ], 'rows: pg_dump');
command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', "$directory/out", '-f', "$directory/data", 'rows' ], 'rows: psql restores them');
is(findings('rows'), '', 'rows: nothing to say');
check_kept('rows');
check_works('rows', 1);

$node->stop;
done_testing();
