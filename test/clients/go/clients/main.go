// pgx: bookings, conflicts, functions with what Go has, and daysets.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"availability/dayset"
)

var ctx = context.Background()

func ok(passed bool, name string, facts ...any) {
	if passed {
		fmt.Println("ok - " + name)
		return
	}
	fmt.Println("not ok - "+name, "\n#", fmt.Sprint(facts...))
}

func equal(found, expected any, name string) {
	ok(reflect.DeepEqual(found, expected), name, "found: ", found, " expected: ", expected)
}

func succeeds(err error, name string) { ok(err == nil, name, err) }

func url(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%s/%s", os.Getenv("CLIENTS_PORT"), database)
}

func connect(database string) *pgx.Conn {
	connection, err := pgx.Connect(ctx, url(database))
	if err != nil {
		panic(err)
	}
	return connection
}

func execute(connection *pgx.Conn, statements ...string) {
	for _, statement := range statements {
		if _, err := connection.Exec(ctx, statement); err != nil {
			panic(statement + ": " + err.Error())
		}
	}
}

func day(text string) time.Time {
	date, err := time.Parse("2006-01-02", text)
	if err != nil {
		panic(err)
	}
	return date
}

func stay(from, to string) pgtype.Range[pgtype.Date] {
	return pgtype.Range[pgtype.Date]{
		Lower: pgtype.Date{Time: day(from), Valid: true}, LowerType: pgtype.Inclusive,
		Upper: pgtype.Date{Time: day(to), Valid: true}, UpperType: pgtype.Exclusive, Valid: true}
}

func testInserts(connection *pgx.Conn) {
	insert := "INSERT INTO reservations (listing_id, stay) VALUES ($1, $2)"
	_, err := connection.Exec(ctx, insert, 1, stay("2027-01-01", "2027-01-04"))
	succeeds(err, "INSERT books")
	_, err = connection.Exec(ctx, insert, 1, stay("2027-01-03", "2027-01-05"))
	var conflict *pgconn.PgError
	ok(errors.As(err, &conflict) && conflict.Code == "23505", "a double booking is 23505", err)
	equal(conflict.ConstraintName, "reservations_day_pkey", "which names the constraint")
	words := `violates unique constraint "reservations_day_pkey"`
	ok(strings.Contains(conflict.Message, words), "also in the message", conflict.Message)
	_, err = connection.Exec(ctx, insert+" ON CONFLICT DO NOTHING", 1, stay("2027-01-03", "2027-01-05"))
	ok(errors.As(err, &conflict) && conflict.Code == "23505", "ON CONFLICT DO NOTHING does not swallow it", err)
	count, err := connection.CopyFrom(ctx, pgx.Identifier{"reservations"}, []string{"listing_id", "stay"},
		pgx.CopyFromRows([][]any{{2, stay("2027-01-01", "2027-01-02")}, {2, stay("2027-01-02", "2027-01-03")}}))
	ok(err == nil && count == 2, "CopyFrom books", err)
}

// Parameters are declared by nobody: the server says what they are, and pgx encodes what it is given accordingly.
func testFunctions(connection *pgx.Conn) {
	answer := func(sql string, arguments ...any) (reservation string, replayed bool) {
		row := connection.QueryRow(ctx, "SELECT reservation_id, replayed FROM availability."+sql, arguments...)
		succeeds(row.Scan(&reservation, &replayed), sql)
		return reservation, replayed
	}
	attributes := `{"guest": "Ada"}` // a map only for what is cast: $5::jsonb
	book, nights := "book($1, $2, $3, $4, $5)", stay("2027-02-01", "2027-02-04")
	first, _ := answer(book, "reservations", int64(3), nights, "key", attributes)
	for name, listing := range map[string]any{"int": 3, "string": "3", "int32": int32(3)} {
		again, replayed := answer(book, "reservations", listing, "[2027-02-01,2027-02-04)", "key", attributes)
		ok(again == first && replayed, "book takes a listing that is "+name)
	}
	_, replayed := answer("book($1, $2::bigint, $3::daterange, $4::text, $5::jsonb)",
		"reservations", 3, nights, "key", map[string]any{"guest": "Ada"})
	ok(replayed, "book takes what is cast")
	moved, _ := answer("move($1, $2, $3)", "reservations", first, stay("2027-03-01", "2027-03-04"))
	equal(moved, first, "move")
	var hold pgtype.UUID
	succeeds(connection.QueryRow(ctx, "SELECT availability.hold($1, $2, $3, $4)",
		"reservations", 3, stay("2027-04-01", "2027-04-04"), time.Hour).Scan(&hold), "hold")
	confirmed, _ := answer("confirm($1, $2, $3)", "reservations", hold, attributes)
	ok(confirmed != "", "confirm")
	cancelled, _ := answer("cancel($1, $2, $3)", "reservations", first, "gone")
	equal(cancelled, first, "cancel")
	var released bool
	succeeds(connection.QueryRow(ctx, "SELECT availability.release($1)", hold).Scan(&released), "release")
	equal(released, false, "what is confirmed is not released")
}

func testDaysets(connection *pgx.Conn) {
	succeeds(dayset.Register(ctx, connection), "dayset.go registers")
	expected := roaring.BitmapOf()
	expected.AddRange(uint64(day("2027-01-01").Unix()/86400), uint64(day("2027-01-04").Unix()/86400))
	var booked dayset.Days
	from := " FROM reservations_calendar WHERE listing_id = 1"
	succeeds(connection.QueryRow(ctx, "SELECT booked"+from).Scan(&booked), "a calendar is read")
	ok(booked.Equals(expected), "as the days that are booked", booked)
	var same, null bool
	succeeds(connection.QueryRow(ctx, "SELECT $1 OPERATOR(availability.=) booked, $2::availability.dayset IS NULL"+from,
		dayset.Days{Bitmap: expected}, dayset.Days{}).Scan(&same, &null), "a bitmap is written")
	ok(same && null, "as what it is")
	var none dayset.Days
	succeeds(connection.QueryRow(ctx, "SELECT NULL::availability.dayset").Scan(&none), "NULL is read")
	ok(none.Bitmap == nil, "as nil")
	var bytes []byte
	succeeds(connection.QueryRow(ctx, "SELECT booked::bytea"+from).Scan(&bytes), "bytes are read")
	plain := roaring.New()
	_, err := plain.FromBuffer(bytes)
	ok(err == nil && plain.Equals(expected), "by any Roaring library", err)
}

func main() {
	admin := connect("postgres")
	execute(admin, "CREATE DATABASE go")
	connection := connect("go")
	execute(connection, "CREATE EXTENSION availability",
		`CREATE TABLE reservations (
			id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id bigint, stay daterange, guest text)`,
		"SELECT availability.track('reservations')")
	testInserts(connection)
	testFunctions(connection)
	testDaysets(connection)
}
