# kill -9 of the relay, of Redis and of the server at every stage of a bootstrap and of an end: nothing that is half done is taken for whole, and what can
# go on by itself does. (Amid the stream: 020_redis.pl, 040_random.pl, 050_kafka.pl.)

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib", "$FindBin::RealBin/../../t/lib";

use Availability;
use IPC::Run;
use KafkaBroker;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Proxy;
use RedisServer;
use Relay;
use Test::More;
use Time::HiRes qw(sleep time);

my $listings = 1000;
my $node = logical_node('stages');
track_reservations($node, $listings);
my $redis = RedisServer->new(appendonly => 'yes', appendfsync => 'always');
my $proxy = Proxy->new($redis->{port});
my $database_proxy = Proxy->new($node->host . '/.s.PGSQL.' . $node->port);
my $kafka = KafkaBroker->new;
my $relay = Relay->new($node, $kafka->settings, 'database.conninfo' => "host=127.0.0.1 port=$database_proxy->{port} dbname=postgres user=" . scalar(getpwuid $<),
	'redis.nodes' => $proxy->address, 'redis.timeout_milliseconds' => 500, 'relay.drain_seconds' => 2);

my $next = 0;
sub change
{
	my $statements = join '', map {
		$next++;
		"INSERT INTO reservations (listing_id, stay) VALUES (1 + $next % $listings, daterange(date '2027-01-01' + $next, date '2027-01-02' + $next));\n"
	} 1 .. shift;
	$node->safe_psql('postgres', "BEGIN; $statements COMMIT");
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

# A session that holds something until it is released.
my $holder;
sub hold
{
	my ($what) = @_;
	my $out = '';
	$holder = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'SET application_name = holder', '-c', "BEGIN; $what", '-c', q(SELECT 'held'), '-c', 'SELECT pg_sleep(600)' ],
		'<', \undef, '>', \$out, '2>', '/dev/null');
	$node->poll_query_until('postgres', q(SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'holder' AND wait_event = 'PgSleep')) or die 'nothing is held';
	return;
}
sub release
{
	my $of = $holder or return;
	undef $holder;
	$node->safe_psql('postgres', q(SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'));
	$of->finish;
	return;
}

sub log_since { my ($from) = @_; return -e $relay->{log} ? substr $relay->log_of, $from : ''; }

# How a bootstrap is held at each stage, how one sees that it has got there, how it is let go, and who is killed then.
my @stages = (
	[ 'the slot is made', sub { hold('SELECT pg_current_xact_id()') }, qr/making slot/, \&release, 'the relay', 'the server' ],
	[ 'calendars are loaded', sub { $database_proxy->slow; $proxy->stall }, qr/streaming from slot/, sub { $database_proxy->heal; $proxy->heal }, 'the relay', 'Redis', 'the server' ],
	[ 'Redis is given the calendars', sub { $proxy->stall }, qr/calendars loaded/, sub { $proxy->heal }, 'the relay', 'Redis', 'the server' ],
	[ 'Kafka is given the calendars', sub { $kafka->down }, qr/calendars loaded/, sub { $kafka->up }, 'the relay' ],
);
my %victims = (
	'the relay' => sub { $relay->kill9 },
	'Redis' => sub { $redis->kill9; $redis->start; },
	'the server' => sub { $node->stop('immediate'); $node->start; },
);

for my $stage (@stages)
{
	my ($what, $delay, $reached, $go_on, @killed) = @$stage;
	for my $victim (@killed)
	{
		my $name = "$what, and $victim is killed";
		change(5);
		my $from = -e $relay->{log} ? length $relay->log_of : 0;
		$delay->();
		$relay->start('bootstrap');
		wait_until($name, sub { log_since($from) =~ $reached });
		is($relay->get('/readyz')->{status}, 503, "$name: not ready before") if $victim eq 'Redis';
		$victims{$victim}->();
		if ($victim eq 'the relay')
		{
			# What it leaves behind is no state to go on with: a person is told, or all is given anew.
			$go_on->();
			$node->poll_query_until('postgres', q(SELECT count(*) = 0 FROM pg_replication_slots WHERE active)) or die 'the slot stays in use';
			$relay->start;
			wait_until("$name: it ends or gets ready", sub { waitpid($relay->{child}, 1) != 0 and delete $relay->{child} or $relay->get('/readyz')->{success} });
			if ($relay->{child})
			{
				like(log_since($from), qr/epoch \d+ begins: the sinks have not had every calendar of the last epoch.*epoch \d+ begins: the sinks have not had/s, "$name: what was half done is not gone on with");
				$relay->stop;
			}
			else
			{
				like(log_since($from), qr/run availability-relay bootstrap/, "$name: a person is told");
				is(($relay->execute('bootstrap'))[0], 0, "$name: who bootstraps again");
			}
		}
		else
		{
			$go_on->();
			is($relay->wait_end, 0, "$name: the bootstrap goes on and ends") or diag log_since($from);
		}
		change(5);
		$relay->start_ready;
		is_exact("$name: exact");
		$relay->wait_confirmed;
		$relay->stop;
	}
}

# --- the end -------------------------------------------------------------------------------------------------------------------------------------------

for my $victim ('the relay', 'Redis', 'the server', 'nobody')
{
	my $name = "it ends while Redis stands still, and $victim is killed";
	$relay->start_ready;
	$relay->wait_loaded;
	my $epoch = $relay->epoch;
	$proxy->stall;
	change(50);
	wait_until("$name: there is something to apply", sub { $relay->metric('queue_bytes{sink="redis"}') > 0 });
	my $from = length $relay->log_of;
	my $began = time;
	kill TERM => $relay->{child};
	wait_until($name, sub { log_since($from) =~ /ending: applying what there is/ });
	$victims{$victim}->() if $victims{$victim};
	if ($victim ne 'the relay')
	{
		is($relay->wait_end, 0, "$name: it ends all the same");
		cmp_ok(time - $began, '<', 10, "$name: in time");
		like(log_since($from), qr/not all could be applied in time; it will come again/, "$name: and says that not all is applied") if $victim eq 'nobody';
	}
	$proxy->heal;
	$node->poll_query_until('postgres', q(SELECT count(*) = 0 FROM pg_replication_slots WHERE active)) or die 'the slot stays in use';
	$relay->start_ready;
	is_exact("$name: exact");
	is($relay->epoch, $epoch, "$name: in the same epoch") unless $victim eq 'Redis';
	$relay->wait_confirmed;
	$relay->stop;
}

# --- another relay takes over --------------------------------------------------------------------------------------------------------------------------

my $second = Relay->new($node, %{ $relay->{settings} }, 'http.listen' => '127.0.0.1:' . (my $port = PostgreSQL::Test::Cluster::get_free_port()), 'relay.state_file' => '');
$second->{port} = $port;
my @relays = ($relay, $second);
$relay->start_ready;
$relay->wait_loaded;
my $epoch = $relay->epoch;
my $longest = 0;
for my $how ('KILL', 'TERM', 'KILL')
{
	my ($first, $other) = @relays;
	$other->start;
	wait_until('the second waits', sub { $other->get('/readyz')->{content} =~ /waiting for the slot/ });
	change(20);
	$first->signal($how);
	my $gone = time;
	change(20);
	$other->wait_ready;
	my $took = time - $gone;
	$longest = $took if $took > $longest;
	is_exact("another takes over by SIG$how: exact");
	is($other->epoch, $epoch, "another takes over by SIG$how: in the same epoch");
	@relays = ($other, $first);
}
note sprintf 'the longest takeover took %.1f s', $longest;
cmp_ok($longest, '<', 10, 'within seconds');

$relays[0]->stop;
$kafka->stop;
$node->stop;
done_testing();
