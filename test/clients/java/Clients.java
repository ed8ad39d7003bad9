import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.math.BigInteger;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.time.LocalDate;
import java.util.Objects;
import java.util.UUID;
import org.hibernate.Session;
import org.hibernate.SessionFactory;
import org.hibernate.annotations.Type;
import org.hibernate.cfg.Configuration;
import org.hibernate.exception.ConstraintViolationException;
import org.postgresql.util.PGobject;
import org.postgresql.util.PSQLException;
import org.roaringbitmap.RoaringBitmap;

/** pgjdbc and Hibernate: bookings, conflicts, functions with what Java has, daysets. */
public final class Clients {
    private static final String URL =
        "jdbc:postgresql://127.0.0.1:" + System.getenv("CLIENTS_PORT") + "/%s?user=postgres";

    @Entity(name = "Reservation")
    @Table(name = "reservations")
    static class Reservation {
        @Id @GeneratedValue(strategy = GenerationType.IDENTITY) Long id;
        @Column(name = "listing_id") Long listing;
        @Column(name = "check_in") LocalDate checkIn;
        @Column(name = "check_out") LocalDate checkOut;

        Reservation() {}

        Reservation(long listing, String checkIn, String checkOut) {
            this.listing = listing;
            this.checkIn = LocalDate.parse(checkIn);
            this.checkOut = LocalDate.parse(checkOut);
        }
    }

    @Entity(name = "Home")
    @Table(name = "homes")
    static class Home {
        @Id Integer id;
        @Type(DaysetType.class) @Column(columnDefinition = "availability.dayset") RoaringBitmap booked;
    }

    interface Test {
        void run() throws Exception;
    }

    private static void ok(boolean passed, String name, Object... facts) {
        System.out.println((passed ? "ok - " : "not ok - ") + name);
        if (!passed) {
            for (Object fact : facts) {
                System.out.println("# " + String.valueOf(fact).replace("\n", "\n# "));
            }
        }
    }

    private static void equal(Object found, Object expected, String name) {
        ok(Objects.equals(found, expected), name, "found: " + found, "expected: " + expected);
    }

    /** What an action fails with. */
    private static Throwable failure(Test action) {
        try {
            action.run();
        } catch (Throwable error) {
            return error;
        }
        return new AssertionError("nothing was raised");
    }

    private static RoaringBitmap days(String from, String to) {
        RoaringBitmap days = new RoaringBitmap();
        days.add(LocalDate.parse(from).toEpochDay(), LocalDate.parse(to).toEpochDay());
        return days;
    }

    private static void insert(Connection connection, long listing, String from, String to, String rest)
        throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(
                 "INSERT INTO reservations (listing_id, check_in, check_out) VALUES (?, ?, ?)" + rest)) {
            statement.setLong(1, listing);
            statement.setObject(2, LocalDate.parse(from));
            statement.setObject(3, LocalDate.parse(to));
            statement.executeUpdate();
        }
    }

    private static void testInserts(Connection connection) throws Exception {
        insert(connection, 1, "2027-01-01", "2027-01-04", "");
        for (String rest : new String[] {"", " ON CONFLICT DO NOTHING"}) {
            PSQLException conflict =
                (PSQLException)failure(() -> insert(connection, 1, "2027-01-03", "2027-01-05", rest));
            equal(conflict.getSQLState(), "23505", "pgjdbc: a double booking is told" + rest);
            equal(conflict.getServerErrorMessage().getConstraint(), "reservations_day_pkey",
                  "pgjdbc: with its constraint" + rest);
        }
    }

    /** Calls a function with the arguments; an answer is the reservation, "again" behind it if it was given before. */
    private static String answer(Connection connection, String call, Object... arguments) throws SQLException {
        try (PreparedStatement statement =
                 connection.prepareStatement("SELECT reservation_id, replayed FROM availability." + call)) {
            for (int i = 0; i < arguments.length; i++) {
                if (arguments[i] instanceof String text) {
                    statement.setString(i + 1, text);
                } else if (arguments[i] instanceof BigInteger number) {
                    statement.setObject(i + 1, number, Types.NUMERIC);
                } else {
                    statement.setObject(i + 1, arguments[i]);
                }
            }
            ResultSet rows = statement.executeQuery();
            rows.next();
            return rows.getString(1) + (rows.getBoolean(2) ? " again" : "");
        }
    }

    private static PGobject object(String type, String value) throws SQLException {
        PGobject object = new PGobject();
        object.setType(type);
        object.setValue(value);
        return object;
    }

    private static void testFunctions(Connection connection) throws Exception {
        String stay = "[2027-02-01,2027-02-04)";
        String json = "{\"guest\": \"Ada\"}";
        String book = "book(?, ?, ?, ?, ?)";
        String first = answer(connection, book, "reservations", 2L, stay, "key", json);
        ok(!first.endsWith("again"), "pgjdbc: book, all set by setString and setLong", first);
        Object[][] same = {{"reservations", "2", stay, "key", json},
                           {"reservations", 2, object("daterange", stay), "key", object("jsonb", json)},
                           {"reservations", BigInteger.TWO, stay, "key", object("json", json)},
                           {"reservations", (short)2, stay, object("text", "key"), json}};
        for (Object[] arguments : same) {
            equal(answer(connection, book, arguments), first + " again",
                  "pgjdbc: book, listing as " + arguments[1].getClass().getSimpleName());
        }
        UUID key = UUID.randomUUID();
        String second = answer(connection, "book(?, ?, ?, idempotency_key => ?)", "reservations", 2L,
                               "[2027-03-01,2027-03-04)", key);
        equal(answer(connection, "book(?, ?, ?, idempotency_key => ?)", "reservations", 2L, "[2027-03-01,2027-03-04)",
                     key.toString()),
              second + " again", "pgjdbc: a UUID as idempotency key");
        equal(answer(connection, "move(?, ?, ?)", "reservations", second, "[2027-04-01,2027-04-04)"), second,
              "pgjdbc: move");
        equal(answer(connection, "cancel(?, ?)", "reservations", Long.valueOf(second)), second, "pgjdbc: cancel");
        try (PreparedStatement hold = connection.prepareStatement("SELECT availability.hold(?, ?, ?, ?)")) {
            hold.setString(1, "reservations");
            hold.setInt(2, 2);
            hold.setString(3, "[2027-05-01,2027-05-04)");
            hold.setString(4, "1 hour");
            ResultSet rows = hold.executeQuery();
            rows.next();
            UUID id = rows.getObject(1, UUID.class);
            ok(!answer(connection, "confirm(?, ?, ?)", "reservations", id, json).isEmpty(), "pgjdbc: hold and confirm");
            ok(((PSQLException)failure(() -> answer(connection, "confirm(?, ?)", "reservations", id.toString())))
                   .getSQLState()
                   .equals("RV003"),
               "pgjdbc: confirmed once");
        }
    }

    private static void testDaysets(Connection connection) throws Exception {
        try (Statement statement = connection.createStatement()) {
            ResultSet rows =
                statement.executeQuery("SELECT booked, booked::bytea FROM reservations_calendar WHERE listing_id = 1");
            rows.next();
            equal(Dayset.fromText(rows.getString(1)), days("2027-01-01", "2027-01-04"),
                  "Dayset.java: the text form is read");
            equal(Dayset.fromBytes(rows.getBytes(2)), days("2027-01-01", "2027-01-04"),
                  "Dayset.java: the bytes are read");
        }
        try (
            PreparedStatement statement = connection.prepareStatement(
                "SELECT ? OPERATOR(availability.=) booked, ?::availability.dayset OPERATOR(availability.=) booked"
                + " FROM reservations_calendar WHERE listing_id = 1")) {
            statement.setObject(1, Dayset.toText(days("2027-01-01", "2027-01-04")), Types.OTHER);
            statement.setBytes(2, Dayset.toBytes(days("2027-01-01", "2027-01-04")));
            ResultSet rows = statement.executeQuery();
            rows.next();
            ok(rows.getBoolean(1) && rows.getBoolean(2), "Dayset.java: both are written");
        }
        equal(Dayset.toText(RoaringBitmap.bitmapOf()), "{}", "Dayset.java: none");
        equal(Dayset.toText(RoaringBitmap.bitmapOf(0, 2, 3, 65535)),
              "{[1970-01-01,1970-01-02),[1970-01-03,1970-01-05),[2149-06-06,2149-06-07)}",
              "Dayset.java: the text form");
    }

    private static void testHibernate() {
        java.util.logging.Logger.getLogger("org.hibernate").setLevel(java.util.logging.Level.OFF);
        Configuration configuration = new Configuration()
                                          .addAnnotatedClass(Reservation.class)
                                          .addAnnotatedClass(Home.class)
                                          .setProperty("hibernate.connection.url", String.format(URL, "java"));
        try (SessionFactory factory = configuration.buildSessionFactory()) {
            factory.inTransaction(session -> session.persist(new Reservation(10, "2027-01-01", "2027-01-04")));
            Throwable conflict =
                failure(()
                            -> factory.inTransaction(
                                session -> session.persist(new Reservation(10, "2027-01-03", "2027-01-05"))));
            ok(conflict instanceof ConstraintViolationException,
               "Hibernate: a double booking is a ConstraintViolationException", conflict);
            if (conflict instanceof ConstraintViolationException violation) {
                equal(violation.getConstraintName(), "reservations_day_pkey", "Hibernate: getConstraintName()");
                equal(violation.getSQLState(), "23505", "Hibernate: getSQLState()");
            }
            conflict = failure(
                ()
                    -> factory.inTransaction(
                        session
                        -> session.createSelectionQuery("from Reservation where listing = 10", Reservation.class)
                               .getSingleResult()
                               .checkIn = LocalDate.parse("2027-01-02")));
            ok(conflict instanceof AssertionError, "Hibernate: a change that is free is flushed", conflict);
            Throwable deleted = failure(
                ()
                    -> factory.inTransaction(
                        session
                        -> session.createMutationQuery("delete from Reservation where listing = 10").executeUpdate()));
            ok(deleted instanceof AssertionError, "Hibernate: a deletion frees the days", deleted);
            factory.inTransaction(session -> session.persist(new Reservation(10, "2027-01-03", "2027-01-05")));
            ok(true, "Hibernate: which can be booked again");

            factory.inTransaction(session -> {
                Home home = new Home();
                home.id = 1;
                home.booked = days("2027-01-01", "2027-01-04");
                session.persist(home);
                Home none = new Home();
                none.id = 2;
                session.persist(none);
            });
            factory.inTransaction(session
                                  -> session.find(Home.class, 1)
                                         .booked.add(LocalDate.parse("2027-02-01").toEpochDay(),
                                                     LocalDate.parse("2027-02-03").toEpochDay()));
            try (Session session = factory.openSession()) {
                equal(Dayset.toText(session.find(Home.class, 1).booked),
                      "{[2027-01-01,2027-01-04),[2027-02-01,2027-02-03)}",
                      "DaysetType.java: what is written and changed is read");
                equal(session.find(Home.class, 2).booked, null, "DaysetType.java: null");
                equal(
                    session
                        .createNativeQuery(
                            "SELECT count(*) FROM homes"
                            + " WHERE availability.is_booked(booked, '[2027-02-02,2027-02-05)')",
                            Long.class)
                        .getSingleResult(),
                    1L, "DaysetType.java: a search");
            }
        }
    }

    private static void run(String name, Test test) {
        try {
            test.run();
        } catch (Throwable error) {
            error.printStackTrace(System.out);
            ok(false, name);
        }
    }

    public static void main(String[] arguments) throws Exception {
        try (Connection admin = DriverManager.getConnection(String.format(URL, "postgres"));
             Statement statement = admin.createStatement()) {
            statement.execute("CREATE DATABASE java");
        }
        try (Connection connection = DriverManager.getConnection(String.format(URL, "java"));
             Statement statement = connection.createStatement()) {
            statement.execute("""
                CREATE EXTENSION availability;
                CREATE TABLE reservations (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id bigint,
                    check_in date, check_out date, guest text);
                CREATE TABLE homes (id int PRIMARY KEY, booked availability.dayset);
                SELECT availability.track('reservations')""");
            run("inserts", () -> testInserts(connection));
            run("functions", () -> testFunctions(connection));
            run("daysets", () -> testDaysets(connection));
            run("Hibernate", Clients::testHibernate);
            ResultSet wrong = statement.executeQuery("SELECT * FROM availability.verify('reservations')");
            ok(!wrong.next(), "nothing is left amiss");
        }
    }
}
