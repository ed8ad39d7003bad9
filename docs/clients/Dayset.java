import java.nio.ByteBuffer;
import java.time.LocalDate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.roaringbitmap.PeekableIntIterator;
import org.roaringbitmap.RoaringBitmap;

/**
 * A dayset as a RoaringBitmap of days since 1970-01-01 (LocalDate.toEpochDay), from and to each of its forms.
 *
 * <pre>
 * Dayset.fromBytes(rows.getBytes(1))                    // SELECT booked::bytea
 * Dayset.fromText(rows.getString(1))                    // SELECT booked
 * statement.setObject(1, Dayset.toText(days), Types.OTHER)
 * </pre>
 */
public final class Dayset {
    private static final Pattern SPAN = Pattern.compile("\\[([0-9-]+),([0-9-]+)\\)");

    private Dayset() {}

    /** The binary form, booked::bytea, and booked of a protobuf event: a portable Roaring bitmap. */
    public static RoaringBitmap fromBytes(byte[] bytes) {
        try {
            RoaringBitmap days = new RoaringBitmap();
            days.deserialize(ByteBuffer.wrap(bytes));
            return days;
        } catch (java.io.IOException error) {
            throw new IllegalArgumentException(error);
        }
    }

    public static byte[] toBytes(RoaringBitmap days) {
        days.runOptimize();
        ByteBuffer bytes = ByteBuffer.allocate(days.serializedSizeInBytes());
        days.serialize(bytes);
        return bytes.array();
    }

    /** The text form: {[2026-12-20,2026-12-27),[2027-01-01,2027-01-03)}. */
    public static RoaringBitmap fromText(String text) {
        RoaringBitmap days = new RoaringBitmap();
        Matcher spans = SPAN.matcher(text);
        while (spans.find()) {
            days.add(LocalDate.parse(spans.group(1)).toEpochDay(), LocalDate.parse(spans.group(2)).toEpochDay());
        }
        return days;
    }

    public static String toText(RoaringBitmap bitmap) {
        StringBuilder text = new StringBuilder("{");
        PeekableIntIterator days = bitmap.getIntIterator();
        while (days.hasNext()) {
            int first = days.next();
            int end = first + 1;
            for (; days.hasNext() && days.peekNext() == end; end++) {
                days.next();
            }
            text.append(text.length() > 1 ? "," : "")
                .append('[')
                .append(LocalDate.ofEpochDay(first))
                .append(',')
                .append(LocalDate.ofEpochDay(end))
                .append(')');
        }
        return text.append('}').toString();
    }
}
