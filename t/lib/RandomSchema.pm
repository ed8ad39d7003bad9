# A random schema of listings and reservations, every part of it legal, as a hash that says what was chosen and the SQL that makes it.
package RandomSchema;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(random_schema pick chance listing_value id_value);

sub pick { return $_[ int rand @_ ]; }
sub chance { return rand() < $_[0]; }

my %number = map { $_ => 1 } qw(smallint int bigint);

# The value of a type for a number: as a literal, or as an expression over a column or variable of type int.
sub value_of
{
	my ($type, $prefix, $n) = @_;
	my $literal = $n =~ /^\d+$/;
	return $literal ? $n : "($n)::$type" if $number{$type};
	return $literal ? sprintf("'%08d-0000-4000-8000-000000000000'", $n) : "(lpad(($n)::text, 8, '0') || '-0000-4000-8000-000000000000')::uuid" if $type eq 'uuid';
	return $literal ? "'$prefix$n'" : "('$prefix' || $n)::$type";
}

sub listing_value { my ($schema, $n) = @_; return value_of($schema->{listing_type}, 'L', $n); }
sub id_value { my ($schema, $n) = @_; return value_of($schema->{id_type}, 'r', $n); }

# ON UPDATE, ON DELETE and DEFERRABLE of a foreign key. A column of the primary key can't be set to NULL.
sub actions
{
	my (%on) = @_;
	my @deletes = ('NO ACTION', 'CASCADE', 'RESTRICT', $on{key} ? () : ('SET NULL', 'SET NULL'));
	my $update = pick('NO ACTION', 'CASCADE', 'CASCADE', 'CASCADE', 'RESTRICT', $on{key} ? () : 'SET NULL');
	return "ON UPDATE $update ON DELETE " . pick(@{ $on{deletes} // \@deletes }) . pick('', '', ' DEFERRABLE', ' DEFERRABLE INITIALLY DEFERRED');
}

sub choose_stay
{
	my ($schema) = @_;
	my $form = pick(qw(range range range dates dates generated generated turnover));
	my $plain = $form eq 'range';
	$schema->{stay_form} = $form;
	$schema->{stay} = { range => 'stay', generated => 'stay', dates => 'daterange(check_in, check_out)', turnover => 'daterange(check_in, check_out + 1)' }->{$form};
	push @{ $schema->{track} }, "stay => '$schema->{stay}'" if $form eq 'turnover';
	$schema->{stay_columns} = $plain ? ['stay'] : [ 'check_in', 'check_out' ];
	push @{ $schema->{columns} }, $plain ? 'stay daterange' : ('check_in date', 'check_out date');
	push @{ $schema->{columns} }, 'stay daterange GENERATED ALWAYS AS (daterange(check_in, check_out)) STORED' if $form eq 'generated';
	# What moves a stay by some days, for SET and for plpgsql.
	$schema->{shift} = sub {
		my ($days, $row) = (@_, '');
		return $plain ? "${row}stay = daterange(lower(${row}stay) + $days, upper(${row}stay) + $days)"
		  : $row ? "${row}check_in = ${row}check_in + $days; ${row}check_out = ${row}check_out + $days"
		  : "check_in = check_in + $days, check_out = check_out + $days";
	};
	return;
}

sub choose_active
{
	my ($schema) = @_;
	my $form = pick(qw(none status status generated));
	$schema->{active} = { none => 'true', status => "status = 'confirmed'", generated => 'live' }->{$form};
	push @{ $schema->{columns} }, "live boolean GENERATED ALWAYS AS (status = 'confirmed') STORED" if $form eq 'generated';
	push @{ $schema->{track} }, "active => \$\$$schema->{active}\$\$" if $form ne 'none';
	push @{ $schema->{track} }, q{cancel => $$status = 'cancelled'$$} if $form ne 'none' && chance(0.7);
	return;
}

# The table of listings: without, with foreign keys, or told to track alone.
sub choose_listings
{
	my ($schema) = @_;
	my ($type, $key) = ($schema->{listing_type}, $schema->{listing_in_key});
	my $how = pick(qw(none told key key key key));
	$schema->{listings} = $how ne 'none';
	$schema->{second} = chance(0.5);
	my $listing = "listing_id $type";
	my $second = "second $type";
	if ($how eq 'key')
	{
		$listing .= ' REFERENCES listings ' . ($schema->{listing_actions} = actions(key => $key));
		$second .= ' REFERENCES listings ' . actions();
	}
	push @{ $schema->{track} }, "listings => 'listings'" if $how eq 'told';
	push @{ $schema->{columns} }, $listing, $schema->{second} ? $second : ();
	# A listing that is an expression is no column that a foreign key moves.
	if ($schema->{second} && $how ne 'key' && chance(0.4))
	{
		$schema->{listing} = 'coalesce(listing_id, second)';
		push @{ $schema->{track} }, "listing => '$schema->{listing}'";
	}
	return if $how eq 'none';
	my $parts = chance(0.2);
	push @{ $schema->{sql} }, "CREATE TABLE listings (id $type PRIMARY KEY, name text)" . ($parts ? ' PARTITION BY HASH (id)' : ''),
	  map { "CREATE TABLE listings$_ PARTITION OF listings FOR VALUES WITH (MODULUS 2, REMAINDER $_)" } $parts ? (0, 1) : ();
	$schema->{partitioned_listings} = $parts;
	choose_triggers_of_listings($schema);
	return;
}

# Triggers of the user's on listings: one that rewrites keys, and some that do by hand what foreign keys do.
sub choose_triggers_of_listings
{
	my ($schema) = @_;
	my $key = listing_value($schema, 'NEW.name::int');
	my %body = (
		rewrite => [ 'BEFORE ' . pick('INSERT OR UPDATE', 'UPDATE'), "IF NEW.name ~ '^[0-9]+\$' THEN NEW.id := $key; NEW.name := 'rewritten'; END IF; RETURN NEW;" ],
		clear => [ pick('BEFORE', 'AFTER') . ' DELETE', pick('DELETE FROM reservations', "UPDATE reservations SET status = 'cancelled'") . ' WHERE listing_id = OLD.id; RETURN OLD;' ],
		follow => [ 'AFTER UPDATE', 'IF NEW.id <> OLD.id THEN UPDATE reservations SET listing_id = NEW.id WHERE listing_id = OLD.id; END IF; RETURN NULL;' ]);
	for my $name (grep { chance(0.25) } sort keys %body)
	{
		next if $name eq 'rewrite' && $schema->{partitioned_listings};
		$schema->{"${name}s_listings"} = 1;
		push @{ $schema->{triggers_of_listings} }, "CREATE FUNCTION ${name}_listings() RETURNS trigger LANGUAGE plpgsql AS \$\$BEGIN $body{$name}[1] END\$\$",
		  'CREATE TRIGGER ' . pick($name, '"' . uc($name) . '"') . " $body{$name}[0] ON listings FOR EACH ROW EXECUTE FUNCTION ${name}_listings()";
	}
	return;
}

# The table of reservations: plain, or in partitions between which rows move.
sub choose_partitions
{
	my ($schema) = @_;
	my $form = $schema->{partitioned};
	my $key = $form eq 'region' ? 'id, region' : $form eq 'listing' ? 'id, listing_id' : 'id';
	push @{ $schema->{columns} }, "PRIMARY KEY ($key)";
	push @{ $schema->{track} }, "key => 'id'" if $key ne 'id';
	$schema->{id_is_unique} = $key eq 'id';
	if ($schema->{id_is_unique} && chance(0.6))
	{
		$schema->{parent} = 1;
		push @{ $schema->{columns} }, "parent $schema->{id_type} REFERENCES reservations " . actions(deletes => [ 'SET NULL', 'SET NULL', 'CASCADE', 'NO ACTION' ]);
	}
	my $by = { none => '', region => ' PARTITION BY LIST (region)', listing => ' PARTITION BY HASH (listing_id)', hash => ' PARTITION BY HASH (id)', range => ' PARTITION BY RANGE (n)' }->{$form};
	# A range by a column outside of the key can't have the key: so by the id.
	$by =~ s/\(n\)/(id)/;
	push @{ $schema->{sql} }, "CREATE TABLE reservations (\n\t" . join(",\n\t", @{ $schema->{columns} }) . "\n)$by";
	return if $form eq 'none';
	push @{ $schema->{sql} }, map { "CREATE TABLE part$_ PARTITION OF reservations FOR VALUES WITH (MODULUS 2, REMAINDER $_)" } 0, 1 if $by =~ /HASH/;
	# The second partition has its columns in another order and one that is dropped.
	my $second = $form eq 'region' ? 'IN (1)' : "FROM ($schema->{middle}) TO (MAXVALUE)";
	my @bare = reverse map { s/ (REFERENCES|DEFAULT) .*//r } grep { !/^PRIMARY/ } @{ $schema->{columns} };
	push @{ $schema->{sql} }, 'CREATE TABLE part0 PARTITION OF reservations ' . ($form eq 'region' ? 'DEFAULT' : "FOR VALUES FROM (MINVALUE) TO ($schema->{middle})"),
	  'CREATE TABLE part1 (gone int, ' . join(', ', map { /^id |^region / ? "$_ NOT NULL" : $_ } @bare) . ')', 'ALTER TABLE part1 DROP gone',
	  "ALTER TABLE reservations ATTACH PARTITION part1 FOR VALUES $second" if $by !~ /HASH/;
	return;
}

# Triggers of the user's, that a row's note asks to act.
sub choose_triggers
{
	my ($schema) = @_;
	my $annex_id = id_value($schema, 'annex');
	my $stay_columns = join ', ', @{ $schema->{stay_columns} };
	my $new_stay = join ', ', map { "NEW.$_" } @{ $schema->{stay_columns} };
	my $shifted = $schema->{shift}->(1);
	my %body = (
		before => "IF TG_OP = 'DELETE' THEN
			IF OLD.note = 'stays' THEN RETURN NULL; END IF;
			RETURN OLD;
		END IF;
		IF NEW.note = 'skipped' OR TG_OP = 'UPDATE' AND NEW.note = 'stays' AND OLD.note = 'stays' THEN RETURN NULL; END IF;
		IF NEW.note = 'later' THEN " . ($schema->{shift}->(2, 'NEW.') =~ s/ = / := /gr) . "; NEW.note := NULL; END IF;
		IF NEW.note = 'elsewhere' THEN NEW.listing_id := " . listing_value($schema, 2) . "; NEW.note := NULL; END IF;
		RETURN NEW;",
		annex => "IF NEW.note = 'annex' THEN
			annex := nextval('annexes');
			INSERT INTO reservations (n, id, listing_id, $stay_columns) VALUES (annex, $annex_id, " . listing_value($schema, 5) . ", $new_stay);
		END IF;
		RETURN NULL;",
		own => "IF NEW.note = 'own' THEN UPDATE reservations SET $shifted, note = NULL WHERE n = NEW.n; END IF;
		IF NEW.note = 'gone' THEN DELETE FROM reservations WHERE n = NEW.n; END IF;
		RETURN NULL;",
		others => "IF NEW.note = 'others' THEN UPDATE reservations SET $shifted WHERE n BETWEEN NEW.n - 2 AND NEW.n + 2 AND note IS DISTINCT FROM 'others'; END IF;
		RETURN NULL;",
		bulk => "UPDATE reservations SET $shifted WHERE n IN (SELECT n FROM made WHERE note = 'bulk'); RETURN NULL;",
		again => "IF OLD.note = 'again' THEN
			annex := nextval('annexes');
			INSERT INTO reservations (n, id, listing_id, $stay_columns) VALUES (annex, $annex_id, OLD.listing_id, " . ($new_stay =~ s/NEW/OLD/gr) . ");
		END IF;
		RETURN NULL;");
	my %when = (
		bulk => 'AFTER INSERT',
		before => 'BEFORE INSERT OR UPDATE OR DELETE', annex => 'AFTER INSERT', own => 'AFTER INSERT OR UPDATE', others => 'AFTER INSERT OR UPDATE', again => 'AFTER DELETE');
	my @chosen = grep { chance(0.35) } sort keys %body;
	push @{ $schema->{sql} }, 'CREATE SEQUENCE annexes START 5000', 'GRANT ALL ON annexes TO booker' if @chosen;
	for my $name (@chosen)
	{
		$schema->{triggers}{$name} = 1;
		# Capital letters come before our trigger, small ones after it.
		my $trigger = pick($name, '"' . uc($name) . '"');
		my $each = $name eq 'bulk' ? 'REFERENCING NEW TABLE AS made FOR EACH STATEMENT' : 'FOR EACH ROW';
		my $constraint = '';
		if ($name !~ /^(before|bulk)$/ && chance(0.3))
		{
			$constraint = 'CONSTRAINT ';
			$each = pick('DEFERRABLE', 'DEFERRABLE INITIALLY DEFERRED', 'DEFERRABLE INITIALLY DEFERRED') . " $each";
		}
		push @{ $schema->{sql} }, "CREATE FUNCTION on_$name() RETURNS trigger LANGUAGE plpgsql AS \$\$\n\tDECLARE\n\t\tannex int;\n\tBEGIN\n\t\t$body{$name}\n\tEND \$\$",
		  "CREATE ${constraint}TRIGGER $trigger $when{$name} ON reservations $each EXECUTE FUNCTION on_$name()";
	}
	return;
}

# A function that changes another reservation, for use within a statement that changes some.
sub choose_function
{
	my ($schema) = @_;
	push @{ $schema->{sql} }, 'CREATE FUNCTION touch(int) RETURNS text LANGUAGE plpgsql AS $$BEGIN UPDATE reservations SET ' . $schema->{shift}->(1) . ' WHERE n = $1; RETURN NULL; END$$';
	return;
}

# Row security: the booker sees and writes what is not secret.
sub choose_row_security
{
	my ($schema) = @_;
	push @{ $schema->{sql} }, 'GRANT SELECT, INSERT, UPDATE, DELETE ON reservations TO booker';
	push @{ $schema->{sql} }, 'GRANT SELECT, INSERT, UPDATE, DELETE ON listings TO booker' if $schema->{listings};
	return if !chance(0.4);
	$schema->{row_security} = 1;
	push @{ $schema->{sql} }, 'ALTER TABLE reservations ENABLE ROW LEVEL SECURITY' . pick('', ', FORCE ROW LEVEL SECURITY'),
	  q{CREATE POLICY seen ON reservations USING (party <> 'secret') WITH CHECK (party <> 'secret')}
	  . pick('', q{; CREATE POLICY kept ON reservations AS RESTRICTIVE FOR DELETE TO booker USING (party = 'b')});
	return;
}

# The owner's own on companions, which are then written by statements, or have more indexes.
sub choose_extras
{
	my ($schema) = @_;
	my %kinds = (
		calendar => [ 'ADD nights int GENERATED ALWAYS AS (availability.booked_days(booked)::int) STORED', 'ADD CHECK (version > 0)', 'ADD market text' ],
		day => [ 'ADD seen boolean DEFAULT true', q{ADD CHECK (day > '1999-01-01')} ],
		hold => [ 'ADD CHECK (NOT isempty(stay))', 'ADD told boolean' ]);
	delete $kinds{day} if !$schema->{day_rows};
	for my $kind (grep { chance(0.2) } sort keys %kinds)
	{
		push @{ $schema->{sql} }, pick(
			(map { "ALTER TABLE reservations_$kind $_" } @{ $kinds{$kind} }),
			"CREATE FUNCTION pass_$kind() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN coalesce(NEW, OLD); END'; CREATE TRIGGER pass "
			  . pick('BEFORE', 'AFTER') . " INSERT OR UPDATE OR DELETE ON reservations_$kind FOR EACH ROW EXECUTE FUNCTION pass_$kind()",
			$kind eq 'calendar' ? 'CREATE INDEX ON reservations_calendar USING gist (booked)' : "CREATE INDEX ON reservations_$kind (listing_id)");
	}
	return;
}

sub random_schema
{
	my %schema = (
		listing_type => pick(qw(smallint int int bigint uuid text varchar)),
		partitioned => pick(qw(none none none region listing hash range)),
		listing => 'listing_id', sql => [], track => [], triggers => {});
	$schema{id_type} = pick(qw(smallint int bigint uuid text varchar));
	$schema{listing_in_key} = $schema{partitioned} eq 'listing';
	$schema{middle} = id_value(\%schema, 40);
	$schema{columns} = [ 'n int', "id $schema{id_type}" ];
	choose_listings(\%schema);
	choose_stay(\%schema);
	push @{ $schema{columns} }, q{status text DEFAULT 'confirmed'}, q{party text DEFAULT 'b'}, 'note text', 'region int DEFAULT 0';
	choose_active(\%schema);
	choose_partitions(\%schema);
	push @{ $schema{sql} }, @{ $schema{triggers_of_listings} // [] };
	choose_triggers(\%schema);
	choose_function(\%schema);
	choose_row_security(\%schema);
	$schema{day_rows} = chance(0.7);
	$schema{sets} = chance(0.3);
	push @{ $schema{track} }, 'day_rows => false' if !$schema{day_rows};
	push @{ $schema{track} }, 'sets => true' if $schema{sets};
	push @{ $schema{track} }, "since => '2027-01-04'" if $schema{since} = chance(0.3);
	push @{ $schema{sql} }, 'INSERT INTO listings (id) VALUES ' . join ', ', map { '(' . listing_value(\%schema, $_) . ')' } 1 .. 5 if $schema{listings};
	push @{ $schema{sql} }, 'SELECT availability.track(' . join(', ', q{'reservations'}, @{ $schema{track} }) . ')';
	choose_extras(\%schema);
	return \%schema;
}

1;
