# The stream over the replication protocol: cut, resumed and replayed, it loses nothing and says the same each time.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Availability;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = logical_node('stream');
create_calendar($node, 'a_calendar');
$node->safe_psql('postgres', 'CREATE TABLE other (id int)');

sub sql { return $node->safe_psql('postgres', shift) }
sub here { return sql('SELECT pg_current_wal_insert_lsn()') }
sub confirmed { return sql(q(SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = 'cache')) }

sub book
{
	my ($listing, $version) = @_;
	sql(qq{INSERT INTO a_calendar (listing_id, booked, version, change) VALUES ($listing, '{[2026-12-20,2026-12-27)}', $version, 'created')
		ON CONFLICT (listing_id) DO UPDATE SET version = excluded.version, change = 'updated'});
	return;
}

$node->command_ok(
	[ 'pg_recvlogical', '-d', $node->connstr('postgres'), '-S', 'cache', '--create-slot', '-P', 'availability_decoder' ],
	'pg_recvlogical creates a slot');

# An option without a value can only come over the replication protocol.
$node->command_fails_like(
	[ 'pg_recvlogical', '-d', $node->connstr('postgres'), '-S', 'cache', '--start', '--no-loop', '-f', '-', '-o', 'tables' ],
	qr/option "tables" needs a value/,
	'an option without a value is refused');

# Replay: the same WAL gives the same bytes, before and after a restart.
book($_, 1) for 1 .. 3;
sql('BEGIN; UPDATE a_calendar SET version = 2; INSERT INTO other VALUES (1); COMMIT');
my $first = peek_events($node, 'cache', transactions => 'on');
is(scalar(split /\n/, $first), 6 + 3 + 5, 'three transactions of one event, one of three');
is(peek_events($node, 'cache', transactions => 'on'), $first, 'a second look sees the same');
$node->restart;
is(peek_events($node, 'cache', transactions => 'on'), $first, 'and so it does after a restart');

# A consumer that stops between transactions goes on from what it confirmed: an event's lsn is where its transaction ends.
my @events = receive_events($node, 'cache', here());
is_deeply([ map { "$_->{listing} $_->{version} $_->{seq}" } @events ],
	[ '1 1 1', '2 1 1', '3 1 1', '1 2 1', '2 2 2', '3 2 3' ], 'events arrive in order of commit');
is(sql("SELECT bool_and('$events[5]{lsn}'::pg_lsn <= '" . confirmed() . "')"), 't', 'what was received is confirmed');
is(peek_events($node, 'cache'), '', 'nothing is left');

book(4, 1);
book(5, 1);
my ($lsn) = peek_events($node, 'cache') =~ /"listing":"4".*"lsn":"([^"]+)"/;
sql("SELECT pg_replication_slot_advance('cache', '$lsn')");
unlike(peek_events($node, 'cache'), qr/"listing":"4"/, "a confirmed event's lsn never brings it back");
like(peek_events($node, 'cache'), qr/"listing":"5"/, 'and the next is still there');

# Commits one behind the other, the second of a transaction that began first. Drivers confirm the place that the server gives a message, some
# of them one byte more: that confirms the first transaction, once it is the place of its last message, and not the second.
sub events_after
{
	my $confirmed = shift;
	sql("SELECT pg_create_logical_replication_slot('second', 'availability_decoder'); BEGIN; UPDATE a_calendar SET version = 20 WHERE listing_id = 1; PREPARE TRANSACTION 'first'");
	sql('UPDATE a_calendar SET version = 21 WHERE listing_id IN (2, 3)');
	sql("COMMIT PREPARED 'first'");
	my @places = split /\n/, sql(q(SELECT lsn FROM pg_logical_slot_peek_changes('second', NULL, NULL)));
	sql("SELECT pg_replication_slot_advance('second', " . sprintf($confirmed, @places) . ')');
	my $left = join ' ', peek_events($node, 'second') =~ /"listing":"(\d)"/g;
	sql(q(SELECT pg_drop_replication_slot('second')));
	return $left;
}
is(events_after(q('%s')), '2 3 1', 'up to the first message: all come again');
is(events_after(q('%2$s')), '1', 'up to the last one: the other transaction does');
is(events_after(q('%2$s'::pg_lsn + 1)), '1', 'and so it does with one byte more');

# The server goes down amid the stream, and unclean.
my $stream = '';
my $receiver = IPC::Run::start(
	[ 'pg_recvlogical', '-d', $node->connstr('postgres'), '-S', 'cache', '--start', '-f', '-', '-F', '1', '-s', '1' ],
	'>', \$stream, '2>', '/dev/null', IPC::Run::timer($PostgreSQL::Test::Utils::timeout_default));
sub stream_has
{
	my $pattern = shift;
	IPC::Run::pump($receiver) until $stream =~ $pattern;
	return 1;
}
ok(stream_has(qr/"listing":"5"/), 'streaming resumes');
book(6, 1);
ok(stream_has(qr/"listing":"6"/), 'a commit is streamed');
$node->stop('immediate');
$node->start;
book(7, 1);
ok(stream_has(qr/"listing":"7"/), 'the stream goes on after a crash');
# A crash may take the slot back to an older confirmation, never an event to other words.
my %said;
/("lsn":"[^"]+","seq":\d+)/ and $said{$1}{$_} = 1 for split /\n/, $stream =~ s/[^\n]*\z//r;
is(scalar(grep { keys %$_ != 1 } values %said), 0, 'and what it brings twice is the same');

# Transactions without events move the slot on.
sql('INSERT INTO other SELECT generate_series(1, 10000)');
my $idle = here();
ok($node->poll_query_until('postgres',
		"SELECT confirmed_flush_lsn >= '$idle' FROM pg_replication_slots WHERE slot_name = 'cache'"),
	'the slot advances past idle transactions');
$receiver->kill_kill;

# A transaction that spills, with subtransactions undone, arrives whole and in order.
sql(q{
	BEGIN;
	INSERT INTO a_calendar SELECT 1000 + i, i, '{[2026-01-01,2026-01-02)}', 1, 'reset' FROM generate_series(1, 5000) i;
	SAVEPOINT a; UPDATE a_calendar SET version = -1; ROLLBACK TO a;
	SAVEPOINT b; UPDATE a_calendar SET version = 2 WHERE listing_id = 1001; RELEASE b;
	COMMIT});
@events = split /\n/,
  sql(q(SET logical_decoding_work_mem = '64kB'; SELECT data FROM pg_logical_slot_get_changes('cache', NULL, NULL, 'tables', 'public.a_calendar')));
is(scalar(@events), 5001, 'one event a row that lasted');
is(scalar(grep { $events[$_] !~ /"seq":@{[ $_ + 1 ]},/ } 0 .. $#events), 0, 'counted from 1');
like($events[5000], qr/"listing":"1001","version":2,/, 'the released subtransaction last');

# A prepared transaction is sent when it is committed.
sql(q(BEGIN; UPDATE a_calendar SET version = 9 WHERE listing_id = 1; PREPARE TRANSACTION 'p'));
is(peek_events($node, 'cache'), '', 'a prepared transaction is silent');
sql(q(COMMIT PREPARED 'p'));
like(peek_events($node, 'cache'), qr/\A[^\n]*"listing":"1","version":9,[^\n]*\z/, 'until it is committed');

# Sessions share a backend: the caches of one that failed or ended serve no other.
is(sql(q(
	SELECT count(*) FROM pg_logical_slot_peek_changes('cache', NULL, NULL);
	ALTER TABLE a_calendar RENAME TO b_calendar;
	SELECT count(*) FROM pg_logical_slot_peek_changes('cache', NULL, NULL, 'tables', 'public.b_calendar');
	SELECT count(*) FROM pg_logical_slot_peek_changes('cache', NULL, NULL, 'tables', 'public.a_calendar');
	UPDATE b_calendar SET version = 10 WHERE listing_id = 1;
	SELECT count(*) FROM pg_logical_slot_peek_changes('cache', NULL, NULL, 'tables', 'public.b_calendar'))),
	"1\n0\n1\n1", 'sessions of one backend are independent');

$node->stop;
done_testing();
