# What the relay tells as `as of`, to subscribers and in Redis: it goes on though nobody books, and all that anybody saw by then is there.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib", "$FindBin::RealBin/../../t/lib";

use Availability;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RedisServer;
use Relay;
use Subscriber;
use Test::More;

my $node = logical_node('as_of');
track_reservations($node, 10);
my $redis = RedisServer->new;
# Confirmations are rare here: heartbeats need none.
my $relay = Relay->new($node, 'redis.nodes' => $redis->address, 'relay.confirm_seconds' => '3600');
$relay->bootstrap;
$relay->start_ready;
my $subscriber = Subscriber->new($relay);
$subscriber->{as_of} = 0;

sub clock { return $node->safe_psql('postgres', 'SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint'); }
# of the record in Redis
sub record
{
	my ($key) = @{ $redis->do('KEYS', 'avail:v3:relay:{*') };
	return defined $key ? (unpack 'Q>Q>q>q>', $redis->do('GET', $key))[2] : 0;
}
sub book
{
	my ($number) = @_;
	return $node->safe_psql('postgres',
		"INSERT INTO reservations (listing_id, stay) VALUES (1 + $number % 10, daterange(date '2027-01-01' + 2 * $number, date '2027-01-03' + 2 * $number))");
}

for my $round (1 .. 2)
{
	my $now = clock();
	wait_until('as_of goes on at a subscriber', sub { $subscriber->pump; $subscriber->{as_of} >= $now });
	wait_until('and in Redis', sub { record() >= $now });
}
pass('it goes on though nobody books');

# Whatever was there before the clock was read is there when as_of says so.
my ($late, $late_in_redis) = (0, 0);
for my $number (1 .. 20)
{
	book($number);
	my $calendars = database_calendars($node);
	my $seen = clock();
	wait_until('as_of at a subscriber', sub { $subscriber->pump; $subscriber->{as_of} >= $seen });
	$late++ unless $subscriber->agrees($calendars);
	wait_until('as_of in Redis', sub { record() >= $seen });
	my $listing = 1 + $number % 10;
	$late_in_redis++ if ($redis->calendars($relay->epoch)->{$listing}[0] // 0) < $calendars->{$listing}[0];
}
is($late, 0, 'what was seen before as_of is at the subscriber');
is($late_in_redis, 0, 'and in Redis');

# A subscription applies a transaction with the commit time of its publisher, whose clock may be ahead.
$node->safe_psql('postgres', q{
	SELECT pg_replication_origin_create('publisher');
	SELECT pg_replication_origin_session_setup('publisher');
	BEGIN;
	INSERT INTO reservations (listing_id, stay) VALUES (1, '[2028-01-01,2028-01-03)');
	SELECT pg_replication_origin_xact_setup('0/1', '2099-01-01');
	COMMIT});
ok($subscriber->wait_for(database_calendars($node)), 'a transaction of 2099 arrives');
my $after = clock();
wait_until('as_of passes it', sub { $subscriber->pump; $subscriber->{as_of} >= $after });
wait_until('in Redis too', sub { record() >= $after });
cmp_ok($subscriber->{as_of}, '<=', clock(), 'as_of stays with the clock');
cmp_ok(record(), '<=', clock(), 'and in Redis');
is_deeply($subscriber->{problems}, [], 'nothing ever went back');

$relay->stop;
$redis->kill9;
$node->stop;
done_testing();
