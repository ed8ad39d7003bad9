# Subscribers: snapshot and stream, a thousand of them on one slot, slow ones, another epoch, the token.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib", "$FindBin::RealBin/../../t/lib";

use Availability;
use IO::Socket::INET;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Relay;
use Subscriber;
use Test::More;
use Time::HiRes qw(time);

my $node = logical_node('subscribers');
track_reservations($node, 100);
my $next = 0;
sub change
{
	my $count = shift;
	my $statements = join '', map { $next++; "INSERT INTO reservations (listing_id, stay) VALUES (1 + $next % 100, daterange(date '2027-01-01' + $next, date '2027-01-02' + $next));" } 1 .. $count;
	$node->safe_psql('postgres', "BEGIN; $statements COMMIT");
	return;
}
my $relay = Relay->new($node, 'http.ring_bytes' => 200000);
$relay->bootstrap;
$relay->start_ready;

my $subscriber = Subscriber->new($relay);
$subscriber->pump;
change(1) for 1 .. 20;
change(200);
ok($subscriber->wait_for(database_calendars($node)), 'the stream brings every event');
is($subscriber->{snapshots}, 1, 'after one snapshot');
is($subscriber->{events}, 220, 'once each');

# The relay restarts: the stream goes on from the position.
$relay->stop;
change(10);
$relay->start_ready;
change(10);
ok($subscriber->wait_for(database_calendars($node)), 'over a restart of the relay');
is($subscriber->{snapshots}, 1, 'without another snapshot');
$relay->kill9;
$node->poll_query_until('postgres', 'SELECT NOT active FROM pg_replication_slots');
change(10);
$relay->start_ready;
ok($subscriber->wait_for(database_calendars($node)), 'over a kill of the relay');

# Amid a transaction.
change(300);
$subscriber->pump while $subscriber->{events} < 300;
my ($lsn, $seq) = @{ $subscriber->{position} };
my $middle = Subscriber->new($relay, epoch => $subscriber->{epoch}, calendars => { %{ $subscriber->{calendars} } }, lsn => 0);
$subscriber->wait_for(database_calendars($node));
$middle->{position} = [ $subscriber->{lsn}, '*' ];
change(100);
ok($middle->wait_for(database_calendars($node)) && !$middle->{snapshots}, 'a position within the ring is taken up');

# Many, on one slot.
my @many = map { Subscriber->new($relay, calendars => {}) } 1 .. 100;
$_->pump for @many;
change(50);
my $expected = database_calendars($node);
is(scalar(grep { !$_->wait_for($expected) } @many), 0, 'a hundred subscribers');
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_stat_replication'), 1, 'are one connection to the server');
cmp_ok($relay->metric('subscribers'), '>=', 100, 'and counted');
@many = ();

# One that doesn't read is dropped, and holds nobody up.
my $slow = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $relay->{port}) or die;
setsockopt $slow, Socket::SOL_SOCKET(), Socket::SO_RCVBUF(), 4096;
print $slow 'GET /stream?from=' . join(',', $subscriber->{epoch}, Relay::format_lsn($subscriber->{lsn}), '*') . " HTTP/1.1\r\n\r\n";
$slow->flush;
$subscriber->pump;
my $dropped = $relay->metric('subscribers_dropped_total');
my $rounds = 0;
wait_until('the slow one is dropped', sub {
	my $days = $rounds++ % 2 ? -1 : 1;
	$node->safe_psql('postgres', "UPDATE reservations SET stay = daterange(lower(stay), upper(stay) + $days)");
	$subscriber->pump;
	return $relay->metric('subscribers_dropped_total') > $dropped;
});
ok($subscriber->wait_for(database_calendars($node)), 'the others go on');

# One that holds no calendars begins where the stream stands.
my $now = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $relay->{port}) or die;
print $now "GET /stream?from=now HTTP/1.1\r\n\r\n";
$now->flush;
my $got = '';
sysread $now, $got, 4096, length $got or die 'closed' until $got =~ /\r\n\r\n1e\r\n.{30}\r\n/s;
like($got, qr/^HTTP\/1.1 200/, 'a stream from now');
my ($type, $version, $now_epoch, $now_lsn) = unpack 'x4CCQ<Q<', ($got =~ /\r\n\r\n1e\r\n(.{30})/s)[0];
is("$type $version $now_epoch", "1 1 $subscriber->{epoch}", 'says where that is');
cmp_ok($now_lsn, '>=', $subscriber->{lsn}, 'which is not before what others have seen');
change(1);
sysread $now, $got, 4096, length $got or die 'closed' until $got =~ /public\.reservations_calendar/;
pass('and brings what changes');
close $now;

# Another epoch: everybody begins anew.
my $epoch = $subscriber->{epoch};
$relay->wait_loaded;
$relay->stop;
$relay->bootstrap;
$relay->start_ready;
change(5);
ok($subscriber->wait_for(database_calendars($node)), 'over another epoch');
cmp_ok($subscriber->{epoch}, '>', $epoch, 'which it knows');
cmp_ok($subscriber->{snapshots}, '>', 1, 'by another snapshot');
is_deeply($subscriber->{problems}, [], 'nothing ever went back');

# The token.
$relay->stop;
$relay->{settings}{'http.token'} = 'open sesame';
$relay->start_ready;
is($relay->get('/snapshot')->{status}, 401, 'no token, no snapshot');
is($relay->get('/stream?from=1,0/1,0', Authorization => 'Bearer open')->{status}, 401, 'nor with another');
is($relay->get('/snapshot', Authorization => 'Bearer open sesame')->{status}, 200, 'the token opens it');
is($relay->get('/metrics')->{status}, 200, 'metrics need none');
unlike($relay->log_of, qr/sesame/, 'and it is not in the log');
unlike(($relay->execute('--check'))[1], qr/sesame/, 'nor printed by --check');

$relay->stop;
$node->stop;
done_testing();
