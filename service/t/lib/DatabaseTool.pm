# build/tool_database as a process that answers lines.
package DatabaseTool;

use strict;
use warnings;

use FindBin;
use IPC::Open2;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep time);

my $build = $ENV{SERVICE_BUILD} // "$FindBin::RealBin/../build";
my @children;

# Arguments: conninfo, connections, max_queue, calendar companions.
sub new
{
	my ($class, @arguments) = @_;
	local $ENV{PGAPPNAME}; # the tests' own
	delete $ENV{PGAPPNAME};
	my $pid = open2(my $out, my $in, "$build/tool_database", @arguments);
	push @children, $pid;
	return bless { pid => $pid, in => $in, out => $out }, $class;
}

# Without waiting for the answer, which finish() gives.
sub begin
{
	my ($self, @words) = @_;
	$self->{in}->print(join("\t", @words), "\n");
	$self->{in}->flush;
	return;
}

sub finish
{
	my ($self) = @_;
	my @lines;
	local $SIG{ALRM} = sub { die "tool_database does not answer" };
	alarm $PostgreSQL::Test::Utils::timeout_default;
	while (my $line = $self->{out}->getline)
	{
		chomp $line;
		last if $line eq '.';
		push @lines, $line;
	}
	alarm 0;
	return wantarray ? @lines : join "\n", @lines;
}

sub ask
{
	my ($self, @words) = @_;
	$self->begin(@words);
	return $self->finish;
}

# The same, and how many seconds it took.
sub timed
{
	my ($self, @words) = @_;
	my $begin = time;
	my $answer = join "\n", $self->ask(@words);
	return ($answer, time - $begin);
}

# name => value
sub state
{
	my ($self) = @_;
	my ($line) = $self->ask('state');
	return { $line =~ /(\w+)=(\S+)/g };
}

sub number { my ($table, $number) = @_; return "$table:n$number"; }
sub text { my ($table, $text) = @_; return "$table:t" . unpack 'H*', $text; }

sub stop
{
	my ($self) = @_;
	close $self->{in};
	waitpid $self->{pid}, 0;
	my $status = $?;
	@children = grep { $_ != $self->{pid} } @children;
	return $status;
}

END
{
	my $status = $?;
	kill KILL => @children;
	waitpid $_, 0 for @children;
	$? = $status;
}

1;
