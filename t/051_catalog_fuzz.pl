# The owner of a tracked table alters its companions at random, in every way that DDL has, while others book, hold, delete, verify
# and repair: no crash, no internal error, none of the owner's code run as somebody else, other tables undisturbed.
#
# AVAILABILITY_FUZZ_MUTATIONS sets how many alterations, AVAILABILITY_FUZZ_SEED the order of chance; both are printed.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Availability;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $mutations = $ENV{AVAILABILITY_FUZZ_MUTATIONS} || 2000;
my $seed = $ENV{AVAILABILITY_FUZZ_SEED} || int(rand(1_000_000));
note "AVAILABILITY_FUZZ_SEED=$seed AVAILABILITY_FUZZ_MUTATIONS=$mutations";
srand($seed);

# Freed memory is overwritten, so that what is used after it is noticed.
local $ENV{MALLOC_PERTURB_} = 165;
my $node = logical_node('catalog', extra => ['--no-sync']);
$node->append_conf('postgresql.conf', join "\n", 'restart_after_crash = off', 'fsync = off', 'log_min_messages = panic', 'log_min_error_statement = panic',
	'log_statement = none', 'autovacuum = off', '');
$node->restart;
my $superuser = $node->safe_psql('postgres', q{
	CREATE ROLE owner LOGIN;
	CREATE ROLE heir LOGIN;
	GRANT heir TO owner;
	CREATE ROLE booker LOGIN;
	CREATE ROLE nobody LOGIN;
	CREATE ROLE victim LOGIN;
	CREATE SCHEMA elsewhere;
	GRANT ALL ON SCHEMA elsewhere TO owner, heir;
	CREATE SCHEMA good AUTHORIZATION victim;
	GRANT USAGE ON SCHEMA good TO PUBLIC;
	SET ROLE victim;
	CREATE TABLE good.listings (id int PRIMARY KEY);
	CREATE TABLE good.t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int REFERENCES good.listings, stay daterange);
	SELECT availability.track('good.t');
	INSERT INTO good.listings SELECT generate_series(1, 9);
	GRANT ALL ON good.t, good.listings TO booker;
	RESET ROLE;
	-- Counts what ran as whom, beyond the end of a transaction that failed.
	CREATE SEQUENCE public.stolen;
	GRANT ALL ON SEQUENCE public.stolen TO PUBLIC;
	CREATE SEQUENCE public.owned;
	GRANT ALL ON SEQUENCE public.owned TO PUBLIC;
	SELECT current_user});
$superuser = (split /\n/, $superuser)[-1];

# A session that stays, with its caches.
sub open_session
{
	my ($role) = @_;
	my $session = { role => $role, in => '', out => '', err => '', count => 0 };
	$session->{run} = IPC::Run::start(
		[ 'psql', '-XAtq', '-d', $node->connstr('postgres') . " user=$role", '-v', 'VERBOSITY=verbose', '-v', 'ON_ERROR_STOP=0' ],
		'<', \$session->{in}, '>', \$session->{out}, '2>', \$session->{err}, IPC::Run::timeout(600));
	ask($session, q{SET client_min_messages = error; SET statement_timeout = '20s'; SET lock_timeout = '10s'; SET search_path = shop, pg_catalog});
	return $session;
}

# Runs statements; the SQLSTATE of the last error or 00000, the message and the output. Dies if the session ends.
sub ask
{
	my ($session, $sql) = @_;
	my $mark = 'mark ' . ++$session->{count};
	$session->{out} = $session->{err} = '';
	$session->{in} .= "$sql;\n\\echo $mark\n\\warn $mark\n";
	until ($session->{out} =~ /^$mark$/m && $session->{err} =~ /^$mark$/m)
	{
		my $lives = eval { $session->{run}->pump; 1 };
		die "session of $session->{role} ended: $session->{err}\nafter: $sql\n" if !$lives || ($session->{err} =~ /terminated|closed the connection|connection to server was lost/);
	}
	my ($state, $message) = $session->{err} =~ /^(?:psql:.*?)?(?:ERROR|FATAL|PANIC):  (\w{5}): (.*)/m;
	return ($state || '00000', $message || '', $session->{out} =~ s/^$mark\n//mr);
}

sub pick { return $_[ int rand @_ ]; }
sub chance { return rand() < $_[0]; }

my $fresh = 0;
my %listing_type = (t => 'int', u => 'text');

# New tables of the owner, tracked; of earlier ones nothing is left.
sub set_up
{
	my ($super, $owner) = @_;
	my @parts = (
		q{SELECT availability.untrack('shop.t')}, q{SELECT availability.untrack('shop.u')}, 'DROP SCHEMA shop, elsewhere CASCADE',
		'DELETE FROM availability.tracked WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = reservations)',
		'CREATE SCHEMA shop AUTHORIZATION owner; GRANT USAGE ON SCHEMA shop TO PUBLIC; CREATE SCHEMA elsewhere; GRANT ALL ON SCHEMA elsewhere TO owner, heir; GRANT ALL ON SCHEMA shop TO heir');
	ask($super, $_) for @parts;
	my ($state, $message) = ask($owner, q{
		CREATE FUNCTION shop.note() RETURNS boolean LANGUAGE plpgsql AS $$
		BEGIN
			PERFORM nextval(CASE WHEN current_user IN ('owner', 'heir') THEN 'public.owned' ELSE 'public.stolen' END);
			RETURN true;
		END $$;
		CREATE FUNCTION shop.noted(value anyelement) RETURNS anyelement LANGUAGE plpgsql IMMUTABLE AS $$BEGIN PERFORM shop.note(); RETURN value; END$$;
		CREATE FUNCTION shop.pass() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM shop.note(); RETURN coalesce(NEW, OLD); END$$;
		CREATE FUNCTION shop.skip() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM shop.note(); RETURN NULL; END$$;
		CREATE FUNCTION shop.refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM shop.note(); RAISE 'refused'; END$$;
		CREATE FUNCTION shop.alter() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			PERFORM shop.note();
			IF random() < 0.5 THEN
				EXECUTE format('ALTER TABLE shop.%I %s', (ARRAY['t_calendar', 't_day', 't_hold', 't_request'])[1 + floor(random() * 4)],
					(ARRAY['ADD sudden int', 'DROP IF EXISTS stay CASCADE', 'ALTER listing_id TYPE text', 'RENAME listing_id TO other', 'ADD CHECK (true)'])[1 + floor(random() * 5)]);
			ELSE
				EXECUTE format('CREATE INDEX ON shop.%I (listing_id)', (ARRAY['t_calendar', 't_day'])[1 + floor(random() * 2)]);
			END IF;
			RETURN coalesce(NEW, OLD);
		END $$;
		CREATE FUNCTION shop.empty() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM shop.note(); DELETE FROM shop.t_calendar; DELETE FROM shop.t_day; RETURN coalesce(NEW, OLD); END$$;
		CREATE FUNCTION shop.change() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM shop.note(); NEW.listing_id := 7; RETURN NEW; END$$;
		CREATE DOMAIN shop.checked AS int CHECK (shop.note());
		CREATE TYPE shop.pair AS (a int, b text);
		CREATE TYPE shop.mood AS ENUM ('glad', 'sad');
		CREATE COLLATION shop.another FROM "C";
		CREATE TABLE shop.listings (id int PRIMARY KEY);
		CREATE TABLE shop.other (id int PRIMARY KEY, day date, t text UNIQUE);
		INSERT INTO shop.other SELECT n, date '2027-01-01' + n, n::text FROM generate_series(1, 9) AS n;
		CREATE TABLE shop.t (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, listing_id int REFERENCES shop.listings ON DELETE CASCADE, stay daterange, status text DEFAULT 'on');
		CREATE TABLE shop.u (id text DEFAULT gen_random_uuid() PRIMARY KEY, listing_id text, stay daterange);
		INSERT INTO shop.listings SELECT generate_series(1, 9);
		SELECT availability.track('shop.t', active => $$status = 'on'$$);
		SELECT availability.track('shop.u', day_rows => random() < 0.7);
		SELECT availability.index_sets('shop.t');
		GRANT SELECT ON shop.t_calendar TO booker;
		INSERT INTO shop.t (listing_id, stay) SELECT n, daterange(date '2027-01-01', date '2027-01-01' + n) FROM generate_series(1, 9) AS n;
		INSERT INTO shop.u (listing_id, stay) SELECT n, daterange(date '2027-01-01', date '2027-01-01' + n) FROM generate_series(1, 9) AS n;
		GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON shop.t, shop.u, shop.listings TO booker});
	die "set-up failed: $state $message" if $state ne '00000';
	$fresh++;
	return;
}

my @types = ('int', 'bigint', 'smallint', 'text', 'varchar', 'varchar(2)', 'char(1)', 'name', 'uuid', 'bytea', 'date', 'timestamp', 'timestamptz', 'daterange', 'tsrange', 'int4range', 'datemultirange', 'numeric',
	'boolean', 'float8', 'jsonb', 'xml', 'oid', 'regclass', '"char"', 'text COLLATE "C"', 'text COLLATE shop.another', 'shop.checked', 'shop.pair', 'shop.mood', 'int[]', 'availability.dayset', 'interval', 'cstring');
my %columns = (
	calendar => [qw(listing_id ordinal booked version change reservation_id stay was)],
	day => [qw(listing_id day reservation_id)],
	hold => [qw(hold_id listing_id stay expires_at)],
	request => [qw(key request reservation_id version expires_at)],
	set => [qw(day block listings)],
	delta => [qw(version ordinal booked)]);

# One alteration, as SQL of the owner.
sub mutation
{
	my $base = pick(qw(t t t u u));
	my $kind = $base eq 't' && chance(0.2) ? pick(qw(set delta)) : pick(qw(calendar calendar calendar day day day hold hold request));
	my $table = "${base}_$kind";
	my @own = @{ $columns{$kind} };
	my $column = pick(@own);
	my $other = pick(@own, 'extra');
	my $type = pick(@types);
	my $function = pick(qw(pass pass skip refuse alter empty change));
	my $n = int rand 1000;
	my $cascade = $kind eq 'calendar' && chance(0.7) ? "DROP VIEW IF EXISTS ${base}_month, ${base}_open; " : '';
	my $using = pick('', '', " USING NULL::$type", " USING NULL", " USING 4242");
	my @ways = (
		sub { "ALTER TABLE $table ADD c$n $type" },
		sub { "ALTER TABLE $table ADD extra " . pick('int DEFAULT shop.noted(1) NOT NULL', 'int GENERATED ALWAYS AS IDENTITY', "bigint", 'int GENERATED ALWAYS AS (shop.noted(1)) STORED', 'shop.checked', 'text DEFAULT repeat(\'x\', 9000)') },
		sub { "ALTER TABLE $table DROP $column" . pick('', ' CASCADE', ' CASCADE') },
		sub { "ALTER TABLE $table DROP $column CASCADE, ADD $column $type" },
		sub { "$cascade ALTER TABLE $table ALTER $column TYPE $type$using" },
		sub { "$cascade ALTER TABLE $table ALTER $column TYPE $type$using" },
		sub { "ALTER TABLE $table RENAME $column TO " . pick("c$n", $other) },
		sub { "BEGIN; ALTER TABLE $table RENAME $column TO swapped; ALTER TABLE $table RENAME $other TO $column; ALTER TABLE $table RENAME swapped TO $other; COMMIT" },
		sub { "ALTER TABLE $table ALTER $column " . pick('DROP NOT NULL', 'SET NOT NULL', "SET DEFAULT NULL", 'DROP DEFAULT', 'SET STORAGE external', 'SET STORAGE main', 'SET STATISTICS 0', 'SET (n_distinct = 5)', 'ADD GENERATED ALWAYS AS IDENTITY', 'DROP IDENTITY IF EXISTS') },
		sub { "ALTER TABLE $table DROP CONSTRAINT ${table}_pkey" . pick('', ' CASCADE') },
		sub { "ALTER TABLE $table DROP CONSTRAINT IF EXISTS ${table}_pkey, ADD CONSTRAINT ${table}_pkey PRIMARY KEY (" . pick($column, "$column, $other", join(', ', @own[0 .. ($kind eq 'day' ? 1 : 0)])) . ')' . pick('', " INCLUDE ($other)", ' DEFERRABLE', ' DEFERRABLE INITIALLY DEFERRED', ' WITH (fillfactor = 10)') },
		sub { "ALTER TABLE $table DROP CONSTRAINT IF EXISTS ${table}_pkey; CREATE UNIQUE INDEX ${table}_new ON $table (" . pick($column, join(', ', @own[0 .. ($kind eq 'day' ? 1 : 0)])) . ") " . pick('', "INCLUDE ($other)", 'WHERE shop.note()') . "; ALTER TABLE $table ADD PRIMARY KEY USING INDEX ${table}_new" },
		sub { "ALTER TABLE $table ADD " . pick("UNIQUE ($column)", "CHECK (shop.noted($column) IS NOT NULL)", "CHECK (false) NOT VALID", "EXCLUDE USING gist ($column WITH =)", "FOREIGN KEY ($column) REFERENCES shop.other" . pick('', ' DEFERRABLE INITIALLY DEFERRED') . ' NOT VALID', "EXCLUDE (shop.noted($column) WITH =)") },
		sub { "CREATE " . pick('', 'UNIQUE ') . "INDEX " . pick('', 'CONCURRENTLY ') . "ON $table " . pick("($column)", "(shop.noted($column))", "($column) WHERE shop.noted($column) IS NOT NULL", "USING hash ($column)", "USING brin ($column)", "USING gist ($column)", "($column DESC) INCLUDE ($other)", "((shop.noted(1)))", "(lower(${column}::text))") },
		sub { "CREATE INDEX i$n ON $table (shop.noted($column)); CREATE STATISTICS ON shop.noted($column), $other FROM $table; ANALYZE $table; REINDEX TABLE $table" },
		sub { "CREATE TRIGGER t$n " . pick('BEFORE', 'AFTER') . ' ' . pick('INSERT', 'UPDATE', 'DELETE', 'INSERT OR UPDATE OR DELETE') . " ON $table FOR EACH " . pick('ROW', 'ROW', 'STATEMENT') . " EXECUTE FUNCTION shop.$function()" },
		sub { "CREATE CONSTRAINT TRIGGER t$n AFTER INSERT OR UPDATE ON $table " . pick('', 'DEFERRABLE', 'DEFERRABLE INITIALLY DEFERRED') . " FOR EACH ROW EXECUTE FUNCTION shop.$function()" },
		sub { "CREATE TRIGGER t$n BEFORE TRUNCATE ON $table EXECUTE FUNCTION shop.$function()" },
		sub { "CREATE RULE r$n AS ON " . pick('INSERT', 'UPDATE', 'DELETE') . " TO $table DO " . pick('INSTEAD NOTHING', 'ALSO SELECT shop.note()', 'INSTEAD SELECT 4242 AS listing_id, 4242 AS stay') },
		sub { "CREATE TABLE child$n () INHERITS ($table)" },
		sub { "CREATE TABLE parent$n (LIKE $table); ALTER TABLE $table " . pick("INHERIT parent$n", "INHERIT parent$n; ALTER TABLE $table NO INHERIT parent$n") },
		sub { "CREATE TABLE parts$n (LIKE $table) PARTITION BY LIST ($column); ALTER TABLE parts$n ATTACH PARTITION $table DEFAULT" . pick('', "; ALTER TABLE parts$n DETACH PARTITION $table") },
		sub { "ALTER TABLE $table RENAME TO moved$n; CREATE " . pick("TABLE $table (LIKE moved$n INCLUDING ALL)", "VIEW $table AS SELECT shop.noted(c) FROM moved$n AS c", "VIEW $table AS TABLE moved$n", "MATERIALIZED VIEW $table AS TABLE moved$n") . pick('', "; DROP TABLE moved$n CASCADE") },
		sub { "BEGIN; ALTER TABLE t_$kind RENAME TO swapped; ALTER TABLE u_$kind RENAME TO t_$kind; ALTER TABLE swapped RENAME TO u_$kind; COMMIT" },
		sub { "ALTER TABLE $table SET SCHEMA elsewhere" },
		sub { "ALTER TABLE " . pick($table, $table, "${base}_claims", $base) . " OWNER TO " . pick('heir', 'owner') },
		sub { "ALTER TABLE $table ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY" . pick('', "; CREATE POLICY p$n ON $table USING (shop.note())", "; CREATE POLICY p$n ON $table USING (false) WITH CHECK (shop.note())") },
		sub { "ALTER TABLE $table SET " . pick('UNLOGGED', 'LOGGED', '(fillfactor = 10)', '(fillfactor = 100)', '(autovacuum_enabled = false)', '(toast_tuple_target = 128)') },
		sub { pick("VACUUM FULL $table", "CLUSTER $table USING ${table}_pkey", "REINDEX TABLE $table", "ALTER TABLE $table REPLICA IDENTITY " . pick('FULL', 'NOTHING', "USING INDEX ${table}_pkey")) },
		sub { pick("TRUNCATE $table", "DELETE FROM $table", "DELETE FROM $table WHERE random() < 0.5", "DROP TABLE $table", "DROP TABLE $table CASCADE") },
		sub { "UPDATE $table SET $column = " . pick('DEFAULT', 'NULL', "'empty'", "'(,)'", "'[infinity,]'", "'[1969-01-01,2200-01-01)'", "'{}'", "'{[1970-01-01,2149-06-07)}'", '-9223372036854775808', '9223372036854775807', '1', "'x'", 'gen_random_uuid()', "'infinity'", "'-infinity'", "'{[2027-01-01,2027-01-02),[2027-01-03,2027-01-04)}'") },
		sub { "INSERT INTO $table SELECT * FROM $table" },
		sub { "CREATE OR REPLACE VIEW ${base}_claims AS SELECT " . pick('listing_id', 'shop.noted(listing_id)', "(CASE WHEN shop.note() THEN listing_id END)::$listing_type{$base}") . ' AS listing, ' . pick('id', 'shop.noted(id)') . ' AS key, ' . pick('stay', 'shop.noted(stay)', "CASE WHEN query_to_xml('SELECT shop.note()', true, true, '') IS NOT NULL THEN stay END", 'daterange(NULL, NULL)', "daterange 'empty'", 'CASE WHEN ROW(id, shop.note()) IS NOT NULL THEN stay END') . ' AS stay FROM ' . pick('ONLY ', 'ONLY ', '') . $base },
		sub { "CREATE OR REPLACE VIEW ${base}_claims AS SELECT " . pick("NULL::$listing_type{$base}", 'max(listing_id)', 'listing_id') . " AS listing, id AS key, stay FROM " . pick("ONLY $base WHERE shop.note() GROUP BY 2, 3, listing_id", "(SELECT * FROM $base) AS s GROUP BY 2, 3, listing_id", "ONLY $base LIMIT 1") },
		sub { pick("DROP VIEW ${base}_claims CASCADE", "DROP VIEW ${base}_month", "DROP FUNCTION ${base}_claim", "ALTER VIEW ${base}_claims RENAME TO claims$n", "ALTER VIEW ${base}_claims RENAME listing TO l$n", "ALTER VIEW ${base}_claims SET (security_barrier)") },
		sub { "ALTER TABLE $table DISABLE TRIGGER ALL; ALTER TABLE $base " . pick('DISABLE TRIGGER USER', 'ENABLE ALWAYS TRIGGER _availability_claim', 'DISABLE TRIGGER _availability_claim', 'ENABLE TRIGGER USER') },
		sub { pick("ALTER TABLE $base ADD c$n " . ($type eq 'shop.checked' ? 'int' : $type), "ALTER TABLE $base ADD c$n int DEFAULT 1 NOT NULL; ALTER TABLE $base DROP c$n", "ALTER TABLE $base RENAME stay TO stay$n", "ALTER TABLE $base ALTER stay DROP NOT NULL", "ALTER TABLE $base DROP stay CASCADE", "ALTER TABLE $base RENAME TO $base$n", "DROP TABLE $base CASCADE", 'DROP TABLE listings CASCADE', 'ALTER TABLE listings ALTER id TYPE bigint') },
		sub { pick("REVOKE ALL ON $table FROM owner", "GRANT ALL ON $table TO PUBLIC", "REVOKE ALL ON SCHEMA shop FROM owner, PUBLIC", 'GRANT USAGE ON SCHEMA shop TO PUBLIC, owner', "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA shop FROM PUBLIC") },
		sub { "TRUNCATE $table CASCADE; CREATE RULE \"_RETURN\" AS ON SELECT TO $table DO INSTEAD SELECT " . join(', ', map { "shop.noted(o.$_)" } @own) . " FROM shop.copy_$kind AS o" },
	);
	return pick(@ways)->();
}

sub stay
{
	my $day = int rand 60;
	return sprintf "daterange(date '2027-01-01' + %d, date '2027-01-01' + %d)", $day, $day + 1 + int rand 9;
}

my @holds = ("'0194a0b0-0000-8000-8000-000000000001'");

# What somebody calls.
sub call
{
	my ($session) = @_;
	my $base = pick(qw(t t u));
	my $listing = $base eq 't' ? 1 + int rand 9 : "'" . (1 + int rand 9) . "'";
	my $id = $base eq 't' ? 1 + int rand 20 : "(SELECT id FROM u LIMIT 1)";
	my $stay = stay();
	my $n = int rand 20;
	my @ways = (
		("INSERT INTO $base (listing_id, stay) VALUES ($listing, $stay)") x 4,
		"INSERT INTO $base (listing_id, stay) SELECT listing_id, $stay FROM $base LIMIT 3",
		("UPDATE $base SET stay = $stay WHERE id = $id") x 2,
		"UPDATE $base SET listing_id = $listing WHERE id = $id",
		("DELETE FROM $base WHERE id = $id") x 2,
		"INSERT INTO listings VALUES ($n)", "DELETE FROM listings WHERE id = $n", "UPDATE listings SET id = id + 100 WHERE id = $n",
		"TRUNCATE $base",
		("SELECT version FROM availability.book('$base', $listing, $stay, 'key$n')") x 2,
		"SELECT reservation_id, version FROM availability.book('$base', $listing, $stay)",
		"SELECT version FROM availability.move('$base', $id, $stay, 'move$n')",
		"SELECT version FROM availability.cancel('$base', $id, 'cancel$n')",
		("SELECT 'hold ' || availability.hold('$base', $listing, $stay, '" . pick('1 hour', '1 millisecond') . "')") x 2,
		'SELECT version FROM availability.confirm(' . "'$base', " . pick(@holds) . ')',
		'SELECT availability.release(' . pick(@holds) . ')',
		"SELECT availability.sweep('$base')", 'SELECT availability.expire_keys()',
		"SELECT availability.verify('$base')", "SELECT availability.verify('$base')", "SELECT count(*) FROM availability.booked_share('$base')",
		"SELECT (availability.claim(r)) IS NULL FROM $base AS r LIMIT 1",
		"SELECT count(*) FROM availability.doctor()",
		"SELECT availability.free_set('t', $stay)", "SELECT availability.count_free('t', $stay)", "SELECT availability.free_listings('t', $stay)",
		"SELECT availability.best_starts('t', $stay, 1)",
	);
	push @ways, ("SELECT availability.fold('t')") x 2, "SELECT availability.verify_sets('t')", "SELECT availability.repair_sets('t')" if $session->{role} eq $superuser;
	push @ways, "SELECT availability.repair('$base')", "SELECT availability.forget('$base', '2020-01-01')", "SELECT availability.set_day_rows('$base', " . pick('true', 'false') . ')'
	  if $session->{role} eq $superuser;
	return pick(@ways);
}

my (@bad, %states, @last, $super, $owner, @callers);
my $altered = 0;
sub blame { push @bad, "$_[0]\n  after " . join("\n  after ", reverse @last); return; }

my $crash = !eval {
	$super = open_session($superuser);
	$owner = open_session('owner');
	my $booker = open_session('booker');
	my $victims = open_session('booker');
	@callers = ($booker, $booker, $booker, $super, $super, open_session('nobody'));
	for (my $n = 0; $n < $mutations && @bad < 5; $n++)
	{
		if ($n % 10 == 0)
		{
			set_up($super, $owner);
			@last = ();
			@holds = @holds[0 .. 0];
		}
		my $mutation = mutation();
		push @last, $mutation;
		my ($state, $message) = ask($owner, $mutation);
		ask($owner, 'ROLLBACK') if $mutation =~ /^BEGIN/;
		$altered++ if $state eq '00000';
		pop @last if $state ne '00000' && $mutation !~ /;/;
		my @calls;
		for (1 .. 3)
		{
			my $session = pick(@callers);
			my $call = call($session);
			my ($answer, $told, $out) = ask($session, $call);
			push @calls, "$session->{role}: $call";
			push @holds, "'$1'" if $out =~ /^hold (\S+)$/m;
			$states{$answer}++;
			blame("$answer $told\n  by $session->{role}: $call") if $answer =~ /^(XX|57|F0|58)/;
		}
		# Somebody else's table, meanwhile.
		if ($n % 3 == 0)
		{
			my ($good, $why) = ask($victims, "INSERT INTO good.t (listing_id, stay) VALUES (1 + $n % 9, daterange(date '2027-01-01' + $n, date '2027-01-02' + $n)); DELETE FROM good.t");
			blame("$good $why: on a table of another owner") if $good ne '00000';
		}
		if ((ask($super, 'SELECT is_called FROM public.stolen'))[2] =~ /t/)
		{
			blame("code of the owner's ran as somebody else, in one of\n  " . join("\n  ", @calls));
			ask($super, 'SELECT setval(\'public.stolen\', 1, false)');
		}
	}
	1;
};
push @bad, "$@\n  after " . join("\n  after ", reverse @last) if $crash;
is(join("\n", @bad), '', 'no crash, no internal error, no foreign code, no disturbance');
note "$altered of $mutations alterations were legal; answers by SQLSTATE: " . join ', ', map { "$_ $states{$_}" } sort keys %states;
cmp_ok($altered, '>', $mutations / 3, 'companions were altered');
cmp_ok($states{'00000'} || 0, '>', $mutations / 2, 'calls were answered');
is($node->safe_psql('postgres', q{SELECT is_called FROM public.owned}), 't', q{the owner's code ran});
is($node->safe_psql('postgres', q{SELECT count(*) FROM availability.verify('good.t')}), '0', 'the other table is in order');

done_testing();
