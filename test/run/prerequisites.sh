# What the build and the tests need, and how a Debian or Ubuntu system gets it. Sourced after lib.sh.
#
# install_prerequisites demo|check|clients|deb|dist sets PG_CONFIG to the pg_config of a server that has its headers. Nothing is installed, and
# sudo is not called, when nothing is missing; install_prerequisites relay, or service, sees to
# that one's build alone. What the checks can do without, they want: see $wanted.

# The oldest PostgreSQL that the extension compiles against.
oldest_server=15

# Where Debian's servers are, each in a directory of its major version.
servers=/usr/lib/postgresql

# Adds a package to those to install, unless the command that follows its name succeeds.
need() {
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}

# libpq's are in a directory of their own.
has_header() {
    echo "#include <$1>" | g++ -std=c++17 -idirafter "$(pg_config --includedir)" -idirafter /usr/include/postgresql -x c++ -E -
}

# Of the distribution's Python, whichever else comes first on the PATH.
has_python_module() {
    /usr/bin/python3 -c "import $1"
}

major_version() {
    "$1" --version | sed -n 's/^PostgreSQL \([0-9]*\).*/\1/p'
}

# Whether a pg_config belongs to a server that an extension can be built for and run in.
is_usable() {
    local major
    [ -x "$1" ] && major=$(major_version "$1" 2>/dev/null) && [ "${major:-0}" -ge "$oldest_server" ] &&
        [ -x "$("$1" --bindir)/postgres" ] && [ -f "$("$1" --includedir-server)/postgres.h" ] &&
        [ -f "$("$1" --pgxs)" ]
}

# As a package: what Debian's own tools build with has to be one.
is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1")" = installed ]
}

# Whether the distribution has a package; where its index is not there yet, no.
is_offered() {
    [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]
}

# PG_CONFIG of the caller, else that of the newest usable server of the system.
choose_server() {
    local candidate
    if [ -n "${PG_CONFIG:-}" ]; then
        local pgxs
        pgxs=$(bash "$tree/test/run/pgxs.sh" "$PG_CONFIG")
        [ -f "$pgxs" ] || fail "$pgxs"
        PG_CONFIG=$(command -v "$PG_CONFIG")
        is_usable "$PG_CONFIG" || fail "PG_CONFIG is $PG_CONFIG, but there is no server beside it"
        return
    fi
    for candidate in $(printf '%s\n' "$servers"/*/bin/pg_config | sort -rV); do
        if is_usable "$candidate"; then
            PG_CONFIG=$candidate
            return
        fi
    done
    return 1
}

# The major version to install: the newest server that only lacks its headers, else the distribution's own.
version_to_install() {
    local installed
    installed=$(printf '%s\n' "$servers"/*/bin/postgres | sed 's,/bin/postgres,,; s,.*/,,' | grep '^[0-9]' | sort -n | tail -n 1)
    if [ "${installed:-0}" -ge "$oldest_server" ]; then
        echo "$installed"
    else
        # An index that is not there yet knows no package, and that is no failure.
        { apt-cache depends postgresql 2>/dev/null || true; } | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p'
    fi
}

# The clang that the server's PGXS compiles bitcode with; nothing if it makes none.
bitcode_clang() {
    local makefile
    makefile=$("$PG_CONFIG" --pgxs)
    makefile=${makefile%/makefiles/pgxs.mk}/Makefile.global
    if grep -q '^with_llvm[[:space:]]*=[[:space:]]*yes' "$makefile"; then
        sed -n 's/^CLANG[[:space:]]*=[[:space:]]*//p' "$makefile"
    fi
}

# The clang++ that goes with the server.
server_clang() {
    local clang
    clang=$(bitcode_clang)
    echo "${clang:-clang}" | sed 's/clang\(-[0-9.]*\)\{0,1\}$/clang++\1/'
}

links_sanitizers() {
    echo 'int main() {}' | "$(server_clang)" -x c++ -fsanitize=address,undefined,fuzzer-no-link -o /dev/null -
}

sanitizer_package() {
    local version
    version=$("$(server_clang)" -dumpversion 2>/dev/null) || version=$(server_clang | sed 's/[^0-9]//g')
    echo "libclang-rt-${version%%.*}-dev"
}

# Of Debian 13 a package of its own.
promtool_package() {
    if apt-cache show promtool >/dev/null 2>&1; then echo promtool; else echo prometheus; fi
}

# What the relay is built with, each with a header of it; the extension needs none of it.
relay_packages=(
    libboost-dev boost/beast/version.hpp
    libcli11-dev CLI/CLI.hpp
    libfmt-dev fmt/format.h
    libhiredis-dev hiredis/hiredis.h
    libpq-dev libpq-fe.h
    librdkafka-dev librdkafka/rdkafka.h
    libspdlog-dev spdlog/spdlog.h
    libssl-dev openssl/ssl.h
    libtomlplusplus-dev toml++/toml.h
    prometheus-cpp-dev prometheus/registry.h
)

# The service is made of the relay.
service_packages=(
    "${relay_packages[@]}"
    nlohmann-json3-dev nlohmann/json.hpp
)

# Of the program relay or service, without their headers.
names_of_packages() {
    local -n of_program=$1_packages
    printf '%s %s\n' "${of_program[@]}" | cut -d ' ' -f 1
}

list_missing_of() {
    local -n of_program=$1_packages
    local i
    for ((i = 0; i < ${#of_program[@]}; i += 2)); do
        need "${of_program[i]}" has_header "${of_program[i + 1]}"
    done
}

list_missing() {
    local clang
    missing=()
    wanted=
    need g++ command -v g++
    if [ "$1" = relay ] || [ "$1" = service ]; then
        need make command -v make
        need libroaring-dev has_header roaring/roaring.h
        need libprotozero-dev has_header protozero/pbf_writer.hpp
        list_missing_of "$1"
        return
    fi
    need libroaring-dev has_header roaring/roaring.h
    need libprotozero-dev has_header protozero/pbf_writer.hpp
    if [ "$1" = demo ]; then
        list_missing_of service
        need redis-server command -v redis-server
        need curl command -v curl
    fi
    if [ "$1" = check ]; then
        need librapidcheck-dev has_header rapidcheck.h
        need libipc-run-perl perl -MIPC::Run -e 1
        need perl command -v prove
        need protobuf-compiler command -v protoc
        need python3-protobuf has_python_module google.protobuf
        need python3-jsonschema has_python_module jsonschema
        list_missing_of service
        need redis-server command -v redis-server
        need openssl command -v openssl
        need pgbouncer test -x /usr/sbin/pgbouncer
        # Ubuntu has it as a snap alone, which a private directory's tests can't use: there the page goes untested.
        ! is_offered chromium || need chromium command -v chromium
        # Of Debian from 13 on; without it the service is tested as it is without spans.
        ! is_offered opentelemetry-cpp-dev || need opentelemetry-cpp-dev has_header opentelemetry/version.h
        need fonts-dejavu-core test -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf
        need "$(promtool_package)" command -v promtool
    fi
    if [ "$1" = deb ]; then
        need build-essential test -f /usr/share/build-essential/list
        need debhelper command -v dh
        need lintian command -v lintian
        need postgresql-server-dev-all is_installed postgresql-server-dev-all
        if [ -d "$tree/relay" ]; then
            local package
            for package in help2man $(names_of_packages "$([ -d "$tree/service" ] && echo service || echo relay)"); do
                need "$package" is_installed "$package"
            done
        fi
    fi
    if [ "$1" = clients ]; then
        need protobuf-compiler command -v protoc
        need pgbouncer test -x /usr/sbin/pgbouncer
        need python3-venv /usr/bin/python3 -c 'import ensurepip'
        need golang command -v go
        need nodejs command -v node
        need npm command -v npm
        need default-jdk-headless command -v javac
        need maven command -v mvn
    fi
    if ! choose_server; then
        missing+=(postgresql)
        return
    fi
    if [ "$1" = check ]; then
        clang=$(server_clang)
        clang=${clang##*/}
        need "${clang/++/}" command -v "$clang"
        need "$(sanitizer_package)" links_sanitizers
        command -v clang-format-14 >/dev/null || ! is_offered clang-format-14 || wanted=clang-format-14
    fi
}

has_root() {
    [ "$EUID" -eq 0 ] || command -v sudo >/dev/null
}

as_root() {
    if [ "$EUID" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# What apt is told wherever it is called: a network that is not there shows soon.
apt_options=(-q -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 -o DPkg::Lock::Timeout=120)

# Installs packages as root. A server that comes this way gets no cluster of its own, and a pooler is not started: the
# files that ask for that go when apt has ended.
install_script='
    conf=/etc/postgresql-common/createcluster.d/availability-no-cluster.conf
    policy=/usr/sbin/policy-rc.d
    [ ! -e $policy ] || policy=
    trap "rm -f $conf $policy; rmdir --ignore-fail-on-non-empty ${conf%/*}" EXIT
    trap "exit 1" HUP INT TERM
    mkdir -p ${conf%/*} && echo "create_main_cluster = off" > $conf
    [ -z "$policy" ] || { printf "#!/bin/sh\nexit 101\n" > $policy && chmod +x $policy; }
    apt-get install -y --no-install-recommends "$@"'

# A resolver without a network gives up after seconds, not after half a minute for each name.
apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive RES_OPTIONS="timeout:3 attempts:1" \
        sh -c "$install_script" sh "${apt_options[@]}" "$@"
}

# The packages that $missing stands for, in $packages.
packages_to_install() {
    local package version
    packages=()
    for package in "${missing[@]}"; do
        if [ "$package" = postgresql ]; then
            version=$(version_to_install)
            packages+=("postgresql${version:+-$version}" "postgresql-server-dev-${version:-all}")
        else
            packages+=("$package")
        fi
    done
}

# What is known of a package may be old, or nothing; and where nothing newer is to be had, what is known, or lies in
# apt's cache, may do. So a failing update is told, and no end.
install_missing() {
    local packages package known=1 reason=
    command -v apt-get >/dev/null ||
        fail "missing: ${missing[*]}; install them (this script can do so on Debian and Ubuntu alone)"
    packages_to_install
    has_root ||
        fail "missing: ${packages[*]}" "there is no sudo here; as root: apt-get install ${packages[*]}"
    for package in "${packages[@]}"; do
        is_offered "$package" || known=
    done
    echo "installing ${packages[*]}"
    [ -z "$known" ] || ! apt_install "${packages[@]}" || return 0
    as_root env RES_OPTIONS="timeout:3 attempts:1" apt-get update "${apt_options[@]}" --error-on=any ||
        reason=', from its update on: no network, an expired index, or no right to?'
    # Which server the distribution has is known now.
    packages_to_install
    apt_install "${packages[@]}" || fail \
        "could not install ${packages[*]}" \
        "apt-get says above why${reason:-.}" \
        "Once these are installed, by whatever way, neither a network nor sudo is needed."
}

# Three rounds: which clang is needed is known once the server is there, and what is offered once the index is.
install_prerequisites() {
    local round
    for round in 1 2 3; do
        list_missing "$1"
        [ ${#missing[@]} -gt 0 ] || break
        install_missing
    done
    list_missing "$1"
    [ ${#missing[@]} -eq 0 ] || fail "still missing after the installation: ${missing[*]}"
    [ -z "$wanted" ] || { has_root && apt_install "$wanted"; } || echo "going on without $wanted"
}
