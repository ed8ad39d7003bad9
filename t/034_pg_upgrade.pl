# pg_upgrade of a database with a tracked table, by copies and by links: calendars, keys and holds go on.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Availability;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $old = logical_node('old');
$old->safe_psql('postgres', q(
	CREATE TABLE listings (id text PRIMARY KEY);
	INSERT INTO listings SELECT 'house ' || n FROM generate_series(1, 9) AS n;
	CREATE TABLE reservations (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id text REFERENCES listings, stay daterange, status text DEFAULT 'confirmed');
	SELECT availability.track('reservations', active => $$status = 'confirmed'$$, cancel => $$status = 'cancelled'$$);
	CREATE INDEX ON reservations_calendar USING gist (booked);
	INSERT INTO reservations (listing_id, stay) SELECT 'house ' || 1 + n % 8, daterange(date '2027-01-01' + n, date '2027-01-03' + n) FROM generate_series(1, 100) AS n;
	SELECT availability.book('reservations', 'house 9', daterange('2027-01-01', '2027-01-03'), 'kept');
	SELECT availability.set_limits('reservations', max_hold_ttl => '1 day', max_stay => 7);
	SELECT availability.hold('reservations', 'house 9', daterange('2027-02-01', '2027-02-03'), '1 day');
	SELECT availability.hold('reservations', 'house 9', daterange('2027-03-01', '2027-03-03'), '1 day');
	ANALYZE));

sub state_of
{
	my $node = shift;
	return $node->safe_psql('postgres', q(
		TABLE availability.tracked;
		TABLE reservations_calendar ORDER BY listing_id;
		TABLE reservations_day ORDER BY 1, 2;
		TABLE reservations_hold; TABLE reservations_request;
		SELECT listing_id FROM reservations_calendar WHERE availability.is_booked(booked, daterange('2027-01-10', '2027-01-12')) ORDER BY 1));
}
my $state = state_of($old);
$old->stop;

my $bin = $old->config_data('--bindir');
for my $mode ('copy', 'link')
{
	my $new = PostgreSQL::Test::Cluster->new("new_$mode");
	$new->init(allows_streaming => 'logical');
	my $directory = PostgreSQL::Test::Utils::tempdir;
	chdir $directory or die $!;
	command_ok([ 'pg_upgrade', '-b', $bin, '-B', $bin, '-d', $old->data_dir, '-D', $new->data_dir, '-s', $new->host, '-p', $old->port, '-P', $new->port, ($mode eq 'link' ? '--link' : ()) ],
		"pg_upgrade, $mode");
	$new->start;
	is(state_of($new), $state, "$mode: nothing has changed");
	is($new->safe_psql('postgres', q(SELECT * FROM availability.verify('reservations'))), '', "$mode: verify finds nothing");
	is($new->safe_psql('postgres', q(SELECT * FROM availability.doctor() WHERE subject !~ 'wal_level|slot|plugin')), '', "$mode: nor does the doctor");
	is($new->safe_psql('postgres', q(
		SELECT replayed FROM availability.book('reservations', 'house 9', daterange('2027-01-01', '2027-01-03'), 'kept');
		SELECT replayed FROM availability.confirm('reservations', (SELECT hold_id FROM reservations_hold ORDER BY stay LIMIT 1));
		SELECT availability.release((SELECT hold_id FROM reservations_hold));
		SELECT reservation_id FROM availability.cancel('reservations', 1))), "t\nf\nt\n1", "$mode: keys, holds and cancelling go on");
	my (undef, undef, $refused) = $new->psql('postgres', q(INSERT INTO reservations (listing_id, stay) VALUES ('house 9', daterange('2027-02-02', '2027-02-04'))));
	like($refused, qr/is already booked/, "$mode: a double booking is refused");
	is($new->safe_psql('postgres', q(SELECT * FROM availability.verify('reservations'))), '', "$mode: verify finds nothing");
	$new->stop;
}
done_testing();
