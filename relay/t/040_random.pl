# The whole under random histories and faults: at the end Redis and a subscriber equal the database, and no version ever went back.
#
# SEED=N repeats a run as far as time allows; RELAY_RANDOM_SECONDS=N makes it longer.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib", "$FindBin::RealBin/../../t/lib";

use Availability;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Proxy;
use RedisServer;
use Relay;
use Subscriber;
use Test::More;
use Time::HiRes qw(sleep time);

my $seed = $ENV{SEED} || int(time * 1000) % 1_000_000;
note "SEED=$seed";
srand $seed;
my $seconds = $ENV{RELAY_RANDOM_SECONDS} || 25;

for my $layout ('calendar', 'months')
{
	my $listings = 100;
	my $node = logical_node("random_$layout");
	track_reservations($node, $listings);
	my $redis = RedisServer->new(appendonly => 'yes', appendfsync => 'always');
	my $database_proxy = Proxy->new($node->host . '/.s.PGSQL.' . $node->port);
	my $redis_proxy = Proxy->new($redis->{port});
	my %settings = (
		'database.conninfo' => "host=127.0.0.1 port=$database_proxy->{port} dbname=postgres user=" . scalar(getpwuid $<),
		'database.timeout_seconds' => 2,
		'redis.nodes' => $redis_proxy->address,
		'redis.layout' => $layout,
		'redis.months' => 31,
		'redis.timeout_milliseconds' => 300,
		'relay.queue_bytes' => 1 << 20);
	# The second takes over from the first; it has a port of its own, and no file of state.
	my $relay = Relay->new($node, %settings);
	my $second = Relay->new($node, %settings, 'relay.state_file' => '');
	$relay->bootstrap;
	$relay->start;
	my $subscriber = Subscriber->new($relay);

	my $changes = 0;
	my $change = sub {
		my $count = shift;
		my $statements = '';
		for (1 .. $count)
		{
			$changes++;
			my $listing = 1 + int rand $listings;
			my $what = rand;
			my $from = "current_date + " . int rand 600;
			if ($what < 0.6)
			{
				$statements .= "INSERT INTO reservations (listing_id, stay) SELECT $listing, s FROM (SELECT daterange($from, $from + 3) AS s) AS stays"
					. " WHERE availability.is_available((SELECT booked FROM reservations_calendar WHERE listing_id = $listing), s);\n";
			}
			elsif ($what < 0.85)
			{
				$statements .= "DELETE FROM reservations WHERE id = (SELECT min(id) FROM reservations WHERE listing_id = $listing);\n";
			}
			elsif ($what < 0.95)
			{
				$statements .= "UPDATE reservations SET stay = daterange(lower(stay), upper(stay) - 1) WHERE id = (SELECT max(id) FROM reservations WHERE listing_id = $listing AND upper(stay) - lower(stay) > 1);\n";
			}
			else
			{
				$statements .= "DELETE FROM reservations WHERE listing_id = $listing; DELETE FROM listings WHERE id = $listing; INSERT INTO listings VALUES ($listing);\n";
			}
		}
		$node->safe_psql('postgres', "BEGIN;\n$statements\nCOMMIT;");
	};

	# Stamps of all entries: none may ever be smaller than it was.
	my (%stamps, @back);
	my $suffix = $layout eq 'months' ? ':version' : '';
	my $look = sub {
		my $values = eval { $redis->do('MGET', map { "avail:v3:{$_}$suffix" } 1 .. $listings) } or return;
		for my $i (0 .. $#$values)
		{
			next unless defined $values->[$i];
			my @stamp = unpack 'Q>q>', $values->[$i];
			my $known = $stamps{$i};
			push @back, "listing " . ($i + 1) . ": @stamp after @$known"
				if $known && ($known->[0] > $stamp[0] || $known->[0] == $stamp[0] && $known->[1] > $stamp[1]);
			$stamps{$i} = \@stamp;
		}
	};

	my %faults = (
		'kill the relay' => sub { $relay->kill9; $relay->start; },
		'restart the relay' => sub { $relay->stop; $relay->start; },
		'kill Redis' => sub { $redis->kill9; $redis->start; },
		'pause Redis' => sub { $redis->pause; $change->(20); sleep 0.5; $redis->unpause; },
		'kill the server' => sub { $node->stop('immediate'); $node->start; },
		'cut the database' => sub { $database_proxy->cut; },
		'stall the database' => sub { $database_proxy->stall; $change->(20); sleep rand 3; $database_proxy->heal; },
		'slow the database' => sub { $database_proxy->slow; $change->(200); sleep 0.5; $database_proxy->heal; },
		'cut Redis' => sub { $redis_proxy->cut; },
		'stall Redis' => sub { $redis_proxy->stall; $change->(100); sleep rand 2; $redis_proxy->heal; },
		'slow Redis' => sub { $redis_proxy->slow; $change->(100); sleep 0.5; $redis_proxy->heal; },
		'take over' => sub { $second->start; sleep 0.3; $relay->kill9; $change->(20); sleep 1; $second->signal('KILL'); $relay->start; },
	);
	my @names = sort keys %faults;
	my $deadline = time + $seconds / 2;
	my $rounds = 0;
	while (time < $deadline)
	{
		$change->(1 + int rand 30) for 1 .. 1 + rand 5;
		my $name = $names[ $rounds < @names ? $rounds : rand @names ];
		note $name;
		$faults{$name}->();
		$rounds++;
		$look->();
		$subscriber->pump;
	}
	$change->(50);
	note "$rounds faults, $changes changes";

	my $expected = database_calendars($node);
	my $same;
	if ($layout eq 'calendar')
	{
		$same = eval {
			wait_until('Redis agrees', sub {
				$look->();
				my $calendars = eval { $redis->calendars($relay->epoch) } or return 0;
				return keys %$calendars == keys %$expected && !grep { ($calendars->{$_}[0] // 0) ne $expected->{$_}[0] || $calendars->{$_}[1] ne $expected->{$_}[1] } keys %$expected;
			});
		};
	}
	else
	{
		# Month by month, as the database shows them.
		my %months = map { my ($key, $bits) = split /\|/; $key => $bits } split /\n/, $node->safe_psql('postgres',
			q(SELECT key, booked FROM reservations_month WHERE month >= date_trunc('month', current_date) AND month < date_trunc('month', current_date) + interval '20 months'));
		$same = eval {
			wait_until('Redis agrees', sub {
				$look->();
				my $epoch = $relay->epoch;
				my $stamps = eval { $redis->do('MGET', map { "avail:v3:{$_}:version" } sort keys %$expected) } or return 0;
				my @listings = sort keys %$expected;
				for my $i (0 .. $#listings)
				{
					my ($of, $version) = unpack 'Q>q>', $stamps->[$i] // "\0" x 16;
					return 0 if $of != $epoch || $version != $expected->{ $listings[$i] }[0];
				}
				my @keys = sort keys %months;
				my $values = eval { $redis->do('MGET', @keys) } or return 0;
				return !grep { my $bits = unpack('B31', $values->[$_] // "\0\0\0\0"); $bits ne $months{ $keys[$_] } } 0 .. $#keys;
			});
		};
	}
	ok($same, "$layout: Redis equals the database");
	is(join("\n", @back), '', "$layout: no version in Redis ever went back");
	ok($subscriber->wait_for($expected), "$layout: the subscriber equals the database");
	is_deeply($subscriber->{problems}, [], "$layout: and nothing went back there");
	$relay->wait_confirmed;
	is($relay->stop, 0, "$layout: the relay ends in order");
	$node->stop;
}
done_testing();
