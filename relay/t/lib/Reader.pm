# A reader of what Redis holds that does as docs/redis.md says, and nothing else; and one in a process of its own that reads on and on, whose
# observations are judged in the end: never older than what the record told, never days that no such version had.
package Reader;

use strict;
use warnings;

use POSIX ();
use PostgreSQL::Test::Utils;
use RedisServer;
use Relay;
use Time::HiRes qw(sleep time);
use Time::Local ();

my @children;
my @tags;

# ports; cluster; layout; listings: 1 to so many; months: their numbers, with layout months.
sub new
{
	my ($class, %options) = @_;
	my $self = bless { layout => 'calendar', cluster => 0, months => [], prefix => 'avail:v3:', record_prefix => 'avail:v3:relay:', servers => {}, %options }, $class;
	return $self;
}

sub tag_of_slot
{
	my ($slot) = @_;
	@tags = split /\n/, tool('tags') unless @tags;
	return $tags[$slot];
}

sub tool
{
	my $program = ($ENV{RELAY_BUILD} // "$FindBin::RealBin/../../relay/build") . '/tool_layout';
	open my $pipe, '-|', $program, @_ or die "$program: $!";
	local $/;
	my $text = <$pipe>;
	close $pipe or die "$program failed";
	return $text;
}

# --- connections ---------------------------------------------------------------------------------------------------------------------

# The answers to all of these, as RedisServer::do_all; undefined if there is no connection.
sub ask
{
	my ($self, $port, @commands) = @_;
	my $server = $self->{servers}{$port} //= bless { port => $port }, 'RedisServer';
	my @answers = eval { $server->do_all(@commands) };
	return $@ ? undef : \@answers;
}

# master's port => [lowest slot, listings]; undefined if nobody tells.
sub masters
{
	my ($self) = @_;
	return $self->{map} if $self->{map};
	my @all = 1 .. $self->{listings};
	return $self->{map} = { $self->{ports}[0] => [ 0, \@all ] } unless $self->{cluster};
	for my $port (@{ $self->{ports} })
	{
		my $answers = $self->ask($port, [ 'CLUSTER', 'SLOTS' ], $self->{slot_of} ? () : map { [ 'CLUSTER', 'KEYSLOT', "$self->{prefix}\{$_\}" ] } @all) or next;
		my $ranges = shift @$answers;
		next if ref $ranges ne 'ARRAY';
		$self->{slot_of} //= [ 0, @$answers ];
		my (%map, @owner);
		for my $range (@$ranges)
		{
			my ($first, $last, $master) = @$range;
			$owner[$_] = $master->[1] for $first .. $last;
			$map{ $master->[1] } //= [ $first, [] ];
			$map{ $master->[1] }[0] = $first if $first < $map{ $master->[1] }[0];
		}
		for (@all) { my $owner = $owner[ $self->{slot_of}[$_] ]; push @{ $map{$owner}[1] }, $_ if $owner; }
		return $self->{map} = \%map;
	}
	return;
}

# --- reading -------------------------------------------------------------------------------------------------------------------------

sub month_name { my $month = shift; return sprintf '%04d-%02d', 1970 + int($month / 12), 1 + $month % 12; }

sub keys_of
{
	my ($self, $listing) = @_;
	my $key = "$self->{prefix}\{$listing\}";
	return $self->{layout} eq 'calendar' ? ($key) : ("$key:version", map { "$key:" . month_name($_) } @{ $self->{months} });
}

# Calls with listing, record and entry of each; the entry is one value, or the version and the months, undefined for a miss. What is asked of a
# node that has it no longer is a miss, and the map is asked for anew.
sub read_all
{
	my ($self, $each) = @_;
	my $masters = $self->masters or return;
	for my $port (sort keys %$masters)
	{
		my ($lowest, $listings) = @{ $masters->{$port} };
		my $tag = $self->{cluster} ? tag_of_slot($lowest) : tag_of_slot(0);
		my $answers = $self->ask($port, [ 'GET', "$self->{record_prefix}\{$tag\}" ], map { [ 'MGET', $self->keys_of($_) ] } @$listings);
		if (!$answers) { delete $self->{map} if $self->{cluster}; next; }
		my $record = shift @$answers;
		if (ref $record || grep { ref eq 'SCALAR' } @$answers) { delete $self->{map} if $self->{cluster}; }
		next if ref $record || !defined $record;
		for my $i (0 .. $#$listings)
		{
			$each->($listings->[$i], $record, ref $answers->[$i] eq 'ARRAY' ? $answers->[$i] : [undef]);
		}
	}
	delete $self->{map} if $self->{cluster} && ++$self->{rounds} % 10 == 0;
	return;
}

# What an entry says under a record: undefined for a miss, else [version, days], days as in Witness::days.
sub understand
{
	my ($self, $record, $entry) = @_;
	my ($head, @months) = @$entry;
	return if !defined $head || length $head < 16;
	my ($epoch, $version) = unpack 'Q>q>', $head;
	return if $epoch != unpack 'Q>', $record;
	return [ $version, 'dropped' ] if length $head == 16;
	return if length $head == 25 && substr($head, 16, 1) eq 'L';
	return [ $version, days_of_bitmap(substr $head, 16) ] if $self->{layout} eq 'calendar';
	my ($first, $mask) = unpack 'S>L>', substr $head, 16;
	my @days;
	for my $i (0 .. $#months)
	{
		my $month = $self->{months}[$i];
		return if $month < $first || $month >= $first + 32 || !($mask >> ($month - $first) & 1) || !defined $months[$i];
		my $bits = unpack 'B31', $months[$i];
		my $day = days_before($month);
		push @days, map { $day + $_ } grep { substr($bits, $_, 1) eq '1' } 0 .. 30;
	}
	return [ $version, ranges(@days) ];
}

sub days_before { my $month = shift; return int(POSIX::floor(Time::Local::timegm(0, 0, 0, 1, $month % 12, 1970 + int($month / 12)) / 86400)); }
sub date_of { my $day = shift; return POSIX::strftime('%Y-%m-%d', gmtime($day * 86400)); }

# Ascending days, as "first,end first,end".
sub ranges
{
	my (@days) = @_;
	my @ranges;
	for my $day (@days)
	{
		if (@ranges && $ranges[-1][1] == $day) { $ranges[-1][1]++; }
		else { push @ranges, [ $day, $day + 1 ]; }
	}
	return join ' ', map { date_of($_->[0]) . ',' . date_of($_->[1]) } @ranges;
}

# A portable Roaring bitmap of at most one container.
sub days_of_bitmap
{
	my ($bytes) = @_;
	my ($cookie) = unpack 'V', $bytes;
	if (($cookie & 0xffff) == 12347)
	{
		# One container of runs: its bit, key, cardinality, number of runs.
		my ($runs) = unpack 'v', substr $bytes, 9;
		my @pairs = unpack 'v*', substr $bytes, 11, 4 * $runs;
		my @days;
		while (my ($start, $more) = splice @pairs, 0, 2) { push @days, $start .. $start + $more; }
		return ranges(@days);
	}
	my ($containers, $key, $cardinality) = unpack 'x4Vvv', $bytes;
	return '' if $containers == 0;
	$cardinality++;
	return ranges(unpack "v$cardinality", substr $bytes, 16) if $cardinality <= 4096;
	my $bits = unpack 'b*', substr $bytes, 16;
	return ranges(grep { substr($bits, $_, 1) eq '1' } 0 .. length($bits) - 1);
}

# --- filling -------------------------------------------------------------------------------------------------------------------------

sub evaluate
{
	my ($self, $port, $script, $keys, @arguments) = @_;
	$self->{scripts}{$script} //= tool('script', $script);
	my $answers = $self->ask($port, [ 'EVAL', $self->{scripts}{$script}, scalar @$keys, @$keys, @arguments ]) or return;
	return $answers->[0];
}

sub port_of
{
	my ($self, $listing) = @_;
	my $masters = $self->masters or return;
	return (grep { my $port = $_; grep { $_ == $listing } @{ $masters->{$port}[1] } } keys %$masters)[0];
}

# Under the epoch of the record that was read. Returns a fill to go on with, or nothing if somebody else has the lease or the entry is there.
sub lease
{
	my ($self, $listing, $epoch) = @_;
	my $port = $self->port_of($listing) or return;
	my $token = pack 'NN', map { int rand 2**32 } 1, 2;
	my $answer = $self->evaluate($port, 'lease', [ ($self->keys_of($listing))[0] ], pack("Q>q>", $epoch, -2**63) . "L$token", 30000);
	return unless defined $answer && !ref $answer && $answer eq '1';
	return { listing => $listing, epoch => $epoch, token => $token, port => $port };
}

# What the database says of the listing now.
sub look_up
{
	my ($self, $fill, $node) = @_;
	my $months = join ', ', map { "availability.month_bits(booked, '" . month_name($_) . "-01')" } @{ $self->{months} };
	my ($status, $out) = $node->psql('postgres', "SELECT version, encode(booked::bytea, 'hex')" . ($months ? ", $months" : '')
		. " FROM reservations_calendar WHERE listing_id = $fill->{listing}");
	return 0 if $status != 0;
	(@$fill{qw(version booked)}, my @bits) = split /\|/, $out;
	$fill->{bits} = [ map { pack 'B32', "${_}0" } @bits ];
	return 1;
}

# Returns 1 if it was taken, 0 if not, nothing if nobody answered.
sub fill
{
	my ($self, $fill) = @_;
	my $exists = defined $fill->{version};
	my $stamp = pack 'Q>q>', $fill->{epoch}, $exists ? $fill->{version} : 0;
	my @keys = $self->keys_of($fill->{listing});
	my $answer;
	if ($self->{layout} eq 'calendar')
	{
		$answer = $self->evaluate($fill->{port}, 'fill_calendar', \@keys, $stamp . ($exists ? pack 'H*', $fill->{booked} : ''), 600000, $fill->{token});
	}
	else
	{
		my $mask = 2**@{ $self->{months} } - 1;
		$answer = $self->evaluate($fill->{port}, 'fill_months', $exists ? \@keys : [ $keys[0] ], $stamp . ($exists ? pack 'S>L>', $self->{months}[0], $mask : ''),
			1200000, 600000, $fill->{token}, $exists ? @{ $fill->{bits} } : ());
	}
	return if !defined $answer || ref $answer;
	return $answer;
}

# --- the one that reads on and on ----------------------------------------------------------------------------------------------------

# With `fills`, a node: it fills what it misses, with what it read from the database some time ago.
sub start
{
	my ($self, %options) = @_;
	%options = %{ $self->{options} } if !%options && $self->{options};
	$self->{options} = \%options;
	$self->{file} //= PostgreSQL::Test::Utils::tempdir . '/observations';
	my $pid = fork // die "fork: $!";
	if ($pid == 0)
	{
		$SIG{TERM} = sub { $self->{ended} = 1; };
		open my $file, '>>', $self->{file} or die "open: $!";
		srand($options{seed} // 1);
		my (%last, @fills);
		until ($self->{ended})
		{
			my @misses;
			eval {
				$self->read_all(sub {
					my ($listing, $record, $entry) = @_;
					push @misses, [ $listing, unpack 'Q>', $record ] if !$self->understand($record, $entry);
					my $seen = join ',', map { defined ? unpack 'H*', $_ : '-' } $record, @$entry;
					return if ($last{$listing} // '') eq $seen;
					$last{$listing} = $seen;
					print $file "$listing $seen\n";
				});
			};
			if ($options{fills})
			{
				for my $miss (@misses ? $misses[ rand @misses ] : ())
				{
					my $fill = $self->lease(@$miss) or next;
					next unless $self->look_up($fill, $options{fills});
					$fill->{due} = time + rand 0.5;
					push @fills, $fill;
				}
				for my $fill (grep { $_->{due} <= time } @fills)
				{
					my $taken = $self->fill($fill);
					print $file 'fill ', $taken // '-', "\n";
				}
				@fills = grep { $_->{due} > time } @fills;
			}
			sleep($options{pause} // 0.02);
		}
		close $file;
		POSIX::_exit(0);
	}
	$self->{child} = $pid;
	push @children, $pid;
	return;
}

sub stop
{
	my ($self) = @_;
	my $pid = delete $self->{child} or return;
	kill TERM => $pid;
	my $ends = time + 10;
	while (waitpid($pid, 1) == 0)
	{
		kill KILL => $pid if time > $ends;
		sleep 0.02;
	}
	return;
}

# What is wrong of all that was seen since the last call, as texts; of the rest, how often it was a hit or a miss, and how often a version was older
# than the one before, which is no mistake where Redis itself was set back.
sub judge
{
	my ($self, $witness) = @_;
	$self->stop;
	$witness->fetch;
	my @wrong;
	open my $file, '<', $self->{file} or die "open: $!";
	while (my $line = <$file>)
	{
		chomp $line;
		my ($listing, $seen) = split / /, $line;
		if ($listing eq 'fill') { $self->{fills}{$seen}++; next; }
		my ($record, @entry) = map { $_ eq '-' ? undef : pack 'H*', $_ } split /,/, $seen;
		my (undef, $lsn, $as_of) = unpack 'Q>Q>q>', $record;
		my $said = $self->understand($record, \@entry);
		if (!$said) { $self->{misses}++; next; }
		$self->{hits}++;
		my ($version, $days) = @$said;
		my $least = $witness->least_version($listing, $lsn, $as_of);
		push @wrong, "listing $listing: version $version, but the record (" . Relay::format_lsn($lsn) . ", $as_of) promises $least: $line" if $version < $least;
		my $really = $witness->days($listing, $version);
		push @wrong, "listing $listing: version $version never was" unless defined $really;
		push @wrong, "listing $listing: version $version shows $days, and was $really" if defined $really && $days ne $really;
		$self->{back}++ if ($self->{latest}{$listing} // 0) > $version;
		$self->{latest}{$listing} = $version;
	}
	close $file;
	unlink $self->{file};
	return @wrong > 20 ? (@wrong[ 0 .. 19 ], @wrong - 20 . ' more') : @wrong;
}

END
{
	my $status = $?;
	for my $pid (@children)
	{
		next if waitpid($pid, 1) != 0;
		kill KILL => $pid;
		waitpid $pid, 0;
	}
	$? = $status;
}

1;
