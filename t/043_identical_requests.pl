# Ten sessions send each request at once, with one key: exactly one books, and all have its answer.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Availability;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $requests = $ENV{AVAILABILITY_IDENTICAL_REQUESTS} || 300;

my $directory = PostgreSQL::Test::Utils::tempdir;
my $node = logical_node('identical', extra => ['--no-sync']);
$node->append_conf('postgresql.conf', "log_statement = none\nlog_min_error_statement = panic\nlog_min_messages = fatal\n");
$node->restart;
$node->safe_psql('postgres', q(
	CREATE TABLE reservations (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id bigint NOT NULL, stay daterange);
	SELECT availability.track('reservations');
	CREATE TABLE answers (request int, reservation text, version bigint, replayed boolean)));

append_to_file("$directory/request", q(
\set n :n + 1
INSERT INTO answers SELECT :n, b.* FROM availability.book('reservations', :n % 7, daterange(date '2027-01-01' + :n, date '2027-01-02' + :n), 'request ' || :n) AS b;
));
$node->command_ok(
	[ 'pgbench', '-n', '-D', 'n=0', '-c', '10', '-j', '2', '-t', $requests, '-f', "$directory/request", $node->connstr('postgres') ],
	"10 sessions send $requests requests");

is($node->safe_psql('postgres', 'SELECT count(*) FROM reservations'), $requests, 'each booked once');
is($node->safe_psql('postgres', 'SELECT count(*) FROM answers'), 10 * $requests, 'all are answered');
is($node->safe_psql('postgres', q(
		SELECT request FROM answers GROUP BY request
		HAVING count(DISTINCT (reservation, version)) <> 1 OR count(*) FILTER (WHERE NOT replayed) <> 1)),
	'', 'with one answer, which was replayed to all but one');
cmp_ok($node->safe_psql('postgres', q(SELECT count(*) FROM pg_stat_database WHERE datname = 'postgres' AND deadlocks > 0)), '==', 0, 'nobody deadlocks');
is($node->safe_psql('postgres', q(SELECT * FROM availability.verify('reservations'))), '', 'verify finds nothing');

$node->stop;
done_testing();
