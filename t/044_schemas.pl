# Random schemas × random legal statements: whatever the types, partitions, foreign keys, triggers and policies are, no statement
# answers with what it may not, and after each batch of transactions no two reservations share a day, the calendars are what the
# reservations and holds say, and verify finds nothing.
#
# SEED and SCHEMAS choose what is tried; both are printed. A failure prints the seed of its schema, the schema and what was run since:
# SEED=that SCHEMAS=1 does it again. The judges know nothing of the extension's: they read the table by its own expressions.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Availability;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RandomSchema;
use RandomStatements;
use Test::More;

my $schemas = $ENV{SCHEMAS} || 25;
# The same tries in every run of make check; SEED=random hunts.
my $seed = $ENV{SEED} || 1;
$seed = 1 + int rand 1_000_000_000 if $seed eq 'random';
my $batches = $ENV{BATCHES} || 40;
note "SEED=$seed SCHEMAS=$schemas BATCHES=$batches";

# Freed memory is overwritten, so that what is used after it is noticed.
local $ENV{MALLOC_PERTURB_} = 165;
my $node = logical_node('schemas', extra => ['--no-sync']);
# One statement runs at a time: what does not get its lock at once never does.
$node->append_conf('postgresql.conf', join "\n", 'restart_after_crash = off', 'fsync = off', 'autovacuum = off', 'log_min_messages = panic',
	'log_min_error_statement = panic', 'log_statement = none', 'lock_timeout = 5ms', 'max_stack_depth = 300kB', '');
$node->restart;
$node->safe_psql('postgres', q{CREATE ROLE owner LOGIN; CREATE ROLE booker LOGIN; GRANT pg_read_server_files TO owner, booker; GRANT CREATE ON DATABASE postgres TO owner});
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
my $directory = PostgreSQL::Test::Utils::tempdir();
chmod 0755, $directory;

# A session that stays, with its caches.
sub open_session
{
	my ($name, $role) = @_;
	# The timeout of one answer: each begins it anew.
	my $session = { name => $name, role => $role, in => '', out => '', err => '', count => 0, open => 0, timeout => IPC::Run::timeout(300) };
	$session->{run} = IPC::Run::start(
		[ 'psql', '-XAtq', '-d', $node->connstr('postgres') . " user=$role", '-v', 'VERBOSITY=verbose', '-v', 'ON_ERROR_STOP=0' ],
		'<', \$session->{in}, '>', \$session->{out}, '2>', \$session->{err}, $session->{timeout});
	ask($session, 'SET client_min_messages = error; SET search_path = tried, pg_catalog');
	return $session;
}

# Runs a statement; its SQLSTATE, message and output. Dies if the session ends.
sub ask
{
	my ($session, $sql) = @_;
	my $mark = 'mark ' . ++$session->{count};
	$session->{out} = $session->{err} = '';
	$session->{timeout}->start;
	$session->{in} .= "$sql;\n\\echo $mark\n\\warn $mark\n";
	until ($session->{out} =~ /^$mark$/m && $session->{err} =~ /^$mark$/m)
	{
		my $lives = eval { $session->{run}->pump; 1 };
		die "session $session->{name} ended: $session->{err} $@\n" if !$lives || $session->{err} =~ /terminated|closed the connection|connection to server was lost/;
	}
	my ($state, $message) = $session->{err} =~ /^(?:psql:.*?)?(?:ERROR|FATAL|PANIC):  (\w{5}): (.*)/m;
	return ($state // '00000', $session->{err} =~ s/^$mark\n//mr, $session->{out} =~ s/^$mark\n//mr);
}

my ($super, @sessions) = (open_session('judge', $superuser), open_session('A', 'owner'), open_session('B', 'owner'), open_session('C', 'booker'));
my (@log, @failures, %states);
my $statements = 0;

# Runs a statement of the schema's; whether it succeeded. Dies with an answer that is not among the legal ones.
sub try
{
	my ($session, $sql, @legal) = @_;
	push @log, "$session->{name}: $sql;";
	my ($state, $message, $out) = ask($session, $sql);
	$statements++;
	$states{$state}++;
	$log[-1] .= "  -- $state" if $state ne '00000';
	die "$state is not legal here: $message" if !grep { $_ eq $state } '00000', @legal;
	return ($state, $message, $out);
}

# What the judges read: claims of the table, and holds.
sub claims
{
	my ($schema, $holds) = @_;
	return "
		SELECT c.listing, c.key, c.stay * daterange(t.since, NULL) AS stay
		FROM availability.tracked t,
			(SELECT $schema->{listing} AS listing, id AS key, CASE WHEN $schema->{active} THEN $schema->{stay} END AS stay FROM reservations
			UNION ALL SELECT listing_id, NULL, stay FROM $holds) AS c
		WHERE t.reservations = 'reservations'::regclass AND c.listing IS NOT NULL AND NOT isempty(c.stay * daterange(t.since, NULL))";
}

sub judges
{
	my ($schema) = @_;
	my $claims = claims($schema, 'reservations_hold');
	my $days = "SELECT listing AS listing_id, day::date, key AS reservation_id FROM claims, generate_series(lower(stay), upper(stay) - 1, '1 day') AS day";
	my @judges = (
		"SELECT 'overlap', a, b FROM (SELECT *, row_number() OVER () AS i FROM claims) a, (SELECT *, row_number() OVER () AS i FROM claims) b
		WHERE a.i < b.i AND a.listing = b.listing AND a.stay && b.stay",
		"SELECT 'calendar', listing_id, c.booked, s.booked FROM reservations_calendar c FULL JOIN
			(SELECT listing AS listing_id, range_agg(stay) AS booked FROM claims GROUP BY 1) s USING (listing_id)
		WHERE c.booked IS NULL OR c.booked::datemultirange <> coalesce(s.booked, '{}')");
	push @judges, "SELECT 'listing', id FROM listings FULL JOIN reservations_calendar c ON id = listing_id
		WHERE listing_id IS NULL OR id IS NULL AND availability.is_empty(booked)" if $schema->{listings};
	my $rows = 'SELECT listing_id, day, reservation_id FROM reservations_day';
	my $days_judge = "SELECT 'day', d FROM ((TABLE days EXCEPT ALL $rows) UNION ALL ($rows EXCEPT ALL TABLE days)) d";
	my $verify = q{SELECT 'verify', v FROM availability.verify('reservations') AS v};
	my $head = "WITH claims AS MATERIALIZED ($claims), days AS ($days)";
	return (join('; ', (map { "$head $_" } @judges), $verify), "$head $days_judge");
}

sub judge
{
	my ($schema) = @_;
	my ($always, $days) = @{ $schema->{judges} };
	my ($state, $message, $found) = ask($super, $always);
	die "the judges fail: $message" if $state ne '00000';
	($state, $message, my $others) = ask($super, $days) if (ask($super, q{SELECT to_regclass('reservations_day')}))[2] =~ /\S/;
	die "the judges fail: $message" if $state ne '00000';
	$found .= $others // '';
	die "found:\n$found" if $found =~ /\S/;
	return;
}

# A booking of one stay, outside of a transaction and with no note that a trigger acts on, is refused for days that are taken: by a reservation or
# a hold that is committed and has not expired. (It would wait for one that is not committed.)
my $refusals = 0;

sub judge_refusal
{
	my ($schema, $statement) = @_;
	return if $schema->{listing} ne 'listing_id' || $statement =~ /'(later|elsewhere|annex|own|gone|others|bulk|again|skipped|stays)'/;
	my ($columns, $values) = $statement =~ /^INSERT INTO reservations \((.*?)\) VALUES (\((?:[^()]|\([^()]*\))*\))$/;
	my $stay = { range => 'stay::daterange', turnover => 'daterange(check_in::date, check_out::date + 1)' }->{ $schema->{stay_form} } // 'daterange(check_in::date, check_out::date)';
	my $wanted = defined $columns ? "SELECT listing_id::$schema->{listing_type} AS listing, $stay AS stay FROM (VALUES $values) AS v ($columns)"
	  : $statement =~ /availability\.(book|hold)\('reservations', (\S+), '\[(.*?),(.*?)\)'/
	  # What book writes into the columns has a turnover day; a hold has the days that it is told.
	  ? "SELECT $2::$schema->{listing_type} AS listing, daterange('$3', '$4'::date + " . ($1 eq 'book' && $schema->{stay_form} eq 'turnover' ? 1 : 0) . ') AS stay' : return;
	my ($state, $message, $found) = ask($super, 'WITH claims AS (' . claims($schema, '(SELECT * FROM reservations_hold WHERE expires_at > now()) AS h') . "), wanted AS ($wanted)
		SELECT 'taken' FROM claims c, wanted w WHERE c.listing = w.listing AND c.stay && w.stay LIMIT 1");
	die "the judge of refusals fails: $message" if $state ne '00000';
	die "no day of it is taken: $statement" if $found !~ /taken/;
	$refusals++;
	return;
}

# Some of the sessions, their statements in turns, each in a transaction or not; then all have ended.
sub batch
{
	my ($schema) = @_;
	my @legal = legal_states($schema);
	my @others = @sessions;
	my @taking_part = map { splice @others, int(rand @others), 1 } 1 .. pick(1, 2, 3, 3);
	for my $session (@taking_part)
	{
		$session->{level} = '';
		next if chance(0.3);
		$session->{level} = pick('', '', ' ISOLATION LEVEL REPEATABLE READ', ' ISOLATION LEVEL SERIALIZABLE');
		try($session, "BEGIN$session->{level}");
		try($session, 'SET CONSTRAINTS ALL ' . pick('DEFERRED', 'IMMEDIATE')) if chance(0.2);
		$session->{open} = 1;
		$session->{savepoints} = 0;
	}
	for (1 .. 3 + int rand 8)
	{
		my $session = pick(@taking_part);
		my $in_transaction = $session->{open};
		if ($in_transaction && chance(0.15))
		{
			my $way = pick('SAVEPOINT', 'SAVEPOINT', $session->{savepoints} ? ('ROLLBACK TO', 'RELEASE') : ());
			$session->{savepoints} = $way eq 'RELEASE' ? 0 : 1;
			try($session, "$way s");
			next;
		}
		my $guarded = $in_transaction && chance(0.7);
		try($session, 'SAVEPOINT guard') if $guarded;
		my ($statement, @own) = random_statement($schema, $session->{role});
		my ($state, $message, $out) = try($session, $statement, @legal, @own, $session->{level} ? '40001' : ());
		push @{ $schema->{holds} }, $1 if $out =~ /^hold (\S+)$/m;
		judge_refusal($schema, $statement) if !$in_transaction && $message =~ /is already booked/;
		judge($schema) if !$in_transaction && @taking_part == 1;
		next if $state eq '00000' || !$in_transaction;
		try($session, $guarded ? 'ROLLBACK TO guard' : 'ROLLBACK');
		$session->{open} = $guarded;
	}
	for my $session (grep { $_->{open} } @taking_part)
	{
		$session->{open} = 0;
		my $prepare = chance(0.1);
		try($session, chance(0.2) ? 'ROLLBACK' : $prepare ? q{PREPARE TRANSACTION 'prepared'} : 'COMMIT', @legal, @{ $schema->{odd} }, $session->{level} ? '40001' : ());
		try($session, pick('COMMIT', 'COMMIT', 'ROLLBACK') . q{ PREPARED 'prepared'}) if $log[-1] =~ /PREPARE TRANSACTION 'prepared';$/;
	}
	judge($schema);
	return;
}

# What a consumer has at the end is what the calendars are, and versions have grown in between.
sub judge_events
{
	my ($state, $message, $found) = ask($super, q{
		WITH events AS MATERIALIZED (
				SELECT row_number() OVER () AS i, e->>'listing' AS listing, e->>'event' AS event, e->'booked' AS booked, (e->>'version')::bigint AS version
				FROM (SELECT data::jsonb AS e FROM pg_logical_slot_get_changes('tried', NULL, NULL, 'tables', 'tried.reservations_calendar')) AS changes),
			told AS (SELECT DISTINCT ON (listing) * FROM events ORDER BY listing, i DESC)
		SELECT 'event', told.*, c.version, c.booked FROM (SELECT * FROM told WHERE event <> 'dropped') told FULL JOIN reservations_calendar c ON c.listing_id::text = listing
		WHERE CASE WHEN listing IS NULL THEN c.change <> 'reset' ELSE (c.version = told.version AND c.booked::jsonb = told.booked) IS NOT TRUE END
		UNION ALL
		SELECT 'version', e.i, e.listing, e.event, e.booked, e.version, before, NULL FROM (SELECT *, lag(version) OVER (PARTITION BY listing ORDER BY i) AS before FROM events) e WHERE version <= before});
	die "the judge of events fails: $message" if $state ne '00000';
	die "found:\n$found" if $found =~ /\S/;
	return;
}

sub try_schema
{
	my ($its_seed) = @_;
	srand($its_seed);
	@log = ();
	ask($super, q{SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots});
	my ($state, $message) = ask($super, q{DO $$BEGIN IF to_regnamespace('tried') IS NOT NULL THEN
		IF EXISTS (SELECT FROM availability.tracked) THEN PERFORM availability.untrack(reservations) FROM availability.tracked; END IF; DROP SCHEMA tried CASCADE; END IF; END$$});
	die "an earlier schema stays: $message" if $state ne '00000';
	my $schema = random_schema();
	$schema->{directory} = $directory;
	$schema->{numbers} = 1;
	$schema->{horizon} = $schema->{since} ? 4 : 1;
	$schema->{holds} = [];
	$schema->{odd} = [];
	try($sessions[0], $_) for 'CREATE SCHEMA tried', 'GRANT USAGE ON SCHEMA tried TO booker', @{ $schema->{sql} };
	$schema->{judges} = [ judges($schema) ];
	ask($super, q{SELECT pg_create_logical_replication_slot('tried', 'availability_decoder')});
	batch($schema) for 1 .. $batches;
	judge_events();
	return;
}

for my $its_seed ($seed .. $seed + $schemas - 1)
{
	next if eval { try_schema($its_seed); 1 };
	push @failures, "SEED=$its_seed SCHEMAS=1 BATCHES=$batches: $@" . join("\n", '', @log);
	diag($failures[-1]);
	last if @failures == ($ENV{FAILURES} || 3);
	# A transaction may be open, or the session gone.
	last if !eval { ask($_, 'ROLLBACK') for @sessions; $_->{open} = 0 for @sessions; 1 };
	ask($super, q{ROLLBACK PREPARED 'prepared'});
}

is(scalar(@failures), 0, "no failure in $schemas schemas from SEED=$seed");
note "$statements statements; answers by SQLSTATE: " . join ', ', map { "$_ $states{$_}" } sort keys %states;
# One schema may be an odd one.
if ($schemas >= 10)
{
	cmp_ok($states{'00000'} // 0, '>', $statements * 0.5, 'most statements are done');
	cmp_ok($states{'23505'} // 0, '>', $statements * 0.01, 'days are taken');
	cmp_ok($refusals, '>', 0, "refusals were justified, $refusals of them");
}
ok($node->safe_psql('postgres', 'SELECT true'), 'the server lives');
$node->stop;
done_testing();
