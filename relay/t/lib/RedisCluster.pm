# A Redis Cluster of a test: masters that share the slots evenly, and a replica for each of the first ones.
package RedisCluster;

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use RedisServer;
use Relay;

use constant SLOTS => 16384;

sub new
{
	my ($class, $masters, $replicas, %options) = @_;
	my $self = bless { masters => $masters, nodes => [] }, $class;
	for (1 .. $masters + $replicas)
	{
		push @{ $self->{nodes} }, RedisServer->new('cluster-enabled' => 'yes', 'cluster-node-timeout' => 1500, 'cluster-replica-validity-factor' => 0,
			'cluster-port' => PostgreSQL::Test::Cluster::get_free_port(), 'repl-ping-replica-period' => 1, 'repl-diskless-sync-delay' => 0, %options);
	}
	my @nodes = @{ $self->{nodes} };
	$nodes[0]->do('CLUSTER', 'MEET', '127.0.0.1', $_->{port}, $_->{options}{'cluster-port'}) for @nodes[ 1 .. $#nodes ];
	$nodes[$_]->do('CLUSTER', 'ADDSLOTSRANGE', $self->first_slot($_), $self->first_slot($_ + 1) - 1) for 0 .. $masters - 1;
	wait_until('the nodes know each other', sub { !grep { $_->do('CLUSTER', 'INFO') !~ /^cluster_known_nodes:${\ scalar @nodes}\r$/m } @nodes });
	for my $i (0 .. $replicas - 1)
	{
		my $master = $nodes[$i]->do('CLUSTER', 'MYID');
		wait_until('a replica', sub { eval { $nodes[ $masters + $i ]->do('CLUSTER', 'REPLICATE', $master) eq 'OK' } });
	}
	$self->wait_whole;
	$self->wait_synchronized($_) for $masters .. $#nodes;
	return $self;
}

sub node { my ($self, $i) = @_; return $self->{nodes}[$i]; }
sub ports { my $self = shift; return map { $_->{port} } @{ $self->{nodes} }; }
sub addresses { my $self = shift; return join ',', map { $_->address } @{ $self->{nodes} }; }
sub first_slot { my ($self, $i) = @_; return int(SLOTS * $i / $self->{masters}); }
sub wait_whole { my $self = shift; wait_until('the cluster is whole', sub { !grep { $_->{child} && $_->do('CLUSTER', 'INFO') !~ /^cluster_state:ok\r$/m } @{ $self->{nodes} } }); return; }
sub wait_synchronized { my ($self, $i) = @_; wait_until('a replica has all', sub { eval { $self->node($i)->do('INFO', 'replication') =~ /^master_link_status:up\r$/m } }); return; }
sub is_master { my ($self, $i) = @_; return eval { $self->node($i)->do('ROLE')->[0] eq 'master' }; }

# What a master is told from now on, its replica never gets. (One that is stopped would read what is on its way when it goes on.)
sub cut_off
{
	my ($self, $master, $replica) = @_;
	$self->node($master)->do('ACL', 'SETUSER', 'default', '-psync', '-sync', '-replconf');
	$self->node($master)->do('CLIENT', 'KILL', 'TYPE', 'replica');
	wait_until('the replica is cut off', sub { $self->node($replica)->do('INFO', 'replication') =~ /^master_link_status:down\r$/m });
	return;
}

# The nodes that have slots, by them: slot => number of the node.
sub owners
{
	my ($self) = @_;
	my %number = map { $self->{nodes}[$_]{port} => $_ } 0 .. $#{ $self->{nodes} };
	my ($asked) = grep { $_->{child} } @{ $self->{nodes} };
	my @owner;
	for my $range (@{ $asked->do('CLUSTER', 'SLOTS') })
	{
		$owner[$_] = $number{ $range->[2][1] } for $range->[0] .. $range->[1];
	}
	return @owner;
}

# The three steps of a slot's move with its keys, each of which may be the last for a while.
sub begin_migration
{
	my ($self, $slot, $from, $to) = @_;
	my ($source, $target) = map { $self->node($_) } $from, $to;
	$target->do('CLUSTER', 'SETSLOT', $slot, 'IMPORTING', $source->do('CLUSTER', 'MYID'));
	$source->do('CLUSTER', 'SETSLOT', $slot, 'MIGRATING', $target->do('CLUSTER', 'MYID'));
	return;
}
sub move_keys
{
	my ($self, $slot, $from, $to) = @_;
	while (my @keys = @{ $self->node($from)->do('CLUSTER', 'GETKEYSINSLOT', $slot, 100) })
	{
		$self->node($from)->do('MIGRATE', '127.0.0.1', $self->node($to)->{port}, '', 0, 5000, 'KEYS', @keys);
	}
	return;
}
sub end_migration
{
	my ($self, $slot, $from, $to) = @_;
	my $id = $self->node($to)->do('CLUSTER', 'MYID');
	$self->node($_)->do('CLUSTER', 'SETSLOT', $slot, 'NODE', $id) for $to, $from;
	return;
}

# What all masters hold, as RedisServer::calendars.
sub calendars
{
	my ($self, $epoch) = @_;
	return { map { %{ $self->node($_)->calendars($epoch) } } grep { $self->node($_)->{child} && $self->is_master($_) } 0 .. $#{ $self->{nodes} } };
}

1;
