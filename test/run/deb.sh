#!/usr/bin/env bash
# make deb: Debian packages for each installed server that has its headers, and of the relay where the tree has it, in build/deb.
# The packaging is .ci/debian: the top of the tree is what a reader meets first, and he builds no packages.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$tree/test/run/prerequisites.sh"

finish() {
    local status=$?
    trap '' HUP INT TERM
    [ "$status" -eq 0 ] || [ -n "$interrupted" ] || tell_if_full
    remove_scratch
    [ -z "$interrupted" ] || echo "interrupted: no packages were made"
    exit "$status"
}
end_at_signals
trap finish EXIT

install_prerequisites deb
versions=()
for candidate in /usr/lib/postgresql/*/bin/pg_config; do
    ! is_usable "$candidate" || versions+=("$(major_version "$candidate")")
done

# A version that is not released yet is older than its release.
commit() { git -c safe.directory="$tree" -C "$tree" "$@" 2>/dev/null; }
number=$(sed -n 's/.*"version": "\([0-9.]*\)".*/\1/p' "$tree/META.json" | head -n 1)
if commit describe --exact-match --match 'v*' >/dev/null && [ -z "$(commit status --porcelain)" ]; then
    version=$number
else
    version=$number~$(TZ=UTC commit log -1 --date=format-local:%Y%m%d.%H%M%S --format=%cd || date -u +%Y%m%d.%H%M%S)
fi
date=$(commit log -1 --date=rfc2822 --format=%cd || date -R)

make_scratch 1500
run_unprivileged test/run/deb_packages.sh "$version" "$date" "${versions[*]}"
mkdir -p "$tree/build/deb"
rm -f "$tree"/build/deb/*.deb
cp "$scratch"/*.deb "$tree/build/deb/"
echo
ls "$tree"/build/deb/*.deb
