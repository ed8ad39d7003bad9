# Everything that an ordinary role can do to a table of a calendar's shape, in one stretch of WAL: no change of it stops the stream, the
# tracked table's events are all there, and the same WAL gives the same bytes, also after a restart.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Availability;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = logical_node('hostile', extra => [ '--locale=C', '--encoding=UTF8' ]);
$node->safe_psql('postgres', q~
	CREATE EXTENSION file_fdw;
	CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
	CREATE ROLE anybody;
	CREATE SCHEMA theirs AUTHORIZATION anybody;
	CREATE TABLE reservations (id int PRIMARY KEY, listing_id int, stay daterange);
	SELECT availability.track('reservations');
	SELECT pg_create_logical_replication_slot('cache', 'availability_decoder')~);

my $booked = 0;
my $shape = 'listing_id bigint, booked availability.dayset, version bigint, change text, reservation_id bigint, stay daterange, was daterange';
my $scattered = q((SELECT availability.dayset_agg(date '1970-01-01' + (n * 37 + n * n % 11) % 60000) FROM generate_series(1, 3000) AS n));

# Each in a session of its own, as anybody, with a booking on the tracked table before it and after it.
sub do_to
{
	my ($what, $sql) = @_;
	$node->safe_psql('postgres', "SET ROLE anybody; SET search_path = theirs; $sql");
	$node->safe_psql('postgres', 'INSERT INTO reservations VALUES (' . ++$booked . ", $booked, daterange('2027-01-01', '2027-01-03'))");
	return;
}

do_to('a calendar', "CREATE TABLE c ($shape); INSERT INTO c VALUES (1, '2027-01-01', 1, 'created', 1, daterange('2027-01-01', '2027-01-02'))");
do_to('out of line', "INSERT INTO c VALUES (2, $scattered, 1, 'reset'); ALTER TABLE c ALTER booked SET STORAGE EXTERNAL; INSERT INTO c VALUES (3, $scattered, 1, 'reset')");
do_to('unchanged out of line', "UPDATE c SET version = version + 1 WHERE listing_id IN (2, 3)");
do_to('replica identity', "ALTER TABLE c REPLICA IDENTITY NOTHING; UPDATE c SET version = version + 1; DELETE FROM c WHERE listing_id = 1; ALTER TABLE c REPLICA IDENTITY FULL; UPDATE c SET version = version + 1; DELETE FROM c WHERE listing_id = 2");
do_to('columns that come and go', "ALTER TABLE c DROP COLUMN was; INSERT INTO c VALUES (4, '{}', 1, 'reset'); ALTER TABLE c ADD COLUMN was text DEFAULT 'x'; INSERT INTO c VALUES (5, '{}', 1, 'reset')");
do_to('a column of another type', "ALTER TABLE c ALTER version TYPE numeric; INSERT INTO c VALUES (6, '{}', 1.5, 'reset'); ALTER TABLE c ALTER version TYPE bigint USING 1; INSERT INTO c VALUES (7, '{}', 2, 'reset')");
do_to('a rewritten table', "INSERT INTO c VALUES (8, '{}', 1, 'reset'); CLUSTER c USING c_i" =~ s/CLUSTER/CREATE INDEX c_i ON c (listing_id); CLUSTER/r);
do_to('changes of the catalog within a transaction', "BEGIN; INSERT INTO c VALUES (9, '{}', 1, 'reset'); ALTER TABLE c RENAME TO d; INSERT INTO d VALUES (10, '{}', 1, 'reset'); ALTER TABLE d DROP COLUMN change; INSERT INTO d (listing_id) VALUES (11); ALTER TABLE d ADD COLUMN change text; UPDATE d SET change = 'reset', booked = '{}'; ALTER TABLE d RENAME TO c; COMMIT");
do_to('what is undone', "BEGIN; INSERT INTO c (listing_id, booked, version, change) VALUES (12, '{}', 1, 'reset'); SAVEPOINT s; ALTER TABLE c DROP COLUMN booked; INSERT INTO c (listing_id) VALUES (13); ROLLBACK TO s; INSERT INTO c (listing_id, booked, version, change) VALUES (14, '{}', 1, 'reset'); COMMIT; BEGIN; DROP TABLE c; ROLLBACK");
do_to('nulls and nonsense', "INSERT INTO c (listing_id, booked, version, change, stay) VALUES (NULL, '{}', 1, 'reset', NULL), (1, NULL, 1, 'reset', NULL), (1, '{}', NULL, 'reset', NULL), (1, '{}', 1, NULL, NULL), (1, '{}', 1, 'sold', NULL), (1, '{}', 1, 'created', 'empty'), (1, '{}', 1, 'created', '(,)'), (1, '{}', 1, 'created', daterange('infinity', NULL)), (1, '{}', 1, 'created', daterange('1900-01-01', '1950-01-01'))");
do_to('a view, a foreign table, a temporary and an unlogged one', "CREATE VIEW v AS SELECT * FROM c; CREATE TEMPORARY TABLE t ($shape); INSERT INTO t VALUES (1, '{}', 1, 'reset'); CREATE UNLOGGED TABLE u ($shape); INSERT INTO u VALUES (1, '{}', 1, 'reset'); ALTER TABLE u SET LOGGED; INSERT INTO u VALUES (2, '{}', 1, 'reset')");
$node->safe_psql('postgres', "CREATE FOREIGN TABLE theirs.f ($shape) SERVER files OPTIONS (filename '/dev/null')");
do_to('partitions', "CREATE TABLE p ($shape) PARTITION BY HASH (listing_id); CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE p1 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 1); INSERT INTO p SELECT n, '{}', 1, 'reset' FROM generate_series(1, 4) AS n; UPDATE p SET listing_id = listing_id + 1; TRUNCATE p0; DROP TABLE p");
do_to('look-alikes of the type', "CREATE DOMAIN dayset AS availability.dayset; CREATE TABLE l (listing_id bigint, booked dayset, version bigint, change text); INSERT INTO l VALUES (1, '{}', 1, 'reset'); CREATE TYPE dayset2 AS (x int); CREATE DOMAIN word AS text CHECK (VALUE <> 'no'); CREATE TABLE w (listing_id word, booked availability.dayset, version bigint, change word); INSERT INTO w VALUES ('a', '{}', 1, 'reset')");
do_to('keys of any size', "CREATE TABLE k (listing_id text, booked availability.dayset, version bigint, change text, reservation_id bytea); INSERT INTO k VALUES (repeat('k', 100000), '{}', 1, 'reset', NULL), (repeat('k', 70000), '{}', 1, 'reset', NULL), ('', '{}', 1, 'reset', '\\x00'), ('x', '{}', 1, repeat('reset', 20000), NULL)");
do_to('inheritance', "CREATE TABLE i () INHERITS (c); INSERT INTO i (listing_id, booked, version, change) VALUES (1, '{}', 1, 'reset'); ALTER TABLE i NO INHERIT c");
do_to('truncated and dropped', "TRUNCATE c; INSERT INTO c (listing_id, booked, version, change) VALUES (20, '{}', 1, 'reset'); DROP TABLE c, w, k, u CASCADE");
$node->safe_psql('postgres', q~DROP OWNED BY anybody CASCADE~);

my $first = peek_events($node, 'cache');
my @events = map { decode_json($_) } split /\n/, $first;
my @tracked = grep { $_->{table} eq 'public.reservations_calendar' } @events;
is(join(' ', map { "$_->{event} $_->{listing}" } @tracked), join(' ', map { "created $_" } 1 .. $booked), 'every booking is an event, in order');
cmp_ok(scalar(grep { $_->{table} =~ /^theirs\./ } @events), '>', 40, 'their tables have events too');
cmp_ok(scalar(grep { $_->{event} eq 'unreadable' } @events), '>', 10, 'some of them unreadable');
is(scalar(grep { ($_->{reason} // '') =~ /^$/ && $_->{event} eq 'unreadable' } @events), 0, 'which say why');
is(peek_events($node, 'cache'), $first, 'a second look sees the same bytes');
$node->restart;
is(peek_events($node, 'cache'), $first, 'and so it does after a restart');
my $mine = peek_events($node, 'cache', tables => 'public.reservations_calendar');
is(scalar(split /\n/, $mine), $booked, 'who names a table sees nothing of the others');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_logical_slot_get_binary_changes('cache', NULL, NULL, 'format', 'protobuf')"), scalar(@events), 'protobuf passes all of it as well');

$node->stop;
done_testing();
