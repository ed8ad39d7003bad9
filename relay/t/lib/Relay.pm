# What the relay's tests share: a relay with its settings, a redis-server, and readers of what they give.
package Relay;

use strict;
use warnings;

use Exporter 'import';
use FindBin;
use HTTP::Tiny;
use IO::Socket::INET;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Socket qw(MSG_PEEK);
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(wait_until track_reservations database_calendars);

my $build = $ENV{RELAY_BUILD} // "$FindBin::RealBin/../../relay/build";
my $count = 0;
my @children;

# Calls until it returns something true; dies after the timeout of PostgreSQL's tests.
sub wait_until
{
	my ($what, $condition) = @_;
	my $deadline = time + $PostgreSQL::Test::Utils::timeout_default;
	while (time < $deadline)
	{
		my $result = $condition->();
		return $result if $result;
		sleep 0.05;
	}
	die "timed out: $what";
}

# A tracked table, and one row a listing in it.
sub track_reservations
{
	my ($node, $listings) = @_;
	$node->safe_psql('postgres', qq(
		CREATE TABLE listings (id bigint PRIMARY KEY);
		INSERT INTO listings SELECT generate_series(1, $listings);
		CREATE TABLE reservations (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id bigint NOT NULL REFERENCES listings, stay daterange);
		SELECT availability.track('reservations')));
	return;
}

# listing => [version, booked as hex of the stored bytes]
sub database_calendars
{
	my ($node, $table) = @_;
	$table //= 'reservations_calendar';
	return { map { my ($listing, $version, $booked) = split /\|/; $listing => [ $version, $booked ] }
			split /\n/, $node->safe_psql('postgres', "SELECT listing_id, version, encode(booked::bytea, 'hex') FROM $table") };
}

# --- a relay -----------------------------------------------------------------------------------------------------------------------

sub new
{
	my ($class, $node, %settings) = @_;
	my $self = bless { node => $node, number => ++$count, port => PostgreSQL::Test::Cluster::get_free_port(), child => undef }, $class;
	$self->{directory} = PostgreSQL::Test::Utils::tempdir;
	$self->{log} = "${PostgreSQL::Test::Utils::log_path}/relay_$count.log";
	$self->{settings} = {
		'database.conninfo' => $node->connstr('postgres'),
		'database.tables' => 'public.reservations_calendar',
		'relay.confirm_seconds' => '0.1',
		'relay.state_file' => "$self->{directory}/state",
		'http.listen' => "127.0.0.1:$self->{port}",
		%settings
	};
	return $self;
}

sub command
{
	my ($self, @command) = @_;
	return ("$build/availability-relay", @command, map { ("--$_", $self->{settings}{$_}) } sort keys %{ $self->{settings} });
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

sub bootstrap
{
	my ($self) = @_;
	my ($status, $out, $err) = $self->execute('bootstrap');
	die "bootstrap: $err" if $status != 0;
	return;
}

# In the background: run, or another command.
sub start
{
	my ($self, $command) = @_;
	my $pid = fork // die "fork: $!";
	if ($pid == 0)
	{
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', $self->{log};
		open STDERR, '>>', $self->{log};
		exec $self->command($command // 'run');
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
	$self->wait_ready;
	return;
}

sub wait_ready
{
	my ($self) = @_;
	wait_until("relay $self->{number} is ready", sub { $self->get('/readyz')->{success} });
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
	die "relay $self->{number} did not end";
}
sub stop { my $self = shift; return $self->signal('TERM'); }
sub kill9 { my $self = shift; return $self->signal('KILL'); }

# The exit status of one that ends by itself.
sub wait_end
{
	my ($self) = @_;
	my $pid = delete $self->{child};
	my $status;
	wait_until("relay $self->{number} ends", sub { waitpid($pid, 1) == $pid and ($status = $?, 1) });
	return $status >> 8;
}

sub get
{
	my ($self, $path, %headers) = @_;
	return HTTP::Tiny->new(timeout => 20)->get("http://127.0.0.1:$self->{port}$path", { headers => \%headers });
}

# The value of a metric with its labels, as in 'queue_bytes{sink="redis"}'.
sub metric
{
	my ($self, $name) = @_;
	my $text = $self->get('/metrics')->{content};
	return $text =~ /^availability_relay_\Q$name\E (\S+)$/m ? $1 + 0 : undef;
}

sub log_of { my $self = shift; return slurp_file($self->{log}); }

# Waits until all that the database has committed by now is confirmed.
sub wait_confirmed
{
	my ($self) = @_;
	my $node = $self->{node};
	my $lsn = $node->safe_psql('postgres', 'SELECT pg_current_wal_insert_lsn()');
	my $slot = $self->{settings}{'database.slot'} // 'availability_relay';
	$node->poll_query_until('postgres', "SELECT confirmed_flush_lsn >= '$lsn' FROM pg_replication_slots WHERE slot_name = '$slot'") or die 'not confirmed';
	return;
}

# Waits until every sink has every calendar of the epoch, and the state says so.
sub wait_loaded
{
	my ($self) = @_;
	my $slot = $self->{settings}{'database.slot'} // 'availability_relay';
	$self->{node}->poll_query_until('postgres', "SELECT loaded FROM availability_relay.state WHERE slot = '$slot'") or die 'not loaded';
	return;
}

sub epoch
{
	my ($self) = @_;
	my $slot = $self->{settings}{'database.slot'} // 'availability_relay';
	return $self->{node}->safe_psql('postgres', "SELECT epoch FROM availability_relay.state WHERE slot = '$slot'");
}

# --- readers of relay/wire.hpp -----------------------------------------------------------------------------------------------------

sub varint
{
	my ($bytes, $at) = @_;
	my ($value, $shift) = (0, 0);
	while (1)
	{
		my $byte = ord substr $$bytes, $$at++, 1;
		$value |= ($byte & 0x7f) << $shift;
		return $value if $byte < 0x80;
		$shift += 7;
	}
}

# { epoch, lsn, end, calendars => { listing => [version, hex] } }, of /snapshot
sub snapshot
{
	my ($self) = @_;
	my $answer = $self->get('/snapshot');
	die "snapshot: $answer->{status} $answer->{content}" unless $answer->{success};
	my $bytes = $answer->{content};
	die 'no snapshot' unless substr($bytes, 0, 8) eq 'AVSNAP01';
	my $at = 24;
	my %snapshot = (epoch => unpack('Q<', substr $bytes, 8, 8), lsn => unpack('Q<', substr $bytes, 16, 8));
	my $tables = varint(\$bytes, \$at);
	$at += varint(\$bytes, \$at) for 1 .. $tables;
	my $records = 0;
	while ((my $type = ord substr $bytes, $at++, 1) != 0)
	{
		varint(\$bytes, \$at);
		my $listing = varint(\$bytes, \$at);
		if ($type == 1 || $type == 3)
		{
			$listing = ($listing >> 1) ^ -($listing & 1);
		}
		else
		{
			my $size = $listing;
			$listing = substr $bytes, $at, $size;
			$at += $size;
		}
		$records++;
		next if $type > 2; # its calendar isn't known
		my $version = unpack 'q<', substr $bytes, $at, 8;
		$at += 8;
		my $size = varint(\$bytes, \$at);
		$snapshot{calendars}{$listing} = [ $version, unpack 'H*', substr $bytes, $at, $size ];
		$at += $size;
	}
	die 'the end is missing' unless unpack('Q<', substr $bytes, $at, 8) == $records && length $bytes == $at + 16;
	$snapshot{end} = unpack 'Q<', substr $bytes, $at + 8, 8;
	return \%snapshot;
}

sub format_lsn { my $lsn = shift; return sprintf '%X/%X', $lsn >> 32, $lsn & 0xffffffff; }

END
{
	my $status = $?;
	kill KILL => $_ for grep { waitpid($_, 1) == 0 } @children;
	$? = $status;
}

1;
