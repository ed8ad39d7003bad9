# Redis, the relay and the database away, each alone and in pairs: what the table of docs/service.md, "What still works", says, for
# services of every mode. Whatever is away, an answer that is not marked stale is no older than it may be, and has what had been
# booked by then.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib", "$FindBin::RealBin/../../relay/t/lib", "$FindBin::RealBin/../../t/lib";

use Availability;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RedisServer;
use Relay;
use Service;
use Test::More;
use Time::HiRes qw(sleep time);
use Time::Local qw(timegm);

my $max_age = 500;
my $max_stale = 8000;
my $node = logical_node('away');
track_reservations($node, 20);
$node->safe_psql('postgres', q{INSERT INTO reservations (listing_id, stay) SELECT n, '[2027-07-03,2027-07-10)' FROM generate_series(1, 20) n});
my $redis = RedisServer->new;
my $relay = Relay->new($node, 'redis.nodes' => $redis->address);
$relay->bootstrap;
$relay->start_ready;
my %services = map {
	$_ => Service->new($node, $relay, 'redis.nodes' => $redis->address, 'reader.mode' => $_, 'reader.max_age_milliseconds' => $max_age,
		'reader.max_stale_milliseconds' => $max_stale)
} qw(replica near redis);
$_->start_ready for values %services;

sub seconds { my ($y, $mo, $d, $h, $m, $s) = $_[0] =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):([\d.]+)Z$/ or die "no time: $_[0]"; return timegm(0, $m, $h, $d, $mo - 1, $y) + $s; }

# The newest version of listing 1 that was booked by whoever asks, and when it was there.
my ($booked, $booked_at) = (0, 0);

# What a service says of a listing, as "source", "source stale", or a status.
sub told
{
	my ($mode, $listing) = @_;
	my $answer = $services{$mode}->get("/v1/listings/$listing/calendar?from=2027-01-01&to=2029-12-31");
	return $answer->{status} if $answer->{status} != 200;
	my $said = decode_json($answer->{content});
	# Where the machine is busy an answer may lie for a while before its age is written.
	if (!$said->{stale} && $said->{age_ms} > $max_age + 5000) { fail("$mode: an answer of $said->{age_ms} ms is marked"); }
	if ($said->{stale} && $said->{age_ms} > $max_stale + 5000) { fail("$mode: a stale answer of $said->{age_ms} ms is refused"); }
	if ($listing == 1 && $said->{version} < $booked && seconds($said->{as_of}) > $booked_at) { fail("$mode: as of $said->{as_of}, what was booked before is told"); }
	return $said->{source} . ($said->{stale} ? ' stale' : '');
}

sub searched
{
	my ($mode) = @_;
	my $answer = $services{$mode}->get('/v1/search?check_in=2027-07-04&check_out=2027-07-06');
	return $answer->{status} if $answer->{status} != 200;
	my $said = decode_json($answer->{content});
	is($said->{count}, 0, "$mode: nothing is free in that week, and nothing else is said");
	return $said->{source} . ($said->{stale} ? ' stale' : '');
}

# The service of a mode comes to say this of a listing, and goes on saying it.
sub comes_to_say
{
	my ($what, $mode, $pattern, $listing) = @_;
	my $last = '';
	my $came = eval { wait_until($what, sub { ($last = told($mode, $listing // 1)) =~ /^(?:$pattern)$/ }) };
	ok($came, "$what: $mode tells from $pattern") or diag "it says $last";
	return;
}

my $nights = 0;
sub book
{
	my ($mode) = @_;
	my $day = 1 + 2 * $nights++;
	my ($first, $end) = split /\|/, $node->{away} ? '2028-01-01|2028-01-02' : $node->safe_psql('postgres', "SELECT date '2028-01-01' + $day, date '2028-01-01' + $day + 1");
	my $answer = $services{$mode}->post('/v1/bookings', { listing => 1, check_in => $first, check_out => $end });
	return $answer->{status} if $answer->{status} != 201;
	($booked, $booked_at) = (decode_json($answer->{content})->{version}, time);
	# Whoever has booked reads it from any instance.
	for my $other (sort keys %services)
	{
		my $read = $services{$other}->get("/v1/listings/1/availability?check_in=$first&check_out=$end&min_version=$booked");
		is($read->{status} == 200 ? decode_json($read->{content})->{available} : $read->{status}, JSON::PP::false, "$other: what $mode has booked is read");
	}
	return 201;
}

sub all_say
{
	my ($what, %expected) = @_;
	comes_to_say($what, $_, $expected{$_}) for qw(replica near redis);
	return;
}

sub searches_say
{
	my ($what, %expected) = @_;
	for my $mode (qw(replica near redis))
	{
		my $last = '';
		my $came = eval { wait_until($what, sub { ($last = searched($mode)) =~ /^(?:$expected{$mode})$/ }) };
		ok($came, "$what: $mode searches by $expected{$mode}") or diag "it says $last";
	}
	return;
}

my @back = (replica => 'replica', near => 'l1', redis => 'l2');
my @from_database = (replica => 'database', near => 'database', redis => 'database');
my @searches = (replica => 'replica', near => 'database', redis => 'database');
sub stop_database { $node->stop('immediate'); $node->{away} = 1; return; }
sub start_database { $node->start; $node->{away} = 0; return; }

sub all_is_well
{
	my ($what) = @_;
	all_say($what, @back);
	# A breaker that the outage has opened tries again in a moment.
	my $status = '';
	my $came = eval { wait_until("$what: a booking", sub { ($status = book('replica')) == 201 }) };
	ok($came, "$what: one can book") or diag "it says $status";
	return;
}

all_is_well('nothing is away');
searches_say('nothing is away', @searches);

$redis->kill9;
all_say('Redis is away', replica => 'replica', near => 'l1', redis => 'database');
is(book('redis'), 201, 'Redis is away: one can book');
$redis->start;
all_is_well('Redis is back');

$relay->kill9;
all_say('the relay is away', @from_database);
searches_say('the relay is away', map { $_ => 'database' } qw(replica near redis));
is(book('replica'), 201, 'the relay is away: one can book');
is($services{replica}->get('/readyz')->{status}, 503, 'the relay is away: replica is not ready');
$redis->kill9;
all_say('Redis and the relay are away', @from_database);
is(book('near'), 201, 'Redis and the relay are away: one can book');
$redis->start;
$relay->start_ready;
all_is_well('both are back');

# Each listing once before, so that the near caches have them (listing 1 perhaps not: it was booked just now).
told($_, 2) for qw(near redis near);
stop_database();
all_say('the database is away', replica => 'replica stale', near => 'l[12] stale', redis => 'l2 stale');
like(searched('replica'), qr/^replica stale$/, 'the database is away: replica searches by what it had');
is(searched('redis'), 503, 'and the others can not');
is(book('replica'), 503, 'nobody can book');
all_say('the database is away for long', map { $_ => 503 } qw(replica near redis));
start_database();
all_is_well('the database is back');

stop_database();
$relay->kill9;
all_say('the relay and the database are away', replica => 'replica stale', near => 'l[12] stale', redis => 'l2 stale');
is(book('near'), 503, 'nobody can book');
all_say('the relay and the database are away for long', map { $_ => 503 } qw(replica near redis));
start_database();
all_say('the database is back alone', @from_database);
$relay->start_ready;
all_is_well('the relay is back, too');

stop_database();
$redis->kill9;
all_say('Redis and the database are away', replica => 'replica stale', near => 'l[12] stale', redis => 503);
is(book('redis'), 503, 'nobody can book');
start_database();
$redis->start;
all_is_well('all is back');

is($_->stop, 0, 'a service ends in order') for values %services;
$relay->stop;
$node->stop;
done_testing();
