# Many sessions on few listings: books, cancels, moves, savepoints and statements of many rows, on listings that are bigint, uuid
# and text, with day rows and without. No two active reservations share a day, losers get 23505 and nobody
# deadlocks, and a reader of the events, whose stream is cut and repeated, has the calendars.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Availability;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $sessions = 32;
# Each session's: a number, not a time, so that a busy machine does the same work.
my $transactions = $ENV{AVAILABILITY_STRESS_TRANSACTIONS} || 150;

my $node = logical_node('stress', extra => [ '--no-sync' ]);
$node->append_conf('postgresql.conf', "max_connections = 100\nlog_statement = none\nlog_min_error_statement = panic\nlog_min_messages = fatal\n");
$node->restart;
my $directory = PostgreSQL::Test::Utils::tempdir;

# One transaction is one call of act(), which writes what became of it. Each but 'many' books on one listing at a time
# (a move locks two, in order), so that none may deadlock.
my $setup = q{
	CREATE SCHEMA SCHEMA;
	SET search_path = SCHEMA;
	CREATE TABLE listings (id KEY_TYPE PRIMARY KEY, n int UNIQUE);
	INSERT INTO listings SELECT KEY_OF_N, n FROM generate_series(1, 20) AS n;
	CREATE TABLE reservations (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id KEY_TYPE NOT NULL REFERENCES listings, stay daterange, status text DEFAULT 'confirmed');
	SELECT availability.track('reservations', active => $$status = 'confirmed'$$, day_rows => DAY_ROWS);
	CREATE TABLE outcomes (act text, state text);
	CREATE FUNCTION any_listing() RETURNS KEY_TYPE LANGUAGE sql VOLATILE SET search_path = SCHEMA AS
		'SELECT id FROM (SELECT 1 + floor(random() * 20)::int AS pick OFFSET 0) AS p JOIN listings ON n = pick';
	CREATE FUNCTION any_stay() RETURNS daterange LANGUAGE sql VOLATILE AS
		$$SELECT daterange(d, d + 1 + floor(random() * 7)::int) FROM (SELECT date '2027-01-01' + floor(random() * 120)::int AS d OFFSET 0) AS s$$;
	CREATE FUNCTION any_reservation(wanted text) RETURNS bigint LANGUAGE sql VOLATILE SET search_path = SCHEMA AS
		'SELECT id FROM reservations WHERE status = wanted ORDER BY random() LIMIT 1';
	CREATE FUNCTION act(n int) RETURNS void LANGUAGE plpgsql SET search_path = SCHEMA AS $act$
	DECLARE
		act text;
		state text := 'done';
		listing KEY_TYPE := any_listing();
	BEGIN
		BEGIN
			IF n < 40 THEN
				act := 'book';
				INSERT INTO reservations (listing_id, stay) VALUES (listing, any_stay());
			ELSIF n < 58 THEN
				act := 'cancel';
				UPDATE reservations SET status = 'cancelled' WHERE id = (SELECT any_reservation('confirmed'));
			ELSIF n < 70 THEN
				act := 'move';
				UPDATE reservations SET listing_id = listing, stay = any_stay() WHERE id = (SELECT any_reservation('confirmed'));
			ELSIF n < 78 THEN
				act := 'shift';
				UPDATE reservations SET stay = any_stay() WHERE id = (SELECT any_reservation('confirmed'));
			ELSIF n < 84 THEN
				act := 'delete';
				DELETE FROM reservations WHERE id = (SELECT any_reservation('confirmed'));
			ELSIF n < 89 THEN
				act := 'reactivate';
				UPDATE reservations SET status = 'confirmed' WHERE id = (SELECT any_reservation('cancelled'));
			ELSIF n < 95 THEN
				act := 'savepoint';
				BEGIN
					INSERT INTO reservations (listing_id, stay) VALUES (listing, any_stay());
					RAISE SQLSTATE 'UNDO0';
				EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
					INSERT INTO reservations (listing_id, stay) VALUES (listing, any_stay());
				END;
			ELSE
				act := 'many';
				INSERT INTO reservations (listing_id, stay) SELECT listing, any_stay() FROM generate_series(1, 2 + n % 3);
			END IF;
		EXCEPTION WHEN others THEN
			state := SQLSTATE;
		END;
		INSERT INTO outcomes VALUES (act, state);
	END $act$
};

# Applies each event whose version is newer than what is known of its listing. The stream is taken in three parts, each of
# which begins some events before the last one ended, and is read once more at the end: all that changes nothing.
sub calendars_from_events
{
	my @events = map { JSON::PP::decode_json($_) } split /\n/, shift;
	my (%version, %booked);
	my $third = int(@events / 3);
	my @parts = ([ 0, $third ], [ $third - 10, 2 * $third ], [ 2 * $third - 10, $#events ], [ 0, $#events ]);
	for my $part (@parts)
	{
		for my $event (@events[ ($part->[0] < 0 ? 0 : $part->[0]) .. $part->[1] ])
		{
			my $listing = $event->{listing};
			next if defined $version{$listing} && $version{$listing} >= $event->{version};
			@version{$listing} = $event->{version};
			$booked{$listing} = $event->{booked};
		}
	}
	return (\@events, { map { $_ => [ "$version{$_}", $booked{$_} ] } keys %version });
}

for my $case ([ 'bigint', 'n::bigint', 'true' ], [ 'uuid', 'md5(n::text)::uuid', 'true' ], [ 'text', q('house ' || n), 'false' ])
{
	my ($type, $key_of_n, $day_rows) = @$case;
	my $name = "listings of type $type, " . ($day_rows eq 'true' ? 'with day rows' : 'without day rows');
	my $schema = "stress_$type";
	my $sql = $setup;
	$sql =~ s/\bSCHEMA SCHEMA\b/SCHEMA $schema/;
	$sql =~ s/= SCHEMA\b/= $schema/g;
	$sql =~ s/KEY_TYPE/$type/g;
	$sql =~ s/KEY_OF_N/$key_of_n/;
	$sql =~ s/DAY_ROWS/$day_rows/;
	$node->safe_psql('postgres', "SELECT pg_create_logical_replication_slot('cache', 'availability_decoder')");
	$node->safe_psql('postgres', $sql);

	my $script = "$directory/$schema";
	append_to_file($script, "\\set n random(0, 99)\nSELECT $schema.act(:n);\n");
	$node->command_ok(
		[ 'pgbench', '-n', '-c', $sessions, '-j', '2', '-t', $transactions, '-f', $script, $node->connstr('postgres') ],
		"$name: $sessions sessions run");

	my %outcome = map { split /\|/ } split /\n/, $node->safe_psql('postgres', "SELECT state, count(*) FROM $schema.outcomes GROUP BY state");
	cmp_ok($outcome{done} // 0, '>', 500, "$name: many succeed");
	cmp_ok($outcome{23505} // 0, '>', 100, "$name: many lose");
	delete @outcome{ 'done', '23505' };
	is_deeply(\%outcome, {}, "$name: and nobody is told anything but 23505");
	is($node->safe_psql('postgres', qq{
			SELECT count(*) FROM (SELECT listing_id, d, count(*) FROM $schema.reservations, generate_series(lower(stay), upper(stay) - 1, '1 day') AS d
				WHERE status = 'confirmed' GROUP BY listing_id, d HAVING count(*) > 1) AS shared}),
		'0', "$name: no day is shared");
	is($node->safe_psql('postgres', "SELECT * FROM availability.verify('$schema.reservations')"), '', "$name: verify finds nothing");

	my ($events, $calendars) = calendars_from_events(peek_events($node, 'cache'));
	is_deeply($calendars,
		{ map { $_->[0] => [ $_->[1], JSON::PP::decode_json($_->[2]) ] } map { [ split /\|/ ] }
			split /\n/, $node->safe_psql('postgres', "SELECT listing_id, version, booked::jsonb FROM $schema.reservations_calendar") },
		"$name: the events give the calendars and their versions");
	my @names = map { my ($high, $low) = split m{/}, $_->{lsn}; sprintf '%08s%08s %08d', $high, $low, $_->{seq} } @$events;
	is_deeply(\@names, [ sort @names ], "$name: events come in the order of (lsn, seq)");
	my %seen;
	is(scalar(grep { $seen{$_}++ } @names), 0, "$name: which names each");
	my %last;
	is(scalar(grep { my $before = $last{ $_->{listing} } // 0; $last{ $_->{listing} } = $_->{version}; $before >= $_->{version} } @$events), 0,
		"$name: versions grow");

	$node->safe_psql('postgres', "SELECT pg_drop_replication_slot('cache'); SELECT availability.untrack('$schema.reservations')");
}
is($node->safe_psql('postgres', q(SELECT deadlocks FROM pg_stat_database WHERE datname = 'postgres')), '0', 'no deadlock was counted');

$node->stop;
done_testing();
