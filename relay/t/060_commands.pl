# verify, status, tail, --check, SIGHUP, dead letters.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib", "$FindBin::RealBin/../../t/lib";

use Availability;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RedisServer;
use Relay;
use Test::More;

my $node = logical_node('commands');
track_reservations($node, 20);
my $redis = RedisServer->new;
my $letters = PostgreSQL::Test::Utils::tempdir . '/letters';

for my $layout ('calendar', 'months')
{
	$redis->do('FLUSHALL');
	my $relay = Relay->new($node, 'redis.nodes' => $redis->address, 'redis.layout' => $layout, 'database.slot' => "slot_$layout", 'relay.dead_letter_file' => $letters);
	isnt(($relay->execute('status'))[0], 0, "$layout: no status before the bootstrap");
	$relay->bootstrap;
	$relay->start_ready;
	$node->safe_psql('postgres', q(INSERT INTO reservations (listing_id, stay) SELECT n, daterange(current_date + 60 + base, current_date + 62 + base)
		FROM generate_series(1, 20) n, (SELECT coalesce(3 * max(id), 0)::int AS base FROM reservations) AS taken));
	$relay->wait_confirmed;
	$relay->wait_loaded;

	my ($status, $out) = $relay->execute('status');
	is($status, 0, "$layout: status of one that runs");
	like($out, qr/^slot +slot_$layout\nepoch +\d+\n/, "$layout: and what it says");
	($status, $out) = $relay->execute('verify');
	is($status, 0, "$layout: nothing is wrong");
	like($out, qr/^20 listings, 0 not in Redis, 0 wrong$/m, "$layout: of all listings");

	# Other days under the version that the database has; a version that stays behind; one that never was; no entry at all.
	my $key = sub { my $listing = shift; return "avail:v3:{$listing}" . ($layout eq 'months' ? ':version' : ''); };
	if ($layout eq 'calendar')
	{
		my $value = $redis->do('GET', $key->(1));
		substr($value, -4, 2) = pack 'v', 20000;
		$redis->do('SET', $key->(1), $value);
	}
	else
	{
		my ($month) = sort grep { $redis->do('GETRANGE', $_, 0, 3) ne "\0" x 4 } grep { /\d$/ } @{ $redis->do('KEYS', 'avail:v3:{1}:*') };
		$redis->do('SET', $month, "\0" x 4);
	}
	my $entry = $redis->do('GET', $key->(2));
	my ($epoch, $version) = unpack 'Q>q>', $entry;
	$redis->do('SET', $key->(2), pack('Q>q>', $epoch, $version - 5) . substr($entry, 16));
	$redis->do('SET', $key->(3), pack('Q>q>', $epoch, $version + 1_000_000_000) . substr($entry, 16));
	$redis->do('SET', $key->(4), 'rubbish');
	$redis->do('DEL', $key->(5));
	($status, $out) = $relay->execute('verify');
	is($status, 1, "$layout: what is wrong is found");
	is_deeply([ sort $out =~ /^public.reservations_calendar (\d+): /mg ], [ 1, 2, 3, 4 ], "$layout: all of it, and no more");
	like($out, qr/^20 listings, 1 not in Redis, 4 wrong$/m, "$layout: a miss is no mistake");
	is(($relay->execute('verify', '--repair'))[0], 0, "$layout: it is mended");
	($status, $out) = $relay->execute('verify');
	like($out, qr/^20 listings, 5 not in Redis, 0 wrong$/m, "$layout: by removing it");

	# A row that nobody can read.
	$node->safe_psql('postgres', q(UPDATE reservations_calendar SET change = 'nonsense' WHERE listing_id = 6));
	$relay->wait_confirmed;
	my ($line) = grep { /"listing":6,/ } split /\n/, slurp_file($letters);
	like(decode_json($line)->{reason}, qr/change/, "$layout: an unreadable event is in the dead letters");
	unlink $letters;
	my $cached = $redis->do('GET', $key->(6));
	ok(!defined $cached || length $cached == 16, "$layout: and its listing has no calendar in Redis");
	ok(!exists $relay->snapshot->{calendars}{6}, "$layout: nor in the snapshot");
	cmp_ok($relay->metric('events_total{kind="unreadable"}'), '==', 1, "$layout: it is counted");
	$node->safe_psql('postgres', q(UPDATE reservations_calendar SET change = 'reset', version = version + 1 WHERE listing_id = 6));
	$relay->wait_confirmed;
	ok(exists $relay->snapshot->{calendars}{6}, "$layout: until its next event");
	($status, $out) = $relay->execute('verify');
	is($status, 0, "$layout: all is well");
	$relay->stop;
}

my $relay = Relay->new($node, 'database.slot' => 'slot_calendar');
for my $json (0, 1)
{
	my ($out, $err) = ('', '');
	my $tail = IPC::Run::start([ $relay->command('tail', '--count', 2, $json ? '--json' : ()) ], '>', \$out, '2>', \$err, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	$tail->pump until $err =~ /events from here on/;
	$node->safe_psql('postgres', "INSERT INTO reservations (listing_id, stay) VALUES (7, daterange('2031-01-01'::date + 9 * $json, '2031-01-03'::date + 9 * $json)); DELETE FROM reservations WHERE stay = daterange('2031-01-01'::date + 9 * $json, '2031-01-03'::date + 9 * $json)");
	$tail->finish;
	is($tail->result(0), 0, 'tail ends after as many');
	if ($json) { is(join(' ', map { decode_json($_)->{event} } split /\n/, $out), 'created cancelled', 'as JSON'); }
	else { like($out, qr/^\S+ \S+ created public.reservations_calendar 7 reservation \d+ stay \[2031-01-01,2031-01-03\) booked \{.*\}\n\S+ \S+ cancelled .* was \[2031-01-01,2031-01-03\)/, 'for people'); }
}
is($node->safe_psql('postgres', q(SELECT count(*) FROM pg_replication_slots WHERE temporary)), 0, 'and leaves no slot');

# Settings.
my $file = PostgreSQL::Test::Utils::tempdir . '/relay.toml';
sub write_settings { my ($text) = @_; unlink $file; append_to_file($file, $text); return; }
sub run_with
{
	my ($out, $err);
	my $run = IPC::Run::run([ @_ ], '>', \$out, '2>', \$err);
	return ($? >> 8, $out, $err);
}
my ($program) = $relay->command('run');
write_settings("[database]\ntables = [\"public.t\"]\nslots = \"x\"\n");
my ($status, $out, $err) = run_with($program, '--config', $file, '--check');
is($status, 2, 'an unknown option is an error');
like($err, qr/relay.toml:3: unknown option database.slots/, 'which names the line');
write_settings("[database]\ntables = [\"public.t\"]\nslot = \"of_file\"\nconninfo = \"dbname=x password=hush\"\n[log]\nlevel = \"error\"\n");
{
	local $ENV{AVAILABILITY_RELAY_DATABASE_SLOT} = 'of_environment';
	local $ENV{AVAILABILITY_RELAY_LOG_LEVEL} = 'warning';
	($status, $out, $err) = run_with($program, '--config', $file, '--log.level', 'debug', '--check');
}
is($status, 0, 'a good file');
like($out, qr/^slot = "of_environment"$/m, 'the environment wins over the file');
like($out, qr/^level = "debug"$/m, 'and a flag over both');
unlike($out, qr/hush/, 'and no secret is printed');

$node->stop;
done_testing();
