#!/usr/bin/env bash
# make release VERSION=0.4: ends the version that availability.control names and begins VERSION. The upgrade script to the
# old version is frozen, from now on by its checksum; an empty one to the new version, for all that changes from here on,
# begins. Changes files only; what is left to do by hand is printed.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$tree"

upgrades=extension/upgrades
new=${VERSION:-}
old=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" availability.control)
[[ $new =~ ^[0-9]+\.[0-9]+$ ]] || fail "usage: make release VERSION=<the next one, like 0.4>; this one is $old"
[ "$(printf '%s\n' "$old" "$new" | sort -V | tail -n 1)" = "$new" ] && [ "$new" != "$old" ] ||
    fail "$new is not newer than $old"
frozen=$(cd "$upgrades" && printf '%s\n' availability--*--"$old".sql)
[ -f "$upgrades/$frozen" ] || fail "there is no upgrade script to $old in $upgrades"
grep -q "^## $old (unreleased)" CHANGELOG.md || fail "CHANGELOG.md has no heading '## $old (unreleased)'"
[ -z "$(git -c safe.directory="$tree" status --porcelain)" ] || fail "there are changes that are not committed"

(cd "$upgrades" && sha256sum "$frozen" >>frozen.sha256)
cat >"$upgrades/availability--$old--$new.sql" <<SCRIPT
-- availability: from $old to $new, run by ALTER EXTENSION availability UPDATE
\\echo Use "ALTER EXTENSION availability UPDATE" to load this file. \\quit
SCRIPT
sed -i "s/^default_version *=.*/default_version = '$new'/" availability.control
sed -i "s/\"version\": \"$old\.[0-9]*\"/\"version\": \"$new.0\"/" META.json
sed -i "s/^## $old (unreleased)/## $old ($(date +%F))/" CHANGELOG.md
# The test of upgrades begins from the released version too.
sed -i "s/^-- A version that no line above/\\\\set version $old\n\\\\i :upgrade_from\n\n&/; s/NOT IN (\(.*\), default_version)/NOT IN (\1, '$old', default_version)/" \
    sql/upgrade.sql

echo "$old is frozen: $upgrades/$frozen. $new begins: $upgrades/availability--$old--$new.sql"
cat <<LEFT
Left to do:
  git commit -m 'Release $old' CHANGELOG.md $upgrades/frozen.sha256 && git tag v$old     then make dist and make deb there
  make check, read the difference of the test upgrade, copy its result to expected/upgrade.out, and commit the rest
  begin CHANGELOG.md anew with '## $new (unreleased)' at the first change
LEFT
