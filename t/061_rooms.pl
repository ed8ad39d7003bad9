# Which room may include which, as docs/architecture.md says; and no file includes itself in a circle, a header and its
# source being one.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Find;
use Test::More;

my $tree = dirname(dirname(abs_path($0)));

sub slurp
{
	my ($path) = @_;
	open my $file, '<', "$tree/$path" or die "$path: $!";
	local $/;
	return scalar <$file>;
}

my ($table) = slurp('docs/architecture.md') =~ /^\| room \| may include \|\n\|[-|]+\n((?:\|.*\n)+)/m;
my %allowed;
for (split /\n/, $table)
{
	my ($room, $others) = /^\| `([\w\/]+)\/` \| ?(.*?) ?\|$/ or die "not a row of the table: $_";
	$allowed{$room} = { $room => 1, map { ("extension/$_" => 1) } split /, /, $others };
}

my %includes;
find({
		no_chdir => 1,
		wanted => sub {
			my ($path) = /^\Q$tree\E\/(.*\.[ch]pp)$/ or return;
			$includes{$path} = [ slurp($path) =~ /^#include "([^"]+)"/mg ];
		}
	}, map { "$tree/$_" } keys %allowed);
cmp_ok(scalar keys %includes, '>', 50, 'files were read');

for my $room (sort keys %allowed)
{
	my @strays;
	for my $file (sort grep { dirname($_) eq $room } keys %includes)
	{
		push @strays, map { "$file includes $_" } grep { !$allowed{$room}{ dirname($_) } } @{ $includes{$file} };
	}
	is(join("\n", @strays), '', "$room includes what it may");
}

my %parts;
for my $file (keys %includes)
{
	my $part = $file =~ s/\.[ch]pp$//r;
	$parts{$part}{$_} = 1 for grep { $_ ne $part } map { s/\.[ch]pp$//r } @{ $includes{$file} };
}

# Depth first: a part that is met while it is open closes a circle.
my (%state, @circles);
sub visit
{
	my ($part, @path) = @_;
	$state{$part} = 'open';
	for my $next (sort keys %{ $parts{$part} || {} })
	{
		if (!$state{$next}) { visit($next, @path, $part) }
		elsif ($state{$next} eq 'open') { push @circles, join ' -> ', @path, $part, $next }
	}
	$state{$part} = 'done';
	return;
}
for (sort keys %parts) { visit($_) if !$state{$_} }
is(join("\n", @circles), '', 'no includes go in a circle');

done_testing();
