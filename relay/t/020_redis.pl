# The relay with Redis: exact through bookings, kills of each part, and a Redis that is not what it was.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib", "$FindBin::RealBin/../../t/lib";

use Availability;
use File::Path;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::RecursiveCopy;
use PostgreSQL::Test::Utils;
use RedisServer;
use Relay;
use Test::More;

my $listings = 200;
my $node = logical_node('redis');
track_reservations($node, $listings);
my $redis = RedisServer->new(appendonly => 'yes', appendfsync => 'always');
my $relay = Relay->new($node, 'redis.nodes' => $redis->address, 'redis.key_prefixes' => 'avail:v3:', 'redis.timeout_milliseconds' => 500,
	'relay.probe_seconds' => 0.2);

my $next = 0;
# Books and cancels here and there; every change is one transaction, or many in one.
sub change
{
	my ($count, %options) = @_;
	my $statements = join '', map {
		$next++;
		my $listing = 1 + $next * 7 % $listings;
		$next % 4 == 0
			? "DELETE FROM reservations WHERE id = (SELECT min(id) FROM reservations WHERE listing_id = $listing);\n"
			: "INSERT INTO reservations (listing_id, stay) VALUES ($listing, daterange(date '2027-01-01' + $next, date '2027-01-03' + $next)) ON CONFLICT DO NOTHING;\n"
	} 1 .. $count;
	$statements = "BEGIN; $statements COMMIT;" if $options{together};
	$node->safe_psql('postgres', $statements);
	return;
}

sub is_exact
{
	my ($name) = @_;
	my $expected = database_calendars($node);
	my $same = eval {
		wait_until($name, sub {
			my $calendars = eval { $redis->calendars($relay->epoch) } // return 0;
			return keys %$calendars == keys %$expected && !grep { ($calendars->{$_}[0] // 0) ne $expected->{$_}[0] || $calendars->{$_}[1] ne $expected->{$_}[1] } keys %$expected;
		});
	};
	return ok($same, $name);
}

change(20);
$relay->bootstrap;
is_exact('bootstrap gives every calendar');
is($redis->calendars($relay->epoch - 1)->{1}, undef, 'in its epoch and no other');

$relay->start_ready;
my $epoch = $relay->epoch;
change(100);
change(100, together => 1);
is_exact('bookings follow');
$relay->wait_confirmed;

# Killed amid bookings.
for my $round (1 .. 3)
{
	change(30);
	$relay->kill9;
	change(30);
	$relay->start;
	change(30);
}
is_exact('the relay was killed three times');
is($relay->epoch, $epoch, 'in one epoch');

change(20);
$redis->kill9;
change(20);
$redis->start;
is_exact('Redis was killed, and kept what it had acknowledged');
change(20);
$node->stop('immediate');
$node->start;
change(20);
is_exact('the server was killed');

# A Redis that stands still holds the slot, and nothing else.
$relay->wait_ready;
$redis->pause;
change(1);
my $lsn = $node->safe_psql('postgres', 'SELECT pg_current_wal_lsn()');
change(50);
wait_until('the lag shows', sub { $relay->metric('freshness_lag_seconds{sink="redis"}') > 1 });
is_deeply($relay->snapshot->{calendars}, database_calendars($node), 'subscribers are served while Redis stands still');
is($node->safe_psql('postgres', "SELECT confirmed_flush_lsn < '$lsn' FROM pg_replication_slots"), 't', 'and nothing is confirmed');
$redis->unpause;
is_exact('Redis goes on');
wait_until('the lag is gone', sub { $relay->metric('freshness_lag_seconds{sink="redis"}') < 1 });

# One that lost all it had is no longer believed.
$epoch = $relay->epoch;
$redis->do('CONFIG', 'SET', 'appendonly', 'no');
$redis->kill9;
unlink glob "$redis->{directory}/appendonlydir/*";
$redis->{options} = { appendonly => 'no' };
$redis->start;
change(5);
wait_until('a new epoch', sub { $relay->epoch > $epoch });
is_exact('an empty Redis gets every calendar anew');

# Dropped listings go; those that were never booked are there.
$node->safe_psql('postgres', q(DELETE FROM reservations WHERE listing_id = 3; DELETE FROM listings WHERE id = 3; INSERT INTO listings VALUES (5000)));
is_exact('listings come and go');
$node->safe_psql('postgres', 'INSERT INTO listings VALUES (3)');
is_exact('and come back');

# The probe finds nothing, until somebody changes what Redis holds behind the relay's back.
my $probes = $relay->metric('probes_total');
change(50);
wait_until('probes', sub { $relay->metric('probes_total') > $probes + 10 });
is($relay->metric('probe_differences_total'), 0, 'a probe agrees');
for my $listing (1, 2, 4 .. $listings)
{
	my $value = $redis->do('GET', "avail:v3:{$listing}");
	my ($of, $version) = unpack 'Q>q>', $value;
	$redis->do('SET', "avail:v3:{$listing}", pack('Q>q>', $of, $version - 1) . substr $value, 16);
}
wait_until('the probe finds it', sub { $relay->metric('probe_differences_total') > 0 });
is(($relay->execute('verify', '--repair'))[0], 0, 'verify mends it');
$node->safe_psql('postgres', 'UPDATE reservations_calendar SET version = version + 1');

# The database is set back to a copy of itself: later calendars in Redis are not taken for fresh.
$relay->wait_ready;
$relay->wait_loaded;
$relay->stop;
$node->stop;
my $copy = $node->backup_dir . '_copy';
PostgreSQL::Test::RecursiveCopy::copypath($node->data_dir, $copy);
$node->start;
$relay->start_ready;
change(40);
$relay->wait_confirmed;
wait_until('seen', sub { slurp_file("$relay->{directory}/state") =~ /\S/ });
$relay->stop;
$epoch = $relay->epoch;
$node->stop;
File::Path::remove_tree($node->data_dir);
rename $copy, $node->data_dir or die "rename: $!";
chmod 0700, $node->data_dir;
$node->start;
change(3);
$relay->start_ready;
cmp_ok($relay->epoch, '>', $epoch, 'a database that was set back is a new epoch');
like($relay->log_of, qr/the database was set back/, 'for this reason');
is_exact('and Redis is as it is now');

is($relay->stop, 0, 'ends in order');
$node->stop;
done_testing();
