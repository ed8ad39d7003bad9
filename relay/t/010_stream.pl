# From the slot to /snapshot and /stream, and what is confirmed: without a sink.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib", "$FindBin::RealBin/../../t/lib";

use Availability;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Relay;
use Test::More;

my $node = logical_node('stream');
track_reservations($node, 50);
sub book
{
	my ($listing, $first) = @_;
	return $node->safe_psql('postgres', "INSERT INTO reservations (listing_id, stay) VALUES ($listing, daterange('$first'::date, '$first'::date + 3)) RETURNING id");
}

my $relay = Relay->new($node);
my ($status, undef, $err) = $relay->execute('run');
is($status, 3, 'without a bootstrap a person is needed');
like($err, qr/run availability-relay bootstrap/, 'and told so');

book(1, '2027-01-01');
$relay->bootstrap;
$relay->start_ready;
my $snapshot = $relay->snapshot;
is_deeply($snapshot->{calendars}, database_calendars($node), 'the snapshot has every calendar');

# Events change it.
book($_, '2027-02-01') for 1 .. 10;
$node->safe_psql('postgres', q(DELETE FROM reservations WHERE listing_id = 1; INSERT INTO listings VALUES (1000); DELETE FROM listings WHERE id = 50));
$relay->wait_confirmed;
is_deeply($relay->snapshot->{calendars}, database_calendars($node), 'events change it');

# A restart goes on with the same epoch, a second bootstrap begins another.
is($relay->stop, 0, 'SIGTERM ends it in order');
book(2, '2027-03-01');
$relay->start_ready;
my $again = $relay->snapshot;
is($again->{epoch}, $snapshot->{epoch}, 'the epoch outlives a restart');
is_deeply($again->{calendars}, database_calendars($node), 'and nothing is missed');

is($relay->kill9, -9, 'killed');
book(3, '2027-03-01');
$node->poll_query_until('postgres', 'SELECT NOT active FROM pg_replication_slots');
$relay->start_ready;
is_deeply($relay->snapshot->{calendars}, database_calendars($node), 'nothing is missed after a kill');
is($relay->snapshot->{epoch}, $snapshot->{epoch}, 'in the same epoch');

# The server goes away and comes back.
$node->stop('immediate');
$node->start;
book(4, '2027-04-01');
wait_until('the stream is back', sub { ($relay->snapshot->{calendars}{4}[1] // '') eq database_calendars($node)->{4}[1] });
is_deeply($relay->snapshot->{calendars}, database_calendars($node), 'nothing is missed after a crash of the server');
is($relay->snapshot->{epoch}, $snapshot->{epoch}, 'in the same epoch, since it is the same database');

# A slot that somebody made anew, or read from, is not believed.
$relay->stop;
$node->safe_psql('postgres', q(SELECT pg_drop_replication_slot('availability_relay')));
is(($relay->execute('run'))[0], 3, 'a lost slot needs a person');
book(5, '2027-05-01');
$node->safe_psql('postgres', q(SELECT pg_create_logical_replication_slot('availability_relay', 'availability_decoder')));
$relay->start_ready;
cmp_ok($relay->snapshot->{epoch}, '>', $snapshot->{epoch}, 'a slot made anew is a new epoch');
is_deeply($relay->snapshot->{calendars}, database_calendars($node), 'with every calendar');
my $epoch = $relay->snapshot->{epoch};
$relay->wait_loaded;
$relay->stop;
book(6, '2027-05-01');
$node->safe_psql('postgres', q(SELECT count(*) FROM pg_logical_slot_get_binary_changes('availability_relay', NULL, NULL, 'format', 'protobuf')));
$relay->start_ready;
cmp_ok($relay->snapshot->{epoch}, '>', $epoch, 'so is one that somebody else read from');
is_deeply($relay->snapshot->{calendars}, database_calendars($node), 'with every calendar');
like($relay->log_of, qr/epoch \d+ begins: the slot stands at \S+, and the relay confirmed.*epoch \d+ begins: the slot stands at/s, 'for this reason');
$relay->wait_loaded;

# Two relays on one slot.
my $second = Relay->new($node);
$epoch = $relay->snapshot->{epoch};
$second->start;
wait_until('the second waits', sub { $second->get('/readyz')->{content} =~ /waiting for the slot/ });
$relay->kill9;
$second->wait_ready;
book(7, '2027-06-01');
$second->wait_confirmed;
is($second->snapshot->{epoch}, $epoch, 'the second takes over, in the same epoch');
is_deeply($second->snapshot->{calendars}, database_calendars($node), 'and goes on');

# What HTTP answers.
is($second->get('/healthz')->{status}, 200, 'healthz');
is($second->get('/nothing')->{status}, 404, 'another path');
is($second->get('/stream')->{status}, 400, 'a stream from nowhere');
is($second->get('/stream?from=1,0/0,0')->{status}, 410, 'a stream of another epoch');
is($second->get("/stream?from=$epoch,0/1,0")->{status}, 410, 'a stream from too long ago');
is($second->metric('listings'), scalar keys %{ database_calendars($node) }, 'metrics');
is($second->stop, 0, 'ends in order');

$node->stop;
done_testing();
