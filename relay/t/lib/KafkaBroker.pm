# A Kafka of a test: a broker of its own where KAFKA_HOME names a Kafka (its jars in KAFKA_HOME/libs), else librdkafka's mock cluster, in a process of
# its own. Away means killed for the first, and deaf for the second, which keeps nothing on disk.
package KafkaBroker;

use strict;
use warnings;

use IO::Socket::INET;
use IPC::Run;
use JSON::PP;
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Relay;

my $tool = ($ENV{RELAY_BUILD} // "$FindBin::RealBin/../../relay/build") . '/tool_kafka';
my @children;

sub new
{
	my ($class) = @_;
	my $self = bless { home => $ENV{KAFKA_HOME} }, $class;
	return $self->{home} ? $self->start_broker : $self->start_mock;
}

sub is_real { my $self = shift; return defined $self->{home}; }
sub servers { my $self = shift; return $self->{servers}; }

# What the relay is told besides.
sub settings
{
	my ($self) = @_;
	return ('kafka.properties' => "bootstrap.servers=$self->{servers},linger.ms=1",
		$self->{home} ? ('kafka.create_topics' => 'true', 'kafka.partitions' => 4, 'kafka.replication_factor' => 1) : ());
}

sub down { my $self = shift; return $self->{home} ? $self->kill9 : $self->tell('down'); }
sub up { my $self = shift; return $self->{home} ? $self->start_process : $self->tell('up'); }

sub start_mock
{
	my ($self) = @_;
	my ($commands, $answers) = ('', '');
	@$self{qw(commands answers)} = (\$commands, \$answers);
	$self->{mock} = IPC::Run::start([ $tool, 'mock', '1' ], '<', \$commands, '>', \$answers, '2>', '/dev/null');
	$self->{servers} = $self->answer;
	return $self;
}

sub answer
{
	my ($self) = @_;
	$self->{mock}->pump until ${ $self->{answers} } =~ s/^(.*)\n//;
	return $1;
}
sub tell { my ($self, $command) = @_; ${ $self->{commands} } .= "$command\n"; return $self->answer; }

# A mock has no topics but those that it is told of; a real one is asked by the relay.
sub create_topics
{
	my ($self, $prefix) = @_;
	return if $self->{home};
	$self->tell("topic $prefix$_") for 'reservation.created', 'reservation.updated', 'reservation.cancelled', 'availability.calendar';
	return;
}

sub start_broker
{
	my ($self) = @_;
	my ($port, $controller) = map { PostgreSQL::Test::Cluster::get_free_port() } 1, 2;
	$self->{port} = $port;
	$self->{servers} = "127.0.0.1:$port";
	$self->{directory} = PostgreSQL::Test::Utils::tempdir;
	append_to_file("$self->{directory}/server.properties", join "\n", 'process.roles=broker,controller', 'node.id=1',
		"listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller", "controller.quorum.voters=1\@127.0.0.1:$controller",
		'controller.listener.names=CONTROLLER', "log.dirs=$self->{directory}/data", 'offsets.topic.replication.factor=1',
		'transaction.state.log.replication.factor=1', 'transaction.state.log.min.isr=1', 'group.initial.rebalance.delay.ms=0', '');
	my $out;
	IPC::Run::run([ $self->java('kafka.tools.StorageTool', 'format', '-t', 'MkU3OEVBNTcwNTJENDM2Qg', '-c', "$self->{directory}/server.properties") ], '>', \$out, '2>&1')
		or die "the broker's directory could not be made: $out";
	$self->start_process;
	return $self;
}
sub java { my ($self, @arguments) = @_; return ('java', '-Xmx512m', '-cp', "$self->{home}/libs/*", @arguments); }

sub start_process
{
	my ($self) = @_;
	my $pid = fork // die "fork: $!";
	if ($pid == 0)
	{
		open STDOUT, '>>', "$self->{directory}/log";
		open STDERR, '>&', \*STDOUT;
		exec $self->java('kafka.Kafka', "$self->{directory}/server.properties") or POSIX::_exit(127);
	}
	$self->{child} = $pid;
	push @children, $pid;
	wait_until('the broker listens', sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}) });
	return;
}

sub kill9
{
	my ($self) = @_;
	my $pid = delete $self->{child} or return;
	kill KILL => $pid;
	waitpid $pid, 0;
	return;
}

# [partition, key, headers, value or undefined] of each message of a topic.
sub messages
{
	my ($self, $topic) = @_;
	my $out = '';
	IPC::Run::run([ $tool, 'read', $self->{servers}, $topic ], '>', \$out, '2>', '/dev/null');
	return map { my ($partition, $key, $headers, $value) = split /\t/, $_, -1; [ $partition, $key, $headers, $value eq 'null' ? undef : pack 'H*', $value ] } split /\n/, $out;
}

# Of the topics of events: "lsn seq" => event. Dies if one lies in a topic or under a key that is not its own.
sub events
{
	my ($self, $prefix) = @_;
	$prefix //= '';
	my %events;
	for my $kind ('created', 'updated', 'cancelled')
	{
		for my $message ($self->messages("${prefix}reservation.$kind"))
		{
			my $event = decode_json($message->[3]);
			die "$kind: $message->[3] under $message->[1]" if $event->{event} ne $kind || $event->{listing} ne $message->[1];
			$events{"$event->{lsn} $event->{seq}"} = $event;
		}
	}
	return \%events;
}

# listing => booked, as compaction leaves them: the last of each key.
sub calendars
{
	my ($self, $prefix) = @_;
	$prefix //= '';
	my %calendars;
	for my $message ($self->messages("${prefix}availability.calendar"))
	{
		if (defined $message->[3]) { $calendars{ $message->[1] } = decode_json($message->[3])->{booked}; }
		else { delete $calendars{ $message->[1] }; }
	}
	return \%calendars;
}

sub stop
{
	my ($self) = @_;
	$self->{mock}->kill_kill(grace => 0) if $self->{mock};
	$self->kill9;
	return;
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
