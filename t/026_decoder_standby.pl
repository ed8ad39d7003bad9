# Decoding on a standby and slots that follow a failover, where the server has them: 16 and 17. Servers before say that they have not.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Availability;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = logical_node('primary', extra => ['--no-sync']);
my $version = $primary->safe_psql('postgres', 'SHOW server_version_num') / 10000;
$primary->append_conf('postgresql.conf', "hot_standby_feedback = on\n");
$primary->reload;
$primary->safe_psql('postgres', q(
	CREATE TABLE reservations (id int PRIMARY KEY, listing_id int, stay daterange);
	SELECT availability.track('reservations');
	SELECT pg_create_physical_replication_slot('standby')));
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
my $connection = $primary->connstr . ' dbname=postgres';
$standby->append_conf('postgresql.conf', "primary_slot_name = 'standby'\nhot_standby_feedback = on\n");
$standby->append_conf('postgresql.conf', "primary_conninfo = '$connection'\n") if $version >= 17;
$standby->start;

my @failover = $version >= 17 ? ('false', 'false', 'true') : ();
$primary->safe_psql('postgres', 'SELECT pg_create_logical_replication_slot(' . join(', ', q('cache'), q('availability_decoder'), @failover) . ')');
$primary->safe_psql('postgres', q(INSERT INTO reservations VALUES (1, 1, daterange('2027-01-01', '2027-01-03'))));
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('write'));

# The calendars of a standby are as good to read as the primary's; nobody books there.
is($standby->safe_psql('postgres', q(SELECT booked FROM reservations_calendar WHERE availability.is_booked(booked, daterange('2027-01-02', '2027-01-03')))),
	'{[2027-01-01,2027-01-03)}', 'a standby reads calendars');
is($standby->safe_psql('postgres', q(SELECT count(*) FROM availability.verify('reservations'))), '0', 'and verifies them');
my (undef, undef, $refused) = $standby->psql('postgres', q(SELECT availability.book('reservations', 1, daterange('2027-02-01', '2027-02-03'))));
like($refused, qr/recovery|read-only/, 'a booking there is refused');

if ($version < 16)
{
	my (undef, undef, $unsupported) = $standby->psql('postgres', q(SELECT pg_create_logical_replication_slot('there', 'availability_decoder')));
	like($unsupported, qr/logical decoding cannot be used while in recovery/, 'servers before 16 do not decode on a standby');
}
else
{
	# The slot waits for the primary to say which transactions run.
	my $file = PostgreSQL::Test::Utils::tempdir . '/created';
	my $creating = IPC::Run::start([ 'psql', '-XAtq', '-d', $standby->connstr('postgres'), '-c', q(SELECT pg_create_logical_replication_slot('there', 'availability_decoder')) ], '>', $file, '2>&1');
	$standby->poll_query_until('postgres', q(SELECT count(*) = 1 FROM pg_replication_slots WHERE slot_name = 'there' AND restart_lsn IS NOT NULL));
	$primary->safe_psql('postgres', 'SELECT pg_log_standby_snapshot()');
	ok($creating->finish, 'a slot is made on the standby') or diag slurp_file($file);
	$primary->safe_psql('postgres', q(INSERT INTO reservations VALUES (2, 2, daterange('2027-01-01', '2027-01-03'))));
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('write'));
	is(peek_events($standby, 'there'), join("\n", grep { /"listing":"2"/ } split /\n/, peek_events($primary, 'cache')), 'it says what the primary says');
	$standby->safe_psql('postgres', q(SELECT pg_drop_replication_slot('there')));
}

# After a failover: with a slot that followed, every event comes; without one, the calendars and their versions are there to begin anew.
if ($version >= 17)
{
	# A slot can follow once its consumer has moved past where the standby began.
	my $synced = 0;
	for (1 .. 100)
	{
		$primary->safe_psql('postgres', q(SELECT pg_log_standby_snapshot(); SELECT pg_replication_slot_advance('cache', pg_current_wal_flush_lsn())));
		$primary->wait_for_catchup($standby, 'replay', $primary->lsn('write'));
		$standby->psql('postgres', 'SELECT pg_sync_replication_slots()');
		$synced = $standby->safe_psql('postgres', q(SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'cache' AND synced AND NOT temporary));
		last if $synced;
	}
	ok($synced, 'the slot follows');
	$primary->safe_psql('postgres', q(INSERT INTO reservations VALUES (4, 4, daterange('2027-01-01', '2027-01-03'))));
}
my $expected = peek_events($primary, 'cache');
my $before = $primary->safe_psql('postgres', 'SELECT max(version) FROM reservations_calendar');
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('write'));
$primary->stop;
$standby->promote;
$standby->safe_psql('postgres', q(SELECT pg_create_logical_replication_slot('cache', 'availability_decoder'))) if $version < 17;
$standby->safe_psql('postgres', q(INSERT INTO reservations VALUES (3, 1, daterange('2027-03-01', '2027-03-03'))));
my @events = split /\n/, peek_events($standby, 'cache');
like(pop @events, qr/"listing":"1".*"booked":\[\["2027-01-01","2027-01-03"\],\["2027-03-01","2027-03-03"\]\]/, 'events go on after a failover');
# What was confirmed shortly before may come again.
if ($version >= 17) { like(join("\n", @events), qr/(^|\n)\Q$expected\E$/, 'with those from before it') }
else { is(join("\n", @events), '', 'from the new slot on') }
is($standby->safe_psql('postgres', "SELECT version > $before FROM reservations_calendar WHERE listing_id = 1"), 't', 'and versions grow on');
is($standby->safe_psql('postgres', q(SELECT count(*) FROM availability.verify('reservations'))), '0', 'verify finds nothing');

$standby->stop;
done_testing();
