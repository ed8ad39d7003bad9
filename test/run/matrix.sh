#!/usr/bin/env bash
# test/run/matrix.sh [SUITE…]: runs make check of what is committed in a fresh Debian of each suite (bookworm, trixie and testing
# if none is told), as root, and writes what it ran on into the table of docs/platforms.md. For those who release: each takes a
# quarter of an hour on two cores and 3 GB. $CHROOTS keeps the fresh systems, build/chroots if not set; logs are beside them.
# TARGET=demo runs that instead, and writes nothing.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$tree/test/run/chroot.sh"

CHROOTS=${CHROOTS:-$tree/build/chroots}
target=${TARGET:-check}
[ $# -gt 0 ] || set -- bookworm trixie testing
[ "$EUID" -eq 0 ] || fail "chroots are for root: sudo test/run/matrix.sh"
git() { command git -c safe.directory="$tree" -C "$tree" "$@"; }

# What was there: asked in the system, behind the run.
versions_script='
    . /etc/os-release
    server=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
    # Suites have no number before they are released.
    echo "Debian ${VERSION_ID:-testing} (${VERSION_CODENAME:-$1})"
    "$server/postgres" --version | sed "s/^postgres (PostgreSQL) \([^ ]*\).*/\1/"
    dpkg-query -W -f "\${Version}\n" libroaring-dev | sed "s/^[0-9]*://; s/[+-].*//"
    g++ -dumpfullversion
    ls /usr/bin/clang++-[0-9]* | sed "s/.*-//" | sort -V | tail -n 1'

# Replaces the row of a system in the table, or adds it.
write_row() {
    local page=$tree/docs/platforms.md
    perl -e '
        my ($page, $system, $row) = @ARGV;
        open my $in, "<", $page or die "$page: $!";
        my $text = do { local $/; <$in> };
        my ($head, $rows, $tail) = $text =~ /\A(.*?^\| system \|[^\n]*\n\|[-|]+\n)((?:\|[^\n]*\n)*)(.*)\z/ms or die "$page has no table of systems";
        $rows =~ s/^\| \Q$system\E[ (][^\n]*\n//m;
        open my $out, ">", $page or die "$page: $!";
        print $out $head, join("", sort split(/^/, "$rows$row\n")), $tail;
    ' "$page" "$1" "$2"
}

trap 'rm -rf "${work:-}"' EXIT
end_at_signals
mkdir -p "$CHROOTS"
status=0
for suite in "$@"; do
    work=$(mktemp -d "$CHROOTS/$suite.XXXXXX")
    log=$CHROOTS/$suite.log
    make_chroot "$suite" "$work/root"
    git archive --prefix=availability/ HEAD | tar -C "$work/root" -x
    echo "$suite: make $target …"
    if in_chroot "$work/root" make -C /availability "$target" >"$log" 2>&1; then
        outcome=passed
    else
        outcome=failed
        status=1
    fi
    counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1) || true
    mapfile -t found < <(in_chroot "$work/root" bash -c "$versions_script" sh "$suite" 2>/dev/null)
    echo "$suite: make $target $outcome${counts:+, $counts}: ${found[*]} (log: $log)"
    if [ "$target" = check ] && [ "$outcome" = passed ] && [ ${#found[@]} -eq 5 ]; then
        write_row "${found[0]%% (*}" \
            "| ${found[0]} | ${found[1]} | ${found[2]} | g++ ${found[3]}, clang ${found[4]} | ${counts%,*}, $(date +%F), $(git log -1 --format=%h) |"
    fi
    rm -rf "$work"
done
exit "$status"
