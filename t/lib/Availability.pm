# What the TAP tests share: a node that decodes, and reading its events.
package Availability;

use strict;
use warnings;

use Exporter 'import';
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(logical_node create_calendar peek_events receive_events);

# A started node with wal_level = logical, on which the decoder may run, with the extension in database postgres.
sub logical_node
{
	my ($name, %params) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(allows_streaming => 'logical', %params);
	$node->append_conf('postgresql.conf', "max_prepared_transactions = 10\n");
	$node->start;

	# Servers since 15.19 and its contemporaries admit an output plugin by this setting alone.
	if ($node->safe_psql('postgres',
			q(SELECT count(*) FROM pg_settings WHERE name = 'output_plugin_libraries')))
	{
		$node->append_conf('postgresql.conf', "output_plugin_libraries = 'pgoutput, availability_decoder'\n");
		$node->restart;
	}
	$node->safe_psql('postgres', 'CREATE EXTENSION availability');
	return $node;
}

# A table of the calendar's shape, as `track` makes it.
sub create_calendar
{
	my ($node, $name) = @_;
	$node->safe_psql('postgres', qq(
		CREATE TABLE $name (
			listing_id bigint PRIMARY KEY, ordinal int, booked availability.dayset NOT NULL, version bigint NOT NULL,
			change text NOT NULL, reservation_id bigint, stay daterange, was daterange
		) WITH (fillfactor = 70)));
	return;
}

# The messages that wait in a slot, as text, one a line; options as a hash.
sub peek_events
{
	my ($node, $slot, %options) = @_;
	my $options = join '', map { ", '$_', '$options{$_}'" } sort keys %options;
	return $node->safe_psql('postgres',
		"SELECT data FROM pg_logical_slot_peek_changes('$slot', NULL, NULL$options)");
}

# Streams from a slot to a commit's end, confirms that, and returns the events, decoded; options as a hash.
sub receive_events
{
	my ($node, $slot, $end, %options) = @_;
	my @options = map { ('-o', "$_=$options{$_}") } sort keys %options;
	my ($out, $err) = ('', '');
	run_log(
		[
			'pg_recvlogical', '-d', $node->connstr('postgres'), '-S', $slot, '--start', '--no-loop',
			'--endpos', $end, '-f', '-', @options
		],
		'>', \$out, '2>', \$err) or die "pg_recvlogical: $err";
	return map { decode_json($_) } split /\n/, $out;
}

1;
