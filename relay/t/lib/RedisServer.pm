# A redis-server of a test, and the least client that reads what it holds.
package RedisServer;

use strict;
use warnings;

use IO::Socket::INET;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Relay;
use Time::HiRes qw(sleep);

my @children;

sub new
{
	my ($class, %options) = @_;
	my $self = bless { port => PostgreSQL::Test::Cluster::get_free_port(), options => \%options, directory => PostgreSQL::Test::Utils::tempdir }, $class;
	$self->start;
	return $self;
}

sub address { my $self = shift; return "127.0.0.1:$self->{port}"; }

sub start
{
	my ($self) = @_;
	my %options = (port => $self->{port}, bind => '127.0.0.1', dir => $self->{directory}, save => '', appendonly => 'no', %{ $self->{options} });
	my $pid = fork // die "fork: $!";
	if ($pid == 0)
	{
		open STDOUT, '>>', "$self->{directory}/log";
		open STDERR, '>&', \*STDOUT;
		exec 'redis-server', map { ("--$_", $options{$_}) } sort keys %options;
		die "exec: $!";
	}
	$self->{child} = $pid;
	push @children, $pid;
	wait_until('redis-server is up', sub { eval { $self->do('PING') eq 'PONG' } });
	return;
}

sub kill9
{
	my ($self) = @_;
	my $pid = delete $self->{child} or return;
	delete $self->{socket};
	kill CONT => $pid;
	kill KILL => $pid;
	waitpid $pid, 0;
	return;
}
sub pause { my $self = shift; kill STOP => $self->{child}; return; }
sub unpause { my $self = shift; kill CONT => $self->{child}; return; }

sub answer
{
	my ($socket) = @_;
	my $line = readline($socket) // die 'redis-server has gone';
	$line =~ s/\r\n$//;
	my $type = substr $line, 0, 1, '';
	return $line if $type eq '+' || $type eq ':';
	die "redis: $line" if $type eq '-';
	return undef if $line < 0; # not an empty list: answers stand in arrays by their place
	return [ map { answer($socket) } 1 .. $line ] if $type eq '*';
	read $socket, my $bytes, $line + 2;
	return substr $bytes, 0, $line;
}

# The answer to a command; dies of an error.
sub do
{
	my ($self, @command) = @_;
	my ($answer) = $self->do_all([@command]);
	die $$answer if ref $answer eq 'SCALAR';
	return $answer;
}

# The answers to many, sent at once; an error is a reference to its text.
sub do_all
{
	my ($self, @commands) = @_;
	my $answers = eval {
		$self->{socket} //= IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => 5) // die "connect: $!";
		print { $self->{socket} } map { ('*', scalar @$_, "\r\n", map { ('$', length, "\r\n", $_, "\r\n") } @$_) } @commands;
		$self->{socket}->flush;
		my @answers;
		for (@commands)
		{
			my $answer = eval { answer($self->{socket}) };
			die $@ if $@ && $@ !~ /^redis: /;
			push @answers, $@ ? \"$@" : $answer;
		}
		\@answers;
	};
	if (!$answers)
	{
		delete $self->{socket};
		die $@;
	}
	return @$answers;
}

# listing => [version, booked as hex], of the entries of an epoch; tombstones and those of other epochs are none.
sub calendars
{
	my ($self, $epoch, $prefix) = @_;
	$prefix //= 'avail:v3:';
	my @keys = grep { /^\Q$prefix\E\{[^}]*\}$/ } @{ $self->do('KEYS', "$prefix\{*") };
	my %calendars;
	while (my @some = splice @keys, 0, 500)
	{
		my @values = $self->do_all(map { [ 'GET', $_ ] } @some);
		for my $i (0 .. $#some)
		{
			next if !defined $values[$i] || ref $values[$i] || length $values[$i] < 24;
			my ($of, $version) = unpack 'Q>q>', $values[$i];
			next if $of != $epoch || substr($values[$i], 16, 1) eq 'L';
			my ($listing) = $some[$i] =~ /\{(.*)\}/;
			$calendars{$listing} = [ $version, unpack 'H*', substr $values[$i], 16 ];
		}
	}
	return \%calendars;
}

END
{
	my $status = $?;
	for my $pid (@children)
	{
		next if waitpid($pid, 1) != 0;
		kill CONT => $pid;
		kill KILL => $pid;
	}
	$? = $status;
}

1;
