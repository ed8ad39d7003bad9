# The whole under random histories and faults: PostgreSQL, Redis and relays that are killed, connections that are cut, stalled and slowed, a Redis that
# loses what it had, slots that are made anew. A reader goes on reading all the while, and fills what it misses with what it read some time ago. At the
# end Redis, Kafka and a subscriber equal the database, verify finds no difference, no version ever went back, and the reader never saw a
# calendar that was older than the record beside it told, nor one that never was.
#
# SEED=N repeats a run as far as time allows; RELAY_RANDOM_SECONDS=N makes it longer.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib", "$FindBin::RealBin/../../t/lib";

use Availability;
use File::Path;
use JSON::PP;
use KafkaBroker;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::RecursiveCopy;
use PostgreSQL::Test::Utils;
use Proxy;
use Reader;
use RedisServer;
use Relay;
use Subscriber;
use Test::More;
use Time::HiRes qw(sleep time);
use Witness;

# Once through all faults, the half of them for each layout; or at random for some time.
my $seconds = $ENV{RELAY_RANDOM_SECONDS};
my $seed = $ENV{SEED} || ($seconds ? int(time * 1000) % 1_000_000 : 1);
note "SEED=$seed";
srand $seed;
sub lsn_of { my ($high, $low) = map { hex } split m{/}, shift; return $high << 32 | $low; }
my $ended = 0;
$SIG{TERM} = $SIG{INT} = sub { $ended = 1; };

my $kafka = KafkaBroker->new;
for my $layout ('calendar', 'months')
{
	my $listings = 100;
	my $node = logical_node("random_$layout");
	track_reservations($node, $listings);
	my $witness = Witness->new($node);
	my %redis_options = (appendonly => 'yes', appendfsync => 'always');
	my $redis = RedisServer->new(%redis_options);
	my $database_proxy = Proxy->new($node->host . '/.s.PGSQL.' . $node->port);
	my $redis_proxy = Proxy->new($redis->{port});
	my %settings = (
		$kafka->settings,
		'kafka.topic_prefix' => "$layout.",
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
	$kafka->create_topics("$layout.");
	$relay->bootstrap;
	$relay->start;
	my $subscriber = Subscriber->new($relay);
	# Of this month and the one before, and as many as the relay keeps.
	my $month = (gmtime)[5] * 12 + (gmtime)[4] - 840;
	my $reader = Reader->new(ports => [ $redis->{port} ], layout => $layout, listings => $listings,
		months => $layout eq 'months' ? [ $month - 1 .. $month + 29 ] : []);
	$reader->start(fills => $node, seed => $seed, pause => 0.02);

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
		$witness->acknowledge;
	};

	# Stamps of all entries: none may ever be smaller than it was, as long as Redis loses nothing.
	my (%stamps, @back, @wrong);
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

	my $lose = sub {
		my ($how) = @_;
		$how->();
		%stamps = ();
	};
	# What is committed while the slot is changed behind the relay's back is in no slot's stream: as events it is lost, for Kafka.
	my @lost;
	my $without_slot = sub {
		my ($how) = @_;
		$relay->stop;
		$node->poll_query_until('postgres', q(SELECT NOT active FROM pg_replication_slots WHERE slot_name = 'availability_relay')) or die 'the slot stays in use';
		my $from = lsn_of($node->safe_psql('postgres', q(SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = 'availability_relay')));
		$change->(20);
		$how->();
		push @lost, [ $from, lsn_of($node->safe_psql('postgres', q(SELECT pg_current_wal_lsn()))) ];
		$change->(20);
		$relay->start;
	};
	my $copy = PostgreSQL::Test::Utils::tempdir . '/copy';
	my %faults = (
		'kill the relay' => sub { $relay->kill9; $relay->start; },
		'kill the relay as it ends' => sub { $change->(100); kill TERM => $relay->{child}; sleep rand 0.1; $relay->kill9; $relay->start; },
		'restart the relay' => sub { $relay->stop; $relay->start; },
		'kill Redis' => sub { $redis->kill9; $change->(20); $redis->start; },
		'pause Redis' => sub { $redis->pause; $change->(20); sleep 0.5; $redis->unpause; },
		'empty Redis' => sub { $lose->(sub { $redis->do('FLUSHALL'); }); },
		'start Redis without what it had' => sub { $lose->(sub { $redis->kill9; File::Path::remove_tree("$redis->{directory}/appendonlydir"); $redis->start; }); },
		'set Redis back' => sub {
			File::Path::remove_tree($copy);
			PostgreSQL::Test::RecursiveCopy::copypath("$redis->{directory}/appendonlydir", $copy);
			$change->(50);
			sleep 0.5;
			$lose->(sub {
				$redis->kill9;
				File::Path::remove_tree("$redis->{directory}/appendonlydir");
				PostgreSQL::Test::RecursiveCopy::copypath($copy, "$redis->{directory}/appendonlydir");
				$redis->start;
			});
		},
		'kill the server' => sub { $node->stop('immediate'); $node->start; },
		'cut the database' => sub { $database_proxy->cut; },
		'stall the database' => sub { $database_proxy->stall; $change->(20); sleep 2 + rand 1; $database_proxy->heal; },
		'slow the database' => sub { $database_proxy->slow; $change->(200); sleep 0.5; $database_proxy->heal; },
		'cut Redis' => sub { $redis_proxy->cut; },
		'stall Redis' => sub { $redis_proxy->stall; $change->(100); sleep 0.5 + rand 1; $redis_proxy->heal; },
		'slow Redis' => sub { $redis_proxy->slow; $change->(100); sleep 0.5; $redis_proxy->heal; },
		'take over' => sub { $second->start; sleep 0.3; $relay->kill9; $change->(20); sleep 1; $second->kill9; $relay->start; },
		# The first sleeps on until the server has dropped it and the second has taken over; then it wakes up.
		'a relay that sleeps' => sub {
			$second->start;
			kill STOP => $relay->{child};
			$change->(50);
			wait_until('the second takes over', sub { $second->get('/readyz')->{content} !~ /waiting|connecting/ });
			$change->(20);
			kill CONT => $relay->{child};
			$change->(20);
			sleep 0.5;
			$second->kill9;
		},
		'make the slot anew' => sub {
			$without_slot->(sub {
				$node->safe_psql('postgres', q(SELECT pg_drop_replication_slot('availability_relay')));
				$node->safe_psql('postgres', q(SELECT pg_create_logical_replication_slot('availability_relay', 'availability_decoder')));
			});
		},
		'read the slot' => sub {
			$without_slot->(sub {
				$node->safe_psql('postgres', q(SELECT count(*) FROM pg_logical_slot_get_binary_changes('availability_relay', NULL, NULL, 'format', 'protobuf')));
			});
		},
		'bootstrap' => sub { $without_slot->(sub { $relay->bootstrap; }); },
		'brokers go away' => sub { $kafka->down; $change->(50); sleep 0.5; $kafka->up; },
	);
	my @names = sort keys %faults;
	my @plan = @names[ grep { $_ % 2 == ($layout eq 'months') } 0 .. $#names ];
	my $deadline = time + ($seconds // 0) / 2;
	my $rounds = 0;
	until ($ended)
	{
		my $name = $seconds ? (time < $deadline ? $names[ rand @names ] : last) : shift @plan // last;
		$change->(1 + int rand 30) for 1 .. 1 + rand 5;
		note $name;
		$faults{$name}->();
		$rounds++;
		$look->();
		$subscriber->pump;
		if ($rounds % 50 == 0)
		{
			push @wrong, $reader->judge($witness);
			$reader->start;
		}
		last if @wrong || @back;
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
	my (undef, $out) = $relay->execute('verify');
	like($out, qr/^$listings listings, 0 not in Redis, 0 wrong$/m, "$layout: verify finds no difference");
	push @wrong, $reader->judge($witness);
	is(join("\n", @wrong), '', "$layout: the reader saw nothing older than it was told, and nothing that never was");
	cmp_ok($reader->{hits}, '>', $reader->{misses} // 0, "$layout: and saw much");
	note "the reader: $reader->{hits} observations, " . ($reader->{misses} // 0) . ' misses; fills: ' . join ', ', map { "$_: $reader->{fills}{$_}" } sort keys %{ $reader->{fills} };

	# Kafka has it all, and in the end the calendars; it keeps so much only if it is a real one.
	my $told = $kafka->events("$layout.");
	my @missing = grep {
		my $lsn = lsn_of(split / /);
		!$told->{$_} && !grep { $_->[0] < $lsn && $lsn <= $_->[1] } @lost
	} keys %{ $witness->{events} };
	is(scalar @missing, 0, "$layout: every event is in Kafka") or diag "of " . keys(%{ $witness->{events} }) . ": @missing";
	my %now = map { my ($listing, $booked) = split /\|/; $listing => decode_json($booked) } split /\n/,
		$node->safe_psql('postgres', 'SELECT listing_id, booked::jsonb FROM reservations_calendar');
	is_deeply($kafka->calendars("$layout."), \%now, "$layout: and its calendars are those of the database");
	is($relay->stop, 0, "$layout: the relay ends in order");
	$node->stop;
}
done_testing();
