# What is decoded is the past: tables and the extension as they were when the change was made.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Availability;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = logical_node('history');
create_calendar($node, 'a_calendar');

sub sql { return $node->safe_psql('postgres', shift) }

sql(q(SELECT pg_create_logical_replication_slot('cache', 'availability_decoder')));
sql(q{INSERT INTO a_calendar (listing_id, booked, version, change) VALUES (1, '{[2026-12-20,2026-12-27)}', 1, 'created')});
my $before = peek_events($node, 'cache');
like($before, qr/"table":"public\.a_calendar","listing":"1"/, 'an event');

sql('ALTER TABLE a_calendar DROP ordinal, ADD note text, ALTER listing_id TYPE text');
is(peek_events($node, 'cache'), $before, 'is the same after its table is altered');
sql('ALTER TABLE a_calendar RENAME TO b_calendar');
is(peek_events($node, 'cache'), $before, 'is the same after its table is renamed');
sql('DROP EXTENSION availability CASCADE');
is(peek_events($node, 'cache'), $before, 'is the same after the extension is dropped');
sql(q(INSERT INTO b_calendar (listing_id, version, change) VALUES (2, 1, 'created')));
is(peek_events($node, 'cache'), $before, 'what remains of the table is no calendar');
sql('DROP TABLE b_calendar');
is(peek_events($node, 'cache'), $before, 'is the same after its table is dropped');

# The extension comes back under another type OID.
sql('CREATE EXTENSION availability');
create_calendar($node, 'a_calendar');
sql(q(INSERT INTO a_calendar (listing_id, booked, version, change) VALUES (3, '{}', 1, 'reset')));
my $after = peek_events($node, 'cache');
is(scalar(split /\n/, $after), 2, 'events of both lives of the extension');
like($after, qr/\A\Q$before\E\n\{"v":1,"event":"reset","table":"public\.a_calendar","listing":"3","version":1,"booked":\[\],/, 'in order');
$node->restart;
is(peek_events($node, 'cache'), $after, 'also after a restart');

# A calendar that dies unseen still tells its end.
sql(q(SELECT count(*) FROM pg_logical_slot_get_changes('cache', NULL, NULL)));
sql(q(
	BEGIN;
	CREATE TABLE brief AS SELECT 1::bigint AS listing_id, '{}'::availability.dayset AS booked, 1::bigint AS version, 'reset'::text AS change;
	UPDATE brief SET change = 'dropped', version = 2;
	DROP TABLE brief;
	COMMIT));
is(sql(q(SELECT data::json ->> 'event' FROM pg_logical_slot_get_changes('cache', NULL, NULL))),
	"reset\ndropped", 'a table of one transaction');

$node->stop;
done_testing();
