# What operators get: the alert rules, the dashboard, the unit, the settings, and what a supervisor is told.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib", "$FindBin::RealBin/../../t/lib";

use Availability;
use IO::Socket::UNIX;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RedisServer;
use Relay;
use Test::More;

my $operations = "$FindBin::RealBin/../operations";
command_ok([ 'promtool', 'check', 'rules', "$operations/alerts.yml" ], 'the alert rules are rules');
command_ok([ 'promtool', 'test', 'rules', "$operations/alerts_test.yml" ], 'and fire when they should');

my $node = logical_node('operations');
track_reservations($node, 5);
my $redis = RedisServer->new;
my $relay = Relay->new($node, 'redis.nodes' => $redis->address, 'kafka.properties' => 'test.mock.num.brokers=1,bootstrap.servers=none:1');

# Every option is in the documentation, with what the program says of it.
my ($status, $help) = $relay->execute('--help');
$help =~ s/\n {20,}/ /g;
my $documentation = slurp_file("$FindBin::RealBin/../../docs/relay.md");
my @options = $help =~ /^ +--([a-z_]+\.[a-z_]+) TEXT +(.*)$/mg;
cmp_ok(scalar @options, '>', 60, 'options');
my @missing;
while (my ($name, $text) = splice @options, 0, 2) { push @missing, $name if index($documentation, "| `$name` |") < 0 || index($documentation, "| $text |") < 0; }
is("@missing", '', 'every option is documented');
($status, undef, my $problem) = Relay->new($node)->execute('--check', '--config', "$operations/relay.toml");
is($status, 0, 'the settings that are given as an example are good') or diag $problem;

# The unit says what the program understands, with the settings where the unit has them.
my $unit = '';
IPC::Run::run([ 'make', '-s', '-C', "$operations/..", 'print-unit', 'prefix=/usr' ], '>', \$unit) or die 'print-unit';
like($unit, qr{^ExecStart=/usr/bin/availability-relay run --config /etc/availability-relay/relay\.toml$}m, 'the unit has the path of the program');
my ($arguments) = $unit =~ m{^ExecStart=\S+ (.*)$}m;
$arguments =~ s{/etc/availability-relay/relay\.toml}{$operations/relay.toml};
($status, undef, $problem) = Relay->new($node)->execute('--check', split / /, $arguments);
is($status, 0, 'and its command line is good') or diag $problem;

# A supervisor is told.
my $path = PostgreSQL::Test::Utils::tempdir_short . '/notify';
my $notify = IO::Socket::UNIX->new(Type => Socket::SOCK_DGRAM(), Local => $path) or die "socket: $!";
$notify->blocking(0);
my $told = '';
my $hear = sub { while (defined $notify->recv(my $state, 4096)) { $told .= "$state\n"; } return $told; };
delete $relay->{settings}{'kafka.properties'};
$relay->bootstrap;
{
	local $ENV{NOTIFY_SOCKET} = $path;
	local $ENV{WATCHDOG_USEC} = 300_000;
	$relay->start_ready;
}
wait_until('READY', sub { $hear->() =~ /^READY=1$/m });
wait_until('the watchdog', sub { (() = $hear->() =~ /^WATCHDOG=1$/mg) > 2 });
pass('ready and alive');

# All that rules and dashboard ask for is there.
my $metrics = $relay->get('/metrics')->{content};
my %known = map { $_ => 1 } $metrics =~ /^# TYPE (\S+)/mg;
my $texts = slurp_file("$operations/alerts.yml") . slurp_file("$operations/dashboard.json");
my %asked = map { s/_bucket$//r => 1 } $texts =~ /\b(availability_relay_[a-z_]+)\b/g;
is(join(' ', grep { !$known{$_} } sort keys %asked), '', 'every metric of the rules and the dashboard is one');
is(join(' ', grep { !/_(total|seconds|bytes|lsn)$/ && !/_(epoch|streaming|ready|listings|subscribers|connections|works|alone|calendars|masters)$/ } sort keys %known),
	'', 'metrics say their unit');
my $dashboard = decode_json(slurp_file("$operations/dashboard.json"));
cmp_ok(scalar @{ $dashboard->{panels} }, '>', 8, 'the dashboard is JSON');

# SIGHUP.
my $file = "$relay->{directory}/relay.toml";
append_to_file($file, "[http]\ntoken = \"first\"\n[redis]\nlayout = \"calendar\"\n");
$relay->stop;
my @settings = @{ $relay->{settings} }{ sort keys %{ $relay->{settings} } };
$ENV{AVAILABILITY_RELAY_CONFIG} = $file;
$relay->start_ready;
is($relay->get('/snapshot', Authorization => 'Bearer first')->{status}, 200, 'a token of the file');
unlink $file;
append_to_file($file, "[http]\ntoken = \"second\"\n[redis]\nlayout = \"months\"\n");
kill HUP => $relay->{child};
wait_until('read anew', sub { $relay->get('/snapshot', Authorization => 'Bearer second')->{status} == 200 });
is($relay->get('/snapshot', Authorization => 'Bearer first')->{status}, 401, 'SIGHUP takes another over');
like($relay->log_of, qr/redis.layout has changed, and needs a restart/, 'and says what it can not');
append_to_file($file, "nonsense = 1\n");
kill HUP => $relay->{child};
wait_until('refused', sub { $relay->log_of =~ /the settings stay as they were: \S+relay.toml:5: unknown option redis.nonsense/ });
is($relay->get('/snapshot', Authorization => 'Bearer second')->{status}, 200, 'settings with a mistake change nothing');
delete $ENV{AVAILABILITY_RELAY_CONFIG};

# SIGTERM applies what there is.
$node->safe_psql('postgres', q(INSERT INTO reservations (listing_id, stay) SELECT n % 5 + 1, daterange(date '2027-01-01' + n, date '2027-01-02' + n) FROM generate_series(1, 500) n));
is($relay->stop, 0, 'SIGTERM ends it');
like($relay->log_of, qr/ending: applying what there is/, 'in order');

$relay->{settings}{'log.format'} = 'json';
$relay->start_ready;
$relay->stop;
my @lines = grep { /^\{/ } split /\n/, $relay->log_of;
cmp_ok(scalar(grep { defined eval { decode_json($_)->{message} } } @lines), '==', scalar @lines, 'a log in JSON is JSON');
cmp_ok(scalar @lines, '>', 2, 'and has lines');

$node->stop;
done_testing();
