# The relay with Kafka: every event is there, in its order for each listing, and the compacted calendars are the database's; over kills of the relay,
# brokers that go away amid events, and so many events meanwhile that they don't fit the queue. With KAFKA_HOME brokers go by kill -9.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib", "$FindBin::RealBin/../../t/lib";

use Availability;
use JSON::PP;
use KafkaBroker;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RedisServer;
use Relay;
use Test::More;

my $kafka = KafkaBroker->new;
note $kafka->is_real ? 'a broker of its own, which is killed' : 'the mock cluster';
my $node = logical_node('kafka');
track_reservations($node, 200);
# What happens, told by another slot.
$node->safe_psql('postgres', q(SELECT pg_create_logical_replication_slot('witness', 'availability_decoder')));
my $next = 0;
sub change
{
	my ($count) = @_;
	my $statements = join '', map {
		$next++;
		my $listing = 1 + $next * 7 % 200;
		$next % 4 == 0
			? "DELETE FROM reservations WHERE id = (SELECT min(id) FROM reservations WHERE listing_id = $listing);\n"
			: $next % 7 == 0
			? "UPDATE reservations SET stay = daterange(lower(stay), upper(stay) + 1) WHERE id = (SELECT max(id) FROM reservations WHERE listing_id = $listing AND upper(stay) - lower(stay) < 3);\n"
			: "INSERT INTO reservations (listing_id, stay) VALUES ($listing, daterange(date '2027-01-01' + $next, date '2027-01-03' + $next));\n"
	} 1 .. $count;
	$node->safe_psql('postgres', "BEGIN; $statements COMMIT");
	return;
}

my $redis = RedisServer->new;
my $relay = Relay->new($node, $kafka->settings, 'redis.nodes' => $redis->address, 'relay.queue_bytes' => 1 << 20,
	'relay.ready_lag_seconds' => 5);
$relay->bootstrap;
$relay->start_ready;
change(50);
change(1) for 1 .. 20;
$relay->kill9;
change(100);
$relay->start_ready;
$relay->wait_confirmed;

# Brokers go away amid events.
for my $round (1, 2)
{
	change(100) for 1 .. 3;
	$kafka->down;
	change(20) for 1 .. 5;
	$kafka->up;
	change(100);
	$relay->wait_confirmed;
}

# For more than the queue holds.
$kafka->down;
my $replays = $relay->metric('reconnects_total');
change(200) for 1 .. 15;
wait_until('Kafka lags alone', sub { change(5); ($relay->metric('sink_lags_alone{sink="kafka"}') // 0) == 1 });
my $expected = database_calendars($node);
ok(eval {
		wait_until('Redis goes on', sub {
			my $calendars = $redis->calendars($relay->epoch);
			return !grep { ($calendars->{$_}[0] // 0) ne $expected->{$_}[0] } keys %$expected;
		});
	}, 'Redis is not held up by brokers that are away');
is($relay->get('/readyz')->{status}, 503, 'the relay is not ready');
cmp_ok($relay->metric('queue_bytes{sink="kafka"}'), '<', 2 << 20, 'the queue keeps its bound');
$kafka->up;
change(20);
$relay->wait_confirmed;
cmp_ok($relay->metric('reconnects_total'), '>', $replays, 'what Kafka missed came again from the slot');
$relay->wait_ready;
$node->safe_psql('postgres', 'DELETE FROM reservations WHERE listing_id = 7; DELETE FROM listings WHERE id = 7');
$relay->wait_confirmed;
is($relay->stop, 0, 'ends in order');

# All that the witness saw is there.
my %events = map { my $event = decode_json($_); ("$event->{lsn} $event->{seq}" => $event) }
	split /\n/, $node->safe_psql('postgres', q(SELECT data FROM pg_logical_slot_get_changes('witness', NULL, NULL)));
my %told = %{ $kafka->events };
my @missing = grep { $events{$_}{event} =~ /^(created|updated|cancelled)$/ && !$told{$_} } keys %events;
is(scalar @missing, 0, 'every event is in Kafka');
is(scalar(grep { !$events{$_} } keys %told), 0, 'and no other');
is_deeply([ map { $told{$_}{booked} } sort keys %told ], [ map { $events{$_}{booked} } sort keys %told ], 'with the same calendars');

my %now = map { my ($listing, $booked) = split /\|/; $listing => decode_json($booked) } split /\n/,
	$node->safe_psql('postgres', 'SELECT listing_id, booked::jsonb FROM reservations_calendar');
is_deeply($kafka->calendars, \%now, 'the calendars are those of the database, a dropped one is gone');

$kafka->stop;
$node->stop;
done_testing();
