"""The traffic of a week for bench/week.sh, and the report on it.

week.py log FILE                                   writes a hotel's log of bookings, made from a seed
week.py script LOG SCRIPT SECONDS SEARCHES LISTINGS   writes what service_replay plays: the week in so many seconds
week.py report DIRECTORY SECONDS                   reads DIRECTORY/timeline.tsv and summary.txt there, plots, and writes index.html
"""

import collections
import csv
import datetime
import gzip
import html
import json
import pathlib
import random
import subprocess
import sys

DAY = 86400
MONDAY = datetime.date(2027, 1, 4)
# Requests in each hour of a day, as people are awake.
HOURS = [2, 1, 1, 1, 1, 2, 4, 7, 10, 12, 13, 13, 12, 12, 12, 12, 13, 14, 16, 18, 19, 17, 11, 6]
# More than that would be too many for two cores.
BOOKINGS_A_SECOND = 50


def open_log(path):
    return gzip.open(path, "rt", newline="") if path.endswith(".gz") else open(path, newline="")


# In the form of the public data set of hotel bookings: two years, a good third is cancelled, lead times are long.
def write_log(path):
    chance = random.Random(2027)
    with open(path, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["hotel", "room_type", "booked_on", "arrival", "nights", "status", "status_date", "booking_changes"])
        for _ in range(8000):
            booked = datetime.date(2025, 1, 6) + datetime.timedelta(days=int(chance.random() * 700))
            lead = int(chance.random() ** 2 * 300)
            nights = 1 + int(chance.random() ** 2 * 14)
            arrival = booked + datetime.timedelta(days=lead)
            cancelled = chance.random() < 0.37
            until = lead * (chance.random() ** 2) if cancelled else lead + nights
            out.writerow([chance.choice(["City Hotel", "Resort Hotel"]), chance.choice("ABCDE"), booked, arrival, nights,
                          "Canceled" if cancelled else "Check-Out", booked + datetime.timedelta(days=int(until)),
                          int(chance.random() * 1.2)])


# A moment of a day, in seconds.
def moment(chance):
    return chance.choices(range(24), HOURS)[0] * 3600 + chance.random() * 3600


# A listing: few are asked for often.
def popular(chance, listings):
    return int(listings * chance.random() ** 3) * 7919 % listings


# Every booking of the log happens on its day of one week, and so does what follows from it within the week.
def bookings_of(path, chance, seconds):
    with open_log(path) as file:
        rows = [row for row in csv.DictReader(file) if int(row["nights"]) > 0]
    if len(rows) > BOOKINGS_A_SECOND * seconds:
        rows = chance.sample(rows, BOOKINGS_A_SECOND * seconds)
    for row in rows:
        booked, arrival, until = (datetime.date.fromisoformat(row[name]) for name in ("booked_on", "arrival", "status_date"))
        day = booked.weekday()
        at = day * DAY + moment(chance)
        stay = MONDAY + datetime.timedelta(days=day) + (arrival - booked)
        cancelled = None
        if row["status"] != "Check-Out":
            cancelled = at + 1800 + max(0, (until - booked).days) * DAY + chance.random() * 3600
        yield at, cancelled, stay, int(row["nights"])


def write_script(log, path, seconds, searches, listings):
    chance = random.Random(2028)
    # As bench/lib_service.sh fills the calendars: eleven weeks.
    first = datetime.date(2027, 1, 3).toordinal()
    full = {first + 30 * n + night for n in range(11) for night in range(7)}
    taken = collections.defaultdict(set)
    requests = []
    events = []
    for number, (at, cancelled, stay, nights) in enumerate(bookings_of(log, chance, seconds)):
        events.append((at, "B", number, stay, nights))
        if cancelled is not None and cancelled < 7 * DAY:
            events.append((cancelled, "C", number, stay, nights))
    rooms = {}
    for at, act, number, stay, nights in sorted(events):
        days = range(stay.toordinal(), stay.toordinal() + nights)
        if act == "C":
            if number in rooms:
                taken[rooms[number]].difference_update(days)
                requests.append((at, f"C\t{number}"))
            continue
        end = stay + datetime.timedelta(days=nights)
        asks = f"availability?check_in={stay}&check_out={end}"
        if number % 4 == 0:
            requests.append((at - 240, f"S\t/v1/search?check_in={stay}&check_out={end}&limit=20"))
        # Guests look around, and take the first that is free; who finds none in twenty, stays at home.
        for look in range(20):
            room = popular(chance, listings)
            requests.append((at - 200 + 9 * look, f"R\t/v1/listings/{room}/{asks}"))
            if not any(day in full or day in taken[room] for day in days):
                taken[room].update(days)
                rooms[number] = room
                body = {"listing": room, "check_in": str(stay), "check_out": str(end)}
                requests.append((at, f"B\t{number}\t{json.dumps(body, separators=(',', ':'))}"))
                break
    for _ in range(searches):
        at = chance.choices(range(7), [9, 9, 9, 9, 10, 12, 13])[0] * DAY + moment(chance)
        stay = MONDAY + datetime.timedelta(days=int(chance.random() ** 2 * 300))
        end = stay + datetime.timedelta(days=1 + int(chance.random() ** 2 * 14))
        room = popular(chance, listings)
        what = chance.random()
        if what < 0.02:
            request = f"S\t/v1/search?check_in={stay}&check_out={end}&limit=20"
        elif what < 0.2:
            request = f"R\t/v1/listings/{room}/calendar?from={stay}&to={stay + datetime.timedelta(days=60)}"
        else:
            request = f"R\t/v1/listings/{room}/availability?check_in={stay}&check_out={end}"
        requests.append((at, request))
    requests.sort()
    with open(path, "w") as file:
        for at, request in requests:
            file.write(f"{max(0, int(at * seconds * 1e6 / (7 * DAY)))}\t{request}\n")


# --- the report ------------------------------------------------------------------------------------------------------

COLUMNS = ("second service reads failed replica l1 l2 database p50 p95 p99 age_p50 age_p99 stale searches search_p95").split()
# What is plotted of each service: title, unit, and the columns.
PLOTS = [
    ("Answers by tier", "% of reads", ["replica", "l1", "l2", "database"]),
    ("Latency of reads", "ms", ["p50", "p95", "p99"]),
    ("Freshness: age that answers tell", "ms", ["age_p50", "age_p99"]),
    ("Searches, 95 % within", "ms", ["search_p95"]),
]


def plot(directory, service, seconds, number, title, unit, columns):
    data = directory / f"{service}.tsv"
    target = directory / f"{service}-{number}.svg"
    share = unit.startswith("%")
    lines = []
    for column in columns:
        place = COLUMNS.index(column) + 1
        value = f"($3 > 0 ? 100.0 * ${place} / $3 : 1/0)" if share else f"{place}"
        lines.append(f"'{data}' using ($1 * 7.0 / {seconds}):{value} with lines linewidth 2 title '{column.replace('_', ' ')}'")
    scale = "set yrange [0:105]" if share else "set yrange [0:*]"
    program = f"""
set terminal svg size 760,260 dynamic font 'sans-serif,12' background 'white'
set output '{target}'
set title '{service}: {title}'
set ylabel '{unit}'
set xrange [0:7]
set xtics ('Mon' 0, 'Tue' 1, 'Wed' 2, 'Thu' 3, 'Fri' 4, 'Sat' 5, 'Sun' 6)
set grid
set key outside right
{scale}
plot {", ".join(lines)}
"""
    subprocess.run(["gnuplot"], input=program, text=True, check=True)
    return target


def write_report(directory, seconds):
    directory = pathlib.Path(directory)
    with open(directory / "timeline.tsv") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    services = list(dict.fromkeys(row["service"] for row in rows))
    parts = []
    for service in services:
        with open(directory / f"{service}.tsv", "w") as file:
            for row in rows:
                # The last answers of all come behind the week.
                if row["service"] == service and int(row["second"]) < seconds and int(row["reads"]) > 0:
                    file.write("\t".join(row[column] for column in COLUMNS) + "\n")
        for number, (title, unit, columns) in enumerate(PLOTS):
            svg = plot(directory, service, seconds, number, title, unit, columns)
            text = svg.read_text()
            parts.append(f"<figure aria-label=\"{service}: {title}\">{text[text.index('<svg'):]}</figure>")
            svg.unlink()
        (directory / f"{service}.tsv").unlink()
    summary = html.escape((directory / "summary.txt").read_text())
    (directory / "index.html").write_text(
        "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>A week of traffic</title>"
        "<style>body { font-family: sans-serif; max-width: 50em; margin: 2em auto } pre { overflow-x: auto } figure { margin: 0 }</style>"
        f"<h1>A week of traffic in {seconds} seconds</h1>\n<pre>{summary}</pre>\n" + "\n".join(parts) + "\n</html>\n")


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "log":
        write_log(arguments[0])
    elif command == "script":
        write_script(arguments[0], arguments[1], *(int(argument) for argument in arguments[2:]))
    else:
        write_report(arguments[0], int(arguments[1]))
