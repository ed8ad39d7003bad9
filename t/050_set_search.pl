# Set search is exact: sessions book, move, cancel, hold, roll back and prepare, listings come and go, folds run, the server is killed; and
# every search, in each isolation level, on the primary, on a standby and in a restored dump, finds what the calendars of the same
# snapshot say. AVAILABILITY_SEED repeats the statements.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Availability;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{AVAILABILITY_SEED} || int(rand(2**31));
my $sessions = 5;
my $transactions = $ENV{AVAILABILITY_TRANSACTIONS} || 120;
diag "AVAILABILITY_SEED=$seed";
srand $seed;

my $node = logical_node('sets', extra => ['--no-sync']);
my $directory = PostgreSQL::Test::Utils::tempdir;

$node->safe_psql('postgres', q(
	CREATE TABLE homes (id int PRIMARY KEY);
	INSERT INTO homes SELECT generate_series(1, 60);
	CREATE TABLE reservations (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int REFERENCES homes ON DELETE CASCADE, stay daterange);
	SELECT availability.track('reservations', sets => true);
	-- Ordinals of three blocks.
	UPDATE reservations_calendar SET ordinal = ordinal + 65500 WHERE listing_id % 3 = 1;
	UPDATE reservations_calendar SET ordinal = ordinal + 400000 WHERE listing_id % 3 = 2;
	-- A statement is one snapshot: what each search finds there, and what the calendars say. 'agree', or what differs.
	CREATE FUNCTION compare(first int, nights int, width int) RETURNS SETOF text LANGUAGE sql STABLE SET search_path = public, availability AS $$
		WITH q AS MATERIALIZED (SELECT daterange(date '2140-01-01' + first, date '2140-01-01' + first + nights) AS span, daterange(date '2140-01-01' + first, date '2140-01-01' + first + nights + width) AS around),
		calendars AS MATERIALIZED (SELECT listing_id AS listing, ordinal, booked AS days FROM reservations_calendar),
		chosen AS MATERIALIZED (SELECT coalesce(listing_set_agg(ordinal), '{}') AS among FROM calendars WHERE listing % 2 = 0),
		answers AS (
			SELECT 'free_set' AS search, free_set('reservations', span)::text AS found, (SELECT coalesce(listing_set_agg(ordinal), '{}')::text FROM calendars WHERE is_available(days, span)) AS expected FROM q
			UNION ALL SELECT 'count_free', count_free('reservations', span, among)::text, (SELECT count(*)::text FROM calendars WHERE is_available(days, span) AND listing % 2 = 0) FROM q, chosen
			UNION ALL SELECT 'free_listings', (SELECT string_agg(l::text, ' ' ORDER BY l) FROM free_listings('reservations', span, among) AS l), (SELECT string_agg(listing::text, ' ' ORDER BY listing) FROM calendars WHERE is_available(days, span) AND listing % 2 = 0) FROM q, chosen
			UNION ALL SELECT 'any stay', free_set('reservations', around, nights)::text, (SELECT coalesce(listing_set_agg(ordinal), '{}')::text FROM calendars WHERE EXISTS (SELECT FROM gaps(days, around, nights))) FROM q
			UNION ALL SELECT 'best_starts', (SELECT string_agg(check_in || ' ' || free, ' ' ORDER BY check_in) FROM best_starts('reservations', around, nights)),
				(SELECT string_agg(d::date || ' ' || (SELECT count(*) FROM calendars WHERE is_available(days, daterange(d::date, d::date + nights))), ' ' ORDER BY d)
				 FROM generate_series(lower(around)::timestamp, (upper(around) - nights)::timestamp, '1 day') AS d) FROM q
			UNION ALL SELECT 'heat', (SELECT string_agg(open::text, ' ' ORDER BY day) FROM calendar_heat('reservations', around)),
				(SELECT string_agg((SELECT count(*) FROM calendars WHERE NOT days @> d::date)::text, ' ' ORDER BY d) FROM generate_series(lower(around)::timestamp, (upper(around) - 1)::timestamp, '1 day') AS d) FROM q)
		SELECT coalesce((SELECT string_agg(format('%s of %s nights from %s: found %s, expected %s', search, nights, first, found, expected), E'\n') FROM answers WHERE found IS DISTINCT FROM expected), 'agree')
	$$));

sub any_compare { return sprintf 'SELECT compare(%d, %d, %d);', int rand 40, 1 + int rand 9, int rand 20 }

sub any_stay
{
	my $first = int rand 45;
	return sprintf q(daterange(date '2140-01-01' + %d, date '2140-01-01' + %d)), $first, $first + 1 + int rand 6;
}

# One statement; `own` is a place in the order of reservations.
sub any_change
{
	my $listing = 1 + int rand 70;
	my $own = sprintf '(SELECT id FROM reservations ORDER BY id OFFSET %d LIMIT 1)', int rand 60;
	my $n = int rand 100;
	return "INSERT INTO reservations (listing_id, stay) VALUES ($listing, " . any_stay() . ');' if $n < 45;
	return "UPDATE reservations SET listing_id = $listing WHERE id = $own;" if $n < 55;
	return 'UPDATE reservations SET stay = ' . any_stay() . " WHERE id = $own;" if $n < 65;
	return "DELETE FROM reservations WHERE id = $own;" if $n < 78;
	return "SELECT 'held' FROM (SELECT availability.hold('reservations', $listing, " . any_stay() . ')) AS h;' if $n < 84;
	return "INSERT INTO homes VALUES ($listing) ON CONFLICT DO NOTHING;" if $n < 90;
	return "DELETE FROM homes WHERE id = $listing;" if $n < 93;
	return "SAVEPOINT s; DELETE FROM reservations WHERE id = $own; " . any_compare() . ' ROLLBACK TO s; ' . any_compare();
}

my $prepared = 0;
sub any_transaction
{
	my ($session) = @_;
	my $n = int rand 10;
	my $most = int rand 2 ? '' : ', ' . (1 + int rand 5);
	return "SELECT 'folded' FROM availability.fold('reservations'$most);" if $n == 0;
	my $level = ('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE')[ int rand 3 ];
	my @statements = ("BEGIN ISOLATION LEVEL $level;", any_compare());
	push @statements, any_change(), any_compare() for 1 .. 1 + int rand 3;
	push @statements, "SELECT 'folded' FROM availability.fold('reservations'$most);", any_compare() if $level eq 'READ COMMITTED' && $n < 3;
	if ($n == 2)
	{
		my $name = sprintf "'p%d_%d'", $session, $prepared++;
		push @statements, "PREPARE TRANSACTION $name;", any_compare(), (int rand 3 ? 'COMMIT' : 'ROLLBACK') . " PREPARED $name;";
	}
	else { push @statements, int rand 4 ? 'COMMIT;' : 'ROLLBACK;' }
	return join ' ', @statements, any_compare();
}

# Runs scripts at once, one a session; returns what each printed. Conflicts, deadlocks and the like are part of it.
sub run_sessions
{
	my ($server, $name, @scripts) = @_;
	my (@runs, @output, @errors);
	for my $i (0 .. $#scripts)
	{
		my $script = "$directory/$name$i";
		append_to_file($script, "SET client_min_messages = warning; SET lock_timeout = '2s';\n$scripts[$i]\n");
		push @runs, IPC::Run::start([ 'psql', '-XAtq', '-d', $server->connstr('postgres'), '-f', $script ], '>', \$output[$i], '2>', \$errors[$i]);
	}
	return (\@runs, \@output, \@errors);
}

# Every line says that all agree, or names a state of the statements themselves.
sub check_output
{
	my ($name, $least, @output) = @_;
	my $agreed = grep { $_ eq 'agree' } map { split /\n/ } @output;
	my @others = grep { !/^(agree|held|folded)$/ } map { split /\n/ } @output;
	is(join("\n", @others), '', "$name: every search finds what the calendars say");
	cmp_ok($agreed, '>=', $least, "$name: searches were compared");
	return;
}

sub no_strays
{
	my ($name, @errors) = @_;
	my @strays = grep { /ERROR|FATAL|PANIC/ && !/is already booked|could not serialize|deadlock|lock timeout|current transaction is aborted|violates foreign key|prepared transaction .* does not exist|is not present|savepoint "s" does not exist/ } map { split /\n/ } @errors;
	is(join("\n", @strays), '', "$name: no other error than conflicts");
	return;
}

# A standby follows from here on.
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', "hot_standby_feedback = on\nmax_standby_streaming_delay = -1\n");
$standby->start;

my @scripts;
for my $session (1 .. $sessions) { push @scripts, join "\n", map { any_transaction($session) } 1 .. $transactions }
my $standby_script = join "\n", map { my $level = int rand 2 ? 'REPEATABLE READ' : 'READ COMMITTED'; join ' ', "BEGIN ISOLATION LEVEL $level;", any_compare(), any_compare(), 'COMMIT;' } 1 .. $transactions;
my ($runs, $output, $errors) = run_sessions($node, 'session', @scripts);
my ($standby_runs, $standby_output, $standby_errors) = run_sessions($standby, 'standby', $standby_script);
$_->finish for @$runs, @$standby_runs;
check_output('sessions', $sessions * $transactions, @$output);
no_strays('sessions', @$errors);
check_output('a standby meanwhile', 2 * $transactions, @$standby_output);
no_strays('a standby', @$standby_errors);
is($node->safe_psql('postgres', q(SELECT * FROM availability.verify('reservations'))), '', 'verify finds nothing');
is($node->safe_psql('postgres', q(SELECT count(*) FROM pg_prepared_xacts)), '0', 'nothing is left prepared');

# The standby has what the primary has.
my @questions = map { any_compare() } 1 .. 20;
$node->wait_for_catchup($standby, 'replay', $node->lsn('write'));
check_output('the standby once it has caught up', 20, $standby->safe_psql('postgres', join ' ', @questions));
is($standby->safe_psql('postgres', q(SELECT count(*) FROM availability.verify('reservations'))), '0', 'verify on the standby finds nothing');
my (undef, undef, $refused) = $standby->psql('postgres', q(SELECT availability.fold('reservations')));
like($refused, qr/recovery|read-only/, 'a standby does not fold');

# A dump amid it all: with rows in the delta.
$node->safe_psql('postgres', q(SELECT availability.fold('reservations'); DELETE FROM reservations WHERE id % 2 = 0));
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM reservations_delta'), '>', 3, 'the delta has rows');
for my $how ([ 'plain', '--format=plain' ], [ 'custom', '--format=custom' ])
{
	my ($name, $format) = @$how;
	$node->safe_psql('postgres', "CREATE DATABASE $name");
	command_ok([ 'pg_dump', $format, '-f', "$directory/$name", $node->connstr('postgres') ], "pg_dump, $name");
	command_ok($name eq 'plain' ? [ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', "$directory/$name", $node->connstr($name) ]
		: [ 'pg_restore', '-e', '-d', $node->connstr($name), "$directory/$name" ], 'it is restored');
	check_output("restored, $name", 20, $node->safe_psql($name, join ' ', @questions));
	is($node->safe_psql($name, q(SELECT count(*) FROM availability.verify('reservations'))), '0', 'verify finds nothing');
	is($node->safe_psql($name, q(INSERT INTO homes VALUES (1000); SELECT ordinal > 60 AND ordinal NOT IN (SELECT ordinal FROM reservations_calendar WHERE listing_id <> 1000) FROM reservations_calendar WHERE listing_id = 1000)),
		't', 'ordinals go on');
	cmp_ok($node->safe_psql($name, q(SELECT availability.fold('reservations'))), '>', 3, 'it folds');
	check_output("restored and folded, $name", 20, $node->safe_psql($name, join ' ', @questions));
	$node->safe_psql('postgres', "DROP DATABASE $name");
}

# Killed amid bookings and folds.
$standby->stop;
for my $round (1 .. 2)
{
	my @killed = map { my $session = $_; join "\n", map { any_transaction("9$round$session") } 1 .. $transactions } 1 .. $sessions;
	($runs, $output, $errors) = run_sessions($node, "killed$round", @killed);
	$node->poll_query_until('postgres', sprintf 'SELECT max(id) > %d FROM reservations', $node->safe_psql('postgres', 'SELECT max(id) FROM reservations') + 15 * $round);
	$node->stop('immediate');
	$_->finish for @$runs;
	check_output("until a crash, $round", 1, @$output);
	$node->start;
	$node->safe_psql('postgres', $_) for split /\n/, $node->safe_psql('postgres', q(SELECT format('ROLLBACK PREPARED %L', gid) FROM pg_prepared_xacts));
	check_output("after a crash, $round", 20, $node->safe_psql('postgres', join ' ', @questions));
	is($node->safe_psql('postgres', q(SELECT count(*) FROM availability.verify('reservations'))), '0', 'verify finds nothing');
	$node->safe_psql('postgres', q(SELECT availability.fold('reservations')));
	check_output("folded after a crash, $round", 20, $node->safe_psql('postgres', join ' ', @questions));
}

$node->stop;
done_testing();
