# Random legal statements on a schema of RandomSchema, each with the SQLSTATEs beyond those of every statement that it may answer with.
package RandomStatements;

use strict;
use warnings;

use Exporter 'import';
use RandomSchema;

our @EXPORT = qw(random_statement legal_states);

my @days = map { sprintf '2027-01-%02d', $_ } 1 .. 31;

# What any statement that writes may answer with: a day or a key is taken, a foreign key, another transaction has the row.
my @always = qw(00000 23505 23503 55P03);

# What this schema adds: partitions that a key can't leave for NULL, triggers of the user's that change rows of their statement.
sub legal_states
{
	my ($schema) = @_;
	my %triggers = %{ $schema->{triggers} };
	my @states = @always;
	push @states, '23502' if $schema->{listing_in_key};
	push @states, '27000' if grep { $triggers{$_} } qw(annex own others again);
	# A BEFORE trigger that changes rows of its own statement: refused by the server itself.
	push @states, '27000' if $schema->{clears_listings} || $schema->{follows_listings};
	# An AFTER trigger that changes its own row, or others in turn, may do so for ever.
	push @states, '54001' if $triggers{others} || $triggers{own};
	push @states, '0A000' if $triggers{before} && $schema->{partitioned} ne 'none';
	push @states, '42501' if $schema->{row_security};
	return @states;
}

sub some_listing { my ($schema) = @_; return chance(0.03) ? 'NULL' : listing_value($schema, 1 + int rand(chance(0.1) ? 9 : 5)); }

# A reservation that was made, rather a late one.
sub some_number { my ($schema) = @_; my $last = $schema->{numbers}; return 1 + int($last - rand() * ($last < 30 || chance(0.2) ? $last : 30)); }
sub some_reservation { my ($schema) = @_; return 'id = ' . id_value($schema, some_number($schema)); }

sub some_days
{
	my $from = int rand 26;
	return ($days[$from], $days[ $from + 1 + int rand 4 ]);
}

# The values of a stay's columns; rarely one that takes no days, or one that can't be.
sub some_stay
{
	my ($schema, $legal) = @_;
	my $range = $schema->{stay_form} eq 'range';
	my ($from, $to) = some_days();
	if (chance(0.04))
	{
		($from, $to) = @{ pick([ $from, $from ], [ '2026-12-30', '2027-01-02' ], [ '1969-12-30', '1970-01-02' ], [ $to, $from ]) };
		# In a row that is not active it waits for the statement that makes it so.
		$schema->{odd} = [qw(22000 22008)];
		return pick("'(,)'", q{'[2027-01-01,infinity)'}, 'NULL', "'empty'") if $range && chance(0.5);
		return pick("NULL, '$to'", "'$from', NULL", "'$from', 'infinity'") if !$range && chance(0.5);
	}
	return $range ? ($from le $to ? "'[$from,$to)'" : "daterange('$from', '$to')") : "'$from', '$to'";
}

sub new_reservation
{
	my ($schema, $legal, %given) = @_;
	my $n = ++$schema->{numbers};
	my %note = (before => [qw(skipped later elsewhere stays stays stays)], annex => ['annex'], own => [qw(own gone)], others => ['others'], bulk => ['bulk'], again => ['again']);
	my @notes = map { @{ $note{$_} } } sort keys %{ $schema->{triggers} };
	my @columns = ('n', 'id', 'listing_id', @{ $schema->{stay_columns} }, 'status', 'party', 'note', 'region');
	my @values = ($n, id_value($schema, $n), $given{listing} // some_listing($schema), some_stay($schema, $legal), chance(0.85) ? "'confirmed'" : "'cancelled'",
		pick("'a'", "'b'", "'b'", $schema->{row_security} ? "'secret'" : "'b'"), @notes && chance(0.35) ? "'" . pick(@notes) . "'" : 'NULL', pick(0, 1));
	if ($schema->{second}) { push @columns, 'second'; push @values, some_listing($schema); }
	if ($schema->{parent}) { push @columns, 'parent'; push @values, chance(0.5) ? id_value($schema, some_number($schema)) : 'NULL'; }
	return (join(', ', @columns), join(', ', @values));
}

sub insert
{
	my ($schema, $legal) = @_;
	my ($columns, $first) = new_reservation($schema, $legal);
	my @rows = ($first, map { (new_reservation($schema, $legal))[1] } 2 .. pick(1, 1, 1, 2, 3));
	$schema->{last_insert} = \@rows;
	return "INSERT INTO reservations ($columns) VALUES " . join ', ', map { "($_)" } @rows;
}

# What UPDATE and MERGE set.
sub changes
{
	my ($schema, $legal) = @_;
	my $stay = join ', ', @{ $schema->{stay_columns} };
	my @ways = (
		sub { @{ $schema->{stay_columns} } > 1 ? "($stay) = ROW(" . some_stay($schema, $legal) . ')' : "$stay = " . some_stay($schema, $legal) },
		sub { $schema->{shift}->(pick(-2, -1, 1, 2)) },
		sub { 'listing_id = ' . some_listing($schema) },
		sub { 'listing_id = ' . some_listing($schema) . ', ' . $schema->{shift}->(pick(-1, 1)) },
		sub { "status = '" . pick(qw(confirmed cancelled)) . "'" },
		sub { "status = CASE status WHEN 'confirmed' THEN 'cancelled' ELSE 'confirmed' END" },
		sub { "party = '" . pick(qw(a b)) . "'" },
		sub { 'region = ' . pick(0, 1, '1 - region') },
		$schema->{second} ? (sub { 'second = ' . some_listing($schema) }, sub { 'second = listing_id, listing_id = second' }) : (),
		$schema->{parent} ? sub { 'parent = ' . id_value($schema, some_number($schema)) } : (),
	);
	push @ways, sub { "note = '" . pick(qw(later elsewhere annex own gone others again skipped)) . "', " . $schema->{shift}->(1) } if %{ $schema->{triggers} };
	return pick(@ways)->();
}

sub rows
{
	my ($schema) = @_;
	return pick(some_reservation($schema), some_reservation($schema), some_reservation($schema), 'listing_id = ' . some_listing($schema),
		'n BETWEEN ' . some_number($schema) . ' AND ' . some_number($schema), "status = 'cancelled'");
}

sub merge
{
	my ($schema, $legal) = @_;
	my $numbers = join ', ', map { "($_)" } keys %{ { map { some_number($schema) => 1 } 1 .. 3 } };
	my ($columns, $values) = new_reservation($schema, $legal);
	my $n = $schema->{numbers};
	my @clauses = (
		chance(0.5) ? 'WHEN MATCHED AND r.n % 3 = ' . int(rand 3) . ' THEN DELETE' : (),
		'WHEN MATCHED THEN ' . pick('DELETE', 'DO NOTHING', ('UPDATE SET ' . changes($schema, $legal)) x 4),
		chance(0.7) ? "WHEN NOT MATCHED THEN INSERT ($columns) VALUES ($values)" : ());
	return "MERGE INTO reservations r USING (VALUES " . join(', ', sort split(/, /, $numbers)) . ", ($n)) AS v (number) ON r.n = v.number " . join ' ', @clauses;
}

sub copy
{
	my ($schema, $legal) = @_;
	push @$legal, '0A000' if $schema->{row_security};
	my $columns;
	my @lines;
	for (1 .. pick(1, 2, 4))
	{
		($columns, my $values) = new_reservation($schema, $legal);
		# As text: the literals of the values, without what makes them SQL.
		$values =~ s/daterange\('([-\d]+)', '([-\d]+)'\)/'[$1,$2)'/;
		push @lines, join '|', map { /^'(.*)'$/ ? $1 : $_ eq 'NULL' ? '\N' : $_ } $values =~ /('[^']*'|[^', ]+)/g;
	}
	open my $file, '>', "$schema->{directory}/copy" or die $!;
	print $file map { "$_\n" } @lines;
	close $file;
	# The rows are in the statement too, for who replays it.
	return "COPY reservations ($columns) FROM '$schema->{directory}/copy' (DELIMITER '|') /* " . join(' / ', @lines) . ' */';
}

sub swap
{
	my ($schema, $legal) = @_;
	my $stay = join ', ', @{ $schema->{stay_columns} };
	my $n = ++$schema->{numbers};
	my ($id, $other) = (id_value($schema, $n), some_reservation($schema));
	my $statement = pick(
		"WITH gone AS (DELETE FROM reservations WHERE $other RETURNING *) INSERT INTO reservations (n, id, listing_id, $stay) SELECT $n, $id, listing_id, $stay FROM gone",
		"WITH moved AS (UPDATE reservations SET " . changes($schema, $legal) . " WHERE $other RETURNING *) UPDATE reservations SET " . changes($schema, $legal) . ' WHERE n IN (SELECT n + 1 FROM moved)',
		'#touch',
		"INSERT INTO reservations (n, id, listing_id, $stay) SELECT $n, $id, " . some_listing($schema) . ", $stay FROM reservations WHERE $other",
		"UPDATE reservations r SET listing_id = o.listing_id FROM reservations o WHERE o.n = r.n + 1 AND r.$other");
	return $statement if $statement ne '#touch';
	push @$legal, '27000';
	return pick('UPDATE reservations SET note = touch(n + 1)', 'DELETE FROM reservations') . " WHERE $other" . pick('', " AND touch(n) IS NULL", " AND touch(n - 1) IS NULL");
}

sub on_conflict
{
	my ($schema, $legal) = @_;
	my ($columns, $values) = new_reservation($schema, $legal);
	if (chance(0.7))
	{
		my ($number, $id) = (some_number($schema), id_value($schema, some_number($schema)));
		$values =~ s/^\d+, (?:'[^']*'|\d+)/$number, $id/;
	}
	my $target = $schema->{partitioned} eq 'region' ? '(id, region)' : $schema->{listing_in_key} ? '(id, listing_id)' : '(id)';
	my $stay = join ', ', map { "$_ = excluded.$_" } @{ $schema->{stay_columns} };
	my @sets = ('listing_id = excluded.listing_id', $stay, "listing_id = excluded.listing_id, $stay", "status = 'cancelled'", "status = 'confirmed', $stay", 'region = excluded.region');
	# The row of a conflict moves to no other partition.
	push @$legal, '0A000' if $schema->{partitioned} ne 'none';
	return "INSERT INTO reservations ($columns) VALUES ($values) ON CONFLICT " . pick('DO NOTHING', "$target DO NOTHING", map { "$target DO UPDATE SET $_" } @sets);
}

sub on_listings
{
	my ($schema, $legal) = @_;
	my ($one, $other) = map { listing_value($schema, 1 + int rand 9) } 1 .. 2;
	push @$legal, '0A000' if $schema->{partitioned_listings};
	my $rewritten = $schema->{rewrites_listings} ? sprintf "'%d'", 1 + int rand 9 : q{'new'};
	return pick(
		"INSERT INTO listings VALUES ($one)", "INSERT INTO listings VALUES ($one) ON CONFLICT DO NOTHING", "INSERT INTO listings VALUES ($one, $rewritten)",
		"INSERT INTO listings VALUES ($one, 'again') ON CONFLICT (id) DO UPDATE SET id = $other",
		("DELETE FROM listings WHERE id = $one") x 2, "DELETE FROM listings WHERE id IN ($one, $other)",
		("UPDATE listings SET id = $other WHERE id = $one") x 4, ("UPDATE listings SET name = $rewritten WHERE id = $one") x 2,
		"UPDATE listings SET id = CASE id WHEN $one THEN $other ELSE id END, name = 'moved'",
		"MERGE INTO listings l USING (SELECT ${one}::$schema->{listing_type} AS id UNION SELECT $other) AS v ON l.id = v.id WHEN MATCHED THEN " . pick('DELETE', "UPDATE SET name = $rewritten") . ' WHEN NOT MATCHED THEN INSERT VALUES (v.id)');
}

my %functions = (
	book => [qw(RV001 55000 0A000)], move => [qw(RV001 P0002 55000 0A000)], cancel => [qw(RV001 P0002 55000)],
	hold => [qw(22023 22004 53400 55000 0A000)], confirm => [qw(RV001 RV002 RV003 55000 0A000)]);

sub function
{
	my ($schema, $legal) = @_;
	my ($from, $to) = some_days();
	my $n = ++$schema->{numbers};
	my $id = id_value($schema, $n);
	my $old = id_value($schema, some_number($schema));
	my $listing = some_listing($schema);
	my $attributes = sprintf q{'{"n": %d, "id": "%s"}'}, $n, $id =~ s/'//gr;
	my $key = chance(0.3) ? "'key" . int(rand 20) . "'" : 'NULL';
	my @holds = @{ $schema->{holds} };
	my $hold = @holds ? "'" . pick(@holds) . "'" : q{'00000000-0000-4000-8000-000000000000'};
	my $name = pick(qw(book book move cancel hold hold confirm confirm release sweep));
	push @$legal, @{ $functions{$name} // [] };
	# A listing or a stay that is NULL, a column of a key that book leaves out.
	push @$legal, qw(22004 23502);
	return "SELECT * FROM availability.book('reservations', $listing, '[$from,$to)', $key, $attributes)" if $name eq 'book';
	return "SELECT * FROM availability.move('reservations', $old, '[$from,$to)', $key)" if $name eq 'move';
	return "SELECT * FROM availability.cancel('reservations', $old, $key)" if $name eq 'cancel';
	return "SELECT 'hold ' || availability.hold('reservations', $listing, '[$from,$to)', '" . pick('1 hour', '1 hour', '1 microsecond') . "', $attributes)" if $name eq 'hold';
	return "SELECT * FROM availability.confirm('reservations', $hold, $attributes, $key)" if $name eq 'confirm';
	return $name eq 'release' ? "SELECT availability.release($hold)" : q{SELECT availability.sweep('reservations')};
}

# What the owner alone does.
sub maintenance
{
	my ($schema, $legal) = @_;
	push @$legal, '25001', '55006';
	return pick(
		sub { $schema->{horizon} += pick(0, 1); sprintf q{SELECT availability.forget('reservations', '2027-01-%02d')}, $schema->{horizon} },
		sub { q{SELECT availability.set_day_rows('reservations', } . pick('true', 'false') . ')' },
		sub { q{SELECT availability.repair('reservations')} },
		sub { q{SELECT availability.retrack('reservations')} },
		$schema->{sets} ? (sub { q{SELECT availability.fold('reservations')} }) x 3 : (),
		sub { 'TRUNCATE reservations' . ($schema->{parent} ? ' CASCADE' : '') },
		$schema->{listings} ? sub { 'TRUNCATE listings CASCADE' } : ())->();
}

# A statement for a role, and the states that it alone may answer with. Within a function, in a subtransaction, or as it is.
sub random_statement
{
	my ($schema, $role) = @_;
	my @legal;
	my $update = sub { 'UPDATE reservations SET ' . changes($schema, \@legal) . ' WHERE ' . rows($schema) };
	my $delete = sub { 'DELETE FROM reservations WHERE ' . pick(some_reservation($schema), some_reservation($schema), rows($schema)) };
	my $listings = $schema->{listings} ? sub { on_listings($schema, \@legal) } : $update;
	my $rekey = sub { 'UPDATE reservations SET id = ' . id_value($schema, ++$schema->{numbers}) . ', n = ' . $schema->{numbers} . ' WHERE ' . some_reservation($schema) };
	my $way = pick((\&insert) x 7, ($update) x 5, ($delete) x 2, (\&merge) x 2, \&copy, \&swap, \&on_conflict, ($listings) x 4, $rekey, (\&function) x 5,
		$role eq 'owner' && chance(0.3) ? \&maintenance : $update);
	my $statement = $way->($schema, \@legal);
	push @legal, '42501' if $role ne 'owner' && $statement =~ /TRUNCATE/;
	push @legal, @{ $schema->{odd} };
	return ("DO \$do\$ BEGIN $statement; EXCEPTION WHEN unique_violation OR foreign_key_violation THEN NULL; END \$do\$", @legal)
	  if $statement !~ /^(COPY|SELECT)/ && chance(0.07);
	return ($statement, @legal);
}

1;
