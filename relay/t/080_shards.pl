# A sharded database: two servers with listings of their own, a relay each, one Redis Cluster of two masters. Epochs are each relay's own.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib", "$FindBin::RealBin/../../t/lib";

use Availability;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RedisServer;
use Relay;
use Test::More;

# The cluster: half of the slots each.
my @masters = map { RedisServer->new('cluster-enabled' => 'yes', 'cluster-port' => PostgreSQL::Test::Cluster::get_free_port()) } 0, 1;
$masters[$_]->do('CLUSTER', 'ADDSLOTSRANGE', 8192 * $_, 8192 * $_ + 8191) for 0, 1;
$masters[0]->do('CLUSTER', 'MEET', '127.0.0.1', $masters[1]{port}, $masters[1]{options}{'cluster-port'});
for my $master (@masters)
{
	wait_until('the cluster', sub { $master->do('CLUSTER', 'INFO') =~ /cluster_state:ok/ && $master->do('CLUSTER', 'INFO') =~ /cluster_known_nodes:2/ });
}

my (@nodes, @relays);
for my $shard (0, 1)
{
	my $node = logical_node("shard_$shard");
	$node->safe_psql('postgres', qq(
		CREATE TABLE reservations (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id bigint NOT NULL, stay daterange);
		SELECT availability.track('reservations');
		INSERT INTO reservations (listing_id, stay) SELECT 2 * n + $shard, daterange('2027-01-01', '2027-01-03') FROM generate_series(1, 50) n));
	my $relay = Relay->new($node, 'redis.nodes' => $masters[$shard]->address, 'redis.cluster' => 'true', 'redis.record_prefix' => "avail:v3:relay:shard$shard:");
	$relay->bootstrap;
	$relay->start_ready;
	push @nodes, $node;
	push @relays, $relay;
}

sub is_exact
{
	my ($name) = @_;
	for my $shard (0, 1)
	{
		my $expected = database_calendars($nodes[$shard]);
		my $same = eval {
			wait_until($name, sub {
				my $calendars = eval { +{ map { %{ $_->calendars($relays[$shard]->epoch) } } @masters } } // return 0;
				return keys %$calendars == keys %$expected && !grep { ($calendars->{$_}[0] // 0) ne $expected->{$_}[0] } keys %$expected;
			});
		};
		ok($same, "$name: shard $shard");
	}
	return;
}

is_exact('both shards are in one Cluster');
for my $shard (0, 1)
{
	my @of_each = map { scalar keys %{ $_->calendars($relays[$shard]->epoch) } } @masters;
	ok($of_each[0] && $of_each[1], "each master has calendars of shard $shard");
	my @records = map { scalar @{ $_->do('KEYS', "avail:v3:relay:shard$shard:*") } } @masters;
	is("@records", '1 1', "and one record of its relay");
}
isnt($relays[0]->epoch, $relays[1]->epoch, 'each in an epoch of its own');
$nodes[$_ % 2]->safe_psql('postgres', "INSERT INTO reservations (listing_id, stay) VALUES (2 * (1 + $_ % 50) + $_ % 2, daterange('2028-01-01'::date + $_, '2028-01-02'::date + $_))") for 1 .. 60;
is_exact('bookings on both');

# A new epoch of one leaves the other's alone.
my @epochs = map { $_->epoch } @relays;
$relays[0]->wait_loaded;
$relays[0]->stop;
$relays[0]->bootstrap;
$relays[0]->start_ready;
is_exact('one began anew');
cmp_ok($relays[0]->epoch, '>', $epochs[0], 'in another epoch');
is($relays[1]->epoch, $epochs[1], 'and the other goes on in its own');

$_->stop for @relays, @nodes;
done_testing();
