# The whole: PostgreSQL, a relay, services. Every route, against service/http/openapi.json; bookings and what is read after
# them; events; the control endpoints; the end.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib", "$FindBin::RealBin/../../relay/t/lib", "$FindBin::RealBin/../../t/lib";

use Availability;
use IO::Socket::INET;
use JSON::PP;
use OpenApi;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Relay;
use Service;
use Test::More;
use Time::HiRes qw(time sleep);

my $node = logical_node('http');
$node->append_conf('postgresql.conf', 'max_connections = 100');
$node->restart;
track_reservations($node, 50);
$node->safe_psql('postgres', q{
	ALTER TABLE reservations ADD price numeric, ADD guest text UNIQUE;
	SELECT availability.set_limits('reservations', max_holds => 1);
	CREATE ROLE stranger LOGIN;
	GRANT SELECT ON reservations_calendar TO stranger;
	INSERT INTO reservations (listing_id, stay) VALUES (1, '[2027-07-03,2027-07-10)')});
my $relay = Relay->new($node);
$relay->bootstrap;
$relay->start_ready;
my $token = 'open sesame';
my $control = PostgreSQL::Test::Cluster::get_free_port();
# However slow the machine is.
my @patient = ('reader.max_age_milliseconds' => 60000, 'http.max_lag_milliseconds' => 60000, 'http.read_deadline_milliseconds' => 20000);
my $service = Service->new($node, $relay, @patient, 'control.listen' => "127.0.0.1:$control", 'control.token' => $token, 'verification.share' => 1);
$service->start_ready;
my $api = OpenApi->new;

# --- what goes wrong with the whole service: nobody to ask, no right, no answer in time ---------------------------------------------

my $alone = Service->new($node, undef, @patient, 'database.conninfo' => 'host=127.0.0.1 port=1', 'database.kinds' => 'number',
	'http.read_deadline_milliseconds' => 500);
$alone->start;
my $forbidden = Service->new($node, undef, @patient, 'database.bookings_conninfo' => $node->connstr('postgres') . ' user=stranger');
$forbidden->start_ready;
my $hurried = Service->new($node, undef, @patient, 'http.booking_deadline_milliseconds' => 300);
$hurried->start_ready;
wait_until('the one without a database listens', sub { $alone->get('/healthz')->{success} });

# --- every operation ----------------------------------------------------------------------------------------------------------------

my $no_hold = '00000000-0000-4000-8000-000000000000';
my @dates = (check_in => '2027-09-01', check_out => '2027-09-03');
my $number = 0;

# Asks as the file's own examples say; %change: path, query, body, headers.
sub ask
{
	my ($who, $method, $path, %change) = @_;
	my %in = (listing => 1, id => 1, hold => $no_hold, %{ $change{path} // {} });
	my $target = $path =~ s/\{(\w+)\}/$in{$1}/gr;
	my %query = (%{ query_of($method, $path) }, %{ $change{query} // {} });
	delete @query{ grep { !defined $query{$_} } keys %query };
	$target .= '?' . join '&', map { "$_=$query{$_}" } sort keys %query if %query;
	my %headers = %{ $change{headers} // {} };
	my $body = exists $change{body} ? $change{body} : body_of($method, $path);
	my $content = ref $body ? encode_json($body) : $body;
	$headers{'Content-Type'} //= 'application/json' if defined $content;
	return $api->record($method, $path, $who->request($method, $target, headers => \%headers, defined $content ? (content => $content) : ()));
}

sub query_of
{
	my ($method, $path) = @_;
	return {} if $method ne 'GET';
	return { check_in => '2027-07-01', check_out => '2027-07-05' } if $path =~ m{/availability$} && $path =~ /listing}/;
	return { from => '2027-07-01', to => '2027-08-01' } if $path =~ m{/calendar$};
	return { from => '2027-07', count => 2 } if $path =~ m{/months$};
	return { from => '2027-07-01', nights => 3 } if $path =~ m{/next-gap$};
	return { listings => '1,2,999', check_in => '2027-07-01', check_out => '2027-07-05' } if $path eq '/v1/availability';
	return { check_in => '2027-07-01', check_out => '2027-07-05', limit => 10 } if $path eq '/v1/search';
	return {};
}

sub body_of
{
	my ($method, $path) = @_;
	return undef if $method ne 'POST' || $path =~ m{/cancel$};
	return { listings => [ 1, 2, 999 ], check_in => '2027-07-01', check_out => '2027-07-05' } if $path eq '/v1/availability';
	return { attributes => {} } if $path =~ m{/confirm$};
	return { @dates } if $path =~ m{/move$};
	return { listing => 10 + $number++, @dates };
}

for ($api->operations)
{
	my ($method, $path) = @$_;
	next if $path eq '/v1/events';
	my %responses = %{ $api->{document}{paths}{$path}{ lc $method }{responses} };
	my $described = sub { $responses{ $_[0] } };
	my $what = "$method $path";
	my @holds = $path =~ /\{hold\}/ ? (path => { hold => $no_hold }) : ();
	if ($method eq 'GET')
	{
		is(ask($service, $method, $path)->{status}, 200, "$what answers");
		is(ask($service, $method, $path, headers => { 'If-None-Match' => '*' })->{status}, 304, "$what knows what has not changed") if $described->(304);
	}
	is(ask($service, $method, $path, query => { unknown => 1 })->{status}, 400, "$what refuses what it does not know") if $described->(400);
	is(ask($service, $method, $path, query => { table => 'none' })->{status}, 404, "$what of another table") if $described->(404);
	is(ask($service, $method, $path, headers => { 'Content-Type' => 'text/plain' }, body => 'x')->{status}, 415, "$what with a text") if $described->(415);
	is(ask($alone, $method, $path)->{status}, 503, "$what without a database") if $described->(503);
	is(ask($forbidden, $method, $path)->{status}, 403, "$what without the right") if $described->(403) && !@holds;
}

# --- reads --------------------------------------------------------------------------------------------------------------------------

sub json { return decode_json($_[0]{content}); }

my $answer = json(ask($service, 'GET', '/v1/listings/{listing}/availability'));
is_deeply([ @$answer{qw(listing source stale)}, $answer->{taken}, !!$answer->{available} ], [ 1, 'replica', JSON::PP::false, [ [ '2027-07-03', '2027-07-05' ] ], !!0 ], 'a stay');
cmp_ok($answer->{age_ms}, '<', 5000, 'is fresh');
is_deeply(json(ask($service, 'GET', '/v1/listings/{listing}/calendar'))->{booked}, [ [ '2027-07-03', '2027-07-10' ] ], 'a calendar');
is_deeply(json(ask($service, 'GET', '/v1/listings/{listing}/months'))->{months}, { '2027-07' => '3f800000', '2027-08' => '00000000' }, 'months');
is(json(ask($service, 'GET', '/v1/listings/{listing}/next-gap'))->{gap}[0], '2027-07-10', 'a gap');
is(json(ask($service, 'POST', '/v1/availability'))->{listings}[2]{reason}, 'no-listing', 'many listings');
is(json(ask($service, 'GET', '/v1/search'))->{count}, 49, 'a search');
is(json(ask($service, 'GET', '/v1/search', query => { check_in => undef, check_out => undef, from => '2027-07-01', to => '2027-07-12', nights => 2 }))->{count}, 50, 'flexible dates');
is(ask($service, 'GET', '/v1/listings/{listing}/calendar', path => { listing => 999 })->{status}, 404, 'no such listing');
my ($set, $of_database) = map { join ',', @{ json(ask($_, 'GET', '/v1/search', query => { limit => 100 }))->{listings} } } $service, $forbidden;
is($of_database, $set, 'the database searches as memory does');
is_deeply(json(ask($forbidden, 'GET', '/v1/listings/{listing}/calendar'))->{source}, 'database', 'a service without a relay asks the database');

# --- bookings -----------------------------------------------------------------------------------------------------------------------

my @key = (headers => { 'Idempotency-Key' => 'order 1' });
my $booked = ask($service, 'POST', '/v1/bookings', @key, body => { listing => 5, @dates, attributes => { price => 12.5, guest => 'g' } });
is($booked->{status}, 201, 'a booking');
my ($id, $version) = @{ json($booked) }{qw(reservation version)};
my $after = json(ask($service, 'GET', '/v1/listings/{listing}/availability', path => { listing => 5 }, query => { @dates, min_version => $version }));
is_deeply([ !!$after->{available}, $after->{version} ], [ !!0, $version ], 'who has booked reads it at once');
is($node->safe_psql('postgres', "SELECT price, guest FROM reservations WHERE id = $id"), '12.5|g', 'with its attributes');
my $again = json(ask($service, 'POST', '/v1/bookings', @key, body => { listing => 5, @dates, attributes => { price => 12.5, guest => 'g' } }));
is_deeply([ $again->{reservation}, !!$again->{replayed} ], [ $id, !!1 ], 'again with its key: the stored answer');
my $refused = ask($service, 'POST', '/v1/bookings', @key, body => { listing => 6, @dates });
is_deeply([ $refused->{status}, json($refused)->{type} ], [ 422, 'urn:availability:problem:key-used-otherwise' ], 'another request with the key');
$refused = ask($service, 'POST', '/v1/bookings', body => { listing => 5, check_in => '2027-08-30', check_out => '2027-09-02' });
is_deeply([ $refused->{status}, json($refused)->{taken} ], [ 409, [ [ '2027-09-01', '2027-09-02' ] ] ], 'taken days');
$refused = ask($service, 'POST', '/v1/bookings', body => { listing => 7, @dates, attributes => { guest => 'g' } });
is_deeply([ $refused->{status}, !!exists json($refused)->{taken}, !!($refused->{content} =~ /already exists/) ], [ 409, !!0, !!0 ], 'something else that is unique: no word of the other');
is(ask($service, 'POST', '/v1/bookings/{id}/move', path => { id => $id }, body => { check_in => '2027-10-01', check_out => '2027-10-03' })->{status}, 200, 'a move');
ask($service, 'POST', '/v1/bookings', body => { listing => 5, @dates });
is(ask($service, 'POST', '/v1/bookings/{id}/move', path => { id => $id })->{status}, 409, 'a move onto taken days');
is(ask($service, 'POST', '/v1/bookings/{id}/move', path => { id => 'x' })->{status}, 422, 'a key that is none');
is(ask($service, 'POST', '/v1/bookings/{id}/cancel', path => { id => $id }, @key)->{status}, 422, 'a cancellation with a key that was used otherwise');
is(ask($service, 'POST', '/v1/bookings/{id}/cancel', path => { id => $id })->{status}, 200, 'a cancellation');
is(ask($service, 'POST', '/v1/bookings/{id}/cancel', path => { id => $id })->{status}, 404, 'of what is gone');
is(ask($forbidden, 'POST', '/v1/bookings/{id}/cancel', path => { id => 1 })->{status}, 403, 'by a role without the right');

# What a trigger of the application raises is for its operator, who finds it by the trace.
$node->safe_psql('postgres', q{
	CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF new.listing_id = 48 THEN RAISE 'the server is going' USING ERRCODE = '57P01'; END IF;
		RAISE 'a secret of the database';
	END $$;
	CREATE TRIGGER refuse BEFORE INSERT ON reservations FOR EACH ROW WHEN (new.listing_id IN (48, 49)) EXECUTE FUNCTION refuse()});
$refused = $service->post('/v1/bookings', { listing => 49, @dates });
is_deeply([ $refused->{status}, !!($refused->{content} =~ /secret/) ], [ 500, !!0 ], 'an error that nobody foresaw is not told');
like($service->log_of, qr/request method=POST route=book status=500 sqlstate=P0001 .*traceparent=00-/, 'but logged');
is($service->post('/v1/bookings', { listing => 48, @dates })->{status}, 503, 'nor is what pretends to be the end of the server') for 1 .. 10;
is($service->post('/v1/bookings', { listing => 47, @dates })->{status}, 201, 'and no trigger keeps others from booking');

# --- holds --------------------------------------------------------------------------------------------------------------------------

sub hold { my $listing = shift; return ask($service, 'POST', '/v1/holds', body => { listing => $listing, @dates, @_ }); }
my $held = hold(20, ttl_seconds => 60);
is($held->{status}, 201, 'a hold');
is($held->{headers}{location}, '/v1/holds/' . json($held)->{hold}, 'says where it is');
is(ask($service, 'POST', '/v1/holds', body => { listing => 20, check_in => '2027-11-01', check_out => '2027-11-02' })->{status}, 429, 'too many');
is(ask($service, 'POST', '/v1/holds', body => { listing => 5, @dates })->{status}, 409, 'of taken days');
is(hold(21, ttl_seconds => 86400)->{status}, 422, 'for too long');
my @held = (path => { hold => json($held)->{hold} });
is(ask($service, 'POST', '/v1/holds/{hold}/confirm', @held, headers => { 'Idempotency-Key' => 'order 2' }, body => { attributes => { guest => 'h' } })->{status}, 201, 'is confirmed');
is(ask($service, 'POST', '/v1/holds/{hold}/confirm', @held)->{status}, 410, 'once');
is(ask($service, 'POST', '/v1/holds/{hold}/confirm', @held, @key)->{status}, 422, 'a confirmation with a key that was used otherwise');
my $other = json(hold(22))->{hold};
is(ask($service, 'POST', '/v1/holds/{hold}/confirm', path => { hold => $other }, body => { attributes => { guest => 'h' } })->{status}, 409, 'a confirmation that breaks a constraint');
is(ask($forbidden, 'POST', '/v1/holds/{hold}/confirm', path => { hold => $other })->{status}, 403, 'a confirmation without the right');
is(ask($forbidden, 'DELETE', '/v1/holds/{hold}', path => { hold => $other })->{status}, 403, 'a release without the right');
is(ask($service, 'DELETE', '/v1/holds/{hold}', path => { hold => $other })->{status}, 204, 'a release');
is(ask($service, 'DELETE', '/v1/holds/{hold}', path => { hold => $other })->{status}, 410, 'once');
my $short = json(hold(23, ttl_seconds => 1))->{hold};
sleep 1.1;
is(json(ask($service, 'POST', '/v1/holds/{hold}/confirm', path => { hold => $short }))->{type}, 'urn:availability:problem:hold-expired', 'an expired one');

# --- no answer in time ----------------------------------------------------------------------------------------------------------------

my $locked = json(hold(24))->{hold};
my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN; LOCK TABLE reservations_calendar, reservations_hold, reservations IN ACCESS EXCLUSIVE MODE');
for (grep { $api->{document}{paths}{ $_->[1] }{ lc $_->[0] }{responses}{504} } $api->operations)
{
	my ($method, $path) = @$_;
	is(ask($hurried, $method, $path, path => { hold => $locked, id => 1 })->{status}, 504, "$method $path without an answer in time");
}
is(ask($service, 'GET', '/v1/listings/{listing}/calendar')->{status}, 200, 'reads from memory go on');
$holder->query_safe('ROLLBACK');
$holder->quit;

# --- events ---------------------------------------------------------------------------------------------------------------------------

sub event_stream
{
	my ($who, $query) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $who->{port}, Timeout => 20) or die;
	print $socket "GET /v1/events?$query HTTP/1.1\r\nHost: x\r\n\r\n";
	$socket->flush;
	return { socket => $socket, text => '' };
}

# Reads until a text has come; false if the stream ends.
sub read_until
{
	my ($stream, $pattern) = @_;
	my $deadline = time + $PostgreSQL::Test::Utils::timeout_default;
	while ($stream->{text} !~ $pattern)
	{
		die "timed out: $pattern" if time > $deadline;
		sysread $stream->{socket}, $stream->{text}, 65536, length $stream->{text} or return 0;
	}
	return 1;
}

my $stream = event_stream($service, 'listing=30');
ok(read_until($stream, qr/event: calendar\nid: \d+\ndata: \{"listing":30,.*"booked":\[\]/), 'the calendar at first');
ok(read_until($stream, qr/event: age\ndata: \{"as_of":"[^"]+","age_ms":\d+,"streaming":true\}/), 'its age');
$node->safe_psql('postgres', "INSERT INTO reservations (listing_id, stay) VALUES (31, '[2027-07-03,2027-07-10)'), (30, '[2027-07-03,2027-07-10)')");
ok(read_until($stream, qr/"booked":\[\["2027-07-03","2027-07-10"\]\],"change":"created"/), 'a change as it comes');
unlike($stream->{text}, qr/"listing":31/, 'and none of others');
$api->record('GET', '/v1/events', { status => substr($stream->{text}, 9, 3), headers => { 'content-type' => ($stream->{text} =~ /^Content-Type: ([^;\s]+)/mi)[0] } });
is($api->record('GET', '/v1/events', $service->get('/v1/events?listing=x'))->{status}, 400, 'of what is no listing');
is($api->record('GET', '/v1/events', $service->get('/v1/events?table=none'))->{status}, 404, 'of what is no table');
my $full = Service->new($node, $relay, @patient, 'http.max_streams' => 1);
$full->start_ready;
my $first = event_stream($full, 'listing=1');
read_until($first, qr/event: calendar/);
is($api->record('GET', '/v1/events', $full->get('/v1/events'))->{status}, 503, 'of too many');

# --- what the file says, all of it --------------------------------------------------------------------------------------------------

is($api->record('GET', '/readyz', $alone->get('/readyz'))->{status}, 503, 'a service without a database is not ready');
my ($problems, $missing) = $api->verdict;
is_deeply($problems, [], 'every answer is as the OpenAPI file describes it');
is_deeply($missing, [], 'and every one that it describes was given');

# --- control --------------------------------------------------------------------------------------------------------------------------

sub control
{
	my ($method, $path, $body, $given) = @_;
	return HTTP::Tiny->new(timeout => 20)->request($method, "http://127.0.0.1:$control$path",
		{ headers => { Authorization => 'Bearer ' . ($given // $token) }, $body ? (content => encode_json($body)) : () });
}
is(control('GET', '/v1/routing', undef, 'open')->{status}, 401, 'control asks for its token');
is(control('GET', '/v1/routing', undef, 'open')->{headers}{connection}, 'close', 'whoever has none keeps no connection');
is($service->get('/v1/routing')->{status}, 404, 'and listens apart');
is(json(control('GET', '/v1/routing'))->{mode}, 'replica', 'what is routed where');
is(control('PUT', '/v1/routing', { kill_switch => JSON::PP::true })->{status}, 200, 'the kill switch');
is(json($service->get('/v1/listings/1/calendar?from=2027-07-01&to=2027-08-01'))->{source}, 'database', 'sends reads to the database');
is(control('PUT', '/v1/routing', { kill_switch => JSON::PP::false, canary => 'database', canary_share => 0.5 })->{status}, 200, 'a canary');
my %sources;
$sources{ json($service->get("/v1/listings/$_/calendar?from=2027-07-01&to=2027-08-01"))->{source} }++ for 1 .. 50;
is_deeply([ sort keys %sources ], [ 'database', 'replica' ], 'takes a share of the listings');
is(control('PUT', '/v1/routing', { canary_share => 2 })->{status}, 400, 'a share that is none');
is(control('PUT', '/v1/routing', { mode => 'redis' })->{status}, 409, 'a mode without its tier');
is(control('PUT', '/v1/routing', { canary_share => 0 })->{status}, 200, 'no canary any more');
is(control('POST', '/v1/routing', {})->{status}, 405, 'a method that it does not have');
is(json(control('GET', '/v1/status'))->{feed}{state}, 'streaming', 'how the parts are');
wait_until('answers are compared', sub { ($service->metric('verifications_total{result="agrees"}') // 0) > 20 });
is($service->metric('verifications_total{result="mismatch"}'), 0, 'answers are compared with the database, none is wrong');
is(json(control('PUT', '/v1/verification', { share => 0 }))->{share}, 0, 'until it is told otherwise');

# --- clients that take all the files -------------------------------------------------------------------------------------------------

my $narrow = Service->new($node, undef, @patient, 'http.header_timeout_seconds' => 60);
$narrow->{open_files} = 100;
$narrow->start_ready;
my $early = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $narrow->{port}) or die;
my @crowd = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $narrow->{port}) } 1 .. 120;
my $of_early = sub {
	print $early $_[0];
	$early->flush;
	my $text = '';
	while ($text !~ /^Content-Length: (\d+)\r\n(?:\S.*?\r\n)?\r\n(.*)/ims || length $2 < $1) { sysread $early, $text, 65536, length $text or die 'the connection ended'; }
	return $text;
};
wait_until('there are as many as there may be', sub { $of_early->("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n") =~ /^\w+_http_connections_refused_total [1-9]/m });
my $order = encode_json({ listing => 41, @dates });
like($of_early->("POST /v1/bookings HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " . length($order) . "\r\n\r\n$order"),
	qr/^HTTP\/1.1 201/, 'leave those that the database needs');
like($narrow->log_of, qr/http.max_connections: \d+ instead of 10000, since no more than 100 files may be open/, 'and it is said how many clients there may be');
close $_ for grep { defined } @crowd;

# --- metrics, logs, the end -----------------------------------------------------------------------------------------------------------

cmp_ok($service->metric('requests_total{route="book",status="2xx"}'), '>=', 2, 'requests are counted');
cmp_ok($service->metric('reads_total{source="replica"}'), '>', 10, 'and reads by tier');
unlike($service->log_of . ($service->execute('--check'))[1], qr/sesame/, 'the token is nowhere');
my $idle = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $service->{port}) or die;
print $idle "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
$idle->flush;
sysread $idle, my $bytes, 65536;
like($bytes, qr/^HTTP\/1.1 200/, 'a connection');
my $slow = $node->background_psql('postgres');
$slow->query_safe('BEGIN; LOCK TABLE reservations_calendar IN ACCESS EXCLUSIVE MODE');
my $waiting = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $service->{port}) or die;
my $body = encode_json({ listing => 40, @dates });
print $waiting "POST /v1/bookings HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
$waiting->flush;
$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%availability.book%'") or die;
kill TERM => $service->{child};
is(sysread($idle, $bytes, 65536), 0, 'on SIGTERM idle connections end');
ok(!read_until($stream, qr/nothing of the kind/), 'and streams');
ok(!IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $service->{port}), 'none is accepted');
$slow->query_safe('ROLLBACK');
$slow->quit;
sysread $waiting, $bytes, 65536;
like($bytes, qr/^HTTP\/1.1 201/, 'what is under way is finished');
like($bytes, qr/^Connection: close/mi, 'and its connection closed');
is($service->signal(0), 0, 'then the service has ended in order');

$_->stop for $alone, $forbidden, $hurried, $full, $narrow;
$relay->stop;
$node->stop;
done_testing();
