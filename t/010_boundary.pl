# An exception inside a function becomes an ordinary ERROR with a sensible SQLSTATE, the session
# goes on, and nothing leaks.
#
# AVAILABILITY_TEST_MODULES names the directory that holds availability_boundary_test.so (test/boundary).

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $module_dir = $ENV{AVAILABILITY_TEST_MODULES}
  or die "AVAILABILITY_TEST_MODULES must name the directory of availability_boundary_test.so";
my $module = "$module_dir/availability_boundary_test";

my $node = PostgreSQL::Test::Cluster->new('boundary');
$node->init;
$node->start;

$node->safe_psql('postgres', qq{
	CREATE FUNCTION throw_bad_alloc() RETURNS void AS '$module', 'availability_test_bad_alloc' LANGUAGE c;
	CREATE FUNCTION throw_runtime_error() RETURNS void AS '$module', 'availability_test_runtime_error' LANGUAGE c;
	CREATE FUNCTION throw_int() RETURNS void AS '$module', 'availability_test_int' LANGUAGE c;
	CREATE FUNCTION raise_ereport() RETURNS void AS '$module', 'availability_test_ereport' LANGUAGE c;

	-- Calls each function in turn, and counts the errors of each SQLSTATE.
	CREATE FUNCTION throw_many(calls int, OUT bad_alloc int, OUT internal int, OUT other int) AS \$\$
	BEGIN
		bad_alloc := 0; internal := 0; other := 0;
		FOR i IN 1 .. calls LOOP
			BEGIN
				CASE i % 4
					WHEN 0 THEN PERFORM throw_bad_alloc();
					WHEN 1 THEN PERFORM throw_runtime_error();
					WHEN 2 THEN PERFORM throw_int();
					ELSE PERFORM raise_ereport();
				END CASE;
			EXCEPTION
				WHEN out_of_memory THEN bad_alloc := bad_alloc + 1;
				WHEN internal_error THEN internal := internal + 1;
				WHEN datetime_field_overflow THEN other := other + 1;
			END;
		END LOOP;
	END
	\$\$ LANGUAGE plpgsql;

	CREATE FUNCTION context_bytes() RETURNS bigint LANGUAGE sql
	AS 'SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts';

	CREATE FUNCTION resident_kb() RETURNS bigint LANGUAGE sql
	AS \$\$ SELECT substring(pg_read_file('/proc/' || pg_backend_pid() || '/status') FROM 'VmRSS:\\s+(\\d+) kB')::bigint \$\$;
});

# Each error by itself, in one session that goes on.
my ($code, $stdout, $stderr) = $node->psql('postgres', q{
	\set VERBOSITY verbose
	SELECT pg_backend_pid();
	SELECT throw_bad_alloc();
	SELECT throw_runtime_error();
	SELECT throw_int();
	SELECT raise_ereport();
	SELECT pg_backend_pid();
}, on_error_stop => 0);

like($stderr, qr/ERROR:  53200: out of memory$/m, 'std::bad_alloc is 53200');
like($stderr, qr/ERROR:  XX000: the core gave up: x+$/m, 'std::runtime_error is XX000 with its message');
my ($message) = $stderr =~ /(the core gave up: x+)$/m;
is(length($message), 255, 'a long message is cut to the buffer');
like($stderr, qr/ERROR:  XX000: unknown exception$/m, 'anything else thrown is XX000');
like($stderr, qr/ERROR:  22008: day out of range$/m, "PostgreSQL's own error passes through");
my @pids = split /\n/, $stdout;
is(scalar(@pids), 2, 'no failed statement returned a row');
is($pids[1], $pids[0], 'the session goes on');

# The first calls fill caches and make the heap as large as it gets.
my $calls = 100_000;
$stdout = $node->safe_psql('postgres', qq{
	SELECT bad_alloc > 0 FROM throw_many(10000);
	SELECT context_bytes(), resident_kb();
	SELECT context_bytes(), resident_kb();
	SELECT * FROM throw_many($calls);
	SELECT context_bytes(), resident_kb();
});
my (undef, undef, $before, $counts, $after) = split /\n/, $stdout;
is($counts, join('|', $calls / 4, $calls / 2, $calls / 4), "$calls calls raised $calls errors");

my ($context_before, $resident_before) = split /\|/, $before;
my ($context_after, $resident_after) = split /\|/, $after;
note "memory contexts: $context_before to $context_after bytes; RSS: $resident_before to $resident_after kB";
cmp_ok($context_after - $context_before, '<', 64 * 1024, 'no memory context has grown');
# One allocation of 16 bytes lost in each call would be 1600 kB.
cmp_ok($resident_after - $resident_before, '<', 1024, 'the process has not grown');

$node->stop;
done_testing();
