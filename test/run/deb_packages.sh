#!/usr/bin/env bash
# The second stage of make deb: builds the packages in $scratch and asks lintian. Arguments: their version, its date, and the
# servers' major versions with blanks between.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$tree/test/run/prerequisites.sh"

version=$1
date=$2
servers=$3
cd "$scratch/src"
cp -r .ci/debian debian
# Each program's stanza stands in a file of its own, for trees without it.
needed=(help2man)
for program in relay service; do
    if [ -d "$program" ]; then
        cat "debian/control.$program" >>debian/control.in
        needed+=($(names_of_packages "$program"))
    else
        rm -f debian/*"$program"*
    fi
done
if [ ${#needed[@]} -gt 1 ]; then
    printf ' %s,\n' "${needed[@]}" | sort -u | sed -i '/^Build-Depends:/r /dev/stdin' debian/control.in
fi
rm -f debian/control.relay debian/control.service
cat >debian/changelog <<CHANGELOG
availability ($version) unstable; urgency=medium

  * See /usr/share/doc/<package>/changelog.gz.

 -- $(sed -n 's/^Maintainer: //p' debian/control.in)  $date
CHANGELOG

export PG_SUPPORTED_VERSIONS=$servers
pg_buildext updatecontrol
echo "building packages of $version for PostgreSQL $servers …"
jobs=$(nproc)
if ! dpkg-buildpackage -b -us -uc -j"$jobs" >"$scratch/build.log" 2>&1; then
    tail -n 60 "$scratch/build.log"
    exit 1
fi
lintian --version
lintian --fail-on error,warning --display-info --tag-display-limit 0 "$scratch"/*.changes
