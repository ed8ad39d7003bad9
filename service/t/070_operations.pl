# What operators get: the alert rules, the dashboard, the unit, the settings, what a supervisor is told, the example of a program
# with the reader in it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib", "$FindBin::RealBin/../../relay/t/lib", "$FindBin::RealBin/../../t/lib";

use Availability;
use IO::Socket::UNIX;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RedisServer;
use Relay;
use Service;
use Test::More;

my $tree = "$FindBin::RealBin/../..";
my $operations = "$tree/service/operations";
command_ok([ 'promtool', 'check', 'rules', "$operations/alerts.yml" ], 'the alert rules are rules');
command_ok([ 'promtool', 'test', 'rules', "$operations/alerts_test.yml" ], 'and fire when they should');

my $node = logical_node('operations');
track_reservations($node, 5);
$node->safe_psql('postgres', q{INSERT INTO reservations (listing_id, stay) VALUES (1, '[2027-07-03,2027-07-10)')});
my $redis = RedisServer->new;
my $relay = Relay->new($node, 'redis.nodes' => $redis->address);
$relay->bootstrap;
$relay->start_ready;
my $control = PostgreSQL::Test::Cluster::get_free_port();
my $service = Service->new($node, $relay, 'redis.nodes' => $redis->address, 'verification.share' => 1, 'control.listen' => "127.0.0.1:$control",
	'control.token' => 'secret');

# Every option is in the documentation, with its default and what the program says of it.
my ($status, $help) = $service->execute('--help');
$help =~ s/\n {20,}/ /g;
my %defaults;
my $section = '';
for (split /\n/, (Service->new($node, $relay)->execute('--check'))[1])
{
	$section = $1 if /^\[(.*)\]$/;
	$defaults{"$section.$1"} = $2 if /^(\w+) *= *(.*)$/;
}
my $documentation = slurp_file("$tree/docs/service.md");
my @options = $help =~ /^ +--([a-z_]+\.[a-z0-9_]+) TEXT +(.*)$/mg;
cmp_ok(scalar @options, '>', 60, 'options');
my ($rows, %of_test) = ('', map { $_ => 1 } keys %{ Service->new($node, $relay)->{settings} });
while (my ($name, $text) = splice @options, 0, 2)
{
	my $default = $of_test{$name} ? qr/.*/ : quotemeta($defaults{$name} // 'unknown');
	$rows .= "| `$name` | `$defaults{$name}` | $text |\n" if $documentation !~ /^\| `\Q$name\E` \| `$default` \| \Q$text\E \|$/m;
}
is($rows, '', 'every option is documented');
my (undef, undef, $problem) = ('', '', '');
my $with_file = sub { IPC::Run::run([ "$Service::build/availability-service", @_ ], '>', \my $out, '2>', \$problem) };
ok($with_file->('--check', '--config', "$operations/service.toml"), 'the settings that are given as an example are good') or diag $problem;
my ($control_settings) = slurp_file("$operations/service.toml") =~ /((?:^# (?:\[control\]|\w+ = ).*\n)+)/m;
my $uncommented = "$service->{directory}/service.toml";
append_to_file($uncommented, slurp_file("$operations/service.toml") . $control_settings =~ s/^# //mgr);
ok($with_file->('--check', '--config', $uncommented), 'and what is commented out in them, too') or diag $problem;

# The unit says what the program understands, with the settings where the unit has them.
my $unit = '';
IPC::Run::run([ 'make', '-s', '-C', "$operations/..", 'print-unit', 'prefix=/usr' ], '>', \$unit) or die 'print-unit';
like($unit, qr{^ExecStart=/usr/bin/availability-service run --config /etc/availability-service/service\.toml$}m, 'the unit has the path of the program');
my ($arguments) = $unit =~ m{^ExecStart=\S+ (.*)$}m;
$arguments =~ s{/etc/availability-service/service\.toml}{$operations/service.toml};
ok($with_file->('--check', split / /, $arguments), 'and its command line is good') or diag $problem;

# A supervisor is told.
my $path = PostgreSQL::Test::Utils::tempdir_short . '/notify';
my $notify = IO::Socket::UNIX->new(Type => Socket::SOCK_DGRAM(), Local => $path) or die "socket: $!";
$notify->blocking(0);
my $told = '';
my $hear = sub { while (defined $notify->recv(my $state, 4096)) { $told .= "$state\n"; } return $told; };
{
	local $ENV{NOTIFY_SOCKET} = $path;
	local $ENV{WATCHDOG_USEC} = 300_000;
	$service->start_ready;
}
wait_until('READY', sub { $hear->() =~ /^READY=1$/m });
wait_until('the watchdog', sub { (() = $hear->() =~ /^WATCHDOG=1$/mg) > 2 });
pass('ready and alive');

# How its parts are, for programs, without what only its operators may know.
my $health = decode_json($service->get('/readyz', Accept => 'application/json')->{content});
is_deeply([ @$health{qw(ready mode kill_switch)}, $health->{tiers} ],
	[ JSON::PP::true, 'replica', JSON::PP::false, { relay => 'streaming', redis => 'closed', database => 'closed' } ], '/readyz in JSON');
is($health->{listings}, 5, 'with what is in memory');
cmp_ok($health->{lag_ms}, '<', 60_000, 'and the lag');

# All that rules and dashboard ask for is there, once it has been used.
$service->get('/v1/listings/1/calendar?from=2027-07-01&to=2027-08-01');
$service->get('/v1/listings/9/calendar?from=2027-07-01&to=2027-08-01');
wait_until('the verification', sub { ($service->metric('verifications_total{result="agrees"}') // 0) > 0 });
my $metrics = $service->get('/metrics')->{content};
my %known = map { $_ => 1 } $metrics =~ /^# TYPE (\S+)/mg;
my $texts = slurp_file("$operations/alerts.yml") . slurp_file("$operations/dashboard.json");
my %asked = map { s/_bucket$//r => 1 } $texts =~ /\b(availability_service_[a-z0-9_]+)\b/g;
is(join(' ', grep { !$known{$_} } sort keys %asked), '', 'every metric of the rules and the dashboard is one');
my %labels = map { $_ => 1 } $texts =~ /\b(\w+)(?:!=|==?)\\?"/g, map { split /, / } $texts =~ /by \(([^)]*)\)/g;
delete @labels{qw(instance job le)};
is(join(' ', grep { $metrics !~ /\b$_="/ } sort keys %labels), '', 'and every label');
is(join(' ', grep { !/_(total|seconds|bytes)$/ && !/_(ready|listings|streams|connections|waiting|share|switch|streaming|breaker|busy|queued|entries|tombstones)$/ } sort keys %known),
	'', 'metrics say their unit');
my $dashboard = decode_json(slurp_file("$operations/dashboard.json"));
cmp_ok(scalar @{ $dashboard->{panels} }, '>', 8, 'the dashboard is JSON');
my %documented = map { $_ => 1 } $documentation =~ /^\| `(Availability\w+)` \|/mg;
is(join(' ', sort keys %documented), join(' ', sort { $a cmp $b } slurp_file("$operations/alerts.yml") =~ /alert: (\w+)/g), 'every alert is documented');

# SIGHUP.
$service->stop;
my $file = "$service->{directory}/settings.toml";
append_to_file($file, "[verification]\nshare = 0.25\n[log]\nlevel = \"info\"\n");
delete $service->{settings}{'verification.share'};
$ENV{AVAILABILITY_SERVICE_CONFIG} = $file;
$service->start_ready;
is($service->metric('verification_share'), 0.25, 'a setting of the file');
unlink $file;
append_to_file($file, "[verification]\nshare = 0.5\n[http]\nmax_streams = 7\n");
kill HUP => $service->{child};
wait_until('read anew', sub { $service->metric('verification_share') == 0.5 });
like($service->log_of, qr/http.max_streams changes with the next start/, 'SIGHUP takes another over, and says what it can not');
append_to_file($file, "nonsense = 1\n");
kill HUP => $service->{child};
wait_until('refused', sub { $service->log_of =~ /the settings stay as they were: \S+settings.toml:5: unknown option http.nonsense/ });
is($service->metric('verification_share'), 0.5, 'settings with a mistake change nothing');
delete $ENV{AVAILABILITY_SERVICE_CONFIG};

# The program of docs/service.md.
my $example = slurp_file("$tree/service/test/tool_embed.cpp");
isnt(index($documentation, "```cpp\n$example```\n"), -1, 'the documentation shows service/test/tool_embed.cpp as it is');
my $free = sub {
	my $out = '';
	IPC::Run::run([ "$Service::build/tool_embed", "127.0.0.1:$relay->{port}", 'public.reservations_calendar', @_ ], '>', \$out,
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	return $out =~ s/^\[.*\n//mgr; # what the library logs
};
my $july = $node->safe_psql('postgres', q{SELECT date '2027-07-01' - date '1970-01-01'});
is($free->(1, $july + 2, $july + 4), "taken\n", 'it tells what is taken');
is($free->(1, $july + 9, $july + 14), "free\n", 'and what is free');
is($free->(99, $july, $july + 1), "no such listing\n", 'and what there is not');

# SIGTERM.
is($service->stop, 0, 'SIGTERM ends it');
$service->{settings}{'log.format'} = 'json';
$service->start_ready;
$service->stop;
my @lines = grep { /^\{/ } split /\n/, $service->log_of;
cmp_ok(scalar(grep { defined eval { decode_json($_)->{message} } } @lines), '==', scalar @lines, 'a log in JSON is JSON');
cmp_ok(scalar @lines, '>', 1, 'and has lines');

$relay->stop;
$node->stop;
done_testing();
