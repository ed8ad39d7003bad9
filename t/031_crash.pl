# The server dies amid bookings, again and again: what was acknowledged is there, days and calendars agree, and a reader of
# the events that applies each by its version ends with the calendars of the database.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Availability;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir;
my $node = logical_node('crash');
$node->safe_psql('postgres', q(
	CREATE TABLE reservations (id int PRIMARY KEY, listing_id int, stay daterange);
	SELECT availability.track('reservations');
	CREATE INDEX reservations_calendar_booked ON reservations_calendar USING gist (booked);
	SELECT pg_create_logical_replication_slot('cache', 'availability_decoder')));

# Bookings, moves and cancellations, one transaction each, endless; each acknowledged one prints what it did. A script's name.
sub client_script
{
	my $client = shift;
	my $first = 1_000_000 * $client;
	my @statements;
	for my $n (1 .. 3000)
	{
		my ($id, $listing, $day) = ($first + $n, $n % 50, 3 * ($n + $client));
		my $stay = "daterange(date '2027-01-01' + $day % 20000, date '2027-01-01' + $day % 20000 + 2)";
		push @statements, "INSERT INTO reservations VALUES ($id, $listing, $stay);\n\\echo + $id\n";
		push @statements, "UPDATE reservations SET listing_id = listing_id + 50 WHERE id = $id;\n\\echo + $id\n" if $n % 3 == 0;
		my $old = $id - 2;
		push @statements, "DELETE FROM reservations WHERE id = $old;\n\\echo - $old\n" if $n % 4 == 0;
	}
	my $file = "$directory/client.$client";
	append_to_file($file, join '', @statements);
	return $file;
}

my %calendar;
my %version;

# Applies all events that wait in the slot, and confirms all but the last few: those come again.
sub apply_events
{
	my @events = map { JSON::PP::decode_json($_) } split /\n/, peek_events($node, 'cache');
	for my $event (@events)
	{
		my $listing = $event->{listing};
		next if ($version{$listing} // 0) >= $event->{version};
		$version{$listing} = $event->{version};
		$calendar{$listing} = JSON::PP::encode_json($event->{booked});
	}
	my $confirmed = @events > 3 ? $events[-3]{lsn} : undef;
	$node->safe_psql('postgres', "SELECT pg_replication_slot_advance('cache', '$confirmed')") if defined $confirmed;
	return scalar @events;
}

my $rounds = 3;
for my $round (1 .. $rounds)
{
	my (@clients, @outputs);
	for my $client (1 .. 4)
	{
		push @outputs, my $output = \do { my $text = '' };
		push @clients, IPC::Run::start(
			[ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-f', client_script(10 * $round + $client) ],
			'>', $output, '2>', '/dev/null');
	}
	# Every client has been heard of before the server dies.
	my $deadline = time + $PostgreSQL::Test::Utils::timeout_default;
	while (grep { $$_ !~ /^(?:.*\n){50}/ } @outputs)
	{
		die 'no bookings' if time > $deadline;
		$_->pump_nb for @clients;
		select undef, undef, undef, 0.01;
	}
	$node->stop('immediate');
	$_->finish for @clients;
	$node->start;

	my %acknowledged;
	for my $output (@outputs)
	{
		$acknowledged{$2} = $1 while $$output =~ /^([+-]) (\d+)$/mg;
	}
	my %present = map { $_ => 1 } split /\n/, $node->safe_psql('postgres', 'SELECT id FROM reservations');
	my @lost = grep { $acknowledged{$_} eq '+' && !$present{$_} } keys %acknowledged;
	# The one statement that was under way at the end of each client may have deleted one more.
	cmp_ok(scalar(@lost), '<=', scalar(@clients), "round $round: what was acknowledged is there");
	is(scalar(grep { $acknowledged{$_} eq '-' && $present{$_} } keys %acknowledged), 0, "round $round: what was cancelled is not");
	is($node->safe_psql('postgres', q(SELECT * FROM availability.verify('reservations'))), '', "round $round: verify finds nothing");
	my @answers = map {
		$node->safe_psql('postgres', "SET enable_seqscan = $_;" .
			q{SELECT listing_id FROM reservations_calendar WHERE availability.is_available(booked, '[2027-03-01,2027-04-20)') ORDER BY 1})
	} 'on', 'off';
	is($answers[1], $answers[0], "round $round: a GiST index answers as the table does");
	cmp_ok(apply_events(), '>', 0, "round $round: there are events");
}

# A backend dies: the server restarts all others, and goes on.
$node->append_conf('postgresql.conf', 'restart_after_crash = on');
$node->reload;
my $victim = IPC::Run::start(
	[ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-c', q{BEGIN; INSERT INTO reservations VALUES (1, 1, '[2026-01-01,2026-01-03)'); SELECT pg_sleep(600)} ],
	'>', '/dev/null', '2>', '/dev/null');
my $sleeper = q(FROM pg_stat_activity WHERE wait_event = 'PgSleep');
$node->poll_query_until('postgres', "SELECT count(*) = 1 $sleeper") or die 'no booking under way';
my $pid = $node->safe_psql('postgres', "SELECT pid $sleeper");
kill 'KILL', $pid;
$victim->finish;
ok($node->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()'), 'the server comes back after a backend was killed');
is($node->safe_psql('postgres', q{SELECT booked FROM reservations_calendar WHERE booked OPERATOR(availability.&&) '[2026-01-01,2026-01-03)'::daterange}), '',
	'the booking of the killed backend is gone');
$node->safe_psql('postgres', q{INSERT INTO reservations VALUES (1, 1, '[2026-01-01,2026-01-03)')});

# Terminated, or out of time, amid a booking.
my (undef, undef, $late) = $node->psql('postgres', q{
	BEGIN; INSERT INTO reservations VALUES (2, 2, '[2026-01-01,2026-01-03)');
	SET LOCAL statement_timeout = '10ms'; SELECT pg_sleep(60)});
like($late, qr/statement timeout/, 'a statement runs out of time');
is($node->safe_psql('postgres', q(SELECT * FROM availability.verify('reservations'))), '', 'verify finds nothing');

apply_events();
my $database = $node->safe_psql('postgres', q(SELECT jsonb_object_agg(listing_id::text, booked::jsonb) FROM reservations_calendar));
is_deeply({ map { $_ => JSON::PP::decode_json($calendar{$_}) } keys %calendar }, JSON::PP::decode_json($database),
	'a reader of the events, some of which came twice, has the calendars of the database');
is_deeply({ map { $_ => "$version{$_}" } keys %version },
	{ map { split /\|/ } split /\n/, $node->safe_psql('postgres', 'SELECT listing_id, version FROM reservations_calendar') },
	'and their versions');

$node->stop;
done_testing();
