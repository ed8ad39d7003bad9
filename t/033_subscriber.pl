# A tracked table that a subscription writes: what its triggers miss is found and repaired, and triggers that always fire miss nothing.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Availability;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $publisher = logical_node('publisher');
my $subscriber = logical_node('subscriber');
my $table = 'CREATE TABLE reservations (id int PRIMARY KEY, listing_id int, stay daterange, status text)';
$publisher->safe_psql('postgres', "$table; CREATE PUBLICATION shop FOR TABLE reservations; INSERT INTO reservations VALUES (1, 1, daterange('2027-01-01', '2027-01-03'), 'confirmed')");
$subscriber->safe_psql('postgres', qq($table; SELECT availability.track('reservations', active => \$\$status = 'confirmed'\$\$)));
my $connection = $publisher->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION shop CONNECTION '$connection' PUBLICATION shop");
$subscriber->wait_for_subscription_sync($publisher, 'shop');

sub verify { return $subscriber->safe_psql('postgres', q(SELECT kind, listing, day FROM availability.verify('reservations'))) }

sub calendars { return $subscriber->safe_psql('postgres', 'SELECT listing_id, booked, change FROM reservations_calendar ORDER BY 1') }

is(verify(), "missing_calendar|1|\nmissing_day_row|1|2027-01-01\nmissing_day_row|1|2027-01-02", 'the copy of a table fires no trigger, and verify says so');
is($subscriber->safe_psql('postgres', q(SELECT availability.repair('reservations'))), '3', 'repair mends it');
is(verify(), '', 'all agrees');

$subscriber->safe_psql('postgres', 'ALTER TABLE reservations ENABLE ALWAYS TRIGGER _availability_claim');
$subscriber->safe_psql('postgres', q(SELECT pg_create_logical_replication_slot('cache', 'availability_decoder')));
$publisher->safe_psql('postgres', q(
	INSERT INTO reservations VALUES (2, 1, daterange('2027-01-03', '2027-01-05'), 'confirmed'), (3, 2, daterange('2027-01-03', '2027-01-05'), 'confirmed');
	UPDATE reservations SET listing_id = 3 WHERE id = 1;
	UPDATE reservations SET status = 'cancelled' WHERE id = 2;
	DELETE FROM reservations WHERE id = 3));
$publisher->wait_for_catchup('shop');
is(calendars(), "1|{}|cancelled\n2|{}|cancelled\n3|{[2027-01-01,2027-01-03)}|updated", 'a trigger that always fires keeps the calendars');
is(verify(), '', 'and verify finds nothing');
is(join(' ', map { "$_->{listing}:$_->{event}" } map { decode_json($_) } split /\n/, peek_events($subscriber, 'cache')),
	'1:created 2:created 1:updated 3:updated 1:cancelled 2:cancelled', "the subscriber's decoder tells of what the subscription wrote");
is($subscriber->safe_psql('postgres', q(SELECT availability.repair('reservations'))), '0', 'nor has repair anything to mend');

# What the subscriber booked itself is not given away.
$subscriber->safe_psql('postgres', q(INSERT INTO reservations VALUES (100, 4, daterange('2027-01-01', '2027-01-03'), 'confirmed')));
my $log = -s $subscriber->logfile;
$publisher->safe_psql('postgres', q(INSERT INTO reservations VALUES (4, 4, daterange('2027-01-02', '2027-01-04'), 'confirmed')));
ok($subscriber->poll_query_until('postgres', q(SELECT apply_error_count > 0 FROM pg_stat_subscription_stats)), 'a double booking stops the subscription');
like(slurp_file($subscriber->logfile, $log), qr/listing 4 is already booked/, 'with the error of any other');
$subscriber->safe_psql('postgres', 'DELETE FROM reservations WHERE id = 100');
$publisher->wait_for_catchup('shop');
is($subscriber->safe_psql('postgres', 'SELECT booked FROM reservations_calendar WHERE listing_id = 4'), '{[2027-01-02,2027-01-04)}', 'until it is resolved');
is(verify(), '', 'verify finds nothing');

# Triggers that always fire do so for the first copy too.
$publisher->safe_psql('postgres', "CREATE TABLE stays (id int PRIMARY KEY, listing_id int, stay daterange); CREATE PUBLICATION inn FOR TABLE stays;
	INSERT INTO stays VALUES (1, 1, daterange('2027-01-01', '2027-01-03'))");
$subscriber->safe_psql('postgres', "CREATE TABLE stays (id int PRIMARY KEY, listing_id int, stay daterange); SELECT availability.track('stays');
	ALTER TABLE stays ENABLE ALWAYS TRIGGER _availability_claim; CREATE SUBSCRIPTION inn CONNECTION '$connection' PUBLICATION inn");
$subscriber->wait_for_subscription_sync($publisher, 'inn');
is($subscriber->safe_psql('postgres', 'SELECT listing_id, booked, change FROM stays_calendar'), '1|{[2027-01-01,2027-01-03)}|created',
	'a trigger that always fires keeps the calendars of the first copy');

$subscriber->stop;
$publisher->stop;
done_testing();
