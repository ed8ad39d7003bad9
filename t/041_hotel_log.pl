# A hotel's log of bookings and cancellations, replayed in the order of time: each stay goes into the first room that its
# calendar says is free. A model in this test does the same by itself and must end with the same rooms and days.
#
# The log is made here, from a seed. HOTEL_LOG names another: a csv.gz with the columns
# hotel,room_type,booked_on,arrival,nights,status,status_date,…

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Availability;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::Local qw(timegm);

sub day_number { my ($year, $month, $day) = split /-/, shift; return timegm(0, 0, 0, $day, $month - 1, $year) / 86400 }

# Rows of [booked, arrival, nights, cancelled day or undef], as day numbers.
sub made_log
{
	srand(2027);
	my @log;
	for (1 .. 3000)
	{
		my $booked = 20000 + int rand 700;
		my $arrival = $booked + int(rand() ** 2 * 200);
		my $nights = int(rand() ** 2 * 15);
		my $cancelled = rand() < 0.37 ? $booked + int(rand() * ($arrival - $booked + 1)) : undef;
		push @log, [ $booked, $arrival, $nights, $cancelled ];
	}
	return @log;
}

sub read_log
{
	my $file = shift;
	open my $lines, '-|', 'zcat', $file or die "$file: $!";
	my %column;
	@column{ split /,/, (<$lines> =~ s/\s+$//r) } = 0 .. 99;
	my @log;
	while (my $line = <$lines>)
	{
		my @field = split /,/, $line;
		my $cancelled = $field[ $column{status} ] eq 'Check-Out' ? undef : day_number($field[ $column{status_date} ]);
		push @log, [ (map { day_number($field[ $column{$_} ]) } qw(booked_on arrival)), $field[ $column{nights} ], $cancelled ];
	}
	return @log;
}

my @log = $ENV{HOTEL_LOG} ? read_log($ENV{HOTEL_LOG}) : made_log();

# On each day cancellations first, then bookings, in the order of the log. An event is [day, 0 cancels | 1 books, row].
my @events;
for my $row (0 .. $#log)
{
	my ($booked, undef, undef, $cancelled) = @{ $log[$row] };
	push @events, [ $booked, 1, $row ];
	push @events, [ $cancelled < $booked ? $booked : $cancelled, $cancelled <= $booked ? 2 : 0, $row ] if defined $cancelled;
}
@events = sort { $a->[0] <=> $b->[0] || $a->[1] <=> $b->[1] || $a->[2] <=> $b->[2] } @events;

# The model: rooms as strings of taken days.
my (@rooms, %room_of);
for my $event (@events)
{
	my ($arrival, $nights) = @{ $log[ $event->[2] ] }[ 1, 2 ];
	if ($event->[1] == 1)
	{
		my $room = 0;
		$room++ while grep { $rooms[$room]{$_} } $arrival .. $arrival + $nights - 1;
		$rooms[$room]{$_} = 1 for $arrival .. $arrival + $nights - 1;
		$room_of{ $event->[2] } = $room;
	}
	else
	{
		delete $rooms[ $room_of{ $event->[2] } ]{$_} for $arrival .. $arrival + $nights - 1;
	}
}

my $node = logical_node('hotel', extra => [ '--no-sync' ]);
my $directory = PostgreSQL::Test::Utils::tempdir;
append_to_file("$directory/log", join '', map { my $e = $events[$_]; join("\t", $_, $e->[1], $e->[2], @{ $log[ $e->[2] ] }[ 1, 2 ]) . "\n" } 0 .. $#events);
$node->safe_psql('postgres', qq(
	CREATE TABLE log (n int, act int, reservation int, arrival int, nights int);
	COPY log FROM '$directory/log';
	CREATE TABLE rooms (id int PRIMARY KEY);
	CREATE TABLE reservations (id int PRIMARY KEY, listing_id int REFERENCES rooms, stay daterange, status text DEFAULT 'confirmed');
	SELECT availability.track('reservations', active => \$\$status = 'confirmed'\$\$);
	CREATE PROCEDURE replay() LANGUAGE plpgsql AS \$\$
	DECLARE
		event log;
		room int;
		wanted daterange;
	BEGIN
		FOR event IN SELECT * FROM log ORDER BY n LOOP
			IF event.act = 1 THEN
				wanted := daterange(date '1970-01-01' + event.arrival, date '1970-01-01' + event.arrival + event.nights);
				SELECT listing_id INTO room FROM reservations_calendar
				WHERE isempty(wanted) OR availability.is_available(booked, wanted) ORDER BY listing_id LIMIT 1;
				IF NOT FOUND THEN
					INSERT INTO rooms SELECT count(*) FROM rooms RETURNING id INTO room;
				END IF;
				INSERT INTO reservations VALUES (event.reservation, room, wanted);
			ELSE
				UPDATE reservations SET status = 'cancelled' WHERE id = event.reservation;
			END IF;
			COMMIT;
		END LOOP;
	END \$\$));
my $start = time;
$node->safe_psql('postgres', 'SET synchronous_commit = off; CALL replay()');
note scalar(@log), ' reservations replayed in ', time - $start, ' s';

is($node->safe_psql('postgres', q(SELECT * FROM availability.verify('reservations'))), '', 'verify finds nothing');
my %nights = map { split /\|/ } split /\n/,
	$node->safe_psql('postgres', q(SELECT listing_id, ARRAY(SELECT day - date '1970-01-01' FROM unnest(booked::date[]) AS day ORDER BY day) FROM reservations_calendar));
is(scalar(keys %nights), scalar(@rooms), 'as many rooms as the model needs');
is_deeply(\%nights, { map { $_ => '{' . join(',', sort { $a <=> $b } keys %{ $rooms[$_] // {} }) . '}' } 0 .. $#rooms }, 'which are booked on the same days');
is($node->safe_psql('postgres', q(SELECT count(*) FROM reservations_day)), $node->safe_psql('postgres',
		q(SELECT sum(upper(stay) - lower(stay)) FROM reservations WHERE status = 'confirmed' AND NOT isempty(stay))),
	'one day row a night');

$node->stop;
done_testing();
