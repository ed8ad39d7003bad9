# Protobuf: read with what protoc makes of event.proto, every event says, field by field, what the same one in JSON says. JSON is valid by
# its schema.

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
command_ok([ 'protoc', '-I', "$FindBin::RealBin/../decoder", "--python_out=$directory", 'event.proto' ], 'protoc takes event.proto');

my $node = logical_node('protobuf', extra => [ '--locale=C', '--encoding=UTF8' ]);
$node->safe_psql('postgres', q(SELECT pg_create_logical_replication_slot('events', 'availability_decoder')));

# Random reservations of listings of each kind of key.
$node->safe_psql('postgres', q(SELECT setseed(0.42)));
for my $case ([ 'bigint', 'n' ], [ 'uuid', 'md5(n::text)::uuid' ], [ 'text', q(''house "'' || n || ''" – '' || chr(9731)) ])
{
	my ($type, $key) = @$case;
	$node->safe_psql('postgres', qq~
		CREATE TABLE r_$type (id $type PRIMARY KEY, listing_id $type, stay daterange, status text DEFAULT 'confirmed');
		SELECT availability.track('r_$type', active => \$\$status = 'confirmed'\$\$);
		CREATE FUNCTION ${type}_of(n int) RETURNS $type LANGUAGE sql AS 'SELECT ($key)::$type';
		DO \$\$ BEGIN
			FOR i IN 1 .. 1500 LOOP
				BEGIN
					INSERT INTO r_$type SELECT ${type}_of(i), ${type}_of(i % 20), daterange(d, d + 1 + i % 9) FROM (SELECT date '1970-01-01' + floor(random() * 65500)::int AS d OFFSET 0) AS s;
				EXCEPTION WHEN unique_violation THEN
				END;
			END LOOP;
		END \$\$;
		UPDATE r_$type SET stay = daterange(lower(stay), lower(stay) + 1) WHERE random() < 0.3;
		UPDATE r_$type SET listing_id = id WHERE random() < 0.2;
		UPDATE r_$type SET status = 'cancelled' WHERE random() < 0.2;
		SELECT availability.hold('r_$type', (SELECT listing_id FROM r_$type LIMIT 1)::$type, '[2100-01-01,2100-01-09)');
		TRUNCATE r_$type~);
}

# What only anybody's own tables hold: any version, every kind of container, rows that can't be read, keys of every number.
create_calendar($node, $_) for 'extremes', '"Odd ""Name"""';
$node->safe_psql('postgres', q~
	INSERT INTO extremes SELECT l, 1, '{}', v, 'created', -l, daterange('1970-01-01', '1970-01-02'), daterange('1970-01-01', '2149-06-07')
	FROM (VALUES (0, 0), (1, 1), (-1, -1), (9223372036854775807, 9223372036854775807), (-9223372036854775807, -9223372036854775808)) AS k (l, v);
	UPDATE extremes SET booked = '1970-01-01', was = NULL;
	UPDATE extremes SET booked = '2149-06-06', reservation_id = NULL;
	UPDATE extremes SET booked = '[1970-01-01,2149-06-07)', stay = NULL;
	INSERT INTO extremes SELECT 100 + step, 1, availability.dayset_agg(date '1970-01-01' + step * n), 1, 'reset' FROM generate_series(2, 40, 2) AS step, generate_series(0, 1600) AS n GROUP BY step;
	INSERT INTO extremes SELECT 200, 1, availability.dayset_agg(date '1970-01-01' + 2 * n), 1, 'dropped' FROM generate_series(0, 32000) AS n;
	INSERT INTO extremes VALUES (300, 1, '{}', 1, 'unheard of');
	INSERT INTO "Odd ""Name""" VALUES (1, 1, '{}', 1, 'reset');
	SELECT pg_logical_emit_message(true, 'note', 'text – ☃'), pg_logical_emit_message(true, 'note', decode('00ff', 'hex')), pg_logical_emit_message(true, 'note', ''), pg_logical_emit_message(true, 'other', 'x')~);

my $options = q('transactions', 'on', 'messages', 'note');
my $json = $node->safe_psql('postgres', "SELECT data FROM pg_logical_slot_peek_changes('events', NULL, NULL, $options)");
my $hex = $node->safe_psql('postgres', "SELECT encode(data, 'hex') FROM pg_logical_slot_peek_binary_changes('events', NULL, NULL, 'format', 'protobuf', $options)");
cmp_ok(scalar(split /\n/, $json), '>', 8000, 'thousands of events');

# The events of some lines, one a line, with their keys in order.
sub read_events
{
	my ($lines, $argument) = @_;
	my ($out, $err) = ('', '');
	my $read = IPC::Run::run([ '/usr/bin/python3', "$FindBin::RealBin/lib/read_events.py", $argument ], '<', \"$lines\n", '>', \$out, '2>', \$err);
	ok($read, $argument eq '--json' ? 'JSON is read' : 'protobuf is read') or diag $err;
	return split /\n/, $out;
}
my @expected = read_events($json, '--json');
my @found = read_events($hex, $directory);
is(scalar(@found), scalar(@expected), 'as many');
my @different = grep { $expected[$_] ne ($found[$_] // '') } 0 .. $#expected;
is(scalar(@different), 0, 'field by field') or diag "$expected[$different[0]]\n$found[$different[0]]";
my %kinds = map { /"event": "(\w+)"/ ? ($1 => 1) : () } @expected;

# Events of tracked tables are as the JSON Schema has them.
my ($none, $invalid) = ('', '');
my @tracked = grep { !/extremes|Odd/ } split /\n/, $json;
my $valid = IPC::Run::run([ '/usr/bin/python3', "$FindBin::RealBin/lib/validate_events.py", "$FindBin::RealBin/../decoder/event.schema.json" ],
	'<', \join("\n", @tracked[ grep { $_ % 4 == 0 || $_ > $#tracked - 20 } 0 .. $#tracked ]), '>', \$none, '2>', \$invalid);
ok($valid, 'valid by event.schema.json') or diag $invalid;

is_deeply([ sort keys %kinds ], [qw(begin cancelled commit created dropped message reset unreadable updated)], 'events of every kind');

# A textual function can't give bytes.
my (undef, undef, $refused) = $node->psql('postgres', q(SELECT * FROM pg_logical_slot_peek_changes('events', NULL, NULL, 'format', 'protobuf')));
like($refused, qr/produces binary output/, 'pg_logical_slot_peek_changes refuses');

# Over the replication protocol the bytes are the same.
my $end = $node->safe_psql('postgres', 'SELECT pg_current_wal_lsn()');
my $file = "$directory/stream";
command_ok([ 'pg_recvlogical', '-d', $node->connstr('postgres'), '--slot', 'events', '--start', '--endpos', $end, '--no-loop', '-o', 'format=protobuf',
		'-o', 'transactions=on', '-o', 'messages=note', '-f', $file ], 'pg_recvlogical reads them');
my $stream = slurp_file($file);
is(unpack('H*', $stream), join('', map { "${_}0a" } split /\n/, $hex), 'the same bytes, with the line break that it puts behind each');

# What a filter kept back is told alike.
$node->safe_psql('postgres', q(BEGIN; INSERT INTO extremes VALUES (400, 1, '{}', 1, 'reset'), (401, 1, '{}', 1, 'reset');
	INSERT INTO "Odd ""Name""" VALUES (2, 1, '{}', 1, 'reset'); COMMIT));
my $filter = q('tables', 'public."Odd ""Name"""');
my @filtered = read_events($node->safe_psql('postgres', "SELECT data FROM pg_logical_slot_peek_changes('events', NULL, NULL, $filter)"), '--json');
like($filtered[-1], qr/"seq": 3, "skipped": 2,/, 'changes that a filter kept back');
is_deeply([ read_events($node->safe_psql('postgres',
	"SELECT encode(data, 'hex') FROM pg_logical_slot_peek_binary_changes('events', NULL, NULL, 'format', 'protobuf', $filter)"), $directory) ],
	\@filtered, 'in protobuf too');

$node->stop;
done_testing();
