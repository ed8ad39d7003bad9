# The service's side of the database: the pool, calendars, bookings and sets, against real servers that stand still, end,
# are standbys, or are behind PgBouncer.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib", "$FindBin::RealBin/../../t/lib";

use DatabaseTool;
use IO::Socket::INET;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init(allows_streaming => 1, extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "listen_addresses = '127.0.0.1'\nmax_connections = 60\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION availability');

my %types = (int2 => 'smallint', int4 => 'int', int8 => 'bigint', uuid => 'uuid', text => 'text', varchar => 'varchar(40)',
	positive => 'positive');
my $id = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11';
my %keys = (int2 => [ 7, -3 ], int4 => [ 42, 43 ], int8 => [ 42, 9007199254740993 ], uuid => [ $id, 'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' ],
	text => [ 'caf' . "\xc3\xa9", q(a"b\\c{d},'e) ], varchar => [ 'x', 'NULL' ], positive => [ 5, 6 ]);
my @names = sort keys %types;
$node->safe_psql('postgres', 'CREATE DOMAIN positive AS int CHECK (VALUE > 0)');
for my $name (@names)
{
	my $values = join ',', map { my $key = s/'/''/gr; "('$key')" } @{ $keys{$name} };
	$node->safe_psql('postgres', qq{
		CREATE TABLE l_$name (id $types{$name} PRIMARY KEY);
		INSERT INTO l_$name VALUES $values;
		CREATE TABLE r_$name (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id $types{$name} NOT NULL REFERENCES l_$name, stay daterange);
		SELECT availability.track('r_$name');
		INSERT INTO r_$name (listing_id, stay) SELECT id, '[2027-07-03,2027-07-10)' FROM l_$name ORDER BY id LIMIT 1});
}
my @companions = map { ; "public.r_${_}_calendar" } @names;
my %number = map { $names[$_] => $_ } 0 .. $#names;
my $conninfo = $node->connstr('postgres');
my $tool = DatabaseTool->new($conninfo, 4, 100, @companions);

sub database_calendars
{
	my ($name) = @_;
	return map { my ($key, $version, $booked) = split /\x1f/; $key => "found $version $booked" } split /\n/,
		$node->safe_psql('postgres', "SELECT listing_id::text || chr(31) || version || chr(31) || encode(booked::bytea, 'hex') FROM r_${name}_calendar");
}

sub without_as_of { return map { s/^(found \d+) \d+/$1/r =~ s/^none \d+$/none/r } @_; }

# --- calendars -------------------------------------------------------------------------------------------------------

for my $name (@names)
{
	my %expected = database_calendars($name);
	is(scalar keys %expected, 2, "$name: two listings");
	my @given = map { DatabaseTool::text($number{$name}, $_) } @{ $keys{$name} };
	is_deeply([ without_as_of($tool->ask('read', 5000, @given)) ], [ map { $expected{$_} // 'absent' } @{ $keys{$name} } ],
		"$name: calendars by their keys as texts");
	next unless $name =~ /int|positive/;
	@given = map { DatabaseTool::number($number{$name}, $_) } @{ $keys{$name} };
	is_deeply([ without_as_of($tool->ask('read', 5000, @given)) ], [ map { $expected{$_} // 'absent' } @{ $keys{$name} } ], "$name: and as numbers");
}

my @malformed = (
	map({ my $name = $_; map { DatabaseTool::text($number{$name}, $_) } ('', 'x', '042', '+42', ' 42', '42 ', '1e1', '9223372036854775808', '42;DROP') } qw(int2 int4 int8 positive)),
	DatabaseTool::number($number{int2}, 32768), DatabaseTool::number($number{int4}, 2147483648),
	map({ DatabaseTool::text($number{uuid}, $_) } uc $id, "{$id}", $id =~ s/-//gr, 'x', ''),
	map({ my $name = $_; map { DatabaseTool::text($number{$name}, $_) } ("\xff", "\xc3", "a\0b", "\xed\xa0\x80", 'y' x 100) } qw(text varchar)));
is_deeply([ grep { $_ ne 'none' } without_as_of($tool->ask('read', 5000, @malformed)) ], [], 'what no listing can be called is no listing');
my %expected = map { my $name = $_; my %c = database_calendars($name); ($name => \%c) } @names;
is_deeply([ without_as_of($tool->ask('read', 5000, map { my $name = $_; (DatabaseTool::text($number{$name}, 'x y'), DatabaseTool::text($number{$name}, $keys{$name}[1])) } @names)) ],
	[ map { my $name = $_; ('none', $expected{$name}{$keys{$name}[1]}) } @names ], 'one batch over all tables, each with one that is none');
like(scalar $tool->ask('read', 5000, DatabaseTool::number(99, 1)), qr/^failed there is no such table$/, 'a table that there is not');
is(scalar $tool->ask('read', 5000), '', 'nothing asked, nothing answered');

# as_of: what was acknowledged before the read began is in it, and the clock says so.
my $bad = 0;
for my $i (1 .. 20)
{
	my ($version, $before) = split /\|/, $node->safe_psql('postgres', qq(
		INSERT INTO r_int4 (listing_id, stay) VALUES (43, daterange(date '2028-01-01' + $i, date '2028-01-02' + $i));
		SELECT version, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint FROM r_int4_calendar WHERE listing_id = 43));
	my ($read, $as_of) = $tool->ask('read', 5000, DatabaseTool::number($number{int4}, 43)) =~ /^found (\d+) (\d+)/;
	my $after = $node->safe_psql('postgres', 'SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint');
	$bad++ unless $read == $version && $as_of >= $before && $as_of <= $after;
}
is($bad, 0, 'as_of is a time between those before and after');

# The time of the transaction's begin, not that of the message Execute, which comes after the snapshot.
my ($late) = $tool->ask('query', 5000, '', 'SELECT now() <= statement_timestamp() AND now() >= clock_timestamp() - interval \'5 s\'');
is($late, 't', 'each query is a transaction of its own');

# --- tables that change, and tables that lie -------------------------------------------------------------------------

$node->safe_psql('postgres', q(
	SELECT availability.untrack('r_int4');
	ALTER TABLE r_int4 DROP CONSTRAINT r_int4_listing_id_fkey;
	ALTER TABLE r_int4 ALTER listing_id TYPE text;
	ALTER TABLE l_int4 ALTER id TYPE text;
	SELECT availability.track('r_int4')));
my %now = database_calendars('int4');
is_deeply([ without_as_of($tool->ask('read', 5000, map { DatabaseTool::text($number{int4}, $_) } 42, 43, 'x')) ], [ $now{42}, $now{43}, 'none' ],
	'a table that is tracked anew with another type of key is learnt anew');
$node->safe_psql('postgres', q(SELECT availability.untrack('r_int4')));
like(scalar $tool->ask('read', 5000, DatabaseTool::number($number{int4}, 42)), qr/^failed .*does not exist$/, 'a table that is gone is an error, not a lack of listings');
$node->safe_psql('postgres', q(SELECT availability.track('r_int4')));
like(scalar $tool->ask('read', 5000, DatabaseTool::number($number{int4}, 42)), qr/^found /, 'until it is there again');

$node->safe_psql('postgres', q(
	CREATE TABLE liar (listing_id bigint PRIMARY KEY, booked bytea, version bigint);
	INSERT INTO liar SELECT n, CASE n WHEN 1 THEN '\x3a30000000000000'::bytea WHEN 2 THEN '\xdeadbeef' WHEN 3 THEN NULL WHEN 4 THEN '' WHEN 5 THEN '\x3a30000000000000' END, CASE n WHEN 5 THEN -1 ELSE n END
	FROM generate_series(1, 5) AS n;
	CREATE VIEW disguise AS SELECT * FROM r_int8_calendar;
	CREATE ROLE reader LOGIN;
	GRANT SELECT ON r_int8_calendar TO reader;
	ALTER TABLE r_int8_calendar ENABLE ROW LEVEL SECURITY;
	CREATE POLICY p ON r_int8_calendar USING (false)));
my $liar = DatabaseTool->new($conninfo, 1, 10, 'public.liar', 'public.disguise', 'nonsense', 'public.r_text_day');
is_deeply([ map { s/ \d+ 3a30.*//r =~ s/^none \d+$/none/r } $liar->ask('read', 5000, map { DatabaseTool::number(0, $_) } 1 .. 6) ],
	[ 'found 1', 'failed the calendar can\'t be read: ' . 'too short', 'failed the row of the calendar can\'t be read',
		'failed the calendar can\'t be read: ' . 'too short', 'failed the row of the calendar can\'t be read', 'none' ], 'nothing is believed of bytes')
	or diag join "\n", $liar->ask('read', 5000, map { DatabaseTool::number(0, $_) } 1 .. 6);
like(scalar $liar->ask('read', 5000, DatabaseTool::number($_, 1)), qr/^failed .*(is no calendar companion|is no name of a table|column|does not exist)/, "table $_ is no calendar companion") for 1 .. 3;
is($liar->stop, 0, 'the tool ends in order');

my $reader = DatabaseTool->new("$conninfo user=reader", 1, 10, 'public.r_int8_calendar');
like(scalar $reader->ask('read', 5000, DatabaseTool::number(0, 42)), qr/^failed .*row-level security/, 'rows that row security hides are an error, not a lack of listings');
$reader->stop;
$node->safe_psql('postgres', 'ALTER TABLE r_int8_calendar DISABLE ROW LEVEL SECURITY');

# --- bookings --------------------------------------------------------------------------------------------------------

sub book
{
	my ($action, %words) = @_;
	return ($action, delete $words{ms} // 5000, 'reservations=public.r_int8', map { "$_=$words{$_}" } sort keys %words);
}
my @stay = (check_in => '2027-08-01', check_out => '2027-08-08');
like(scalar $tool->ask('book', book('book', listing => 42, @stay, key => 'k1', attributes => '{}')), qr/^ok (\d+)  (\d+) new kept$/, 'book');
my ($reservation) = $node->safe_psql('postgres', q{SELECT id FROM r_int8 WHERE stay = '[2027-08-01,2027-08-08)'});
like(scalar $tool->ask('book', book('book', listing => 42, @stay, key => 'k1', attributes => '{}')), qr/^ok $reservation  \d+ replayed/, 'the same again: the first answer');
like(scalar $tool->ask('book', book('book', listing => '9007199254740993', @stay, key => 'k1')), qr/^error server sent RV001 /, 'the key for another request');
like(scalar $tool->ask('book', book('book', listing => 42, check_in => '2027-08-07', check_out => '2027-08-09')),
	qr/^error server sent 23505 .*\|Taken days: \[2027-08-07,2027-08-08\)\.\|r_int8_day_pkey$/, 'taken: state, days and constraint');
like(scalar $tool->ask('book', book('move', reservation => $reservation, check_in => '2027-08-02', check_out => '2027-08-09')), qr/^ok $reservation  \d+ new/, 'move');
like(scalar $tool->ask('book', book('cancel', reservation => $reservation, key => 'k2')), qr/^ok $reservation  \d+ new/, 'cancel');
my ($hold) = $tool->ask('book', book('hold', listing => 42, @stay, ttl => '5 minutes')) =~ /^ok  ([0-9a-f-]{36}) /;
ok($hold, 'hold');
like(scalar $tool->ask('book', book('confirm', hold => $hold, key => 'k3')), qr/^ok \d+  \d+ new/, 'confirm');
like(scalar $tool->ask('book', book('confirm', hold => $hold)), qr/^error server sent RV003 /, 'confirm once more');
my ($second) = $tool->ask('book', book('hold', listing => 42, check_in => '2027-09-01', check_out => '2027-09-03')) =~ /^ok  ([0-9a-f-]{36}) /;
like(scalar $tool->ask('book', book('release', hold => $second)), qr/ released$/, 'release');
like(scalar $tool->ask('book', book('release', hold => $second)), qr/ kept$/, 'release once more');
for my $date ('today', 'infinity', '01/02/2027', '2027-02-30', '2027-2-3', '', "2027-08-01'", '-027-08-01')
{
	like(scalar $tool->ask('book', book('book', listing => 42, check_in => $date, check_out => '2029-08-08')), qr/^error server sent 22007 /, "'$date' is no date");
}
like(scalar $tool->ask('book', book('book', listing => 42, check_in => '2027-08-08', check_out => '2027-08-01')), qr/^error server sent 22/, 'a reversed stay');
like(scalar $tool->ask('book', book('book', listing_hex => unpack('H*', "42\0"), @stay)), qr/^error server unsent 22021 /, 'a NUL does not cut a text short');
like(scalar $tool->ask('book', book('book', listing => "42'); DROP TABLE r_int8; --", @stay)), qr/^error server sent 22P02 /, 'texts are parameters');

# What the end of the transaction refuses is not done.
$node->safe_psql('postgres', q(
	CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'refused at the end'; END$$;
	CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON r_uuid DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()));
like(scalar $tool->ask('book', 'book', 5000, 'reservations=public.r_uuid', "listing=$id", 'check_in=2027-10-01', 'check_out=2027-10-02'), qr/^error server sent P0001 refused at the end/, 'an error at commit is the answer');
is($node->safe_psql('postgres', q(SELECT count(*) FROM r_uuid WHERE lower(stay) = '2027-10-01')), 0, 'and nothing was booked');

# --- traces, waits, deadlines ----------------------------------------------------------------------------------------

my $holder = $node->background_psql('postgres');
sub hold_lock { $holder->query_safe('BEGIN; SELECT FROM r_int8_calendar WHERE listing_id = 42 FOR UPDATE;'); return; }
sub release_lock { $holder->query_safe('COMMIT;'); return; }
# The process of a booking that waits, and what it says that it does.
sub waiting
{
	my ($pattern) = @_;
	for (1 .. 600)
	{
		my $found = $node->safe_psql('postgres', "SELECT pid, query FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%$pattern%' AND pid <> pg_backend_pid()");
		return split /\|/, $found, 2 if $found ne '';
		sleep 0.05;
	}
	die 'nobody waits';
}

hold_lock();
my $trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
my ($connects) = $tool->state->{connects};
$tool->begin('book', book('book', listing => 42, check_in => '2030-01-01', check_out => '2030-01-02', traceparent => $trace, ms => 1500));
my ($pid, $query) = waiting('availability.book');
like($query, qr{ /\*traceparent='$trace'\*/$}, 'the trace is in what the server shows');
my $begin = time;
like(scalar $tool->finish, qr/^error timeout sent 57014 /, 'the server gives up for the deadline');
cmp_ok(time - $begin, '<', 10, 'by then');
like(scalar $tool->ask('query', 2000, '', 'SELECT pg_backend_pid() > 0'), qr/^t$/, 'the connection is good for more');
is($tool->state->{connects}, $connects, 'and was kept');
is($tool->state->{breaker}, 0, 'a wait for a lock is no failure of the server');
is(scalar $tool->ask('query', 2000, '', q(SELECT current_setting('statement_timeout'))) =~ /^(19\d\d|\d{3,4})(ms|s)?$/ ? 'in force' : 'not in force', 'in force', 'each statement has a timeout of its own');

$tool->begin('book', book('book', listing => 42, check_in => '2030-01-01', check_out => '2030-01-02', traceparent => "$trace'*/; DROP TABLE r_int8; /*", ms => 700));
(undef, $query) = waiting('availability.book');
unlike($query, qr{DROP|traceparent}, 'what is no trace is left out');
like(scalar $tool->finish, qr/^error timeout sent/, 'and times out as well');

# Its connection goes while it waits: with a key it is tried once more, and done once.
$tool->begin('book', book('book', listing => 42, check_in => '2030-02-01', check_out => '2030-02-02', key => 'lost', ms => 30000));
($pid) = waiting('availability.book');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
my ($again) = $pid;
for (1 .. 600) { ($again) = waiting('availability.book'); last if $again != $pid; sleep 0.02; }
isnt($again, $pid, 'another connection waits in its place');
release_lock();
like(scalar $tool->finish, qr/^ok \d+  \d+ new/, 'with a key: tried once more');
is($node->safe_psql('postgres', q(SELECT count(*) FROM r_int8 WHERE lower(stay) = '2030-02-01')), 1, 'done once');
hold_lock();
$tool->begin('book', book('book', listing => 42, check_in => '2030-03-01', check_out => '2030-03-02', ms => 30000));
($pid) = waiting('availability.book');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
like(scalar $tool->finish, qr/^error lost sent 57P01/, 'without a key: an error that says that it is not known');
release_lock();
is($node->safe_psql('postgres', q(SELECT count(*) FROM r_int8 WHERE lower(stay) = '2030-03-01')), 0, 'and no second try');

# --- the pool --------------------------------------------------------------------------------------------------------

my %burst = map { split / / } $tool->ask('burst', 150, 5000, 'SELECT pg_sleep(0.05)');
is($burst{none} + $burst{overloaded}, 150, 'each is answered') or diag explain \%burst;
ok($burst{overloaded} >= 46 && $burst{overloaded} <= 50, 'a hundred wait for four connections, more are refused at once') or diag explain \%burst;
is($tool->state->{connections}, 4, 'no more connections than there may be');
%burst = map { split / / } $tool->ask('burst', 60, 400, 'SELECT pg_sleep(0.1)');
cmp_ok($burst{timeout}, '>', 20, 'who is not served by the deadline gets an answer by then');
cmp_ok($burst{longest}, '<', 5000, 'each in time') or diag explain \%burst;
is($tool->state->{breaker}, 0, 'a queue is no failure of the server');
like(scalar $tool->ask('query', 5000, 'twice', 'SELECT 1'), qr/^1$/, 'prepared') for 1 .. 2;

# A backend that stands still: half open, as far as anybody can tell.
my @backends = split /\n/, $node->safe_psql('postgres', q(SELECT pid FROM pg_stat_activity WHERE application_name = 'availability-service'));
cmp_ok(scalar @backends, '>=', 4, 'the service is known by its name');
kill STOP => @backends;
my ($answer, $took) = $tool->timed('read', 400, DatabaseTool::number($number{int8}, 42));
like($answer, qr/^failed no answer by the deadline$/, 'a connection that stands still');
cmp_ok($took, '<', 5, 'is left at the deadline');
%burst = map { split / / } $tool->ask('burst', 3, 400, 'SELECT 1');
cmp_ok($burst{longest}, '<', 5000, 'and so are the others');
($answer) = $tool->ask('read', 3000, DatabaseTool::number($number{int8}, 42));
like($answer, qr/^found /, 'new ones take their place');
kill CONT => @backends;

# The server ends; one that ends tells so, and the breaker opens by itself.
$holder->quit;
$node->stop('fast');
$tool->ask('wait', 300);
($answer, $took) = $tool->timed('read', 2000, DatabaseTool::number($number{int8}, 42));
like($answer, qr/^failed the database (can't be reached|has not been answering)$/, 'no server');
cmp_ok($took, '<', 5, 'is known at once');
$tool->ask('read', 500, DatabaseTool::number($number{int8}, 42)) for 1 .. 6;
is($tool->state->{breaker} > 0 ? 'open' : 'closed', 'open', 'the breaker is open');
is($tool->state->{trips}, 1, 'once');
($answer, $took) = $tool->timed('burst', 1000, 2000, 'SELECT 1');
like($answer, qr/^unreachable 1000$/m, 'what comes is refused');
cmp_ok($took, '<', 5, 'at once');
$node->start;
for (1 .. 200)
{
	$tool->ask('wait', 50);
	($answer) = $tool->ask('read', 1000, DatabaseTool::number($number{int8}, 42));
	last if $answer =~ /^found/;
}
like($answer, qr/^found /, 'it comes back by itself');
$tool->ask('read', 1000, DatabaseTool::number($number{int8}, 42)) for 1 .. 3;
is($tool->state->{breaker}, 0, 'and closes');

# The whole server stands still, the postmaster too.
my @all = (slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/, split /\n/, $node->safe_psql('postgres', 'SELECT pid FROM pg_stat_activity WHERE application_name = \'availability-service\''));
kill STOP => @all;
my $longest = 0;
for (1 .. 12)
{
	($answer, $took) = $tool->timed('read', 300, DatabaseTool::number($number{int8}, 42));
	like($answer, qr/^failed /, "a server that stands still, $_");
	$longest = $took if $took > $longest;
}
cmp_ok($longest, '<', 5, 'never answers later than asked');
is($tool->state->{usable}, 0, 'after some it is not asked any more') if $tool->state->{breaker} == 2;
cmp_ok($tool->state->{trips}, '>=', 2, 'since the breaker opened');
kill CONT => @all;
for (1 .. 200)
{
	$tool->ask('wait', 50);
	($answer) = $tool->ask('read', 1000, DatabaseTool::number($number{int8}, 42));
	last if $answer =~ /^found/;
}
like($answer, qr/^found /, 'when it goes on, so do we');
like(scalar $tool->ask('drain'), qr/^drained$/, 'drains');
like(scalar $tool->ask('read', 1000, DatabaseTool::number($number{int8}, 42)), qr/^failed the pool is being closed$/, 'and takes no more');
is($tool->stop, 0, 'the tool ends in order');

# --- hosts, standbys, poolers ----------------------------------------------------------------------------------------

my $port = $node->port;
my $tcp = DatabaseTool->new("host=localhost,no.such.host.invalid port=$port,$port dbname=postgres sslmode=disable", 1, 10, 'public.r_int8_calendar');
like(scalar $tcp->ask('read', 10000, DatabaseTool::number(0, 42)), qr/^found /, 'names are resolved; one that can\'t be does not matter');
$tcp->stop;
my $nowhere = DatabaseTool->new('host=no.such.host.invalid', 1, 10, 'public.r_int8_calendar');
like(scalar $nowhere->ask('read', 10000, DatabaseTool::number(0, 42)), qr/^failed the database can't be reached/, 'no host');
$nowhere->stop;

# A server without room for more connections is not asked again and again.
$node->safe_psql('postgres', 'CREATE ROLE few LOGIN CONNECTION LIMIT 2');
my $few = DatabaseTool->new("$conninfo user=few", 10, 200, 'public.r_int8_calendar');
%burst = map { split / / } $few->ask('burst', 100, 8000, 'SELECT pg_sleep(0.02)');
is($burst{none}, 100, 'what there is serves all that wait') or diag explain \%burst;
is($few->state->{connections}, 2, 'by as many connections as there may be');
my $refused = () = slurp_file($node->logfile) =~ /too many connections for role "few"/g;
cmp_ok($refused, '<', 40, 'with few tries for more');
$few->stop;

# A host that takes connections and says nothing comes last the next time.
my $silent = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', Proto => 'tcp') or die $!;
my $second_host = DatabaseTool->new('host=127.0.0.1,127.0.0.1 port=' . $silent->sockport . ",$port dbname=postgres", 1, 10, 'public.r_int8_calendar');
for (1 .. 100)
{
	($answer, $took) = $second_host->timed('read', 300, DatabaseTool::number(0, 42));
	cmp_ok($took, '<', 5, 'a silent host makes nobody wait longer than asked') if $_ <= 3;
	last if $answer =~ /^found/;
	$second_host->ask('wait', 50);
}
like($answer, qr/^found /, 'the next host is tried');
$second_host->stop;

# TLS decrypts more at once than libpq takes from it: nothing waits for a socket that has no more to say.
my $data = PostgreSQL::Test::Utils::tempdir;
PostgreSQL::Test::Utils::system_or_bail('openssl', 'req', '-new', '-x509', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-keyout', "$data/server.key", '-out', "$data/server.crt");
chmod 0600, "$data/server.key";
$node->append_conf('postgresql.conf', "ssl = on\nssl_cert_file = '$data/server.crt'\nssl_key_file = '$data/server.key'\n");
$node->restart;
my $tls = DatabaseTool->new("host=127.0.0.1 port=$port dbname=postgres sslmode=require", 2, 10, 'public.r_int8_calendar');
is(scalar $tls->ask('query', 10000, '', 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'), 't', 'by TLS');
my @wrong = grep { length scalar $tls->ask('query', 10000, '', "SELECT repeat('x', $_)") != $_ } map { ($_, $_ - 1, $_ + 1) } 8192, 16384, 65536, 1_000_000, 3_000_000;
is_deeply(\@wrong, [], 'answers of any size come whole');
$tls->stop;

$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
my $standby_conninfo = $standby->connstr('postgres');
my $fooled = DatabaseTool->new($standby_conninfo, 1, 10, 'public.r_int8_calendar');
like(scalar $fooled->ask('read', 5000, DatabaseTool::number(0, 42)), qr/^failed the database can't be reached/, 'a standby is passed over');
$fooled->stop;
$fooled = DatabaseTool->new("$standby_conninfo target_session_attrs=any", 1, 10, 'public.r_int8_calendar');
like(scalar $fooled->ask('read', 5000, DatabaseTool::number(0, 42)), qr/^failed the server is a standby$/, 'and refused where it is taken all the same');
$fooled->stop;
my $both = DatabaseTool->new('host=' . $standby->host . ',' . $node->host . ' port=' . $standby->port . ',' . $node->port . ' dbname=postgres', 1, 10, 'public.r_int8_calendar');
like(scalar $both->ask('read', 5000, DatabaseTool::number(0, 42)), qr/^found /, 'of two, the primary is found');
$both->stop;
$standby->stop('immediate');

my $user = $node->safe_psql('postgres', 'SELECT current_user');
my $directory = PostgreSQL::Test::Utils::tempdir;
my $pooler_port = PostgreSQL::Test::Cluster::get_free_port();
append_to_file("$directory/ini", join "\n", '[databases]', 'postgres = host=' . $node->host . " port=$port user=$user", '[pgbouncer]', 'listen_addr = 127.0.0.1', "listen_port = $pooler_port",
	'unix_socket_dir =', 'auth_type = any', 'pool_mode = transaction', 'default_pool_size = 2', "logfile = $directory/log", "pidfile = $directory/pid", '');
my ($bouncer) = grep { -x $_ } '/usr/sbin/pgbouncer', map { "$_/pgbouncer" } split /:/, $ENV{PATH};
my $run = IPC::Run::start([ $bouncer, "$directory/ini" ], '<', \undef, '>', '/dev/null', '2>', '/dev/null');
my $pooled = DatabaseTool->new("host=127.0.0.1 port=$pooler_port dbname=postgres user=$user", 4, 1000, 'public.r_int8_calendar');
for (1 .. 100)
{
	($answer) = $pooled->ask('read', 2000, DatabaseTool::number(0, 42));
	last if $answer =~ /^found/;
	$pooled->ask('wait', 50);
}
like($answer, qr/^found /, 'through a pooler by transactions') or diag scalar $pooled->ask('state');
my @failed;
for (1 .. 30)
{
	%burst = map { split / / } $pooled->ask('burst', 8, 5000, 'SELECT pg_sleep(0.01)');
	push @failed, grep { !/^found/ } $pooled->ask('read', 5000, DatabaseTool::number(0, 42));
	push @failed, explain \%burst if ($burst{none} // 0) != 8;
}
is_deeply(\@failed, [], 'whatever connection of the server a transaction gets');
like(scalar $pooled->ask('book', 'book', 5000, 'reservations=public.r_int8', 'listing=42', 'check_in=2031-01-01', 'check_out=2031-01-02'), qr/^ok /, 'books through it');
$pooled->stop;
$run->signal('TERM');
$run->finish;

# --- sets ------------------------------------------------------------------------------------------------------------

$node->safe_psql('postgres', q{
	CREATE TABLE homes (id int PRIMARY KEY);
	CREATE TABLE bookings (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int REFERENCES homes, stay daterange);
	INSERT INTO homes SELECT generate_series(1, 300);
	SELECT availability.track('bookings', sets => true);
	INSERT INTO bookings (listing_id, stay) SELECT n, daterange(date '2027-07-01' + n % 15, date '2027-07-08' + n % 15) FROM generate_series(1, 300, 3) AS n;
	SELECT availability.fold('bookings');
	INSERT INTO bookings (listing_id, stay) VALUES (2, '[2027-07-05,2027-07-06)');
	INSERT INTO l_text SELECT 'T' || n FROM generate_series(1, 40) AS n;
	INSERT INTO l_text SELECT 't' || n FROM generate_series(1, 5) AS n;
	INSERT INTO r_text (listing_id, stay) SELECT 'T' || n, '[2027-07-05,2027-07-09)' FROM generate_series(1, 20) AS n});
my $sets = DatabaseTool->new($conninfo, 2, 100, 'public.bookings_calendar', 'public.r_text_calendar', 'public.liar');
my $epoch = sub { return $node->safe_psql('postgres', "SELECT date '$_[0]' - '1970-01-01'"); };
my ($from, $to) = map { $epoch->($_) } '2027-07-04', '2027-07-11';
sub free_of
{
	my ($table, $condition, $order) = @_;
	return split /\n/, $node->safe_psql('postgres', "SELECT listing_id FROM ${table}_calendar WHERE $condition ORDER BY $order");
}
for my $table ([ 0, 'bookings', 'listing_id' ], [ 1, 'r_text', 'listing_id COLLATE "C"' ])
{
	my ($number, $name, $order) = @$table;
	for my $nights (0, 5)
	{
		my $condition = $nights ? "EXISTS (SELECT FROM availability.gaps(booked, '[2027-07-04,2027-07-11)', $nights))" : "availability.is_available(booked, '[2027-07-04,2027-07-11)')";
		my @free = free_of($name, $condition, $order);
		my (@paged, $after, $count);
		my $more = 'more';
		while ($more eq 'more' && @paged <= 400)
		{
			my ($head, @page) = $sets->ask('search', 5000, $number, $from, $to, $nights, 7, defined $after ? DatabaseTool::text($number, $after) : '');
			($count, $more) = $head =~ /^(\d+) (more|all) \d{16}$/ or do { diag $head; last };
			push @paged, @page;
			$after = $page[-1];
		}
		is_deeply(\@paged, \@free, "$name, nights $nights: page by page, all that are free, in their order");
		is($count, scalar @free, "$name, nights $nights: how many there are");
		my @among = @free[ 1, 3 ];
		my ($head, @page) = $sets->ask('search', 5000, $number, $from, $to, $nights, 10, '', map { DatabaseTool::text($number, $_) } @among, "\xff", 'nobody');
		is_deeply([ $head =~ /^(\d+ all)/, @page ], [ '2 all', @among ], "$name, nights $nights: among some");
	}
}
like(scalar $sets->ask('search', 5000, 0, $from, $to, 0, 7, DatabaseTool::text(0, 'x')), qr/^failed no listing of the table can have the key/, 'after what is no key');
like(scalar $sets->ask('search', 5000, 0, $to, $from, 0, 7, ''), qr/^failed /, 'a reversed stay has a reason');
$node->safe_psql('postgres', q(SELECT availability.unindex_sets('bookings')));
like(scalar $sets->ask('search', 5000, 0, $from, $to, 0, 7, ''), qr/^\d+ more/, 'sets that were taken away: by the calendars');
is($sets->stop, 0, 'the tool ends in order');

$node->stop;
done_testing;
