# Large and long transactions: memory stays flat, whatever the number of changes; one that is about other tables alone takes longer than
# wal_sender_timeout without losing the client, and the slot moves past it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Availability;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes;

my $changes = $ENV{AVAILABILITY_LARGE_CHANGES} || 300_000;
my $others = $ENV{AVAILABILITY_LONG_CHANGES} || 1_500_000;

my $directory = PostgreSQL::Test::Utils::tempdir;
my $node = logical_node('large', extra => ['--no-sync']);
$node->append_conf('postgresql.conf', "logical_decoding_work_mem = '1MB'\nmax_wal_size = '4GB'\n");
$node->restart;
create_calendar($node, 'calendar');
$node->safe_psql('postgres', q(CREATE TABLE other (id int, words text); SELECT pg_create_logical_replication_slot('cache', 'availability_decoder')));

# Memory of its own that the walsender has now, in kB; undef where there is none.
sub walsender_memory
{
	my $pid = $node->safe_psql('postgres', 'SELECT active_pid FROM pg_replication_slots');
	return undef unless $pid && open my $status, '<', "/proc/$pid/status";
	my ($memory) = join('', <$status>) =~ /^RssAnon:\s+(\d+)/m;
	return $memory;
}

# Streams what is in the WAL now to a file. Returns the most memory of its own that the walsender had meanwhile, in kB: it
# is looked at whenever another part of the stream has come, and until that has been read the walsender can't end.
sub stream
{
	my ($file, @options) = @_;
	my $end = $node->safe_psql('postgres', 'SELECT pg_current_wal_flush_lsn()');
	open my $copy, '>', $file or die $!;
	open my $client, '-|', 'pg_recvlogical', '-d', $node->connstr('postgres'), '--slot', 'cache', '--start', '--endpos', $end, '--no-loop',
		'--status-interval', '1', @options, '-f', '-' or die $!;
	my ($most, $unseen) = (0, 0);
	while (read $client, my $part, 1 << 16)
	{
		print $copy $part;
		next if ($unseen += length $part) < 1 << 21;
		$unseen = 0;
		my $memory = walsender_memory();
		$most = $memory if defined $memory && $memory > $most;
	}
	close $copy;
	ok(close $client, 'the stream ends well');
	return $most;
}

sub insert_calendars
{
	my $number = shift;
	$node->safe_psql('postgres', "INSERT INTO calendar (listing_id, booked, version, change, reservation_id)
		SELECT coalesce((SELECT max(listing_id) FROM calendar), 0) + n, daterange(date '2027-01-01' + n % 500, date '2027-01-08' + n % 500)::availability.dayset, n, 'reset', n
		FROM generate_series(1, $number) AS n");
	return;
}

insert_calendars($changes / 10);
my $small = stream("$directory/small");
insert_calendars($changes);
my $large = stream("$directory/large");
cmp_ok($small, '>', 0, 'memory is seen');
cmp_ok($large, '<', $small + 16 * 1024, 'ten times the changes take no more memory');
note "$small kB, $large kB";
my ($lines, $longest) = (0, 0);
open my $events, '<', "$directory/large" or die $!;
while (my $line = <$events>)
{
	$lines++;
	$longest = length $line if length $line > $longest;
}
is($lines, $changes, 'one message an event');
cmp_ok($longest, '<', 1024 * 1024, 'none of them large');

# Nothing to say for longer than the timeout: more and more of it, until that long is taken.
$node->append_conf('postgresql.conf', "wal_sender_timeout = '1s'\n");
$node->reload;
my ($took, $after) = (0, undef);
for (1 .. 6)
{
	$node->safe_psql('postgres', "INSERT INTO other SELECT n, 'words' FROM generate_series(1, $others) AS n");
	$after = $node->safe_psql('postgres', 'SELECT pg_current_wal_flush_lsn()');
	my $started = Time::HiRes::time();
	stream("$directory/silent", '-o', 'tables=public.calendar');
	$took = Time::HiRes::time() - $started;
	is(-s "$directory/silent", 0, 'there is nothing to say');
	last if $took > 1.5;
	$others *= 2;
}
cmp_ok($took, '>', 1.5, 'decoding takes longer than the timeout');
is($node->safe_psql('postgres', "SELECT confirmed_flush_lsn >= '$after' FROM pg_replication_slots"), 't', 'the slot moves past it');

$node->stop;
done_testing();
