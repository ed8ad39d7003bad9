# The README's tour is what the test readme_tour runs and prints, step by step.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;

my $tree = dirname(dirname(abs_path($0)));

sub slurp
{
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!";
    local $/;
    return scalar <$file>;
}

# pg_regress ends lines of headings with blanks that nobody wants in a README.
sub trimmed
{
    my ($text) = @_;
    $text =~ s/[ \t]+$//mg;
    $text =~ s/^\s+|\s+$//g;
    return $text;
}

my ($tour) = slurp("$tree/README.md") =~ /^## A tour in ten steps\n(.*?)^## /ms;
my $printed = trimmed(slurp("$tree/expected/readme_tour.out"));

my @blocks = $tour =~ /^```sql\n(.*?)^```/msg;
is(scalar @blocks, 10, 'the tour has ten steps');
for my $block (@blocks)
{
    my $step = trimmed($block);
    my ($title) = $step =~ /^(.*)/;
    ok(index($printed, $step) >= 0, "the README shows what runs: $title");
}

done_testing();
