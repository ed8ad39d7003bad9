# The whole relay on a Redis Cluster of eight masters, two of them with a replica: slots that move under load, a master that is killed, and one whose
# replica lagged, with a relay that sees it and with none. A reader reads on and on: it never sees anything older than the record beside it tells.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib", "$FindBin::RealBin/../../t/lib";

use Availability;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use POSIX ();
use Reader;
use RedisCluster;
use Relay;
use Test::More;
use Time::HiRes qw(sleep time);
use Witness;

use constant MASTERS => 8;

my $listings = 300;
my $node = logical_node('cluster');
track_reservations($node, $listings);
my $witness = Witness->new($node);
my $cluster = RedisCluster->new(MASTERS, 2);
my $relay = Relay->new($node, 'redis.nodes' => $cluster->addresses, 'redis.cluster' => 'true', 'redis.timeout_milliseconds' => 500);
my $reader = Reader->new(ports => [ $cluster->ports ], cluster => 1, listings => $listings);

my $next = 0;
sub change
{
	my $statements = join '', map {
		$next++;
		my $listing = 1 + $next * 7 % $listings;
		$next % 4 == 0
			? "DELETE FROM reservations WHERE id = (SELECT min(id) FROM reservations WHERE listing_id = $listing);\n"
			: "INSERT INTO reservations (listing_id, stay) VALUES ($listing, daterange(date '2027-01-01' + $next, date '2027-01-03' + $next));\n"
	} 1 .. shift;
	$node->safe_psql('postgres', "BEGIN; $statements COMMIT");
	$witness->acknowledge;
	return;
}

sub is_exact
{
	my ($name) = @_;
	my $expected = database_calendars($node);
	my $same = eval {
		wait_until($name, sub {
			my $calendars = eval { $cluster->calendars($relay->epoch) } // return 0;
			return keys %$calendars == keys %$expected && !grep { ($calendars->{$_}[0] // 0) ne $expected->{$_}[0] || $calendars->{$_}[1] ne $expected->{$_}[1] } keys %$expected;
		});
	};
	ok($same, "$name: the masters hold what the database has");
	my ($status, $out) = $relay->execute('verify');
	like($out, qr/^$listings listings, 0 not in Redis, 0 wrong$/m, "$name: verify finds no difference");
	return;
}

# What the reader has seen since the last time.
sub is_judged
{
	my ($name) = @_;
	my @wrong = $reader->judge($witness);
	is(join("\n", @wrong), '', "$name: the reader saw nothing older than it was told");
	note "$name: " . ($reader->{hits} // 0) . ' observations, ' . ($reader->{misses} // 0) . ' misses, back: ' . ($reader->{back} // 0);
	return;
}

change(100);
$relay->bootstrap;
$relay->start_ready;
is_exact('a bootstrap');

# --- slots move under load -----------------------------------------------------------------------------------------------------------------------------

my $epoch = $relay->epoch;
$reader->start;
my @moving = (0, $cluster->first_slot(3), map { $cluster->node(0)->do('CLUSTER', 'KEYSLOT', "avail:v3:{$_}") } 1 .. 60);
my %seen;
@moving = grep { !$seen{$_}++ } @moving;
my $mover = fork // die "fork: $!";
if ($mover == 0)
{
	# Connections of its own.
	delete $_->{socket} for @{ $cluster->{nodes} };
	my $done = eval {
		my @owner = $cluster->owners;
		for my $slot (@moving)
		{
			my @way = ($slot, $owner[$slot], ($owner[$slot] + 3) % MASTERS);
			$cluster->begin_migration(@way);
			sleep 0.05;
			$cluster->move_keys(@way);
			sleep 0.02;
			# What is written meanwhile goes by ASK.
			$cluster->end_migration(@way);
		}
		1;
	};
	print STDERR "moving: $@" unless $done;
	POSIX::_exit($done ? 0 : 1);
}
change(10) while waitpid($mover, 1) == 0;
is($?, 0, 'slots have moved');
change(50);
is_exact('slots that move');
is($relay->epoch, $epoch, 'slots that move: in the same epoch, for nothing is lost');
cmp_ok($relay->metric('redis_errors_total{kind="moved"}') + $relay->metric('redis_errors_total{kind="ask"}'), '>', 0, 'slots that move: the relay was sent on');
is_judged('slots that move');
is($reader->{back} // 0, 0, 'slots that move: no version went back');
cmp_ok($reader->{hits}, '>', 10 * ($reader->{misses} // 0), 'slots that move: few misses');

# --- a master is killed that has a replica -------------------------------------------------------------------------------------------------------------

$reader->start;
change(20);
$cluster->node(0)->kill9;
for (1 .. 100)
{
	change(10);
	last if $cluster->is_master(MASTERS);
	sleep 0.05;
}
wait_until('a new epoch', sub { $relay->epoch > $epoch });
change(50);
$cluster->wait_whole;
is_exact('a master that is killed');
$cluster->node(0)->start;
$cluster->wait_synchronized(0);
$epoch = $relay->epoch;
change(50);
is_exact('it comes back as a replica');
is($relay->epoch, $epoch, 'it comes back as a replica: that is nobody\'s concern');
is_judged('a master that is killed');

# --- a replica that lagged becomes master --------------------------------------------------------------------------------------------------------------

# The record that lies on a node, of the master whose first slot is this.
sub record_on
{
	my ($i, $slot) = @_;
	my $self = $cluster->node($i);
	my $bytes = $self->do('GET', 'avail:v3:relay:{' . Reader::tag_of_slot($slot) . '}') // return;
	my ($of, $lsn, $as_of) = unpack 'Q>Q>q>', $bytes;
	return { epoch => $of, lsn => $lsn, as_of => $as_of };
}
sub lowest_slot { my ($i) = @_; my @owner = $cluster->owners; return (grep { ($owner[$_] // -1) == $i } 0 .. $#owner)[0]; }

for my $relay_lives (1, 0)
{
	my $name = 'a replica that lagged, ' . ($relay_lives ? 'the relay sees it' : 'no relay');
	my ($master, $replica) = $relay_lives ? (1, MASTERS + 1) : (MASTERS + 1, 1);
	my $slot = lowest_slot($master);
	$relay->wait_loaded;
	$relay->wait_ready;
	$epoch = $relay->epoch;
	$reader->start;
	# What comes from here on, it does not get.
	$cluster->cut_off($master, $replica);
	change(20) for 1 .. 5;
	my $expected = database_calendars($node);
	$relay->wait_confirmed;
	my $acknowledged = int(time * 1e6);
	wait_until('the record tells it', sub { record_on($master, $slot)->{as_of} >= $acknowledged - 100_000 });
	$relay->kill9 unless $relay_lives;
	$cluster->node($master)->kill9;
	wait_until('the replica is promoted', sub { $cluster->is_master($replica) });
	if (!$relay_lives)
	{
		# The record that came along with the calendars is as old as they are.
		my $record = record_on($replica, $slot);
		is($record->{epoch}, $epoch, "$name: there is the record of the old epoch");
		cmp_ok($record->{as_of}, '<', $acknowledged, "$name: which says how old it is");
		my $calendars = $cluster->node($replica)->calendars($epoch);
		cmp_ok(scalar(grep { $calendars->{$_}[0] < $expected->{$_}[0] } keys %$calendars), '>', 0, "$name: calendars that it has are old");
		change(20);
		sleep 0.2; # the reader sees it
		$relay->start_ready;
	}
	wait_until('a new epoch', sub { $relay->epoch > $epoch });
	change(20) for 1 .. 5;
	$cluster->wait_whole;
	is_exact($name);
	is_judged($name);
	$cluster->node($master)->start;
	$cluster->wait_synchronized($master);
}
like($relay->log_of, qr/127.0.0.1:\d+ (was promoted to a master|is gone)/, 'a promotion is what the relay saw');
like($relay->log_of, qr/(is not the process that the calendars were written to|has no record of this relay|has a record of another epoch)/, 'and a record is what told it when it was not there');

is($relay->stop, 0, 'ends in order');
$node->stop;
done_testing();
