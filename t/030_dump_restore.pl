# Dumps and restores of tracked tables: plain, custom, directory, data-only, and under another owner.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Availability;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = logical_node('dump');
my $directory = PostgreSQL::Test::Utils::tempdir;
my %connect = (PGHOST => $node->host, PGPORT => $node->port);
local @ENV{ keys %connect } = values %connect;

# One table under odd names with listings, a claim that reads renamed columns and a horizon; one without day rows, with an
# idempotency key and a hold.
$node->safe_psql('postgres', 'CREATE DATABASE original; CREATE ROLE manager; CREATE ROLE heir');
$node->safe_psql('original', q(
	CREATE EXTENSION availability;
	CREATE SCHEMA "Odd Names" AUTHORIZATION manager;
	GRANT CREATE ON SCHEMA public TO manager;
	SET ROLE manager;
	CREATE TABLE "Odd Names"."The Houses" ("No" uuid PRIMARY KEY);
	CREATE TABLE "Odd Names"."Bookings" (id text PRIMARY KEY, house uuid REFERENCES "Odd Names"."The Houses", "from" date, "to" date, status text);
	INSERT INTO "Odd Names"."The Houses" SELECT md5(n::text)::uuid FROM generate_series(1, 20) AS n;
	SELECT availability.track('"Odd Names"."Bookings"', 'house', 'daterange("from", "to" + 1)', $$status <> 'cancelled'$$, since => '2027-01-01', cancel => $$status = 'cancelled'$$);
	INSERT INTO "Odd Names"."Bookings" SELECT house || '/' || n, md5(house::text)::uuid, date '2026-12-25' + 9 * n, date '2026-12-30' + 9 * n,
		CASE WHEN n % 5 = 0 THEN 'cancelled' ELSE 'confirmed' END
		FROM generate_series(1, 19) AS house, generate_series(0, 30) AS n;
	ALTER TABLE "Odd Names"."Bookings" RENAME COLUMN "from" TO check_in;
	ALTER TABLE "Odd Names"."Bookings" RENAME TO "My Bookings";
	ALTER TABLE "Odd Names"."My Bookings" ADD COLUMN note text DEFAULT 'none';
	CREATE TABLE public.cars (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int, stay daterange);
	SELECT availability.track('cars', day_rows => false);
	INSERT INTO cars (listing_id, stay) SELECT n % 7, daterange(date '2027-01-01' + 3 * n, date '2027-01-03' + 3 * n) FROM generate_series(1, 50) AS n;
	RESET ROLE;
	SELECT availability.book('cars', 3, daterange('2028-01-01', '2028-01-03'), 'kept');
	SELECT availability.set_limits('cars', max_hold_ttl => '1 day', max_stay => 7);
	SELECT availability.hold('cars', 4, daterange('2028-01-01', '2028-01-03'), '1 day');
	SELECT availability.hold('cars', 5, daterange('2028-01-01', '2028-01-03'), '1 day')));

sub table_names { return ('"Odd Names"."My Bookings"', 'cars') }

# All that consumers and operators see of the tracked tables.
sub state_of
{
	my $database = shift;
	return $node->safe_psql($database, q(
		TABLE availability.tracked ORDER BY reservations::text;
		SELECT listing_id, ordinal, booked, version, change, reservation_id, stay, was FROM "Odd Names"."Bookings_calendar" ORDER BY 1;
		TABLE "Odd Names"."Bookings_day" ORDER BY 1, 2;
		TABLE "Odd Names"."Bookings_month" ORDER BY 1, 2;
		SELECT c.* FROM "Odd Names"."My Bookings" AS b, "Odd Names"."Bookings_claim"(b) AS c ORDER BY key;
		SELECT listing_id, ordinal, booked, version FROM cars_calendar ORDER BY 1;
		TABLE cars_hold; TABLE cars_request;
		SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger WHERE tgname ~ '^_' ORDER BY 1, 2));
}
my $original = state_of('original');

# A restored database says the same, agrees with itself, and goes on: books, refuses, grows its versions.
sub check_restored
{
	my ($database, $how) = @_;
	is(state_of($database), $original, "$how: the same calendars, day rows, settings and triggers");
	is($node->safe_psql($database, join ';', map { "SELECT * FROM availability.verify('$_')" } table_names()), '', "$how: verify finds nothing");
	is($node->safe_psql($database, q(SELECT * FROM availability.doctor() WHERE subject !~ 'wal_level|slot')), '', "$how: nor does the doctor");
	my (undef, undef, $refused) = $node->psql($database, q(
		INSERT INTO "Odd Names"."My Bookings" SELECT 'late', house, '2027-01-03', '2027-01-04', 'confirmed' FROM "Odd Names"."My Bookings" ORDER BY id LIMIT 1));
	like($refused, qr/is already booked/, "$how: a double booking is refused");
	is($node->safe_psql($database, q(
		INSERT INTO "Odd Names"."My Bookings" SELECT 'new', house, '2028-01-03', '2028-01-04', 'confirmed' FROM "Odd Names"."My Bookings" ORDER BY id LIMIT 1;
		INSERT INTO "Odd Names"."The Houses" VALUES ('00000000-0000-0000-0000-000000000000');
		SELECT ordinal FROM "Odd Names"."Bookings_calendar" WHERE listing_id = '00000000-0000-0000-0000-000000000000';
		SELECT booked, change, version > extract(epoch FROM now() - interval '1 day') * 1e6 FROM "Odd Names"."Bookings_calendar" WHERE reservation_id = 'new')),
		"21\n" . $node->safe_psql($database, q(SELECT booked, 'created', true FROM "Odd Names"."Bookings_calendar" WHERE reservation_id = 'new')),
		"$how: it goes on booking, with the next ordinal");
	is($node->safe_psql($database, q(
		SELECT replayed FROM availability.book('cars', 3, daterange('2028-01-01', '2028-01-03'), 'kept');
		SELECT replayed FROM availability.confirm('cars', (SELECT hold_id FROM cars_hold WHERE listing_id = 4));
		SELECT availability.release((SELECT hold_id FROM cars_hold), 'cars');
		SELECT reservation_id FROM availability.cancel('"Odd Names"."My Bookings"', 'new'))), "t\nf\nt\nnew", "$how: keys, holds and cancelling go on");
	is($node->safe_psql($database, join ';', map { "SELECT * FROM availability.verify('$_')" } table_names()), '', "$how: and verify finds nothing");
	$node->safe_psql($database, join ';', map { "SELECT availability.untrack('$_')" } table_names());
	$node->safe_psql('postgres', "DROP DATABASE $database");
	return;
}

sub create_database
{
	$node->safe_psql('postgres', "CREATE DATABASE $_[0]");
	return;
}

command_ok([ 'pg_dump', '-f', "$directory/plain.sql", 'original' ], 'pg_dump, plain');
create_database('plain');
command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', "$directory/out", '-f', "$directory/plain.sql", 'plain' ], 'psql restores it');
check_restored('plain', 'plain');

for my $format ('custom', 'directory')
{
	command_ok([ 'pg_dump', "--format=$format", '-f', "$directory/$format", 'original' ], "pg_dump, $format");
	create_database($format);
	command_ok([ 'pg_restore', '-e', '-j', '2', '-d', $format, "$directory/$format" ], 'pg_restore restores it with two jobs');
	check_restored($format, $format);
}

# The schema first, then the data alone: the triggers must not book what is there already.
command_ok([ 'pg_dump', '--schema-only', '-f', "$directory/schema.sql", 'original' ], 'pg_dump of the schema');
command_ok([ 'pg_dump', '--data-only', '--format=custom', '-f', "$directory/data", 'original' ], 'pg_dump of the data');
create_database('apart');
command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', "$directory/out", '-f', "$directory/schema.sql", 'apart' ], 'the schema is restored');
command_ok([ 'pg_restore', '-e', '--data-only', '--disable-triggers', '-d', 'apart', "$directory/data" ], 'the data are restored');
check_restored('apart', 'data-only');

# Everything for another owner.
create_database('inherited');
command_ok([ 'pg_restore', '-e', '--no-owner', '-d', 'inherited', "$directory/custom" ], 'pg_restore without owners');
is($node->safe_psql('inherited', q(SELECT DISTINCT relowner::regrole <> 'manager'::regrole FROM pg_class WHERE relname ~ '^(Bookings|cars)')), 't', 'everything belongs to who restores');
check_restored('inherited', 'another owner');

# What is dumped from a restored database is what was dumped.
create_database('again');
command_ok([ 'pg_restore', '-e', '-d', 'again', "$directory/custom" ], 'restored once more');
command_ok([ 'pg_dump', '-f', "$directory/again.sql", 'again' ], 'and dumped');
my @dumps = map { join "\n", grep { !/^\\(un)?restrict/ } sort split /\n/, slurp_file($_) } "$directory/plain.sql", "$directory/again.sql";
is($dumps[1], $dumps[0], 'the same dump');

# A row whose table is gone would be restored as numbers, which are other relations there.
$node->safe_psql('again', q(
	CREATE TABLE gone (id int PRIMARY KEY, listing_id int, stay daterange);
	SELECT availability.track('gone');
	SET session_replication_role = replica;
	DROP TABLE gone CASCADE));
is($node->safe_psql('again', 'SELECT count(*) FROM availability.tracked'), '3', 'a row is left where event triggers do not fire');
command_ok([ 'pg_dump', '-f', "$directory/gone.sql", 'again' ], 'dumped');
create_database('without');
command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', "$directory/out", '-f', "$directory/gone.sql", 'without' ], 'and restored');
check_restored('without', 'a dump of a database with such a row');

# What is restored goes with its table, and with the extension.
create_database('dropped');
command_ok([ 'pg_restore', '-e', '-d', 'dropped', "$directory/custom" ], 'restored to be dropped');
my $left = q(SELECT relname FROM pg_class WHERE relname ~ '^(Bookings|cars)_' AND relkind IN ('r', 'v') UNION ALL SELECT proname FROM pg_proc WHERE proname ~ '^(Bookings|cars)_'
	UNION ALL SELECT tgname FROM pg_trigger WHERE tgname ~ '^_');
$node->safe_psql('dropped', 'DROP TABLE cars CASCADE');
is($node->safe_psql('dropped', 'SELECT reservations FROM availability.tracked'), '"Odd Names"."My Bookings"', 'the row goes with its table');
unlike($node->safe_psql('dropped', $left), qr/cars/, 'and so do the companions');
$node->safe_psql('dropped', 'DROP EXTENSION availability CASCADE');
is($node->safe_psql('dropped', $left), '', 'the extension takes the others along');

# The database as it is, replaced by what was dumped from it.
command_ok([ 'pg_dump', '--clean', '--if-exists', '-f', "$directory/clean.sql", 'original' ], 'pg_dump --clean');
command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', "$directory/out", '-f', "$directory/clean.sql", 'original' ], 'psql replaces what is there');
check_restored('original', 'replaced');

$node->stop;
done_testing();
