# Readers that fill what they miss, with the real relay: whatever comes between the read of the database and the fill, what was read too early is never
# told for fresh.

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
use Test::More;
use Witness;

my $node = logical_node('fill');
track_reservations($node, 10);
my $witness = Witness->new($node);
my $redis = RedisServer->new;
my $month = (gmtime)[5] * 12 + (gmtime)[4] - 840;
my $next = 0;

sub book
{
	my ($listing) = @_;
	$next += 3;
	$node->safe_psql('postgres', "INSERT INTO reservations (listing_id, stay) VALUES ($listing, daterange(current_date + $next, current_date + $next + 2))");
	$witness->acknowledge;
	return;
}

for my $layout ('calendar', 'months')
{
	$redis->do('FLUSHALL');
	my $relay = Relay->new($node, 'redis.nodes' => $redis->address, 'redis.layout' => $layout, 'redis.months' => 31, 'database.slot' => "slot_$layout");
	$relay->bootstrap;
	$relay->start_ready;
	$relay->wait_loaded;
	my $epoch = $relay->epoch;
	my $reader = Reader->new(ports => [ $redis->{port} ], layout => $layout, listings => 10, months => $layout eq 'months' ? [ $month - 1 .. $month + 29 ] : []);
	# What the reader is told of a listing: version and days, or nothing.
	my $told = sub {
		my ($listing) = @_;
		my $said;
		$reader->read_all(sub {
			my ($of, $record, $entry) = @_;
			return if $of != $listing;
			$said = $reader->understand($record, $entry);
			my (undef, $lsn, $as_of) = unpack 'Q>Q>q>', $record;
			$witness->fetch;
			my $least = $witness->least_version($listing, $lsn, $as_of);
			die "listing $listing: version $said->[0], and $least was promised" if $said && $said->[0] < $least;
			die "listing $listing: version $said->[0] shows $said->[1]" if $said && $said->[1] ne $witness->days($listing, $said->[0]);
		});
		return $said;
	};
	my $version = sub { my ($listing) = @_; return $node->safe_psql('postgres', "SELECT version FROM reservations_calendar WHERE listing_id = $listing"); };
	# Layout months knows no more than the months that an event changed, where it came onto a lease: the others are a miss.
	my $is_current = sub {
		my ($listing, $name) = @_;
		my $said = $told->($listing);
		return ok($layout eq 'months' && !$said || $said->[0] eq $version->($listing), $name);
	};
	# As if it had expired.
	my $forget = sub { my ($listing) = @_; $redis->do('DEL', $_) for $reader->keys_of($listing); };
	my $begin = sub {
		my ($listing) = @_;
		$forget->($listing);
		is($told->($listing), undef, "$layout: a miss");
		my $fill = $reader->lease($listing, $epoch) // die 'no lease';
		$reader->look_up($fill, $node) or die 'no answer of the database';
		return $fill;
	};

	# Undisturbed.
	book(1);
	$relay->wait_confirmed;
	my $fill = $begin->(1);
	is($reader->fill($fill), 1, "$layout: a fill");
	is($told->(1)->[0], $version->(1), "$layout: tells what the database has");
	book(1);
	$relay->wait_confirmed;
	$is_current->(1, "$layout: until the next event");
	is($reader->fill($fill), 0, "$layout: the same again is too old");

	# Read v1, write v2, event v2, fill v1.
	$fill = $begin->(2);
	book(2);
	$relay->wait_confirmed;
	is($reader->fill($fill), 0, "$layout: a fill that an event has overtaken is refused");
	$is_current->(2, "$layout: and the event's calendar stays");

	# The same, and what the event wrote has expired by then.
	$fill = $begin->(3);
	book(3);
	$relay->wait_confirmed;
	$forget->(3);
	is($reader->fill($fill), 0, "$layout: nor is it taken onto nothing");
	is($told->(3), undef, "$layout: a miss stays one");

	# And another reader reads by then.
	my $another = $reader->lease(3, $epoch);
	is($reader->fill($fill), 0, "$layout: nor onto the lease of another");
	is($reader->lease(3, $epoch), undef, "$layout: who is alone with it");
	$reader->look_up($another, $node);
	is($reader->fill($another), 1, "$layout: and whose own is taken");
	is($told->(3)->[0], $version->(3), "$layout: it is what the database has");

	# The relay stands still: what is filled is older than the database, and the record says so.
	$fill = $begin->(4);
	kill STOP => $relay->{child};
	book(4);
	is($reader->fill($fill), 1, "$layout: before the event a fill is taken");
	cmp_ok($told->(4)->[0], '<', $version->(4), "$layout: which is older, as the record says");
	kill CONT => $relay->{child};
	$relay->wait_confirmed;
	$is_current->(4, "$layout: the event comes");

	# The listing goes meanwhile.
	$fill = $begin->(5);
	$node->safe_psql('postgres', 'DELETE FROM reservations WHERE listing_id = 5; DELETE FROM listings WHERE id = 5');
	$witness->acknowledge;
	$relay->wait_confirmed;
	is($reader->fill($fill), 0, "$layout: a listing that went meanwhile is not brought back");
	is($told->(5)->[1], 'dropped', "$layout: and known to be none");
	$node->safe_psql('postgres', 'INSERT INTO listings VALUES (5)');
	$witness->acknowledge;

	# Another epoch begins meanwhile, in a Redis that was emptied and has the lease no more; and in one that still has it.
	for my $emptied (1, 0)
	{
		my $name = "$layout: a fill over the beginning of an epoch" . ($emptied ? ', in a Redis that was emptied' : '');
		$fill = $begin->(6);
		book(6);
		if ($emptied) { $redis->do('FLUSHALL'); }
		else
		{
			$relay->wait_loaded;
			$relay->stop;
			$relay->bootstrap;
			$relay->start_ready;
		}
		wait_until('a new epoch', sub { $relay->epoch > $epoch });
		$relay->wait_loaded;
		is($reader->fill($fill), 0, "$name is refused");
		$is_current->(6, "$name: the calendar is the new one");
		$epoch = $relay->epoch;
	}
	like(($relay->execute('verify'))[1], qr/ 0 wrong$/m, "$layout: verify finds no difference");
	is($relay->stop, 0, "$layout: ends in order");
}
$node->stop;
done_testing();
