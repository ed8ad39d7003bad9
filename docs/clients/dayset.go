// Package dayset reads a dayset as a Roaring bitmap of days since 1970-01-01, and writes it, with pgx.
//
//	config.AfterConnect = dayset.Register
//	var booked dayset.Days
//	err := pool.QueryRow(ctx, "SELECT booked FROM reservations_calendar WHERE listing_id = $1", 42).Scan(&booked)
package dayset

import (
	"context"

	"github.com/RoaringBitmap/roaring"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// Days is the value of a dayset. Its binary form is the portable form of Roaring bitmaps, as booked::bytea and booked
// of a protobuf event are.
type Days struct{ *roaring.Bitmap }

// ScanBytes reads the binary form.
func (days *Days) ScanBytes(bytes []byte) error {
	days.Bitmap = nil
	if bytes == nil {
		return nil
	}
	days.Bitmap = roaring.New()
	// The driver's buffer does not outlive the call.
	return days.UnmarshalBinary(append([]byte(nil), bytes...))
}

// BytesValue writes it.
func (days Days) BytesValue() ([]byte, error) {
	if days.Bitmap == nil {
		return nil, nil
	}
	days.RunOptimize()
	return days.ToBytes()
}

// In binary, the only form that pgx has for bytes that it need not look into.
type codec struct{ pgtype.ByteaCodec }

func (codec) FormatSupported(format int16) bool { return format == pgtype.BinaryFormatCode }
func (codec) PreferredFormat() int16            { return pgtype.BinaryFormatCode }

// Register makes the type known to a connection.
func Register(ctx context.Context, connection *pgx.Conn) error {
	var oid uint32
	if err := connection.QueryRow(ctx, "SELECT 'availability.dayset'::regtype::oid").Scan(&oid); err != nil {
		return err
	}
	connection.TypeMap().RegisterType(&pgtype.Type{Name: "availability.dayset", OID: oid, Codec: codec{}})
	return nil
}
