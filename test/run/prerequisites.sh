# What the build and the tests need, and how a Debian or Ubuntu system gets it. Sourced after lib.sh.
#
# install_prerequisites demo|check sets PG_CONFIG to the pg_config of a server that has its headers; install_prerequisites relay sees to
# the relay's build alone. Nothing is installed, and sudo is not called, when nothing is missing.

# The oldest PostgreSQL that the extension compiles against.
oldest_server=15

# Adds a package to those to install, unless the command that follows its name succeeds.
need() {
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}

has_header() {
    echo "#include <$1>" | g++ -std=c++17 -x c++ -E -
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
    [ -x "$1" ] && [ "$(major_version "$1")" -ge "$oldest_server" ] &&
        [ -x "$("$1" --bindir)/postgres" ] && [ -f "$("$1" --includedir-server)/postgres.h" ] &&
        [ -f "$("$1" --pgxs)" ]
}

# PG_CONFIG of the caller, else that of the newest usable server of the system.
choose_server() {
    local candidate
    if [ -n "${PG_CONFIG:-}" ]; then
        PG_CONFIG=$(command -v "$PG_CONFIG") || fail "PG_CONFIG is not a command"
        is_usable "$PG_CONFIG" ||
            fail "$PG_CONFIG is not of a PostgreSQL $oldest_server or newer with its server and server headers"
        return
    fi
    for candidate in $(printf '%s\n' /usr/lib/postgresql/*/bin/pg_config | sort -rV); do
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
    installed=$(printf '%s\n' /usr/lib/postgresql/*/bin/postgres | cut -d/ -f5 | grep '^[0-9]' | sort -n | tail -n 1)
    if [ "${installed:-0}" -ge "$oldest_server" ]; then
        echo "$installed"
    else
        apt-cache depends postgresql | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p'
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

has_libpq() {
    g++ -std=c++17 -I"$(pg_config --includedir 2>/dev/null || echo /usr/include/postgresql)" -x c++ -E - <<<'#include <libpq-fe.h>'
}

# Of Debian 13 a package of its own.
promtool_package() {
    if apt-cache show promtool >/dev/null 2>&1; then echo promtool; else echo prometheus; fi
}

# What the relay is built with; the extension needs none of it.
list_missing_of_relay() {
    need libboost-dev has_header boost/beast/version.hpp
    need libssl-dev has_header openssl/ssl.h
    need libpq-dev has_libpq
    need libhiredis-dev has_header hiredis/hiredis.h
    need librdkafka-dev has_header librdkafka/rdkafka.h
    need prometheus-cpp-dev has_header prometheus/registry.h
    need libcli11-dev has_header CLI/CLI.hpp
    need libspdlog-dev has_header spdlog/spdlog.h
    need libfmt-dev has_header fmt/format.h
    need libtomlplusplus-dev has_header toml++/toml.h
}

list_missing() {
    local clang
    missing=()
    need g++ command -v g++
    if [ "$1" = relay ]; then
        need make command -v make
        need libroaring-dev has_header roaring/roaring.h
        need libprotozero-dev has_header protozero/pbf_writer.hpp
        list_missing_of_relay
        return
    fi
    need libroaring-dev has_header roaring/roaring.h
    need libprotozero-dev has_header protozero/pbf_writer.hpp
    if [ "$1" = check ]; then
        need librapidcheck-dev has_header rapidcheck.h
        need libipc-run-perl perl -MIPC::Run -e 1
        need perl command -v prove
        need protobuf-compiler command -v protoc
        need python3-protobuf has_python_module google.protobuf
        need python3-jsonschema has_python_module jsonschema
        list_missing_of_relay
        need redis-server command -v redis-server
        need openssl command -v openssl
        need "$(promtool_package)" command -v promtool
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
    fi
}

as_root() {
    if [ "$EUID" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "missing: ${missing[*]}; install them as root, or install sudo"
    fi
}

# Installs packages as root. A server that comes this way gets no cluster of its own: the file that asks for
# that goes when apt has ended.
install_script='
    conf=/etc/postgresql-common/createcluster.d/availability-no-cluster.conf
    trap "rm -f $conf; rmdir --ignore-fail-on-non-empty ${conf%/*}" EXIT
    trap "exit 1" HUP INT TERM
    mkdir -p ${conf%/*} && echo "create_main_cluster = off" > $conf
    apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"'

install_missing() {
    local version package packages=()
    command -v apt-get >/dev/null ||
        fail "missing: ${missing[*]}; install them (this script can do so on Debian and Ubuntu alone)"
    as_root apt-get update -q
    for package in "${missing[@]}"; do
        if [ "$package" = postgresql ]; then
            version=$(version_to_install)
            packages+=("postgresql-$version" "postgresql-server-dev-$version")
        else
            packages+=("$package")
        fi
    done
    echo "installing ${packages[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive sh -c "$install_script" sh "${packages[@]}" ||
        fail "could not install ${packages[*]}"
}

# Two rounds: which clang is needed is known once the server is there.
install_prerequisites() {
    local round
    for round in 1 2; do
        list_missing "$1"
        [ ${#missing[@]} -gt 0 ] || return 0
        install_missing
    done
    list_missing "$1"
    [ ${#missing[@]} -eq 0 ] || fail "still missing after the installation: ${missing[*]}"
}
