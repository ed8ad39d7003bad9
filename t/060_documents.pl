# README.md, CONTRIBUTING.md and docs/*.md say what is so.
#
# Each page is run in a database of its own that has the extension, from top to bottom, in one session of a superuser:
#
#   ```sql             is run. Without an output behind it, nothing may fail in it.
#   ```text            behind it, with nothing between, is what the server answers.
#   <!--sql … -->      is run too and not shown: tables that the page takes for granted, values that would differ.
#
# Blocks in other languages are not run. Every block names its language, every link and every path of the tree leads
# somewhere, every page can be reached from the README, and events in JSON are valid by their schema.
#
# As pg_regress leaves results/, this leaves each page with the server's answers in tmp_check/documents/.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Glob qw(:bsd_glob);
use File::Path qw(make_path);
use FindBin;
use lib "$FindBin::RealBin/lib";

use Availability;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $tree = dirname(dirname(abs_path($0)));
my @pages = ('README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', map { "docs/" . basename($_) } sort glob "$tree/docs/*.md");
my $most_lines_of_readme = 150;

# Of each line's end and of the whole: psql pads headings.
sub trimmed
{
	my ($text) = @_;
	$text =~ s/[ \t]+$//mg;
	$text =~ s/^\n+|\s+$//g;
	return $text;
}

# Splits a page into its blocks, as hashes of line (where it begins), language ("hidden" for what is not shown), text and
# output (undef for none), and its prose, as pairs of line and text.
sub parse
{
	my ($page) = @_;
	my (@blocks, @prose, $open, $adjacent);
	my @lines = split /\n/, slurp_file("$tree/$page");
	for my $i (0 .. $#lines)
	{
		my $line = $lines[$i];
		if ($open)
		{
			if ($line eq $open->{end})
			{
				my $is_output = $open->{language} eq 'text' && $adjacent && $blocks[-1]{language} eq 'sql';
				if ($is_output) { @{ $blocks[-1] }{qw(output output_line)} = (trimmed($open->{text}), $open->{line}) }
				else { push @blocks, $open }
				$adjacent = !$is_output;
				undef $open;
			}
			else { $open->{text} .= "$line\n" }
		}
		elsif ($line =~ /^```(\w*)$/) { $open = { line => $i + 1, language => $1, end => '```', text => '' } }
		elsif ($line eq '<!--sql') { $open = { line => $i + 1, language => 'hidden', end => '-->', text => '' } }
		elsif ($line ne '')
		{
			push @prose, [ $i + 1, $line, $i > 0 && $lines[ $i - 1 ] eq '' ];
			$adjacent = 0;
		}
	}
	die "$page: the block of line $open->{line} has no end" if $open;
	return { blocks => \@blocks, prose => \@prose, lines => scalar @lines };
}

# The names by which GitHub links to the headings of a page.
sub anchors
{
	my ($page) = @_;
	my %anchors;
	for (grep { /^#+ / } map { $_->[1] } @{ $page->{prose} })
	{
		my $anchor = lc s/^#+ +//r;
		$anchor =~ s/[^\w\- ]//g;
		$anchors{ $anchor =~ tr/ /-/r } = 1;
	}
	return \%anchors;
}

my %parsed = map { $_ => parse($_) } @pages;

# What is wrong with a page before anything is run; says in $reached which pages it links to.
sub faults
{
	my ($name, $reached) = @_;
	my $page = $parsed{$name};
	my @faults = map { "line $_->{line}: a block names its language" } grep { $_->{language} eq '' } @{ $page->{blocks} };
	for (@{ $page->{prose} })
	{
		my ($line, $text, $after_blank) = @$_;
		push @faults, "line $line: a block stands between fences" if $after_blank && $text =~ /^(?: {4}|\t)/;
		for my $path ($text =~ m{`((?:bench|decoder|docs|extension|relay|service|specs|sql|t|test)/[\w./*-]*)`}g)
		{
			my ($found) = glob "$tree/$path";
			push @faults, "line $line: there is no $path" if !defined $found || !-e $found;
		}
		for my $link ($text =~ /\]\(([^)\s]+)\)/g)
		{
			next if $link =~ /^https?:/;
			my ($file, $anchor) = split /#/, $link;
			my $target = $file ? abs_path(dirname("$tree/$name") . "/$file") : "$tree/$name";
			if (!defined $target || !-e $target) { push @faults, "line $line: $link leads nowhere"; next }
			$target =~ s{^\Q$tree\E/}{};
			$reached->{$name}{$target} = 1;
			push @faults, "line $line: $target has no heading $anchor"
				if $anchor && (!$parsed{$target} || !anchors($parsed{$target})->{$anchor});
		}
	}
	return @faults;
}

my %reached;
for my $name (@pages)
{
	is(join("\n", faults($name, \%reached)), '', "$name: blocks, links and paths");
}

my @to_visit = ('README.md');
my %visited;
while (defined(my $name = shift @to_visit))
{
	push @to_visit, keys %{ $reached{$name} } if !$visited{$name}++;
}
is(join(' ', grep { !$visited{$_} } @pages), '', 'every page can be reached from the README');
cmp_ok($parsed{'README.md'}{lines}, '<=', $most_lines_of_readme, 'the README is short');

my @events = grep { /^\{"v":/ } map { split /\n/, $_->{text} } grep { $_->{language} eq 'json' } map { @{ $_->{blocks} } } values %parsed;
cmp_ok(scalar @events, '>', 0, 'an event is shown');
my $invalid = '';
my $valid = IPC::Run::run([ '/usr/bin/python3', "$FindBin::RealBin/lib/validate_events.py", "$tree/decoder/event.schema.json" ],
	'<', \join("\n", @events), '>', \my $nothing, '2>', \$invalid);
ok($valid, 'events that are shown are valid by their schema') or diag $invalid;

# Runs a page's blocks; returns what each answered.
sub run_page
{
	my ($node, $name, @blocks) = @_;
	(my $database = lc "page_$name") =~ s/\W/_/g;
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	my $script = "CREATE EXTENSION availability;\nSET datestyle = 'ISO';\nSET timezone = 'UTC';\n"
		. join '', map { "\\echo =block=\n$_->{text}" } @blocks;
	my $answer = '';
	IPC::Run::run([ 'psql', '-X', '-q', '-d', $node->connstr($database), '-v', 'ON_ERROR_STOP=0' ],
		'<', \$script, '>', \$answer, '2>&1');

	# Slots and roles are the whole server's: the next page may have the same.
	$node->safe_psql('postgres', "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '$database'");
	$node->safe_psql('postgres', "DROP DATABASE $database");
	$node->safe_psql('postgres', "DROP ROLE $_")
		for split /\n/, $node->safe_psql('postgres', 'SELECT quote_ident(rolname) FROM pg_roles WHERE oid >= 16384');

	my (undef, @answers) = split /^=block=\n/m, $answer, -1;
	return @answers;
}

# The page as it would be with what the server answers now.
sub leave_page
{
	my ($name, $blocks, $answers) = @_;
	my @lines = split /\n/, slurp_file("$tree/$name");
	for my $i (reverse grep { defined $blocks->[$_]{output} } 0 .. $#$answers)
	{
		my $first = $blocks->[$i]{output_line};
		my $count = 0;
		$count++ until $lines[ $first + $count ] eq '```';
		splice @lines, $first, $count, split /\n/, $answers->[$i];
	}
	my $path = "${PostgreSQL::Test::Utils::tmp_check}/documents/$name";
	make_path(dirname($path));
	unlink $path;
	append_to_file($path, join '', map { "$_\n" } @lines);
	return;
}

my $node = logical_node('documents');
for my $name (@pages)
{
	my @blocks = grep { $_->{language} =~ /^(?:sql|hidden)$/ } @{ $parsed{$name}{blocks} } or next;
	my @answers = map { trimmed($_) } run_page($node, $name, @blocks);
	is(scalar @answers, scalar @blocks, "$name: all of it runs");
	leave_page($name, \@blocks, \@answers);
	for my $i (0 .. $#answers)
	{
		my $title = "$name, line $blocks[$i]{line}";
		if (defined $blocks[$i]{output}) { is($answers[$i], $blocks[$i]{output}, "$title: the answer is the one shown") }
		else { unlike($answers[$i], qr/^(?:ERROR|FATAL|PANIC|invalid command|\\)/m, "$title: runs") }
	}
}

done_testing();
