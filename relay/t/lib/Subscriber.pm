# A subscriber of the relay: snapshot, then the stream; over relays that die, and with what relay/wire.hpp and decoder/event.proto promise checked.
package Subscriber;

use strict;
use warnings;

use Errno qw(EAGAIN);
use IO::Socket::INET;
use Relay;
use Time::HiRes qw(time sleep);

sub new
{
	my ($class, $relay, %options) = @_;
	return bless { relay => $relay, calendars => {}, snapshots => 0, events => 0, problems => [], position => undef, %options }, $class;
}

sub problem { my ($self, $what) = @_; push @{ $self->{problems} }, $what; return; }

# Connects if it is not, as far as the relay lets it.
sub connect
{
	my ($self) = @_;
	return 1 if $self->{socket};
	if (!$self->{position})
	{
		my $snapshot = eval { $self->{relay}->snapshot } or return 0;
		$self->{snapshots}++;
		$self->{calendars} = $snapshot->{calendars} // {};
		$self->{epoch} = $snapshot->{epoch};
		$self->{position} = [ $snapshot->{lsn}, '*' ];
		$self->{consistent} = $snapshot->{end};
		$self->{lsn} = $snapshot->{lsn};
	}
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{relay}{port}, Timeout => 5) or return 0;
	my $from = join ',', $self->{epoch}, Relay::format_lsn($self->{position}[0]), $self->{position}[1];
	print $socket "GET /stream?from=$from HTTP/1.1\r\nHost: relay\r\n\r\n";
	$socket->flush;
	my $head = '';
	while ($head !~ /\r\n\r\n/)
	{
		sysread $socket, $head, 1, length $head or return 0;
	}
	if ($head =~ /^HTTP\/1.1 410/) { $self->{position} = undef; return 0; }
	return 0 if $head !~ /^HTTP\/1.1 200/;
	$socket->blocking(0);
	@$self{qw(socket raw frames started)} = ($socket, '', '', 0);
	return 1;
}

# Reads what there is.
sub pump
{
	my ($self) = @_;
	$self->connect or return;
	while (1)
	{
		my $got = sysread $self->{socket}, $self->{raw}, 65536, length $self->{raw};
		last if !defined $got && $! == EAGAIN;
		if (!$got) { $self->{closed} = 1; last; }
	}
	# Chunks.
	while ($self->{raw} =~ /^([0-9a-f]+)\r\n/ && length $self->{raw} >= length($1) + 4 + hex $1)
	{
		my ($head, $size) = (length($1) + 2, hex $1);
		$self->{frames} .= substr $self->{raw}, $head, $size;
		substr $self->{raw}, 0, $head + $size + 2, '';
	}
	while (length $self->{frames} >= 4 && length $self->{frames} >= 4 + unpack 'V', $self->{frames})
	{
		my $size = unpack 'V', $self->{frames};
		$self->frame(substr $self->{frames}, 4, $size);
		substr $self->{frames}, 0, 4 + $size, '';
	}
	if (delete $self->{closed}) { delete $self->{socket}; }
	return;
}

sub frame
{
	my ($self, $frame) = @_;
	my $type = ord $frame;
	if ($type == 1)
	{
		my ($version, $epoch) = unpack 'xCQ<', $frame;
		$self->problem("hello of version $version, epoch $epoch") if $version != 1 || $epoch != $self->{epoch} || $self->{started}++;
	}
	elsif ($type == 2)
	{
		$self->event(substr $frame, 1);
	}
	elsif ($type == 3)
	{
		my ($lsn, $as_of) = unpack 'xQ<q<', $frame;
		$self->problem("progress from $self->{lsn} to $lsn") if $lsn < $self->{lsn};
		$self->{as_of} = $as_of if $as_of > ($self->{as_of} // 0);
		$self->{position} = [ $lsn, '*' ];
		$self->{lsn} = $lsn;
	}
	elsif ($type == 4)
	{
		$self->{position} = undef if substr($frame, 1) ne 'the relay ends';
		$self->{closed} = 1;
	}
	return;
}

sub event
{
	my ($self, $message) = @_;
	my ($at, %field) = (0);
	while ($at < length $message)
	{
		my $tag = Relay::varint(\$message, \$at);
		my $value = Relay::varint(\$message, \$at);
		if (($tag & 7) == 2)
		{
			my $size = $value;
			$value = substr $message, $at, $size;
			$at += $size;
		}
		$field{ $tag >> 3 } = $value;
	}
	my ($listing, $version, $lsn, $seq) = ($field{3} // $field{4}, $field{9} // 0, $field{11}, $field{12});
	my ($known_lsn, $known_seq) = @{ $self->{position} };
	# What comes again is known.
	return if $lsn < $known_lsn || $lsn == $known_lsn && ($known_seq eq '*' || $seq <= $known_seq);
	$self->{position} = [ $lsn, $seq ];
	$self->{events}++;
	my $known = $self->{calendars}{$listing};
	return if $known && $known->[0] > $version; # of the snapshot
	$self->problem("listing $listing: version $version after $known->[0]") if $known && $known->[0] > $version;
	if ($field{1} == 5) { delete $self->{calendars}{$listing}; }
	else { $self->{calendars}{$listing} = [ $version, unpack 'H*', $field{10} ]; }
	return;
}

# Pumps until the calendars are these.
sub wait_for
{
	my ($self, $calendars) = @_;
	return eval {
		wait_until('the subscriber agrees', sub { $self->pump; $self->agrees($calendars) });
	} // 0;
}

sub agrees
{
	my ($self, $calendars) = @_;
	my $mine = $self->{calendars};
	return keys %$mine == keys %$calendars && !grep { !$mine->{$_} || $mine->{$_}[0] ne $calendars->{$_}[0] || $mine->{$_}[1] ne $calendars->{$_}[1] } keys %$calendars;
}

1;
