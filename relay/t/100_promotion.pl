# A physical standby is promoted, and the relay goes over to it: the slot is not there, and a person is needed; or, from PostgreSQL 17 on, it is, and the
# relay begins a new epoch by itself. What only the former primary had committed is never shown any more.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib", "$FindBin::RealBin/../../t/lib";

use Availability;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Reader;
use RedisServer;
use Relay;
use Subscriber;
use Test::More;
use Time::HiRes qw(sleep);

my $listings = 50;
my $next = 0;
sub change
{
	my ($node, $count) = @_;
	my $statements = join '', map {
		$next++;
		"INSERT INTO reservations (listing_id, stay) VALUES (1 + $next % $listings, daterange(date '2027-01-01' + $next, date '2027-01-02' + $next));\n"
	} 1 .. $count;
	$node->safe_psql('postgres', "BEGIN; $statements COMMIT");
	return;
}

sub is_exact
{
	my ($node, $relay, $redis, $name) = @_;
	my $expected = database_calendars($node);
	my $same = eval {
		wait_until($name, sub {
			my $calendars = eval { $redis->calendars($relay->epoch) } // return 0;
			return keys %$calendars == keys %$expected && !grep { ($calendars->{$_}[0] // 0) ne $expected->{$_}[0] || $calendars->{$_}[1] ne $expected->{$_}[1] } keys %$expected;
		});
	};
	ok($same, $name);
	like(($relay->execute('verify'))[1], qr/^$listings listings, 0 not in Redis, 0 wrong$/m, "$name: verify finds no difference");
	return;
}

# A primary and its standby, which has all; a relay that knows both.
sub make_pair
{
	my ($name, $failover, %options) = @_;
	my $primary = logical_node("${name}_a");
	track_reservations($primary, $listings);
	$primary->safe_psql('postgres', q(SELECT pg_create_physical_replication_slot('standby')));
	$primary->backup('base');
	my $standby = PostgreSQL::Test::Cluster->new("${name}_b");
	$standby->init_from_backup($primary, 'base', has_streaming => 1);
	$standby->append_conf('postgresql.conf', "primary_slot_name = 'standby'\nhot_standby_feedback = on\nwal_receiver_status_interval = 1\n"
		. "primary_conninfo = 'host=" . $primary->host . ' port=' . $primary->port . " dbname=postgres'\n");
	if ($failover)
	{
		# So that no slot runs ahead of what the standby has.
		$primary->append_conf('postgresql.conf', "synchronized_standby_slots = 'standby'\n");
		$primary->reload;
		$standby->append_conf('postgresql.conf', "sync_replication_slots = on\n");
	}
	$standby->start;
	my $redis = RedisServer->new;
	my $relay = Relay->new($primary, 'redis.nodes' => $redis->address, 'database.failover' => $failover ? 'true' : 'false',
		'database.conninfo' => 'host=' . join(',', map { $_->host } $primary, $standby) . ' port=' . join(',', map { $_->port } $primary, $standby)
			. ' dbname=postgres target_session_attrs=read-write', 'database.timeout_seconds' => 3, %options);
	$relay->bootstrap;
	$relay->start_ready;
	change($primary, 20);
	$relay->wait_confirmed;
	$relay->wait_loaded;
	return ($primary, $standby, $redis, $relay);
}

# From now on the standby gets nothing.
sub cut_off
{
	my ($primary, $standby) = @_;
	$primary->wait_for_catchup($standby);
	$standby->append_conf('postgresql.conf', "primary_conninfo = ''\n");
	$standby->reload;
	$standby->poll_query_until('postgres', 'SELECT count(*) = 0 FROM pg_stat_wal_receiver') or die 'the standby goes on receiving';
	return;
}

# --- the slot is not on the standby --------------------------------------------------------------------------------------------------------------------

{
	my ($primary, $standby, $redis, $relay) = make_pair('without', 0);
	my $epoch = $relay->epoch;
	my $subscriber = Subscriber->new($relay);
	$subscriber->pump;

	# A relay that is sent to a standby waits: what the standby will have once it is promoted, nobody knows.
	my $astray = Relay->new($standby);
	$astray->start;
	wait_until('it says so', sub { -e $astray->{log} && $astray->log_of =~ /the server is a standby; again in/ });
	is($astray->get('/readyz')->{status}, 503, 'a relay that is sent to a standby is not ready');
	is($astray->get('/healthz')->{status}, 200, 'but goes on trying');
	is($astray->stop, 0, 'and ends in order');

	cut_off($primary, $standby);
	change($primary, 30);
	my $lost = database_calendars($primary);
	wait_until('Redis has what the standby will never get', sub { !grep { ($redis->calendars($epoch)->{$_}[0] // 0) ne $lost->{$_}[0] } keys %$lost });
	$primary->stop('immediate');
	wait_until('the relay looks for a primary', sub { $relay->get('/readyz')->{status} == 503 && $relay->log_of =~ /could not connect to the database.*again in/ });
	ok(kill(0 => $relay->{child}), 'while there is no primary the relay goes on trying');
	$standby->promote;
	is($relay->wait_end, 3, 'the promoted server has no slot: a person is needed');
	like($relay->log_of, qr/slot availability_relay does not exist: changes since are unknown; run availability-relay bootstrap/, 'and is told what to do');
	change($standby, 10);
	$relay->{node} = $standby;
	$relay->bootstrap;
	$relay->start_ready;
	change($standby, 20);
	cmp_ok($relay->epoch, '>', $epoch, 'another epoch');
	is_exact($standby, $relay, $redis, 'after the bootstrap');
	my $now = database_calendars($standby);
	cmp_ok(scalar(grep { $lost->{$_}[0] ne $now->{$_}[0] } keys %$now), '>', 0, 'what only the former primary had is gone');
	ok($subscriber->wait_for($now), 'for subscribers, too');
	is_deeply($subscriber->{problems}, [], 'who were told');

	# The former primary comes back, by mistake, and takes writes; the relay is sent to it.
	$relay->wait_loaded;
	$epoch = $relay->epoch;
	$standby->stop('immediate');
	$primary->start;
	change($primary, 10);
	wait_until('it is found out', sub { $relay->log_of =~ /the server is on timeline 1, and timeline 2 has been seen: it is a former primary/ });
	is($relay->get('/readyz')->{status}, 503, 'a former primary is not believed');
	$primary->stop('immediate');
	$standby->start;
	change($standby, 10);
	is_exact($standby, $relay, $redis, 'the true one comes back');
	is($relay->epoch, $epoch, 'the true one comes back: in the same epoch');
	is($relay->stop, 0, 'ends in order');
	$standby->stop;
}

# --- the slot is there, too ----------------------------------------------------------------------------------------------------------------------------

my $version = PostgreSQL::Test::Cluster->new('version')->pg_version;
if ($version >= 17)
{
	my ($primary, $standby, $redis, $relay) = make_pair('with', 1);
	my $epoch = $relay->epoch;
	is($primary->safe_psql('postgres', q(SELECT failover FROM pg_replication_slots WHERE slot_name = 'availability_relay')), 't', 'the slot is one for failover');
	$standby->poll_query_until('postgres', q(SELECT synced AND NOT temporary FROM pg_replication_slots WHERE slot_name = 'availability_relay')) or die 'the slot is not on the standby';

	# What the standby does not have, the relay does not get, so that nothing can be shown that is lost later on; and the lag is told.
	cut_off($primary, $standby);
	my $before = database_calendars($primary);
	change($primary, 30);
	wait_until('the lag shows', sub { $relay->metric('freshness_lag_seconds{sink="redis"}') > 1 });
	is_deeply($redis->calendars($epoch), $before, 'what the standby does not have is not shown');
	$primary->stop('immediate');
	$standby->promote;
	$relay->{node} = $standby;
	change($standby, 20);
	wait_until('a new epoch', sub { $relay->epoch > $epoch });
	like($relay->log_of, qr/epoch \d+ begins: timeline 2 after 1/, 'another timeline is a new epoch');
	$relay->wait_ready;
	is_exact($standby, $relay, $redis, 'the relay goes on with the promoted server by itself');
	$relay->wait_confirmed;
	is($relay->stop, 0, 'ends in order');
	$standby->stop;
}
else
{
	# Nothing is asked of the server that it does not know.
	my $node = logical_node('before_17');
	track_reservations($node, 5);
	my $relay = Relay->new($node, 'database.failover' => 'true');
	$relay->bootstrap;
	$relay->start_ready;
	is_deeply($relay->snapshot->{calendars}, database_calendars($node), 'before 17 database.failover changes nothing');
	$relay->stop;
	$node->stop;
}
done_testing();
