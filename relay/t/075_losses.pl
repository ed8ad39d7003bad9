# A stream in which something is missing: a forger between the server and the relay takes messages away. /readyz is red until a new epoch
# has begun, since what was lost may be any listing's.

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
use Test::More;

my $node = logical_node('losses');
track_reservations($node, 50);
my $redis = RedisServer->new;

# Takes away each event of the stream with the pattern that the file holds. Messages of the protocol have a type and a size; without TLS a
# server says nothing else.
my $wanted = PostgreSQL::Test::Utils::tempdir . '/pattern';
sub forge
{
	my ($bytes, $connection) = @_;
	$connection->{rest} .= $bytes;
	my $pattern = -e $wanted ? slurp_file($wanted) : undef;
	my $out = '';
	while (length $connection->{rest} >= 5 && length $connection->{rest} > (my $size = unpack 'N', substr $connection->{rest}, 1, 4))
	{
		my $message = substr $connection->{rest}, 0, 1 + $size, '';
		$out .= $message unless defined $pattern && $message =~ /^d....w.{24}.*\Q$pattern\E/s;
	}
	return $out;
}
my $proxy = Proxy->new($node->host . '/.s.PGSQL.' . $node->port, \&forge);

sub take_away
{
	my ($listing) = @_;
	append_to_file("$wanted.new", "public.reservations_calendar\x18" . chr $listing);
	rename "$wanted.new", $wanted or die "rename: $!";
	return;
}

my $day = 0;
sub book_in_one
{
	my (@listings) = @_;
	$day++;
	$node->safe_psql('postgres', 'INSERT INTO reservations (listing_id, stay) VALUES '
			. join ', ', map { "($_, daterange('2027-01-01'::date + $day, '2027-01-02'::date + $day))" } @listings);
	return;
}

my $relay = Relay->new($node, 'redis.nodes' => $redis->address,
	'database.conninfo' => "host=127.0.0.1 port=$proxy->{port} dbname=postgres sslmode=disable gssencmode=disable user=" . scalar getpwuid $<);

sub is_exact
{
	my ($name) = @_;
	my $expected = database_calendars($node);
	$relay->wait_ready;
	is_deeply($relay->snapshot->{calendars}, $expected, "$name: the snapshot has every calendar");
	my $same = eval { wait_until($name, sub {
		my $calendars = $redis->calendars($relay->epoch);
		return !grep { ($calendars->{$_}[1] // '') ne $expected->{$_}[1] } keys %$expected;
	}) };
	ok($same, "$name: so has Redis");
	return;
}

$relay->bootstrap;
$relay->start_ready;
book_in_one(1 .. 5);
$relay->wait_confirmed;
my $epoch = $relay->epoch;
is_exact('nothing is missing');
is($relay->metric('seq_gaps_total'), 0, 'and nothing is said to be');

# The filter keeps changes of another table back: nothing is lost.
$node->safe_psql('postgres', q~CREATE TABLE others (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id bigint, stay daterange);
	SELECT availability.track('others');
	BEGIN;
	INSERT INTO others (listing_id, stay) VALUES (1, '[2027-01-01,2027-01-02)');
	INSERT INTO reservations (listing_id, stay) VALUES (1, '[2028-01-01,2028-01-02)');
	INSERT INTO others (listing_id, stay) VALUES (2, '[2027-01-01,2027-01-02)'), (3, '[2027-01-01,2027-01-02)');
	INSERT INTO reservations (listing_id, stay) VALUES (2, '[2028-01-01,2028-01-02)');
	INSERT INTO others (listing_id, stay) VALUES (4, '[2027-01-01,2027-01-02)');
	COMMIT~);
$relay->wait_confirmed;
is($relay->metric('seq_gaps_total'), 0, 'changes of other tables are not lost');
is($relay->epoch, $epoch, 'the epoch goes on');

# An event amid a transaction, which stays away however often the slot brings the transaction.
take_away(7);
book_in_one(6, 7, 8);
wait_until('another epoch', sub { $relay->epoch > $epoch });
is_exact('an event was lost');
is($relay->metric('seq_gaps_total'), 1, 'it is counted');
like($relay->log_of, qr/epoch \d+ begins: 1 changes of transaction \S+ did not come, before number 3/, 'and told');
$relay->wait_confirmed;
$epoch = $relay->epoch;
is($relay->metric('seq_gaps_total'), 1, 'once');

# The last one, at once after it: red until the next epoch may begin.
unlink $wanted;
take_away(11);
book_in_one(9, 10, 11);
wait_until('red', sub { my $ready = $relay->get('/readyz'); $ready->{status} == 503 && $ready->{content} =~ /the last changes of transaction \S+ did not come/ });
isnt($relay->snapshot->{calendars}{11}[1], database_calendars($node)->{11}[1], 'something is missing');
my ($lost) = $relay->get('/readyz')->{content} =~ /transaction (\S+) did/;
book_in_one(12);
wait_until('it goes on', sub { ($relay->snapshot->{calendars}{12}[1] // '') eq database_calendars($node)->{12}[1] });
is($relay->get('/readyz')->{status}, 503, 'still red');
is($node->safe_psql('postgres', "SELECT confirmed < '$lost' FROM availability_relay.state"), 't', 'it is not confirmed');

# Whoever takes over meets it again.
is($relay->kill9, -9, 'killed');
$node->poll_query_until('postgres', 'SELECT NOT active FROM pg_replication_slots');
$relay->start;
wait_until('another epoch', sub { $relay->epoch > $epoch });
is_exact('the end of a transaction was lost');
$relay->wait_confirmed;

is($relay->stop, 0, 'ends in order');
$node->stop;
done_testing();
