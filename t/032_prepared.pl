# Prepared transactions: a booking that is prepared holds its days, also through a restart.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Availability;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = logical_node('prepared');
my $verify = q(SELECT * FROM availability.verify('reservations'));
$node->safe_psql('postgres', q(
	CREATE TABLE reservations (id int PRIMARY KEY, listing_id int, stay daterange);
	SELECT availability.track('reservations');
	SELECT pg_create_logical_replication_slot('cache', 'availability_decoder')));

sub run { return $node->safe_psql('postgres', shift) }

# What a booker who will not wait is told.
sub refusal
{
	my (undef, undef, $error) = $node->psql('postgres', "SET lock_timeout = '50ms'; \\set VERBOSITY sqlstate\n$_[0]");
	return $error =~ /ERROR:\s+(\w+)/ ? $1 : 'none';
}

sub book { return "INSERT INTO reservations VALUES ($_[0], $_[1], '[$_[2],$_[3])')" }
run(book(1, 1, '2027-01-01', '2027-01-03'));
run('BEGIN;' . book(2, 1, '2027-02-01', '2027-02-03') . ';' . book(3, 2, '2027-02-01', '2027-02-03') . q(; PREPARE TRANSACTION 'a'));

is(refusal(book(4, 1, '2027-02-02', '2027-02-04')), '55P03', 'who wants days of a prepared booking waits');
is(refusal(book(4, 1, '2027-03-02', '2027-03-04')), '55P03', 'and so does who wants others of that listing');
is(refusal(book(4, 3, '2027-02-02', '2027-02-04')), 'none', 'another listing is free');
unlike(peek_events($node, 'cache'), qr/"reservation":"[23]"/, 'what is not committed is not told');

$node->restart;
is(refusal(book(5, 2, '2027-02-02', '2027-02-04')), '55P03', 'the days are held through a restart');
$node->stop('immediate');
$node->start;
is(refusal(book(5, 2, '2027-02-02', '2027-02-04')), '55P03', 'and through a crash');
is(run($verify), '', 'verify finds nothing while it is prepared');

run(q(COMMIT PREPARED 'a'));
is(refusal(book(5, 2, '2027-02-02', '2027-02-04')), '23505', 'once it is committed the days are taken');
is(run($verify), '', 'verify finds nothing');
my @events = map { JSON::PP::decode_json($_) } grep { /"reservation":"[23]"/ } split /\n/, peek_events($node, 'cache');
is_deeply([ map { "$_->{event} $_->{listing}" } @events ], [ 'created 1', 'created 2' ], 'its events come with the commit');

run(q(BEGIN; DELETE FROM reservations WHERE id = 2; UPDATE reservations SET listing_id = 4 WHERE id = 3; PREPARE TRANSACTION 'c'));
is(refusal(book(6, 4, '2027-02-01', '2027-02-02')), '55P03', 'a prepared move holds the days where it goes');
is(refusal(book(6, 1, '2027-02-01', '2027-02-02')), '55P03', 'and a prepared cancellation has not given its days yet');
run(q(ROLLBACK PREPARED 'c'));
is(refusal(book(6, 4, '2027-02-01', '2027-02-02')), 'none', 'once it is rolled back they are free');
is(refusal(book(7, 1, '2027-02-01', '2027-02-02')), '23505', 'and those that it would have freed are not');
is(run($verify), '', 'verify finds nothing');

$node->stop;
done_testing();
