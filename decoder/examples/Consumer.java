import com.google.gson.Gson;
import com.google.gson.JsonElement;
import java.io.FileOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.postgresql.PGConnection;
import org.postgresql.PGProperty;
import org.postgresql.replication.LogSequenceNumber;
import org.postgresql.replication.PGReplicationStream;
import org.roaringbitmap.PeekableIntIterator;
import org.roaringbitmap.RoaringBitmap;

/**
 * A complete consumer of events, with pgjdbc: keeps a copy of every calendar in a file.
 *
 * <pre>java Consumer jdbc:postgresql://localhost/app cache public.reservations_calendar calendars.jsonl [json|protobuf
 * [STOP]]</pre>
 *
 * The first run makes the slot and copies the calendars; every run goes on from what the slot has confirmed. A
 * transaction is confirmed when its last event is in the file. What was in the file but not confirmed when the consumer
 * died comes again, and its version tells that it is known: nothing is lost, nothing is done twice. STOP ends it after
 * so many events, for tests. Needs pgjdbc, gson, RoaringBitmap, protobuf-java and what protoc makes of event.proto
 * (package availability.v1).
 */
public final class Consumer {
    /** What the file has of a calendar, one a line. */
    record Calendar(String listing, long version, JsonElement booked) {}

    /** A message in either format. */
    record Event(String event, String listing, long version, JsonElement booked, String lsn, boolean last) {}

    private static final Set<String> CHANGES = Set.of("created", "updated", "cancelled", "reset", "dropped");
    private static final Gson GSON = new Gson();

    /** Makes the slot, then copies: events from before the copy come too, and are older than what it holds. */
    private static void copyCalendars(String url, String slot, String table, Path path) throws Exception {
        List<String> lines = new ArrayList<>();
        try (Connection connection = DriverManager.getConnection(url);
             Statement statement = connection.createStatement()) {
            if (!statement.executeQuery("SELECT FROM pg_replication_slots WHERE slot_name = '" + slot + "'").next()) {
                statement.execute("SELECT pg_create_logical_replication_slot('" + slot + "', 'availability_decoder')");
            }
            ResultSet rows = statement.executeQuery("SELECT listing_id::text, version, booked::jsonb FROM " + table);
            while (rows.next()) {
                lines.add(GSON.toJson(new Calendar(rows.getString(1), rows.getLong(2),
                                                   GSON.fromJson(rows.getString(3), JsonElement.class))));
            }
        }
        Path copy = Files.write(Path.of(path + ".new"), lines);
        Files.move(copy, path, StandardCopyOption.ATOMIC_MOVE);
    }

    /** A portable Roaring bitmap of days since 1970-01-01, as JSON has them: half-open spans. */
    private static JsonElement spans(ByteBuffer bytes) throws Exception {
        RoaringBitmap bitmap = new RoaringBitmap();
        bitmap.deserialize(bytes);
        List<List<String>> spans = new ArrayList<>();
        PeekableIntIterator days = bitmap.getIntIterator();
        while (days.hasNext()) {
            int first = days.next();
            int end = first + 1;
            for (; days.hasNext() && days.peekNext() == end; end++) {
                days.next();
            }
            spans.add(List.of(LocalDate.ofEpochDay(first).toString(), LocalDate.ofEpochDay(end).toString()));
        }
        return GSON.toJsonTree(spans);
    }

    private static Event parse(String format, ByteBuffer message) throws Exception {
        if (format.equals("json")) {
            return GSON.fromJson(StandardCharsets.UTF_8.decode(message).toString(), Event.class);
        }
        availability.v1.Event event = availability.v1.Event.parseFrom(message);
        String kind = event.getEvent().name().toLowerCase();
        String listing = event.hasListingNumber() ? Long.toString(event.getListingNumber()) : event.getListingText();
        JsonElement booked = CHANGES.contains(kind) ? spans(event.getBooked().asReadOnlyByteBuffer()) : null;
        return new Event(kind, listing, event.getVersion(), booked,
                         LogSequenceNumber.valueOf(event.getLsn()).asString(), event.getLast());
    }

    public static void main(String[] arguments) throws Exception {
        String url = arguments[0];
        String slot = arguments[1];
        String table = arguments[2];
        Path path = Path.of(arguments[3]);
        String format = arguments.length > 4 ? arguments[4] : "json";
        int left = arguments.length > 5 ? Integer.parseInt(arguments[5]) : -1;

        if (!Files.exists(path)) {
            copyCalendars(url, slot, table, path);
        }
        Map<String, Long> known = new HashMap<>();
        for (String line : Files.readAllLines(path)) {
            Calendar calendar = GSON.fromJson(line, Calendar.class);
            known.put(calendar.listing(), calendar.version());
        }

        // All three: without them the driver speaks what a replication connection does not understand.
        Properties properties = new Properties();
        PGProperty.REPLICATION.set(properties, "database");
        PGProperty.ASSUME_MIN_SERVER_VERSION.set(properties, "15");
        PGProperty.PREFER_QUERY_MODE.set(properties, "simple");
        try (Connection connection = DriverManager.getConnection(url, properties);
             FileOutputStream copy = new FileOutputStream(path.toFile(), true)) {
            PGReplicationStream stream = connection.unwrap(PGConnection.class)
                                             .getReplicationAPI()
                                             .replicationStream()
                                             .logical()
                                             .withSlotName(slot)
                                             .withSlotOption("format", format)
                                             .withSlotOption("tables", table)
                                             .withStatusInterval(5, TimeUnit.SECONDS)
                                             .start();
            while (true) {
                Event event = parse(format, stream.read());
                if (CHANGES.contains(event.event()) &&
                    known.getOrDefault(event.listing(), Long.MIN_VALUE) < event.version()) {
                    String line = GSON.toJson(new Calendar(event.listing(), event.version(), event.booked()));
                    copy.write((line + "\n").getBytes(StandardCharsets.UTF_8));
                    known.put(event.listing(), event.version());
                    System.out.println(line);
                    left--;
                }
                if (event.last()) {
                    copy.getFD().sync();
                    // Both. A keepalive that comes when all is confirmed moves the slot by itself.
                    LogSequenceNumber lsn = LogSequenceNumber.valueOf(event.lsn());
                    stream.setAppliedLSN(lsn);
                    stream.setFlushedLSN(lsn);
                    stream.forceUpdateStatus();
                }
                if (left == 0) {
                    Runtime.getRuntime().halt(0);
                }
            }
        }
    }
}
