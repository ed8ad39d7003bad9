# The consumers of decoder/examples: nothing is missing and nothing is done twice, between the calendars of the beginning and the
# events, and whenever the consumer dies.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Availability;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $examples = "$FindBin::RealBin/../decoder/examples";
my $directory = PostgreSQL::Test::Utils::tempdir;
my $node = logical_node('consumers');
my $include = $node->config_data('--includedir');
command_ok([ 'g++', '-std=c++17', '-Wall', '-Wextra', '-Werror', "-I$include", '-I/usr/include/postgresql', "$examples/consumer.cpp", '-lpq', '-o', "$directory/consumer" ],
	'consumer.cpp builds without a warning');

$node->safe_psql('postgres', q(
	CREATE TABLE reservations (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id int, stay daterange);
	SELECT availability.track('reservations');
	CREATE FUNCTION book(n int) RETURNS void LANGUAGE sql AS
		'INSERT INTO reservations (listing_id, stay) VALUES (n % 100, daterange(date ''2027-01-01'' + 2 * n, date ''2027-01-02'' + 2 * n))'));

sub calendars
{
	return { map { my ($listing, $version, $booked) = split /\|/; $listing => [ $version, decode_json($booked) ] }
			split /\n/, $node->safe_psql('postgres', 'SELECT listing_id, version, booked::jsonb FROM reservations_calendar') };
}

# Sessions that book all the while.
$node->safe_psql('postgres', 'CREATE SEQUENCE bookings');
append_to_file("$directory/script", "SELECT book(nextval('bookings')::int);\n");
my $pgbench = IPC::Run::start([ 'pgbench', '-n', '-c', '4', '-T', '4', '-R', '300', '-f', "$directory/script", $node->connstr('postgres') ], '>', \my $log, '2>&1');

my (%known, $lines);
my $applied = 0;
sub consume
{
	my $until = shift;
	my $out = '';
	my $consumer = IPC::Run::start([ "$directory/consumer", $node->connstr('postgres'), 'cache', 'public.reservations_calendar' ], '>', \$out, '2>', \my $err);
	my $deadline = time + $PostgreSQL::Test::Utils::timeout_default;
	my $read = 0;
	while (1)
	{
		$consumer->pump_nb;
		while ($out =~ /\G(.*)\n/gc)
		{
			my $line = decode_json($1);
			$lines++;
			my $version = $line->{version};
			next if defined $known{ $line->{listing} } && $known{ $line->{listing} }[0] >= $version;
			$applied++;
			$known{ $line->{listing} } = [ "$version", $line->{booked} ];
		}
		last if $until->();
		die "timed out: $err" if time > $deadline;
		select undef, undef, undef, 0.02;
	}
	$consumer->kill_kill(grace => 0);
	return;
}

# It begins amid bookings, and is killed again and again.
for my $round (1 .. 4)
{
	my $stop = $applied + 200;
	consume(sub { $applied >= $stop || !$pgbench->pumpable });
}
$pgbench->finish;
my $calendars = calendars();
consume(sub { keys %known == keys %$calendars && !grep { $known{$_}[0] ne $calendars->{$_}[0] } keys %$calendars });
is_deeply(\%known, $calendars, 'the calendars of the beginning and the events since give the calendars');
my $changes = $node->safe_psql('postgres', 'SELECT count(*) FROM reservations');
cmp_ok($applied, '<=', $changes + keys %$calendars, 'no change counted twice');
note "$changes changes, $lines lines, $applied applied";

# What was confirmed does not come again.
$node->poll_query_until('postgres', q(SELECT NOT active FROM pg_replication_slots WHERE slot_name = 'cache'));
my $waiting = $node->safe_psql('postgres', q(SELECT count(*) FROM pg_logical_slot_peek_changes('cache', NULL, NULL)));
cmp_ok($waiting, '<', $changes, 'the slot moves on');

# In SQL: by and by, and with what was applied but not confirmed.
$node->safe_psql('postgres', q(
	SELECT pg_create_logical_replication_slot('sql', 'availability_decoder');
	CREATE TABLE calendar_copy (listing text PRIMARY KEY, version bigint NOT NULL, booked jsonb NOT NULL);
	INSERT INTO calendar_copy SELECT listing_id, version, booked::jsonb FROM reservations_calendar));
my @consume = ('psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-v', 'slot=sql', '-v', 'calendars=public.reservations_calendar', '-d', $node->connstr('postgres'), '-f', "$examples/consumer.sql");
my $copy_differs = q(SELECT listing_id, version, booked::jsonb FROM reservations_calendar EXCEPT SELECT listing::int, version, booked FROM calendar_copy);
for my $round (1 .. 3)
{
	$node->safe_psql('postgres', q(SELECT book(nextval('bookings')::int) FROM generate_series(1, 50)));
	$node->safe_psql('postgres', q(DELETE FROM reservations WHERE id % 7 = ) . $round);
	isnt($node->safe_psql('postgres', $copy_differs), '', 'calendars have changed');
	command_ok(\@consume, 'consumer.sql runs');
	is($node->safe_psql('postgres', $copy_differs), '', 'and the copy follows');
}
command_ok(\@consume, 'with nothing to do, too');
is($node->safe_psql('postgres', q(SELECT count(*) FROM pg_logical_slot_peek_changes('sql', NULL, NULL))), '0', 'nothing is left');

$node->stop;
done_testing();
