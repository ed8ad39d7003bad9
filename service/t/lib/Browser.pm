# A headless Chromium of a test, driven over a pair of pipes by the DevTools protocol: messages in JSON, each ended by a zero byte.
package Browser;

use strict;
use warnings;

use IO::Select;
use JSON::PP;
use MIME::Base64;
use POSIX qw(dup2 WNOHANG);
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep time);

my @children;

# Starts it with a page that is empty.
sub new
{
	my ($class) = @_;
	my $directory = PostgreSQL::Test::Utils::tempdir;
	my $log = "${PostgreSQL::Test::Utils::log_path}/chromium.log";
	pipe my $child_in, my $out or die "pipe: $!";
	pipe my $in, my $child_out or die "pipe: $!";
	my $pid = fork // die "fork: $!";
	if ($pid == 0)
	{
		# It reads from 3 and writes to 4. Neither end may be closed by the other's taking its place.
		my ($from, $to) = map { POSIX::dup(fileno $_) } $child_in, $child_out;
		($from, $to) = map { my $fd = $_; $fd = POSIX::dup($fd) while $fd < 5; $fd } $from, $to;
		dup2($from, 3);
		dup2($to, 4);
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', $log;
		open STDERR, '>>', $log;
		$ENV{HOME} = $directory;
		# The page is our own: what would keep it in needs name spaces that a container doesn't always give.
		exec 'chromium', qw(--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-background-networking --no-first-run
			--mute-audio --hide-scrollbars --remote-debugging-pipe), '--window-size=1280,1000', "--user-data-dir=$directory", 'about:blank';
		die "exec: $!";
	}
	close $_ for $child_in, $child_out;
	push @children, $pid;
	$out->autoflush;
	my $self = bless { pid => $pid, out => $out, in => $in, buffer => '', last => 0, events => [] }, $class;
	my $target = $self->call('Target.createTarget', url => 'about:blank')->{targetId};
	$self->{session} = $self->call('Target.attachToTarget', targetId => $target, flatten => JSON::PP::true)->{sessionId};
	$self->call("$_.enable") for qw(Page Runtime Log Accessibility);
	$self->call('Page.addScriptToEvaluateOnNewDocument', source => q(
		window.violations = [];
		document.addEventListener('securitypolicyviolation', (event) => violations.push(`${event.violatedDirective} ${event.blockedURI}`));
	));
	return $self;
}

# Reads one message; undef if none comes by the deadline.
sub message
{
	my ($self, $deadline) = @_;
	my $end;
	while (($end = index $self->{buffer}, "\0") < 0)
	{
		return if !IO::Select->new($self->{in})->can_read(($deadline - time) > 0 ? $deadline - time : 0);
		sysread $self->{in}, $self->{buffer}, 1 << 20, length $self->{buffer} or die 'chromium has gone';
	}
	my $message = substr $self->{buffer}, 0, $end;
	substr $self->{buffer}, 0, $end + 1, '';
	return decode_json($message);
}

# Calls a method and returns its result; what happened meanwhile is kept.
sub call
{
	my ($self, $method, %parameters) = @_;
	my $id = ++$self->{last};
	my %session = $self->{session} ? (sessionId => $self->{session}) : ();
	print { $self->{out} } encode_json({ id => $id, method => $method, params => \%parameters, %session }), "\0";
	my $deadline = time + $PostgreSQL::Test::Utils::timeout_default;
	while (my $message = $self->message($deadline))
	{
		if (!defined $message->{id}) { push @{ $self->{events} }, $message; next; }
		next if $message->{id} != $id;
		die "$method: $message->{error}{message}" if $message->{error};
		return $message->{result};
	}
	die "$method: no answer";
}

sub open_page
{
	my ($self, $url) = @_;
	my $result = $self->call('Page.navigate', url => $url);
	die "$url: $result->{errorText}" if $result->{errorText};
	$self->wait_for("document.readyState === 'complete' && location.href.startsWith('http')");
	return;
}

# The value of an expression in the page.
sub value
{
	my ($self, $expression) = @_;
	my $result = $self->call('Runtime.evaluate', expression => $expression, returnByValue => JSON::PP::true, awaitPromise => JSON::PP::true);
	die "$expression: $result->{exceptionDetails}{exception}{description}" if $result->{exceptionDetails};
	return $result->{result}{value};
}

# Waits until an expression is true, and returns the seconds that it took; dies after the timeout of PostgreSQL's tests.
sub wait_for
{
	my ($self, $expression) = @_;
	my $begun = time;
	while (time - $begun < $PostgreSQL::Test::Utils::timeout_default)
	{
		return time - $begun if eval { $self->value("!!($expression)") };
		sleep 0.02;
	}
	die "timed out: $expression; the page says: " . $self->value('document.body.innerText');
}

my %codes = (
	ArrowLeft => 37, ArrowUp => 38, ArrowRight => 39, ArrowDown => 40, PageUp => 33, PageDown => 34, End => 35, Home => 36, Tab => 9, Enter => 13
);

# Presses a key as a person does: by its name, with "Shift+" before it or not.
sub press
{
	my ($self, $name) = @_;
	my $shift = $name =~ s/^Shift\+// ? 8 : 0;
	my %key = (key => $name, windowsVirtualKeyCode => $codes{$name} // ord uc $name, modifiers => $shift);
	$key{text} = $name if length $name == 1;
	$key{text} = "\r" if $name eq 'Enter';
	$self->call('Input.dispatchKeyEvent', type => 'keyDown', %key);
	delete $key{text};
	$self->call('Input.dispatchKeyEvent', type => 'keyUp', %key);
	return;
}

# What assistive technology is told: the nodes that are not ignored, as { role, name, … }.
sub accessible
{
	my ($self) = @_;
	my $nodes = $self->call('Accessibility.getFullAXTree')->{nodes};
	return map { { role => $_->{role}{value}, name => $_->{name}{value} // '', map { $_->{name} => $_->{value}{value} } @{ $_->{properties} // [] } } }
		grep { !$_->{ignored} } @$nodes;
}

# As prefers-color-scheme => 'dark', prefers-reduced-motion => 'reduce'; media => 'print'.
sub emulate
{
	my ($self, %features) = @_;
	my $media = delete $features{media} // '';
	$self->call('Emulation.setEmulatedMedia', media => $media, features => [ map { { name => $_, value => $features{$_} } } sort keys %features ]);
	return;
}

# Writes a PNG of the whole page; returns its bytes.
sub screenshot
{
	my ($self, $path) = @_;
	my $png = decode_base64($self->call('Page.captureScreenshot', format => 'png', captureBeyondViewport => JSON::PP::true)->{data});
	open my $file, '>:raw', $path or die "$path: $!";
	print $file $png;
	close $file or die "$path: $!";
	return $png;
}

# What went wrong since the last call: errors on the console, exceptions, violations of the policy. An answer that is no 200 is
# none: that is the network's, and what the page makes of it is for the test to say.
sub problems
{
	my ($self) = @_;
	$self->value('0');
	my @problems;
	for (splice @{ $self->{events} })
	{
		my ($method, $of) = @$_{qw(method params)};
		push @problems, $of->{exceptionDetails}{exception}{description} // $of->{exceptionDetails}{text} if $method eq 'Runtime.exceptionThrown';
		push @problems, join ' ', map { $_->{value} // $_->{description} // '' } @{ $of->{args} }
			if $method eq 'Runtime.consoleAPICalled' && $of->{type} =~ /^(?:error|warning|assert)$/;
		push @problems, $of->{entry}{text} if $method eq 'Log.entryAdded' && $of->{entry}{level} eq 'error' && $of->{entry}{source} ne 'network';
	}
	return (@problems, @{ $self->value('window.violations ?? []') });
}

sub stop
{
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;
	eval { delete $self->{session}; $self->call('Browser.close') };
	my $deadline = time + 10;
	while (time < $deadline) { return if waitpid($pid, WNOHANG) != 0; sleep 0.05; }
	kill KILL => $pid;
	waitpid $pid, 0;
	return;
}

END
{
	my $status = $?;
	kill KILL => $_ for grep { waitpid($_, WNOHANG) == 0 } @children;
	$? = $status;
}

1;
