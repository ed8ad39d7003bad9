#!/usr/bin/env bash
# make demo [CALENDAR=calendar.csv.gz] [PAGE_SECONDS=600]: installs what is missing, builds, and shows the whole job on private
# servers with the calendars of the file, or with made ones; the service's page stays for so many seconds.

caller_directory=$PWD
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$tree/test/run/prerequisites.sh"

# Prints the definitions of the columns of a calendar file: the three that the demo reads under their names.
calendar_columns() {
    local header names name definitions=() seen=' '
    IFS= read -r header < <(zcat -f -- "$1" 2>/dev/null) || fail "$1 is empty or can't be read"
    header=${header#$'\xef\xbb\xbf'}
    header=${header%$'\r'}
    IFS=, read -ra names <<<"${header//\"/}"
    for name in "${names[@]}"; do
        case $name in
            listing_id | date | available) [[ $seen != *" $name "* ]] || name=column_${#definitions[@]} ;;
            *) name=column_${#definitions[@]} ;;
        esac
        seen+="$name "
        definitions+=("$name text")
    done
    for name in listing_id date available; do
        [[ $seen == *" $name "* ]] || fail "$1 has no column $name: its first line must name listing_id, date and available"
    done
    local IFS=,
    echo "${definitions[*]}"
}

# Megabytes that the demo takes, without the calendar file.
room=1400

finish() {
    local status=$?
    trap '' HUP INT TERM
    [ "$status" -eq 0 ] || [ -n "$interrupted" ] || tell_if_full
    remove_scratch
    [ -z "$interrupted" ] || echo "interrupted: nothing is left behind"
    exit "$status"
}

columns=
if [ -n "${CALENDAR:-}" ]; then
    cd "$caller_directory"
    # make -C changes the directory, but not the PWD that the caller had.
    [ -e "$CALENDAR" ] || [ ! -e "${CALLER_PWD:-.}/$CALENDAR" ] || cd "$CALLER_PWD"
    [ -f "$CALENDAR" ] || fail "there is no file $CALENDAR"
    columns=$(calendar_columns "$CALENDAR")
fi

end_at_signals
trap finish EXIT
install_prerequisites demo
[ -z "$columns" ] || room=$((room + 20 * $(stat -c %s -- "$CALENDAR") / 1000000))
make_scratch "$room"
if [ -n "$columns" ]; then
    # The unprivileged user may not be able to read the file.
    cat -- "$CALENDAR" >"$scratch/calendar"
    [ "$EUID" -ne 0 ] || chown --reference="$scratch" "$scratch/calendar"
fi
started=$SECONDS
environment+=("page_seconds=${PAGE_SECONDS:-0}")
run_unprivileged test/run/tour.sh "$columns"
remove_scratch
echo
echo "That was the whole job, in $((SECONDS - started)) seconds. The servers, the relay and the service have stopped; their directory is gone."
