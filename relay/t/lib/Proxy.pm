# A proxy between the relay and a server: its connections are cut, stalled (half open) or slowed at will.
package Proxy;

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use POSIX ();
use Time::HiRes qw(sleep);

my @children;

# Forwards to a port of 127.0.0.1 or to a socket's path. `edit`, if there is one, is given each piece that the server sends and an
# object that its connection has for itself, and returns what goes on instead.
sub new
{
	my ($class, $target, $edit) = @_;
	my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 50, ReuseAddr => 1) or die "listen: $!";
	pipe my $read, my $write or die "pipe: $!";
	$write->autoflush(1);
	my $pid = fork // die "fork: $!";
	if ($pid == 0)
	{
		close $write;
		forward($listener, $read, $target, $edit);
		POSIX::_exit(0);
	}
	close $read;
	push @children, $pid;
	return bless { port => $listener->sockport, control => $write, child => $pid }, $class;
}

sub address { my $self = shift; return "127.0.0.1:$self->{port}"; }

# Closes every connection; new ones are taken.
sub cut { my $self = shift; print { $self->{control} } 'c'; return; }
# Nothing passes, nothing is closed, new connections are taken and hang.
sub stall { my $self = shift; print { $self->{control} } 's'; return; }
# A few bytes at a time.
sub slow { my $self = shift; print { $self->{control} } 'l'; return; }
sub heal { my $self = shift; print { $self->{control} } 'h'; return; }

sub forward
{
	my ($listener, $control, $target, $edit) = @_;
	my $mode = 'h';
	my (%peer, %pending);
	my $close = sub {
		my ($one) = @_;
		my $other = delete $peer{$one} or return;
		delete $peer{ $other->[0] };
		for my $socket ($one, $other->[0])
		{
			delete $pending{$socket};
			close $socket;
		}
	};
	my %handle;
	while (1)
	{
		my @watched = ($listener, $control);
		push @watched, map { $handle{$_} } grep { length($pending{ $peer{$_}[0] } // '') < 65536 } keys %peer if $mode ne 's';
		my @writable = $mode eq 's' ? () : map { $handle{$_} } grep { exists $peer{$_} && length($pending{$_} // '') } keys %pending;
		my ($readable, $writable) = IO::Select->select(IO::Select->new(@watched), IO::Select->new(@writable), undef, 5);
		for my $socket (@{ $writable // [] })
		{
			next unless exists $peer{$socket};
			my $size = $mode eq 'l' ? 200 : length $pending{$socket};
			my $written = syswrite $socket, $pending{$socket}, $size;
			if (!defined $written) { $close->($socket); next; }
			substr $pending{$socket}, 0, $written, '';
			sleep 0.002 if $mode eq 'l';
		}
		for my $socket (@{ $readable // [] })
		{
			if ($socket == $control)
			{
				sysread($control, my $command, 1) or return;
				if ($command eq 'c') { $close->($handle{$_}) for keys %peer; }
				else { $mode = $command; }
			}
			elsif ($socket == $listener)
			{
				my $client = $listener->accept or next;
				my $server = $target =~ m{^/} ? IO::Socket::UNIX->new(Peer => $target) : IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $target);
				if (!$server) { close $client; next; }
				$_->blocking(0) for $client, $server;
				$handle{$_} = $_ for $client, $server;
				$peer{$client} = [$server];
				$peer{$server} = [ $client, {} ];
			}
			elsif (exists $peer{$socket})
			{
				my $got = sysread $socket, my $bytes, 65536;
				if (!$got) { $close->($socket) unless !defined $got && $!{EAGAIN}; next; }
				my ($other, $state) = @{ $peer{$socket} };
				$bytes = $edit->($bytes, $state) if $edit && $state;
				$pending{$other} .= $bytes;
			}
		}
		delete @handle{ grep { !exists $peer{$_} } keys %handle };
	}
}

END
{
	my $status = $?;
	for my $pid (@children) { kill KILL => $pid; waitpid $pid, 0; }
	$? = $status;
}

1;
