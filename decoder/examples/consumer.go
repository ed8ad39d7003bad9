// A complete consumer of events, with the PgConn of pgx alone: keeps a copy of every calendar in a file.
//
//	go run . postgres://localhost/app cache public.reservations_calendar calendars.jsonl [json|protobuf [STOP]]
//
// The first run makes the slot and copies the calendars; every run goes on from what the slot has confirmed. A
// transaction is confirmed when its last event is in the file. What was in the file but not confirmed when the consumer
// died comes again, and its version tells that it is known: nothing is lost, nothing is done twice. STOP ends it after
// so many events, for tests. Package availabilityv1 is what protoc makes of event.proto.
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"google.golang.org/protobuf/proto"

	availabilityv1 "availability/v1"
)

// What the file has of a calendar, one a line.
type calendar struct {
	Listing string          `json:"listing"`
	Version int64           `json:"version"`
	Booked  json.RawMessage `json:"booked"`
}

// A message in either format.
type event struct {
	calendar
	Event string `json:"event"`
	LSN   string `json:"lsn"`
	Last  bool   `json:"last"`
	lsn   uint64
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func query(connection *pgconn.PgConn, sql string) [][][]byte {
	return must(connection.Exec(context.Background(), sql).ReadAll())[0].Rows
}

// Makes the slot, then copies: events from before the copy come too, and are older than what it holds.
func copyCalendars(url, slot, table, path string) {
	connection := must(pgconn.Connect(context.Background(), url))
	defer connection.Close(context.Background())
	if len(query(connection, "SELECT FROM pg_replication_slots WHERE slot_name = '"+slot+"'")) == 0 {
		query(connection, "SELECT pg_create_logical_replication_slot('"+slot+"', 'availability_decoder')")
	}
	file := must(os.Create(path + ".new"))
	rows := query(connection, `SELECT json_build_object(
		'listing', listing_id::text, 'version', version, 'booked', booked::jsonb) FROM `+table)
	for _, row := range rows {
		must(fmt.Fprintf(file, "%s\n", row[0]))
	}
	must(0, file.Close())
	must(0, os.Rename(path+".new", path))
}

// A portable Roaring bitmap of days since 1970-01-01, as JSON has them: half-open spans.
func spans(bytes []byte) json.RawMessage {
	bitmap := roaring.New()
	must(bitmap.FromBuffer(bytes))
	result := [][2]string{}
	date := func(day uint32) string { return time.Unix(int64(day)*86400, 0).UTC().Format("2006-01-02") }
	for days := bitmap.Iterator(); days.HasNext(); {
		first := days.Next()
		end := first + 1
		for days.HasNext() && days.PeekNext() == end {
			end = days.Next() + 1
		}
		result = append(result, [2]string{date(first), date(end)})
	}
	return must(json.Marshal(result))
}

func parse(format string, data []byte) (e event) {
	if format == "json" {
		must(0, json.Unmarshal(data, &e))
		var high, low uint64
		must(fmt.Sscanf(e.LSN, "%X/%X", &high, &low))
		e.lsn = high<<32 | low
		return e
	}
	var message availabilityv1.Event
	must(0, proto.Unmarshal(data, &message))
	e.Event, e.Last, e.lsn, e.Version = strings.ToLower(message.Event.String()), message.Last, message.Lsn, message.Version
	if len(message.Booked) > 0 {
		e.Booked = spans(message.Booked)
	}
	switch listing := message.Listing.(type) {
	case *availabilityv1.Event_ListingNumber:
		e.Listing = strconv.FormatInt(listing.ListingNumber, 10)
	case *availabilityv1.Event_ListingText:
		e.Listing = listing.ListingText
	}
	return e
}

// Standby status update: written, flushed and applied up to the same place.
func confirm(stream *pgconn.PgConn, lsn uint64) {
	message := []byte{'r'}
	for i := 0; i < 3; i++ {
		message = binary.BigEndian.AppendUint64(message, lsn)
	}
	since2000 := time.Now().UnixMicro() - 946684800000000
	message = append(binary.BigEndian.AppendUint64(message, uint64(since2000)), 0)
	stream.Frontend().Send(&pgproto3.CopyData{Data: message})
	must(0, stream.Frontend().Flush())
}

func isChange(kind string) bool {
	return strings.Contains(" created updated cancelled reset dropped ", " "+kind+" ")
}

func main() {
	url, slot, table, path := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	format, left := "json", -1
	if len(os.Args) > 5 {
		format = os.Args[5]
	}
	if len(os.Args) > 6 {
		left = must(strconv.Atoi(os.Args[6]))
	}
	if _, err := os.Stat(path); err != nil {
		copyCalendars(url, slot, table, path)
	}
	file := must(os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0o644))
	known := map[string]int64{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var c calendar
		must(0, json.Unmarshal(lines.Bytes(), &c))
		known[c.Listing] = c.Version
	}

	config := must(pgconn.ParseConfig(url))
	config.RuntimeParams["replication"] = "database"
	stream := must(pgconn.ConnectConfig(context.Background(), config))
	tables := strings.ReplaceAll(table, "'", "''")
	stream.Frontend().SendQuery(&pgproto3.Query{String: fmt.Sprintf(
		`START_REPLICATION SLOT "%s" LOGICAL 0/0 (format '%s', tables '%s')`, slot, format, tables)})
	must(0, stream.Frontend().Flush())

	var applied uint64 // all up to there is in the file
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		received, err := stream.ReceiveMessage(ctx)
		cancel()
		if pgconn.Timeout(err) {
			confirm(stream, applied) // every few seconds the server wants to know that we live
			continue
		}
		message, isData := must(received, err).(*pgproto3.CopyData)
		if failure, failed := received.(*pgproto3.ErrorResponse); failed {
			log.Fatal(failure.Message)
		}
		if !isData {
			continue
		}
		switch message.Data[0] {
		case 'w': // XLogData: three numbers, then the event
			e := parse(format, message.Data[25:])
			if version, isKnown := known[e.Listing]; isChange(e.Event) && (!isKnown || version < e.Version) {
				line := must(json.Marshal(e.calendar))
				must(fmt.Fprintf(file, "%s\n", line))
				known[e.Listing] = e.Version
				fmt.Printf("%s\n", line)
				left--
			}
			if e.Last {
				must(0, file.Sync())
				applied = e.lsn
				confirm(stream, applied)
			}
			if left == 0 {
				os.Exit(0)
			}
		case 'k': // keepalive: what the server has sent up to there is in the file, and the rest had nothing for us
			if sent := binary.BigEndian.Uint64(message.Data[1:]); sent > applied {
				applied = sent
			}
			if message.Data[17] != 0 {
				confirm(stream, applied)
			}
		}
	}
}
