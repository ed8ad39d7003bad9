# Spans of OpenTelemetry, taken by a collector: what they tell and what not, whose trace they go on with, and that nobody waits for
# a collector. A service that is built without makes none, whatever the environment says, and passes the trace on as well.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib", "$FindBin::RealBin/../../relay/t/lib", "$FindBin::RealBin/../../t/lib";

use Availability;
use HTTP::Tiny;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Relay;
use Service;
use Test::More;

my $listing = 987654321;
my $node = logical_node('traces');
$node->append_conf('postgresql.conf', "log_statement = 'all'");
$node->restart;
track_reservations($node, 5);
$node->safe_psql('postgres', "INSERT INTO listings VALUES ($listing)");

# --- a collector --------------------------------------------------------------------------------------------------------------------

my $directory = PostgreSQL::Test::Utils::tempdir;
my $taken = "$directory/taken";
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $url = "http://127.0.0.1:$port";
my $collector = fork // die "fork: $!";
if ($collector == 0)
{
	exec '/usr/bin/python3', "$FindBin::RealBin/lib/collector.py", $port, $taken;
	die "exec: $!";
}
END
{
	my $status = $?;
	kill KILL => $collector if $collector;
	$? = $status;
}
sub knock { return HTTP::Tiny->new->post("$url/knock", { headers => { 'Content-Type' => 'text/plain' }, content => 'a knock' })->{success} }
wait_until('the collector listens', \&knock);

sub posts { return -e $taken ? map { decode_json($_) } split /\n/, slurp_file($taken) : () }
sub bodies { return map { pack 'H*', $_->{body} } grep { $_->{path} eq '/v1/traces' } posts() }

# What JSON has told of spans: a list of { name, attributes => {…}, … }.
sub values_of { return map { $_->{key} => (values %{ $_->{value} })[0] } @{ $_[0] // [] } }

sub spans
{
	my @spans;
	for my $resource (map { @{ decode_json($_)->{resourceSpans} } } grep { /^\{/ } bodies())
	{
		my %of_process = values_of($resource->{resource}{attributes});
		for my $span (map { @{ $_->{spans} } } @{ $resource->{scopeSpans} })
		{
			push @spans, { %$span, attributes => { values_of($span->{attributes}) }, process => \%of_process };
		}
	}
	return @spans;
}
sub spans_of { my $trace = shift; return grep { $_->{traceId} eq $trace } spans() }

# The spans of a trace, when there are that many.
sub wait_for_spans
{
	my ($trace, $count) = @_;
	wait_until("$count spans of $trace", sub { spans_of($trace) >= $count });
	return sort { $a->{name} cmp $b->{name} } spans_of($trace);
}

my $traces = 0;
my $caller = 'b7ad6b7169203331';
sub new_trace { return sprintf '%032x', 0xabc0000 + ++$traces }
sub headers { my ($trace, $flags) = @_; return (traceparent => "00-$trace-$caller-" . ($flags // '01')) }

# The span that a statement of the trace says it is called from, with the flags.
sub told_to_database
{
	my $trace = shift;
	return slurp_file($node->logfile) =~ /traceparent='00-$trace-(\w+-\w+)'/ ? $1 : undef;
}

$ENV{OTEL_EXPORTER_OTLP_ENDPOINT} = $url;
$ENV{OTEL_EXPORTER_OTLP_PROTOCOL} = 'http/json';
$ENV{OTEL_BSP_SCHEDULE_DELAY} = 50;

my @patient = ('http.max_lag_milliseconds' => 60000, 'http.read_deadline_milliseconds' => 20000, 'http.booking_deadline_milliseconds' => 20000);
my @dates = (check_in => '2027-09-01', check_out => '2027-09-03');
my $stay = "/v1/listings/$listing/availability?check_in=2027-07-01&check_out=2027-07-05";
sub started { my $service = Service->new($node, undef, @patient, @_); $service->start_ready; return $service }

my $service = started();
my (undef, $version) = $service->execute('--version');
like($version, qr/^availability-service \d\S*(?: with OpenTelemetry)?$/, 'the version says what is built in');

# --- with OpenTelemetry -------------------------------------------------------------------------------------------------------------

sub test_reads
{
	my $trace = new_trace();
	is($service->get($stay, headers($trace))->{status}, 200, 'a read');
	my ($span) = wait_for_spans($trace, 1);
	is($span->{name}, 'GET /v1/listings/{listing}/availability', 'its span has the name of its route');
	is($span->{parentSpanId}, $caller, 'and is its caller\'s');
	like($span->{kind}, qr/^(?:2|SPAN_KIND_SERVER)$/, 'and a server\'s');
	is_deeply(
		{ %{ $span->{attributes} }, 'availability.stale' => $span->{attributes}{'availability.stale'} ? 1 : 0 },
		{   'http.request.method' => 'GET', 'http.route' => '/v1/listings/{listing}/availability', 'http.response.status_code' => 200,
			'availability.source' => 'database', 'availability.stale' => 0
		},
		'and says no more than it should');
	cmp_ok($span->{startTimeUnixNano}, '<=', $span->{endTimeUnixNano}, 'and ends after it began');
	is($span->{process}{'service.name'}, 'availability-service', 'the process says what it is');

	$trace = new_trace();
	is($service->get('/v1/listings/none/availability?check_in=x', headers($trace))->{status}, 400, 'a read that is refused');
	($span) = wait_for_spans($trace, 1);
	is($span->{attributes}{'http.response.status_code'}, 400, 'its span tells it');
	ok(!$span->{status}{code}, 'which is the caller\'s error, not ours');
	return;
}

sub test_bookings
{
	my $trace = new_trace();
	my $id = $service->post('/v1/bookings', { listing => $listing, @dates }, headers($trace));
	is($id->{status}, 201, 'a booking');
	my ($request, $statement) = wait_for_spans($trace, 2);
	is("$request->{name}, $statement->{name}", 'POST /v1/bookings, book', 'there are spans of the request and of the statement');
	is($request->{parentSpanId}, $caller, 'the request\'s is the caller\'s');
	is($statement->{parentSpanId}, $request->{spanId}, 'the statement\'s is the request\'s');
	is_deeply($statement->{attributes}, { 'db.system.name' => 'postgresql', 'db.operation.name' => 'book' }, 'and says no more than it should');
	is(told_to_database($trace), "$statement->{spanId}-01", 'and the database is told of it');

	$trace = new_trace();
	is($service->post('/v1/bookings', { listing => $listing, @dates }, headers($trace))->{status}, 409, 'a booking of what is taken');
	($request, $statement) = wait_for_spans($trace, 2);
	is($statement->{attributes}{'db.response.status_code'}, '23505', 'the statement\'s span says why');
	like($statement->{status}{code}, qr/^(?:2|STATUS_CODE_ERROR)$/, 'and that it failed');
	ok(!$request->{status}{code}, 'the request did not');
	return;
}

sub test_whose_trace
{
	my $trace = new_trace();
	is($service->post('/v1/bookings', { listing => 1, @dates }, headers($trace, '00'))->{status}, 201, 'a booking that its caller does not trace');
	like(told_to_database($trace), qr/-00$/, 'the database is told so');
	my $count = spans();
	is($service->post('/v1/bookings', { listing => 2, @dates }, traceparent => 'nonsense')->{status}, 201, 'a booking of a trace that can\'t be read');
	wait_until('two spans more', sub { spans() >= $count + 2 });
	is(scalar(spans_of($trace)), 0, 'no spans of the one that was not to be traced');
	my ($root) = grep { $_->{name} eq 'POST /v1/bookings' } @{ [spans()] }[ $count .. $count + 1 ];
	ok(!$root->{parentSpanId}, 'a trace began of the one that could not be read');
	is($service->get('/healthz')->{status}, 200, 'and health is asked');
	return;
}

# What waits when it ends is sent; by the environment of that process.
sub test_end
{
	local $ENV{OTEL_BSP_SCHEDULE_DELAY} = 600000;
	local $ENV{OTEL_SERVICE_NAME} = 'another';
	my $other = started();
	my $trace = new_trace();
	is($other->get($stay, headers($trace))->{status}, 200, 'a read of another');
	is($other->stop, 0, 'which ends');
	my ($span) = wait_for_spans($trace, 1);
	is($span->{process}{'service.name'}, 'another', 'its span came with its end, by the name that it was given');
	ok(!grep({ $_->{name} =~ /health|ready/ } spans()), 'no span of health was ever sent');

	local $ENV{OTEL_EXPORTER_OTLP_PROTOCOL};
	delete $ENV{OTEL_EXPORTER_OTLP_PROTOCOL};
	$other = started();
	$trace = new_trace();
	is($other->get($stay, headers($trace))->{status}, 200, 'a read of one that speaks protobuf');
	is($other->stop, 0, 'which ends');
	my ($post) = grep { index($_->{body}, $trace) >= 0 } posts();
	is($post->{type}, 'application/x-protobuf', 'its span came');
	return;
}

sub test_collector_that_does_not_answer
{
	append_to_file("$directory/hold", '');
	local $ENV{OTEL_BSP_MAX_QUEUE_SIZE} = 4;
	local $ENV{OTEL_EXPORTER_OTLP_TIMEOUT} = '600s';
	my $other = started();
	my $trace = new_trace();
	$other->get($stay, headers($trace));
	wait_for_spans($trace, 1);
	is(scalar(grep { $other->get($stay, headers(new_trace()))->{status} == 200 } 1 .. 50), 50, 'all are answered while the collector holds');
	is($other->stop, 0, 'and the end comes');
	unlink "$directory/hold" or die $!;

	local $ENV{OTEL_EXPORTER_OTLP_ENDPOINT} = 'http://127.0.0.1:1';
	$other = started();
	is(scalar(grep { $other->get($stay, headers(new_trace()))->{status} == 200 } 1 .. 50), 50, 'all are answered where there is no collector');
	wait_until('its log says so', sub { $other->log_of =~ /warning: spans are not sent: / });
	is($other->stop, 0, 'and the end comes');
	return;
}

sub test_settings
{
	for (
		[ OTEL_TRACES_EXPORTER => 'zipkin' ], [ OTEL_EXPORTER_OTLP_PROTOCOL => 'grpc' ], [ OTEL_BSP_MAX_QUEUE_SIZE => '-1' ],
		[ OTEL_TRACES_SAMPLER => 'dice' ]
	  )
	{
		my ($name, $value) = @$_;
		local $ENV{$name} = $value;
		my ($status, undef, $log) = Service->new($node, undef)->execute('run');
		is($status, 1, "$name=$value is refused");
		like($log, qr/$name must be /, 'and it is said what it must be');
	}
	local $ENV{OTEL_TRACES_SAMPLER} = 'parentbased_always_off';
	my $other = started();
	my ($followed, $count) = (new_trace(), scalar spans());
	is($other->get($stay)->{status}, 200, 'a read without a trace where none begins');
	is($other->get($stay, headers($followed))->{status}, 200, 'and one with');
	is($other->stop, 0, 'and the end');
	is(scalar(spans()), $count + 1, 'the second is told');
	local $ENV{OTEL_SDK_DISABLED} = 'true';
	$other = started();
	is($other->get($stay, headers($followed))->{status}, 200, 'a read where spans are switched off');
	is($other->stop, 0, 'and the end');
	is(scalar(spans()), $count + 1, 'it is not told');
	return;
}

# --- without ------------------------------------------------------------------------------------------------------------------------

sub test_without
{
	my $trace = new_trace();
	is($service->get($stay, headers($trace))->{status}, 200, 'a read');
	is($service->post('/v1/bookings', { listing => $listing, @dates }, headers($trace))->{status}, 201, 'a booking');
	like(told_to_database($trace), qr/^(?!$caller)\w{16}-01$/, 'the database is told of the trace');
	is($service->stop, 0, 'the end');
	ok(knock(), 'the collector listens');
	is_deeply([ grep { $_ ne '/knock' } map { $_->{path} } posts() ], [], 'and was told nothing');
	return;
}

if ($version =~ /OpenTelemetry/)
{
	test_reads();
	test_bookings();
	test_whose_trace();
	test_end();
	test_collector_that_does_not_answer();
	test_settings();
	is($service->stop, 0, 'the first one ends too');
	is(scalar(grep { index($_, $listing) >= 0 } bodies()), 0, 'no listing was ever told to the collector');
}
else
{
	test_without();
}

done_testing();
