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
	return if $line < 0;
	return [ map { answer($socket) } 1 .. $line ] if $type eq '*';
	read $socket, my $bytes, $line + 2;
	return substr $bytes, 0, $line;
}

sub do
{
	my ($self, @command) = @_;
	my $result = eval {
		$self->{socket} //= IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => 5) // die "connect: $!";
		print { $self->{socket} } '*', scalar @command, "\r\n", map { ('$', length, "\r\n", $_, "\r\n") } @command;
		$self->{socket}->flush;
		[ scalar answer($self->{socket}) ];
	};
	if (!$result)
	{
		delete $self->{socket} unless $@ =~ /^redis: /;
		die $@;
	}
	return $result->[0];
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
		# Keys of many slots can't share a command in a Cluster.
		my $values = $self->{options}{'cluster-enabled'} ? [ map { scalar $self->do('GET', $_) } @some ] : $self->do('MGET', @some);
		for my $i (0 .. $#some)
		{
			next if !defined $values->[$i] || length $values->[$i] < 24;
			my ($of, $version) = unpack 'Q>q>', $values->[$i];
			next if $of != $epoch || substr($values->[$i], 16, 1) eq 'L';
			my ($listing) = $some[$i] =~ /\{(.*)\}/;
			$calendars{$listing} = [ $version, unpack 'H*', substr $values->[$i], 16 ];
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
