# The front page in a browser: it shows what the JSON says, live, to eyes, keyboards and screen readers.
#
# Leaves what it looks like in build/page.png and build/page_dark.png.

use strict;
use warnings;

use File::Path qw(make_path);
use FindBin;
use lib "$FindBin::RealBin/lib", "$FindBin::RealBin/../../relay/t/lib", "$FindBin::RealBin/../../t/lib";

use Availability;
use Browser;
use HTTP::Tiny;
use JSON::PP;
use MIME::Base64;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RedisServer;
use Relay;
use Service;
use Test::More;
use Time::HiRes qw(time);

my $node = logical_node('page');
track_reservations($node, 5);
$node->safe_psql('postgres', q{INSERT INTO reservations (listing_id, stay) VALUES
	(1, '[2026-12-20,2026-12-27)'), (1, '[2027-01-01,2027-01-03)'), (1, '[2027-07-03,2027-07-10)'), (1, '[2027-07-10,2027-07-12)'), (1, '[2028-02-28,2028-03-02)')});
my $relay = Relay->new($node);
$relay->bootstrap;
$relay->start_ready;
my $service = Service->new($node, $relay);
$service->start_ready;
my $url = "http://127.0.0.1:$service->{port}";
my $browser = Browser->new;

sub get { my ($path, %headers) = @_; return HTTP::Tiny->new(timeout => 20)->get("$url$path", { headers => \%headers }); }

sub book
{
	my ($listing, $check_in, $check_out) = @_;
	my $answer = HTTP::Tiny->new(timeout => 20)->post("$url/v1/bookings", {
		headers => { 'Content-Type' => 'application/json' },
		content => encode_json({ listing => $listing, check_in => $check_in, check_out => $check_out })
	});
	die "$answer->{status} $answer->{content}" if $answer->{status} != 201;
	return;
}

sub label { my $day = shift; return $browser->value(qq(document.querySelector('[data-day="$day"]').getAttribute('aria-label'))); }
sub state { return $browser->value('document.body.dataset.state'); }
sub focused { return $browser->value('document.activeElement.dataset.day'); }

# --- how it is served

my $answer = get('/');
is($answer->{status}, 200, 'there is a page');
like($answer->{headers}{'content-type'}, qr{^text/html; charset=utf-8$}, 'as HTML');
my $policy = $answer->{headers}{'content-security-policy'} // '';
like($policy, qr/^default-src 'none';/, 'the policy lets nothing in');
like($policy, qr/script-src 'sha256-[^']+';/, 'but its script');
unlike($policy, qr/unsafe|\*|https?:/, 'and nothing unsafe');
is(get('/', 'If-None-Match' => $answer->{headers}{etag})->{status}, 304, 'a browser that has it is told so');
unlike($answer->{content}, qr{(?:src|href)="(?:https?:)?//}, 'the page asks for nothing from elsewhere');

# --- what it shows

$browser->open_page("$url/?listing=1&from=2026-12");
$browser->wait_for("document.body.dataset.state === 'live'");
is($browser->value('document.title'), "Listing 1 \x{b7} Availability", 'the title says which listing');
my $said = decode_json(get('/v1/listings/1/calendar?from=2026-12-01&to=2027-12-01')->{content});

# Of every day that is shown: what the answer of the API makes of it.
my $differences = $browser->value(sprintf q((() => {
	const booked = %s;
	const cells = [...document.querySelectorAll('td[data-day]')];
	const differ = cells.filter((cell) => {
		const day = cell.dataset.day;
		const word = booked.some(([from, to]) => from <= day && day < to) ? 'booked' : 'open';
		return !cell.getAttribute('aria-label').endsWith(`, ${word}`) || cell.classList.contains('booked') !== (word === 'booked');
	});
	return [cells.length, ...differ.map((cell) => cell.dataset.day)].join(' ');
})()), encode_json($said->{booked}));
is($differences, 365, 'a year is shown, each day as the JSON has it');
is(label('2027-07-03'), 'Saturday 3 July 2027, booked', 'a cell is labelled');
is($browser->value('document.getElementById("summary").textContent'), '18 days are booked of 365, 5 %.', 'the sum');
is($browser->value('document.querySelector("[data-month=\"2027-07\"] caption").textContent'), 'July 2027 22 open', 'and that of a month');
like($browser->value('document.querySelector(".live").innerText'), qr/as it was less than a second ago\s+from memory\s+version $said->{version}/, 'source, age and version');
$browser->wait_for('document.getElementById("service").innerText.includes("replica")');
like($browser->value('document.getElementById("service").innerText'), qr/^Ready\s+yes\s+Mode\s+replica\s/, 'the service says how it is');
is(join("\n", $browser->problems), '', 'no error on the console, and nothing that the policy refused');

# --- live

# On a busy machine one may be late; the stream is not.
my $fastest = 1e9;
for my $n (1 .. 3)
{
	my ($first, $end) = map { sprintf '2027-05-%02d', $_ } 3 * $n, 3 * $n + 2;
	$browser->value('document.querySelectorAll(".changed").forEach((cell) => cell.classList.remove("changed"))');
	my $begun = time;
	book('1', $first, $end);
	$browser->wait_for(qq(document.querySelector('[data-day="$first"]').classList.contains('booked')));
	$fastest = time - $begun if time - $begun < $fastest;
	is($browser->value('[...document.querySelectorAll(".changed")].map((cell) => cell.dataset.day).join()'),
		join(',', $first, sprintf '2027-05-%02d', 3 * $n + 1), 'a booking lights up its days alone');
}
note sprintf 'from the request to the page: %.0f ms', 1000 * $fastest;
cmp_ok($fastest, '<', 1, 'a booking that is made meanwhile is seen within a second');
is($browser->value('document.getElementById("announcer").textContent'), 'The calendar has changed: 2 days of those shown.', 'and told politely');
is(state(), 'live', 'all of it without asking again');

# --- the keyboard

is($browser->value('document.querySelectorAll("td[tabindex=\"0\"]").length'), 1, 'one day of the year is a stop of the Tab key');
$browser->value('document.querySelector("td[tabindex=\"0\"]").focus()');
for (
	[ 'ArrowRight', '2026-12-02' ], [ 'ArrowDown', '2026-12-09' ], [ 'ArrowUp', '2026-12-02' ], [ 'ArrowLeft', '2026-12-01' ],
	[ 'End', '2026-12-06' ], [ 'Home', '2026-11-30' ], [ 'ArrowRight', '2026-12-01' ], [ 'n', '2026-12-20' ], [ 'n', '2026-12-27' ],
	[ 'PageDown', '2027-01-27' ], [ 'Shift+PageDown', '2028-01-27' ], [ 'PageDown', '2028-02-27' ], [ 'ArrowRight', '2028-02-28' ],
	[ 'ArrowRight', '2028-02-29' ], [ 'PageUp', '2028-01-29' ], [ 'Shift+PageUp', '2027-01-29' ], [ 'PageDown', '2027-02-28' ])
{
	my ($key, $day) = @$_;
	$browser->press($key);
	is(focused(), $day, "$key moves the focus to $day");
}
is($browser->value('document.querySelectorAll("td[tabindex=\"0\"]").length'), 1, 'the stop of the Tab key has moved along');
like($browser->value('location.search'), qr/from=2027-02$|from=2027-01$/, 'the address says which months');
$browser->press('/');
is($browser->value('document.activeElement.id'), 'listing', '/ goes to the choice of a listing');
$browser->press('2');
is($browser->value('document.activeElement.value'), '2', 'what was chosen is written over');
$browser->press('Enter');
$browser->wait_for('document.getElementById("title").textContent === "Listing 2" && document.body.dataset.state === "live"');
pass('and Enter shows it');
is($browser->value('document.querySelectorAll("td.booked").length'), 0, 'nothing of the one before');
$browser->value('history.back()');
$browser->wait_for('document.getElementById("title").textContent === "Listing 1" && document.body.dataset.state === "live"');
pass('the way back leads back');

# --- what assistive technology is told

$browser->open_page("$url/?listing=1&from=2027-01");
$browser->wait_for("document.body.dataset.state === 'live'");
my @nodes = $browser->accessible;
my %named = map { ("$_->{role}: $_->{name}" => $_) } @nodes;
is(join("\n", map { $_->{role} } grep { $_->{role} =~ /^(?:button|textbox|combobox|searchbox|link|grid|heading|group|navigation|search|region)$/ && $_->{name} eq '' && $_->{role} ne 'search' } @nodes),
	'', 'everything that one can go to has a name');
ok($named{$_}, "there is a $_") for 'heading: Listing 1', 'button: A month on', 'button: Today', 'navigation: Months', 'combobox: Listing',
	'columnheader: Monday', 'gridcell: Saturday 3 July 2027, booked', 'gridcell: Wednesday 14 July 2027, open', 'link: /openapi.json';
is(scalar(grep { $_->{role} eq 'grid' && $_->{name} =~ /^\w+ 2027 \d+ open$/ } @nodes), 12, 'twelve grids with the names of their months');
my ($status) = grep { $_->{role} eq 'status' } @nodes;
is($status->{live}, 'polite', 'changes are told politely');
my ($year) = grep { $_->{role} eq 'group' } @nodes;
is($year->{name}, 'Listing 1 January 2027 to December 2027', 'the year has a name');
like($browser->value(q(document.getElementById(document.getElementById('year').getAttribute('aria-describedby')).textContent)), qr/Page Down/, 'and is described by its keys');

# Every text against what is behind it (WCAG 2.1, 1.4.3), in each scheme of colours.
my $contrast = q((() => {
	const channel = (c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
	const parse = (text) => text.match(/[\d.]+/g).map(Number);
	const luminance = ([r, g, b]) => 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
	const behind = (element) => {
		for (let at = element; at; at = at.parentElement) {
			const color = parse(getComputedStyle(at).backgroundColor);
			if (color.length === 3 || color[3] > 0) return color;
		}
		return [255, 255, 255];
	};
	const faults = [];
	let texts = 0;
	for (const element of document.querySelectorAll('body *')) {
		if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()) || !element.checkVisibility()) continue;
		const [a, b] = [parse(getComputedStyle(element).color), behind(element)].map(luminance).sort((a, b) => b - a);
		texts++;
		if ((a + 0.05) / (b + 0.05) < 4.5) faults.push(`${element.tagName}.${element.className} ${element.textContent.slice(0, 20)} ${((a + 0.05) / (b + 0.05)).toFixed(2)}`);
	}
	return [texts > 400, ...new Set(faults)].join('\n');
})());
is($browser->value($contrast), 'true', 'every text stands out from what is behind it');

my $build = "$FindBin::RealBin/../build";
make_path($build);
my %pictures = (light => $browser->screenshot("$build/page.png"));
$browser->emulate('prefers-color-scheme' => 'dark');
is($browser->value($contrast), 'true', 'in the dark, too');
$pictures{dark} = $browser->screenshot("$build/page_dark.png");
$browser->emulate('prefers-reduced-motion' => 'reduce');
is($browser->value('(() => { const cell = document.querySelector("td[data-day]"); cell.classList.add("changed"); return getComputedStyle(cell).animationName; })()'),
	'none', 'nothing moves for those who asked for that');
$browser->emulate('prefers-reduced-motion' => 'no-preference');
is($browser->value('getComputedStyle(document.querySelector("td.changed")).animationName'), 'flash', 'and for the others it does');
$browser->emulate(media => 'print');
is($browser->value('[...document.querySelectorAll("form, nav, footer")].filter((element) => element.checkVisibility()).length'), 0, 'what is of no use on paper is not printed');
$browser->emulate;
$browser->call('Emulation.setDeviceMetricsOverride', width => 320, height => 640, deviceScaleFactor => 1, mobile => JSON::PP::false);
cmp_ok($browser->value('document.documentElement.scrollWidth'), '<=', 320, 'a narrow window need not be scrolled sideways');
$browser->call('Emulation.clearDeviceMetricsOverride');
is(join("\n", $browser->problems), '', 'still no error');

# --- what it must not let in

is($browser->value('(() => { try { document.body.insertAdjacentHTML("beforeend", "<b>"); return "let in" } catch (error) { return error.name } })()'),
	'TypeError', 'no text becomes markup');
$browser->value(q((() => { const script = document.createElement('script'); script.append('window.injected = 1'); document.body.append(script); })()));
is($browser->value('window.injected ?? "kept out"'), 'kept out', 'no other script runs');
$browser->wait_for('violations.length > 0');
pass('and the test would notice');

# --- what happens to it

$browser->open_page("$url/?listing=no%20such%20%3Cb%3Elisting&from=2027-01");
$browser->wait_for("document.body.dataset.state === 'gone'");
is($browser->value('document.getElementById("title").textContent'), 'Listing no such <b>listing', 'a listing that is none');
ok($browser->value('document.getElementById("warning").checkVisibility()'), 'is said to be none');

$browser->open_page("$url/?listing=1&from=2027-01");
$browser->wait_for("document.body.dataset.state === 'live'");
$relay->kill9;
$browser->wait_for("document.body.dataset.state === 'polling'");
is($browser->value('document.getElementById("state").textContent'), 'Not live: asks every five seconds', 'without the relay, the page says that it is not live');
is(label('2027-07-03'), 'Saturday 3 July 2027, booked', 'and shows what is known');
book('1', '2027-10-05', '2027-10-07');
$browser->wait_for(qq(document.querySelector('[data-day="2027-10-05"]').classList.contains('booked')));
pass('what is booked meanwhile comes, if later');
$relay->start_ready;
$browser->wait_for("document.body.dataset.state === 'live'");
ok(!$browser->value('document.getElementById("warning").checkVisibility()'), 'it is live again by itself');

$service->stop;
$browser->wait_for("document.body.dataset.state === 'lost'");
like($browser->value('document.getElementById("warning").innerText'), qr/^The connection is lost: what is shown may be out of date/, 'without the service it says so, too');
$node->safe_psql('postgres', q{INSERT INTO reservations (listing_id, stay) VALUES (1, '[2027-09-01,2027-09-03)')});
$service->start_ready;
$browser->wait_for("document.body.dataset.state === 'live'");
is(label('2027-09-02'), 'Thursday 2 September 2027, booked', 'and shows what happened meanwhile as soon as it is back');

# --- without scripts

$browser->call('Emulation.setScriptExecutionDisabled', value => JSON::PP::true);
$browser->call('Page.navigate', url => "$url/");
wait_until('a sentence', sub { join(' ', map { $_->{name} } $browser->accessible) =~ /without it, the same answers are JSON/ });
pass('without scripts there is a sentence');
$browser->call('Emulation.setScriptExecutionDisabled', value => JSON::PP::false);

# --- pictures: their size, and how many colours there are where

$browser->call('Page.navigate', url => 'about:blank');
wait_until('an empty page', sub { eval { $browser->value('location.href') eq 'about:blank' } });
for my $name (sort keys %pictures)
{
	my $png = $pictures{$name};
	is(substr($png, 0, 8), "\x89PNG\r\n\x1a\n", "$name: a PNG");
	my ($width, $height) = unpack 'NN', substr $png, 16, 8;
	ok($width == 1280 && $height > 900 && $height < 3000, "$name: of sensible size, $width x $height");
	my ($colours, $background, $text) = @{ $browser->value(sprintf q((async () => {
		const bytes = Uint8Array.from(atob('%s'), (c) => c.charCodeAt(0));
		const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
		const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
		const context = canvas.getContext('2d');
		context.drawImage(bitmap, 0, 0);
		const pixels = new Uint32Array(context.getImageData(0, 0, bitmap.width, bitmap.height).data.buffer);
		const counts = new Map();
		for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
		const sorted = [...counts.values()].sort((a, b) => b - a);
		return [sorted.length, sorted[0] / pixels.length, sorted[1] / pixels.length];
	})()), encode_base64($png, '')) };
	cmp_ok($colours, '>', 30, "$name: it has colours");
	ok($background > 0.5 && $background < 0.97 && $text > 0.005, "$name: something is on it");
}

$browser->stop;
$service->stop;
$relay->stop;
$node->stop;
done_testing();
