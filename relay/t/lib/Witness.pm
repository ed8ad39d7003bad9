# What really happened, told by a slot of its own: every state that each listing had, and by when it was visible. The judge of what readers saw.
package Witness;

use strict;
use warnings;

use JSON::PP;
use Relay;
use Time::HiRes ();
use Time::Local ();

my $json = JSON::PP->new;
eval { require JSON::XS; $json = JSON::XS->new; };

# Before the first change that counts.
sub new
{
	my ($class, $node) = @_;
	$node->safe_psql('postgres', q(SELECT pg_create_logical_replication_slot('witness', 'availability_decoder')));
	my $self = bless { node => $node, states => {}, days => {}, acks => [], seen => {}, events => {} }, $class;
	for my $row (split /\n/, $node->safe_psql('postgres', 'SELECT listing_id, version, booked FROM reservations_calendar'))
	{
		my ($listing, $version, $booked) = split /\|/, $row;
		push @{ $self->{states}{$listing} }, [ 0, 0, $version ];
		$self->{days}{$listing}{$version} = ranges_of($booked);
	}
	return $self;
}

# All that the caller has changed is committed: whoever says to know what was committed up to now must know it.
sub acknowledge { my $self = shift; push @{ $self->{acks} }, int(Time::HiRes::time() * 1e6); return; }

# Takes what there is in the slot.
sub fetch
{
	my ($self) = @_;
	my $events = $self->{node}->safe_psql('postgres', q(SELECT data FROM pg_logical_slot_get_changes('witness', NULL, NULL)));
	for my $line (split /\n/, $events)
	{
		my $event = $json->decode($line);
		# A slot tells again what it told before a crash.
		next if $event->{event} eq 'unreadable' || $self->{seen}{"$event->{lsn} $event->{seq}"}++;
		$self->{events}{"$event->{lsn} $event->{seq}"} = $event->{version} if $event->{event} =~ /^(created|updated|cancelled)$/;
		my ($high, $low) = map { hex } split m{/}, $event->{lsn};
		push @{ $self->{states}{ $event->{listing} } }, [ $high << 32 | $low, microseconds($event->{at}), $event->{version} ];
		$self->{days}{ $event->{listing} }{ $event->{version} } =
			$event->{event} eq 'dropped' ? 'dropped' : join ' ', map { "$_->[0],$_->[1]" } @{ $event->{booked} };
	}
	return;
}

# The least version that somebody may show who says that all up to `lsn` and all that was committed up to `as_of` is applied.
sub least_version
{
	my ($self, $listing, $lsn, $as_of) = @_;
	# The last acknowledgement that `as_of` covers.
	my ($from, $to) = (0, scalar @{ $self->{acks} });
	while ($from < $to)
	{
		my $middle = ($from + $to) >> 1;
		if ($self->{acks}[$middle] <= $as_of) { $from = $middle + 1; }
		else { $to = $middle; }
	}
	my $covered = $from > 0 ? $self->{acks}[ $from - 1 ] : 0;
	my $states = $self->{states}{$listing} // return 0;
	($from, $to) = (0, scalar @$states);
	while ($from < $to)
	{
		my $middle = ($from + $to) >> 1;
		if ($states->[$middle][0] <= $lsn || $states->[$middle][1] <= $covered) { $from = $middle + 1; }
		else { $to = $middle; }
	}
	return $from > 0 ? $states->[ $from - 1 ][2] : 0;
}

# The days of a version, as "first,end first,end"; 'dropped'; undefined if the listing never had it.
sub days { my ($self, $listing, $version) = @_; return $self->{days}{$listing}{$version}; }
sub versions { my ($self) = @_; my $count = 0; $count += @$_ for values %{ $self->{states} }; return $count; }

sub microseconds
{
	my ($at) = @_;
	my ($year, $month, $day, $hour, $minute, $second, $fraction) = $at =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)(?:\.(\d+))?Z$/ or die "no time: $at";
	return Time::Local::timegm($second, $minute, $hour, $day, $month - 1, $year) * 1_000_000 + substr(($fraction // '') . '000000', 0, 6);
}

# Of the text form of a day set.
sub ranges_of { my ($text) = @_; return join ' ', $text =~ /\[([-0-9]+,[-0-9]+)\)/g; }

1;
