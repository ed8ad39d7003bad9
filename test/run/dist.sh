#!/usr/bin/env bash
# make dist: the archive for PGXN, build/availability-<version>.zip, of what is committed. META.json is checked first: by
# pgxn_meta where that is installed (Debian has no validator), and here for what it must agree with in the tree.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$tree"
git() { command git -c safe.directory="$tree" "$@"; }

git rev-parse HEAD >/dev/null 2>&1 || fail "make dist packs a commit: this is no git tree"
[ -z "$(git status --porcelain --untracked-files=no)" ] || fail "make dist packs a commit: there are changes that are not committed"
version=$(perl - <<'CHECK'
    use strict;
    use warnings;
    use JSON::PP;

    sub slurp { open my $file, '<', $_[0] or die "$_[0]: $!\n"; local $/; return scalar <$file> }
    my $meta = eval { decode_json(slurp('META.json')) } or die "META.json is no JSON: $@";
    my ($default) = slurp('availability.control') =~ /^default_version = '(.*)'/m;
    my @faults;
    for (qw(name version abstract maintainer license provides meta-spec))
    {
        push @faults, "has no $_" unless $meta->{$_};
    }
    push @faults, "has version $meta->{version}, which is no semantic version" unless $meta->{version} =~ /^\d+\.\d+\.\d+$/;
    push @faults, "has version $meta->{version}, but availability.control has $default" unless $meta->{version} =~ /^\Q$default\E\.\d+$/;
    for my $name (sort keys %{ $meta->{provides} })
    {
        my $part = $meta->{provides}{$name};
        push @faults, "provides $name in version $part->{version}, and is of $meta->{version}" unless $part->{version} eq $meta->{version};
        push @faults, map { "names $part->{$_}, which is not in the tree" } grep { !-f $part->{$_} } qw(file docfile);
    }
    die map { "META.json $_\n" } @faults if @faults;
    print $meta->{version};
CHECK
) || fail "META.json has to be mended first"
! command -v pgxn_meta >/dev/null || pgxn_meta META.json || fail "pgxn_meta refuses META.json"

archive=build/availability-$version.zip
mkdir -p build
git archive --format=zip --prefix="availability-$version/" --output="$archive" HEAD
echo "$archive: $(git ls-files | wc -l) files of $(git log -1 --format=%h)"
