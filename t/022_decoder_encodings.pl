# JSON is UTF-8 whatever the database's encoding, and never invalid.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use Availability;
use Encode;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = logical_node('encodings', extra => [ '--locale=C', '--encoding=UTF8' ]);

# Databases of each encoding: the text of a key in it, and how the key comes out (undef: not at all).
my $word = "\x{c9}t\x{e9} \x{20ac}";
my %keys = (
	UTF8 => [ [ Encode::encode('UTF-8', "$word \x{1f3e0}"), "$word \x{1f3e0}" ] ],
	LATIN9 => [ [ Encode::encode('iso-8859-15', $word), $word ] ],
	WIN1252 => [ [ Encode::encode('cp1252', $word), $word ], [ "\x81", undef ] ],
	EUC_JP => [ [ Encode::encode('euc-jp', "\x{5bbf}"), "\x{5bbf}" ] ],
	SQL_ASCII => [ [ 'plain', 'plain' ], [ "\xc3\xa9", undef ] ],
);

foreach my $encoding (sort keys %keys)
{
	my $database = lc $encoding;
	$node->safe_psql('postgres', "CREATE DATABASE $database ENCODING '$encoding' LOCALE 'C' TEMPLATE template0");
	$node->safe_psql($database, qq(
		CREATE EXTENSION availability;
		CREATE TABLE calendar (listing_id text, booked availability.dayset, version bigint, change text);
		CREATE TABLE reservations (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id text, stay daterange DEFAULT '[2027-01-01,2027-01-01]');
		SELECT availability.track('reservations');
		SELECT pg_create_logical_replication_slot('$database', 'availability_decoder')));

	foreach my $case (@{ $keys{$encoding} })
	{
		my ($stored, $expected) = @$case;
		my $hex = unpack 'H*', $stored;
		# A name of the same text, where the key is readable in it.
		$node->safe_psql($database, qq(
			SET client_encoding = $encoding;
			INSERT INTO calendar SELECT convert_from('\\x$hex', '$encoding'), '{}', 1, 'created';
			DO \$\$ BEGIN EXECUTE format('ALTER TABLE calendar RENAME TO %I', convert_from('\\x$hex', '$encoding')); END \$\$;
			DO \$\$ BEGIN EXECUTE format('INSERT INTO %I VALUES (''1'', ''{}'', 1, ''created'')', convert_from('\\x$hex', '$encoding')); END \$\$;
			DO \$\$ BEGIN EXECUTE format('ALTER TABLE %I RENAME TO calendar', convert_from('\\x$hex', '$encoding')); END \$\$;));

		my @lines = split /\n/, $node->safe_psql($database,
			"SELECT encode(data, 'hex') FROM pg_logical_slot_get_binary_changes('$database', NULL, NULL)");
		my @bytes = map { pack 'H*', $_ } @lines;
		is(scalar(@bytes), 2, "$encoding $hex: two events");
		unlike($bytes[0] . $bytes[1], qr/[\x80-\xff]/, "$encoding $hex: plain ASCII") if $encoding ne 'UTF8';
		my @events = map { decode_json($_) } @bytes;
		if (defined $expected)
		{
			is($events[0]{listing}, $expected, "$encoding $hex: the listing");
			is($events[1]{table}, $expected =~ /^[a-z]+$/ ? "public.$expected" : qq(public."$expected"), "$encoding $hex: the table");
		}
		else
		{
			is($events[0]{reason}, 'listing_id has no form in UTF-8', "$encoding $hex: the listing is unreadable");
			my $row = "INSERT INTO reservations (listing_id) SELECT convert_from('\\x$hex', '$encoding')";
			$node->psql($database, "SET client_encoding = $encoding; $row", stderr => \my $refused);
			like($refused, qr/has no (form|equivalent)( in encoding "UTF8"| in UTF-8)/, "$encoding $hex: a tracked table takes no such listing");
			$node->psql($database, "SET client_encoding = $encoding; SELECT availability.untrack('reservations'); $row; SELECT availability.track('reservations')", stderr => \$refused);
			like($refused, qr/has no (form|equivalent)/, "$encoding $hex: track takes no such listing");
			like($events[1]{table}, qr/^public\."\x{fffd}+"$/, "$encoding $hex: the table's name is made readable");
		}
	}
}

$node->stop;
done_testing();
