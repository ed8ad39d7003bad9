# Fresh systems to try things in, as root; sourced by the scripts that do.

# The container's own /proc, /dev and /sys; all mounts and processes end with the command.
in_chroot() {
    local root=$1
    shift
    unshare --mount --pid --fork --kill-child sh -c '
        root=$1
        shift
        mount -t proc proc "$root/proc" &&
            # Packages set what the kernel does, and it is everybody'"'"'s.
            mount --bind "$root/proc/sys" "$root/proc/sys" && mount -o remount,ro,bind "$root/proc/sys" &&
            mount -t tmpfs -o size=64k,mode=755 dev "$root/dev" &&
            mkdir "$root/dev/pts" "$root/dev/shm" &&
            for device in null zero full random urandom tty; do
                touch "$root/dev/$device" && mount --bind "/dev/$device" "$root/dev/$device" || exit 1
            done &&
            ln -s /proc/self/fd "$root/dev/fd" && ln -s fd/0 "$root/dev/stdin" && ln -s fd/1 "$root/dev/stdout" &&
            ln -s fd/2 "$root/dev/stderr" && ln -s pts/ptmx "$root/dev/ptmx" &&
            mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts" &&
            mount -t tmpfs -o mode=1777 shm "$root/dev/shm" &&
            exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb \
                LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"' sh "$root" "$@"
}

# Makes a system of a Debian suite, no more than its base with make and git, in a directory that is not there yet.
# It is kept as an archive in $CHROOTS for the next time; MMDEBSTRAP_OPTIONS are further options of mmdebstrap.
make_chroot() {
    local suite=$1 root=$2
    local archive=$CHROOTS/$suite.tar
    command -v mmdebstrap >/dev/null || fail "mmdebstrap is missing: apt-get install mmdebstrap"
    mkdir -p "$CHROOTS"
    if [ ! -s "$archive" ]; then
        echo "making a fresh $suite …"
        # shellcheck disable=SC2086
        mmdebstrap --quiet --variant=minbase --include=make,git ${MMDEBSTRAP_OPTIONS:-} "$suite" "$CHROOTS/new.$suite.tar" &&
            mv "$CHROOTS/new.$suite.tar" "$archive" || fail "could not make a $suite"
    fi
    mkdir "$root"
    tar -C "$root" --exclude=./dev/\* -x -f "$archive"
    cp --dereference /etc/resolv.conf "$root/etc/resolv.conf"
    # No service is started by an installation.
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod +x "$root/usr/sbin/policy-rc.d"
}
