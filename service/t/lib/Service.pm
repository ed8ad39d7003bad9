# What the service's tests share: a service with its settings.
package Service;

use strict;
use warnings;

use HTTP::Tiny;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Relay;
use Time::HiRes qw(sleep time);

our $build = $ENV{SERVICE_BUILD} // "$FindBin::RealBin/../build";
my $count = 0;
my @children;

# Of a node with a tracked table reservations; $relay may be undef.
sub new
{
	my ($class, $node, $relay, %settings) = @_;
	my $self = bless { node => $node, number => ++$count, port => PostgreSQL::Test::Cluster::get_free_port(), child => undef }, $class;
	$self->{directory} = PostgreSQL::Test::Utils::tempdir;
	$self->{log} = "${PostgreSQL::Test::Utils::log_path}/service_$count.log";
	$self->{settings} = {
		'database.conninfo' => $node->connstr('postgres'),
		'database.tables' => 'public.reservations_calendar',
		'http.listen' => "127.0.0.1:$self->{port}",
		$relay ? ('relay.urls' => "127.0.0.1:$relay->{port}") : ('reader.mode' => 'database', 'reader.canary' => 'database'),
		%settings
	};
	return $self;
}

sub command
{
	my ($self, @command) = @_;
	return ("$build/availability-service", @command, map { ("--$_", $self->{settings}{$_}) } sort keys %{ $self->{settings} });
}

# Runs a command to its end; returns its status, its output and its log.
sub execute
{
	my ($self, @command) = @_;
	my $out = '';
	my $file = "$self->{log}.command";
	my $run = IPC::Run::start([ $self->command(@command) ], '<', \undef, '>', \$out, '2>', $file, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	$run->finish;
	my $err = slurp_file($file);
	append_to_file($self->{log}, $err);
	return ($run->result(0) // 0, $out, $err);
}

sub start
{
	my ($self) = @_;
	my $pid = fork // die "fork: $!";
	if ($pid == 0)
	{
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', $self->{log};
		open STDERR, '>>', $self->{log};
		exec 'sh', '-c', "ulimit -n $self->{open_files} && exec \"\$@\"", 'sh', $self->command('run') if $self->{open_files};
		exec $self->command('run');
		die "exec: $!";
	}
	$self->{child} = $pid;
	push @children, $pid;
	return;
}

sub start_ready
{
	my ($self) = @_;
	$self->start;
	wait_until("service $self->{number} is ready", sub { $self->get('/readyz')->{success} });
	return;
}

# Sends a signal and waits for the end; returns the exit status, or minus the signal.
sub signal
{
	my ($self, $signal) = @_;
	my $pid = delete $self->{child} or return;
	kill $signal => $pid;
	my $deadline = time + $PostgreSQL::Test::Utils::timeout_default;
	while (time < $deadline)
	{
		return ($? & 127) ? -($? & 127) : $? >> 8 if waitpid($pid, 1) == $pid;
		sleep 0.02;
	}
	kill KILL => $pid;
	waitpid $pid, 0;
	die "service $self->{number} did not end";
}
sub stop { my $self = shift; return $self->signal('TERM'); }
sub kill9 { my $self = shift; return $self->signal('KILL'); }

sub request
{
	my ($self, $method, $path, %options) = @_;
	return HTTP::Tiny->new(timeout => 20)->request($method, "http://127.0.0.1:$self->{port}$path", \%options);
}
sub get { my ($self, $path, %headers) = @_; return $self->request('GET', $path, headers => \%headers); }

# Sends JSON.
sub post
{
	my ($self, $path, $document, %headers) = @_;
	return $self->request('POST', $path, headers => { 'Content-Type' => 'application/json', %headers }, content => encode_json($document));
}

# The value of a metric with its labels.
sub metric
{
	my ($self, $name) = @_;
	my $text = $self->get('/metrics')->{content};
	return $text =~ /^availability_service_\Q$name\E (\S+)$/m ? $1 + 0 : undef;
}

sub log_of { my $self = shift; return slurp_file($self->{log}); }

END
{
	my $status = $?;
	kill KILL => $_ for grep { waitpid($_, 1) == 0 } @children;
	$? = $status;
}

1;
