# The replica, fed by a real relay of a real database: bookings appear, a relay that dies is taken up again without a snapshot, another
# epoch is loaded anew, and in the end both agree.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../../relay/t/lib", "$FindBin::RealBin/../../t/lib";

use Availability;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Relay;
use Test::More;

my $build = $ENV{SERVICE_BUILD} // "$FindBin::RealBin/../build";
my $node = logical_node('replica');
track_reservations($node, 50);
my $relay = Relay->new($node);
my $day = 0;

sub book
{
	my ($listing) = @_;
	$day += 3;
	$node->safe_psql('postgres', "INSERT INTO reservations (listing_id, stay) VALUES ($listing, daterange(date '2027-01-01' + $day, date '2027-01-03' + $day))");
	return;
}

my ($in, $out, $err) = ('', '', '');
my $tool = IPC::Run::start([ "$build/tool_replica", 'public.reservations_calendar', "127.0.0.1:$relay->{port}" ], '<', \$in, '>', \$out, '2>', \$err,
	IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
END { $tool->kill_kill if $tool; }

# The answer to a line; with `all`, up to the dot.
sub ask
{
	my ($line) = @_;
	my $end = $line =~ /^all/ ? qr/^\.\n/m : qr/\n/;
	$out = '';
	$in .= "$line\n";
	$tool->pump until $out =~ $end;
	chomp $out;
	return $out;
}
sub state { my %state; @state{qw(state epoch as_of position snapshots streams listings)} = split / /, ask('state'); return \%state; }
sub calendars { return { map { /^(\d+) (\d+) (\w+)$/ ? ($1 => [ $2, $3 ]) : () } split /\n/, ask('all 1 100') }; }
sub agrees
{
	my $expected = database_calendars($node);
	my $mine = calendars();
	return keys %$mine == keys %$expected && !grep { !$mine->{$_} || "@{ $mine->{$_} }" ne "@{ $expected->{$_} }" } keys %$expected;
}
sub now { return $node->safe_psql('postgres', 'SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint'); }

# Before there is a relay.
is(state()->{state}, 'loading', 'without a relay it is loading');
is(ask('get 1'), 'unknown', 'and knows nothing');

$relay->bootstrap;
$relay->start_ready;
wait_until('it streams', sub { state()->{state} eq 'streaming' });
is_deeply(calendars(), database_calendars($node), 'the snapshot is what the database has');
is(ask('get 1000'), 'none', 'a listing that is not there');

# Bookings.
book($_) for 1 .. 10;
$node->safe_psql('postgres', 'DELETE FROM reservations WHERE listing_id = 3');
$node->safe_psql('postgres', 'DELETE FROM listings WHERE id = 50; INSERT INTO listings VALUES (60)');
wait_until('the bookings come', \&agrees);
is(ask('get 50'), 'none', 'a listing that is gone');
my $committed = now();
wait_until('as_of goes on by itself', sub { state()->{as_of} > $committed });

# A search: what is free agrees with the extension.
my $first = $node->safe_psql('postgres', q(SELECT (stay).lower FROM (SELECT lower(stay) - date '1970-01-01' AS lower FROM reservations WHERE listing_id = 7) AS stay));
my ($count, @free) = split / /, ask("search $first @{[ $first + 2 ]} 0 100");
my @expected = split /\n/, $node->safe_psql('postgres', qq(SELECT listing_id FROM reservations_calendar
	WHERE availability.is_available(booked, daterange(date '1970-01-01' + $first, date '1970-01-01' + $first + 2)) ORDER BY 1));
is_deeply(\@free, \@expected, 'a search finds what the database finds');
is($count, scalar @expected, 'and counts it');
is(ask("search $first @{[ $first + 2 ]} 0 2 10"), "$count 11 12", 'the next page');

# The relay dies.
my $before = state();
$relay->kill9;
wait_until('the loss is noticed', sub { state()->{state} eq 'broken' });
is(state()->{as_of}, $before->{as_of} > state()->{as_of} ? $before->{as_of} : state()->{as_of}, 'as_of stands still');
book($_) for 20 .. 25;
isnt(ask('get 1'), 'unknown', 'what is held can be read');
$node->poll_query_until('postgres', 'SELECT NOT active FROM pg_replication_slots');
$relay->start_ready;
wait_until('it goes on', \&agrees);
wait_until('and streams', sub { state()->{state} eq 'streaming' });
is(state()->{snapshots}, 1, 'without another snapshot');
cmp_ok(state()->{streams}, '>', $before->{streams}, 'by another stream');

# Another epoch.
my $epoch = state()->{epoch};
$relay->wait_loaded;
$relay->stop;
book($_) for 30 .. 33;
$node->safe_psql('postgres', 'DELETE FROM listings WHERE id = 49');
$relay->bootstrap;
$relay->start_ready;
wait_until('another epoch', sub { my $state = state(); $state->{state} eq 'streaming' && $state->{epoch} > $epoch });
wait_until('it agrees', \&agrees);
is(state()->{snapshots}, 2, 'by another snapshot');
is(ask('get 49'), 'none', 'a listing that went meanwhile');

# In the end.
book(1 + $_ % 40) for 1 .. 100;
wait_until('all agrees in the end', \&agrees);
pass('all agrees in the end');
$in .= "quit\n";
$tool->finish;
undef $tool;
$relay->stop;
$node->stop;
done_testing();
