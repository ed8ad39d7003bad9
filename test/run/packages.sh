#!/usr/bin/env bash
# test/run/packages.sh [SUITE]: the life of the packages on a fresh Debian (trixie if not told), as root: builds those of the
# version before and of this tree, installs the old one into a new system, books under it, upgrades, books, removes, purges.
# One line a step, "ok - …"; ends at the first that fails. $CHROOTS keeps the fresh systems, build/chroots if not set.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$tree/test/run/chroot.sh"

suite=${1:-trixie}
CHROOTS=${CHROOTS:-$tree/build/chroots}
[ "$EUID" -eq 0 ] || fail "chroots are for root: sudo test/run/packages.sh $suite"
git() { command git -c safe.directory="$tree" -C "$tree" "$@"; }
change=$(git log -n 1 --format=%H -G'^default_version' -- availability.control) && [ -n "$change" ] ||
    fail "the history that has the version before is not here: git fetch --unshallow"

trap 'rm -rf "${work:-}"' EXIT
end_at_signals
mkdir -p "$CHROOTS"
work=$(mktemp -d "$CHROOTS/packages.XXXXXX")

make_chroot "$suite" "$work/build"
mkdir "$work/build/new" "$work/build/old"
tree_files | tar -C "$tree" --null -T - -c | tar -C "$work/build/new" --no-same-owner -x
git archive "$change~" | tar -C "$work/build/old" -x
# Today's packaging of yesterday's code.
rm -rf "$work/build/old/test/run" "$work/build/old/.ci"
cp -r "$work/build/new/test/run" "$work/build/old/test/run"
cp -r "$work/build/new/.ci" "$work/build/old/.ci"
cp "$work/build/new/Makefile" "$work/build/old/Makefile"
for which in old new; do
    echo "building the $which packages …"
    if in_chroot "$work/build" sh -c "apt-get update -q && make -C /$which deb" >"$work/build.log" 2>&1; then
        echo "ok - the $which packages are built, and lintian has nothing to say"
    else
        tail -n 60 "$work/build.log"
        fail "not ok - the $which packages are built"
    fi
done

make_chroot "$suite" "$work/system"
mkdir "$work/system/packages"
for which in old new; do
    mkdir "$work/system/packages/$which"
    cp "$work"/build/"$which"/build/deb/*.deb "$work/system/packages/$which/"
    rm -f "$work"/system/packages/"$which"/*-dbgsym_*
done
rm -rf "$work/build"
cp "$tree/test/run/packages_life.sh" "$work/system/packages/"
in_chroot "$work/system" bash /packages/packages_life.sh
