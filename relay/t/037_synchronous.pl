# A commit that waits for a synchronous standby: its event has come, and its row can't be seen yet.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib", "$FindBin::RealBin/../../t/lib";

use Availability;
use IPC::Run qw(start);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Relay;
use Subscriber;
use Test::More;

my $node = logical_node('synchronous');
track_reservations($node, 3);
my $relay = Relay->new($node);
$relay->bootstrap;
$relay->start_ready;
my $subscriber = Subscriber->new($relay);
$subscriber->pump;

# The standby goes, and somebody books.
$node->append_conf('postgresql.conf', "synchronous_standby_names = 'gone'");
$node->reload;
$node->poll_query_until('postgres', "SHOW synchronous_standby_names", 'gone');
my ($out, $err) = ('', '');
my $booker = start [
	'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c',
	"INSERT INTO reservations (listing_id, stay) VALUES (1, '[2027-01-01,2027-01-08)')"
], '<', \undef, '>', \$out, '2>', \$err;
$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
$subscriber->pump while $subscriber->{events} < 1;
is($node->safe_psql('postgres', 'SELECT booked::text FROM reservations_calendar WHERE listing_id = 1'), '{}', 'nobody sees it');
$relay->wait_confirmed;
$relay->stop;

# The slot does not give it again, and what the relay loads may not be of before.
$relay->start;
wait_until('the stream goes on', sub { $relay->log_of =~ /streaming from slot.*streaming from slot/s });
wait_until('the load waits with it, or has ended', sub {
	$relay->get('/snapshot')->{success}
		or $node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") > 1;
});
ok(!$relay->get('/snapshot')->{success}, 'there is no snapshot yet');
$node->append_conf('postgresql.conf', "synchronous_standby_names = ''");
$node->reload;
$booker->finish;
$relay->wait_ready;
my $fresh = Subscriber->new($relay);
$fresh->pump;
ok($fresh->wait_for(database_calendars($node)), 'what waited is in the snapshot');

$relay->stop;
$node->stop;
done_testing();
