# Bookers, movers, cancellers and holders on few listings while sessions are terminated, backends and the whole server killed. Every
# request has a key and is repeated with it until it is answered. At the end no day is shared, verify finds nothing, and the table
# holds exactly what was acknowledged: nothing is lost, and nothing was done twice.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Availability;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $sessions = $ENV{AVAILABILITY_CHAOS_SESSIONS} || 64;
# At least; it goes on until sessions, backends and servers have been killed and enough was booked.
my $seconds = $ENV{AVAILABILITY_CHAOS_SECONDS} || 8;
my $enough = 100;

my $directory = PostgreSQL::Test::Utils::tempdir;
my $node = logical_node('chaos', extra => ['--no-sync']);
$node->append_conf('postgresql.conf',
	"max_connections = 120\nrestart_after_crash = on\nlog_statement = none\nlog_min_error_statement = panic\nlog_min_messages = fatal\n");
$node->restart;
$node->safe_psql('postgres', q(
	CREATE TABLE listings (id int PRIMARY KEY);
	INSERT INTO listings SELECT generate_series(1, 50);
	CREATE TABLE reservations (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int NOT NULL REFERENCES listings,
		check_in date, check_out date, status text NOT NULL DEFAULT 'confirmed', request text UNIQUE);
	SELECT availability.track('reservations', active => $$status = 'confirmed'$$, cancel => $$status = 'cancelled'$$);
	-- What a request came to: ok and the answer, again, or no and why not.
	CREATE FUNCTION attempt(request text, statement text) RETURNS text LANGUAGE plpgsql AS $f$
	DECLARE
		answer text;
	BEGIN
		EXECUTE statement INTO answer;
		RETURN format('%s ok %s', request, answer);
	EXCEPTION
		WHEN serialization_failure OR deadlock_detected THEN RETURN format('%s again %s', request, SQLSTATE);
		WHEN others THEN RETURN format('%s no %s', request, SQLSTATE);
	END $f$));
my $connection = $node->connstr('postgres');
my $latest = time + $PostgreSQL::Test::Utils::timeout_default;

# Whether the sessions begin nothing new.
sub is_over { return -e "$directory/over" || time > $latest }

# One session's work, in a process of its own. Returns its reservations as it knows them.
sub work
{
	my $worker = shift;
	srand($worker);
	my (%mine, %pending, @holds, %busy);
	my $count = 0;

	my $any_stay = sub {
		my $first = int rand 60;
		return sprintf "daterange(date '2027-01-01' + %d, date '2027-01-01' + %d)", $first, $first + 1 + int rand 5;
	};
	my $new_request = sub {
		my $key = "$worker-" . ++$count;
		my $listing = 1 + int rand 50;
		my $dice = rand;
		my @idle = grep { !$busy{$_} && $mine{$_}{status} eq 'confirmed' } sort keys %mine;
		if ($dice < 0.2 && @idle)
		{
			my $id = $idle[ rand @idle ];
			$busy{$id} = 1;
			return $key => { act => 'cancel', id => $id, sql => "SELECT reservation_id FROM availability.cancel('reservations', $id, '$key')" };
		}
		if ($dice < 0.4 && @idle)
		{
			my ($id, $stay) = ($idle[ rand @idle ], $any_stay->());
			$busy{$id} = 1;
			return $key => { act => 'move', id => $id, stay => $stay, sql => "SELECT reservation_id FROM availability.move('reservations', $id, $stay, '$key')" };
		}
		if ($dice < 0.55 && @holds)
		{
			my $hold = shift @holds;
			return $key => { act => 'release', sql => "SELECT availability.release('$hold->{hold}')" } if rand() < 0.2;
			return $key => { %$hold, act => 'confirm',
				sql => "SELECT reservation_id FROM availability.confirm('reservations', '$hold->{hold}', '{\"request\": \"$key\"}', '$key')" };
		}
		my $stay = $any_stay->();
		if ($dice < 0.7)
		{
			my $ttl = int(50 + rand 1500);
			return $key => { act => 'hold', listing => $listing, stay => $stay, sql => "SELECT availability.hold('reservations', $listing, $stay, '$ttl ms')" };
		}
		return $key => { act => 'sweep', sql => "SELECT availability.sweep('reservations')" } if $dice < 0.72;
		return $key => { act => 'book', listing => $listing, stay => $stay,
			sql => "SELECT reservation_id FROM availability.book('reservations', $listing, $stay, '$key', '{\"request\": \"$key\"}')" };
	};
	my $answered = sub {
		my ($key, $outcome, $answer) = @_;
		my $request = $pending{$key};
		return if !defined $request || $outcome eq 'again';
		delete $pending{$key};
		my $act = $request->{act};
		delete $busy{ $request->{id} } if defined $request->{id};
		return if $outcome ne 'ok';
		push @holds, { listing => $request->{listing}, stay => $request->{stay}, hold => $answer } if $act eq 'hold';
		$mine{$answer} = { listing => $request->{listing}, stay => $request->{stay}, status => 'confirmed', key => $key }
			if $act eq 'book' || $act eq 'confirm';
		$mine{ $request->{id} }{status} = 'cancelled' if $act eq 'cancel';
		$mine{ $request->{id} }{stay} = $request->{stay} if $act eq 'move';
	};

	my $rounds_left = 400;
	while (1)
	{
		my $over = is_over();
		last if $over && !%pending;
		die 'requests are not answered' if $over && --$rounds_left < 0;
		while (!$over && keys %pending < 8)
		{
			my ($key, $request) = $new_request->();
			$pending{$key} = $request;
		}
		my $file = "$directory/requests.$worker";
		open my $script, '>', $file or die $!;
		print $script "SELECT attempt('$_', \$\$$pending{$_}{sql}\$\$);\n" for sort keys %pending;
		close $script;
		my @answers = `psql -XAtq -d '$connection' -f '$file' 2>/dev/null`;
		my $broken = $? != 0;
		/^(\S+) (ok|again|no) (\S+)$/ and $answered->($1, $2, $3) for @answers;
		# An answer to a hold that got lost is no loss: the hold expires.
		delete @pending{ grep { $pending{$_}{act} =~ /^(hold|sweep|release)$/ } keys %pending };
		sleep 0.05 + rand 0.2 if $broken;
	}
	return \%mine;
}

my $earliest = time + $seconds;
my @workers;
for my $worker (1 .. $sessions)
{
	my $pid = fork // die $!;
	if ($pid == 0)
	{
		my $mine = eval { work($worker) };
		open my $file, '>', "$directory/reservations.$worker" or die $!;
		print $file "$_|$mine->{$_}{listing}|$mine->{$_}{stay}|$mine->{$_}{status}|$mine->{$_}{key}\n" for keys %{ $mine // {} };
		close $file;
		PostgreSQL::Test::Utils::system_log('touch', "$directory/done.$worker") if defined $mine;
		# Without the parent's cleaning up.
		require POSIX;
		POSIX::_exit(0);
	}
	push @workers, $pid;
}

sub backends
{
	my $limit = shift;
	my ($status, $out) = $node->psql('postgres',
		"SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY random() LIMIT $limit");
	return split /\n/, $out // '';
}

sub start_again
{
	# What is left of the killed server's processes may hold its memory for a moment.
	for (1 .. 100)
	{
		return if $node->start(fail_ok => 1);
		$node->{_pid} = undef;
		sleep 0.1;
	}
	die 'server does not start';
}

# The server may be about to learn that one of its backends was killed.
sub booked
{
	my (undef, $number) = $node->psql('postgres', 'SELECT count(*) FROM reservations');
	return $number || 0;
}

my %killed = (sessions => 0, backends => 0, servers => 0);
for (my $round = 1; time < $latest; $round++)
{
	last if time >= $earliest && !grep({ $_ == 0 } values %killed) && booked() > $enough;
	sleep 0.4;
	if ($round % 4 == 0)
	{
		$node->kill9;
		start_again();
		$killed{servers}++;
	}
	elsif ($round % 4 == 2)
	{
		$killed{backends} += kill 'KILL', backends(1);
		# The server ends all others' sessions and begins anew.
		$node->poll_query_until('postgres', 'SELECT true') or die 'server does not come back';
	}
	else
	{
		$killed{sessions} += kill 'TERM', backends(5);
	}
}
append_to_file("$directory/over", '');
note "killed: $killed{sessions} sessions, $killed{backends} backends, $killed{servers} servers";
ok($killed{$_} > 0, "$_ were killed") for sort keys %killed;
waitpid $_, 0 for @workers;
is(scalar(my @done = glob "$directory/done.*"), $sessions, 'every request was answered in the end');

$node->safe_psql('postgres', 'CREATE TABLE acknowledged (id bigint, listing_id int, stay text, status text, request text)');
for my $worker (1 .. $sessions)
{
	$node->safe_psql('postgres', "\\copy acknowledged FROM '$directory/reservations.$worker' (DELIMITER '|')");
}
$node->safe_psql('postgres', q(
	CREATE FUNCTION stay_of(text) RETURNS daterange LANGUAGE plpgsql AS $$
	DECLARE
		stay daterange;
	BEGIN
		EXECUTE 'SELECT ' || $1 INTO stay;
		RETURN stay;
	END $$;
	CREATE VIEW known AS SELECT id, listing_id, stay_of(stay) AS stay, status, request FROM acknowledged;
	CREATE VIEW found AS SELECT id, listing_id, daterange(check_in, check_out) AS stay, status, request FROM reservations));
note $node->safe_psql('postgres', "SELECT count(*) || ' reservations, ' || count(*) FILTER (WHERE status = 'cancelled') || ' of them cancelled' FROM reservations");
cmp_ok(booked(), '>', $enough, 'many were booked');
is($node->safe_psql('postgres', 'TABLE known EXCEPT TABLE found'), '', 'what was acknowledged is there');
is($node->safe_psql('postgres', 'TABLE found EXCEPT TABLE known'), '', 'and nothing else');
is($node->safe_psql('postgres', q(
		SELECT listing_id, day, count(*) FROM found, generate_series(lower(stay), upper(stay) - 1, '1 day') AS day
		WHERE status = 'confirmed' GROUP BY 1, 2 HAVING count(*) > 1)), '', 'no day is shared');
is($node->safe_psql('postgres', q(SELECT * FROM availability.verify('reservations'))), '', 'verify finds nothing');
$node->safe_psql('postgres', q(SELECT pg_sleep(2), availability.sweep('reservations')));
is($node->safe_psql('postgres', q(SELECT count(*) FROM reservations_hold)), '0', 'no hold is left behind');
is($node->safe_psql('postgres', q(
		SELECT c.listing_id FROM reservations_calendar c LEFT JOIN
			(SELECT listing_id, availability.dayset_agg(stay) AS booked FROM found WHERE status = 'confirmed' GROUP BY 1) r USING (listing_id)
		WHERE c.booked OPERATOR(availability.<>) coalesce(r.booked, '{}'))), '', 'calendars are those of the reservations');
is($node->safe_psql('postgres', q(SELECT * FROM availability.verify('reservations'))), '', 'verify finds nothing after the sweep');

$node->stop;
done_testing();
