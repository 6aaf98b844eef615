// What an application does through PostgreSQL's JDBC driver. Prints one line for each step; the first word names it.
// The driver's address is the only argument; user and token come from the environment.

import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.sql.*;
import java.util.Properties;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

public class Work {
    static Connection open(String address, String... more) throws SQLException {
        Properties settings = new Properties();
        settings.put("user", System.getenv("PGUSER"));
        settings.put("password", System.getenv("PGPASSWORD"));
        for (int at = 0; at < more.length; at += 2) settings.put(more[at], more[at + 1]);
        return DriverManager.getConnection(address, settings);
    }

    static void say(String step, Object what) {
        System.out.println(step + " " + what);
    }

    static void failing(Connection connection, String step, String text) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(text);
            say(step, "none");
        } catch (SQLException error) {
            say(step, error.getSQLState());
        }
    }

    static void prepared(Connection connection) throws SQLException {
        long sum = 0;
        // From its fifth run on the driver has a statement prepared by name, and its answers in binary.
        try (PreparedStatement one = connection.prepareStatement("SELECT n, label FROM numbers WHERE n = ?");
             PreparedStatement other = connection.prepareStatement("SELECT count(*) FROM numbers WHERE n < ?")) {
            for (int number = 1; number <= 12; number++) {
                one.setInt(1, number);
                other.setInt(1, number);
                try (ResultSet rows = one.executeQuery(); ResultSet counts = other.executeQuery()) {
                    rows.next();
                    counts.next();
                    sum += rows.getInt(1) * 100 + counts.getLong(1);
                }
            }
        }
        say("prepared", sum);
    }

    static void values(Connection connection) throws SQLException {
        String text = "SELECT ?::int8, ?::numeric, ?::bool, ?::text, ?::bytea, ?::date, ?::uuid, ?::text";
        try (PreparedStatement statement = connection.prepareStatement(text)) {
            for (int round = 0; round < 7; round++) {
                statement.setLong(1, 9_000_000_000L);
                statement.setBigDecimal(2, new BigDecimal("12.50"));
                statement.setBoolean(3, true);
                statement.setString(4, "nadia.canary@example.com");
                statement.setBytes(5, new byte[] {0, 1, 2});
                statement.setObject(6, java.time.LocalDate.of(2026, 3, 4));
                statement.setObject(7, new java.util.UUID(0, 5));
                statement.setNull(8, Types.VARCHAR);
                try (ResultSet rows = statement.executeQuery()) {
                    rows.next();
                    if (round == 6) {
                        say("values", rows.getLong(1) + " " + rows.getBigDecimal(2) + " " + rows.getBoolean(3) + " "
                            + rows.getBytes(5).length + " " + rows.getDate(6) + " " + rows.getObject(7) + " "
                            + rows.getString(8));
                    }
                }
            }
        }
    }

    static void inParts(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        int count = 0;
        try (PreparedStatement statement = connection.prepareStatement("SELECT n FROM numbers WHERE n <= ? ORDER BY n")) {
            statement.setInt(1, 250);
            statement.setFetchSize(40);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    count++;
                    if (count == 100) {
                        try (Statement other = connection.createStatement()) {
                            other.execute("SELECT 'between the parts'");
                        }
                    }
                }
            }
        }
        // A second one is left when some of its rows are read.
        try (Statement statement = connection.createStatement()) {
            statement.setFetchSize(10);
            ResultSet rows = statement.executeQuery("SELECT n FROM numbers ORDER BY n");
            rows.next();
        }
        connection.commit();
        connection.setAutoCommit(true);
        say("parts", count);
    }

    static void batches(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        try (PreparedStatement statement = connection.prepareStatement("INSERT INTO notes (body) VALUES (?)")) {
            for (int number = 0; number < 60; number++) {
                statement.setString(1, "batch " + number);
                statement.addBatch();
            }
            say("batch", statement.executeBatch().length);
        }
        Savepoint before = connection.setSavepoint("before");
        failing(connection, "unknown", "SELECT x FROM nowhere");
        connection.rollback(before);
        connection.commit();
        connection.setAutoCommit(true);
        try (PreparedStatement statement = connection.prepareStatement(
                "INSERT INTO notes (body) VALUES (?)", Statement.RETURN_GENERATED_KEYS)) {
            statement.setString(1, "with a key");
            statement.executeUpdate();
            try (ResultSet keys = statement.getGeneratedKeys()) {
                say("key", keys.next());
            }
        }
        try (PreparedStatement statement = connection.prepareStatement("INSERT INTO customers (id, city) VALUES (?, ?)")) {
            for (int number : new int[] {900, 1, 901}) {
                statement.setInt(1, number);
                statement.setString(2, "Bonn");
                statement.addBatch();
            }
            statement.executeBatch();
            say("broken", "none");
        } catch (BatchUpdateException error) {
            say("broken", error.getSQLState());
        }
    }

    static void copies(Connection connection) throws Exception {
        var manager = connection.unwrap(PGConnection.class).getCopyAPI();
        long in = manager.copyIn("COPY notes (body) FROM STDIN", new StringReader("one\ntwo\nthree\n"));
        StringWriter out = new StringWriter();
        long rows = manager.copyOut("COPY (SELECT n FROM numbers WHERE n <= 5) TO STDOUT", out);
        say("copies", in + " " + rows + " " + out.toString().replace('\n', ','));
    }

    static void notifications(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("LISTEN deliveries");
            statement.execute("NOTIFY deliveries, 'parcel'");
            PGNotification[] found = connection.unwrap(PGConnection.class).getNotifications(5_000);
            say("notified", found == null ? "nothing" : found[0].getName() + "=" + found[0].getParameter());
        }
    }

    static void metadata(Connection connection) throws SQLException {
        DatabaseMetaData about = connection.getMetaData();
        int tables = 0, columns = 0, keys = 0, references = 0, indexes = 0;
        try (ResultSet rows = about.getTables(null, "public", "%", new String[] {"TABLE", "VIEW"})) {
            while (rows.next()) tables++;
        }
        try (ResultSet rows = about.getColumns(null, "public", "customers", "%")) {
            while (rows.next()) columns++;
        }
        try (ResultSet rows = about.getPrimaryKeys(null, "public", "customers")) {
            while (rows.next()) keys++;
        }
        try (ResultSet rows = about.getImportedKeys(null, "public", "payments")) {
            while (rows.next()) references++;
        }
        try (ResultSet rows = about.getIndexInfo(null, "public", "customers", false, false)) {
            while (rows.next()) indexes++;
        }
        try (ResultSet rows = about.getProcedures(null, "public", "%")) { rows.next(); }
        try (ResultSet rows = about.getTypeInfo()) { rows.next(); }
        say("metadata", tables + " " + columns + " " + keys + " " + references + " " + indexes + " "
            + (about.getSQLKeywords().length() > 100));
    }

    static void cancelled(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.setQueryTimeout(1);
            statement.execute("SELECT pg_sleep(30)");
            say("cancelled", "none");
        } catch (SQLException error) {
            say("cancelled", error.getSQLState());
        }
    }

    public static void main(String[] arguments) throws Exception {
        try (Connection connection = open(arguments[0], "ApplicationName", "work")) {
            prepared(connection);
            values(connection);
            inParts(connection);
            batches(connection);
            copies(connection);
            notifications(connection);
            metadata(connection);
            failing(connection, "division", "SELECT 1/0");
            failing(connection, "refused", "DROP TABLE notes");
            failing(connection, "several", "SELECT 1; SELECT 2");
            cancelled(connection);
            try (Statement statement = connection.createStatement();
                 ResultSet rows = statement.executeQuery("SELECT email, name FROM customers WHERE id = 1")) {
                rows.next();
                say("masked", rows.getString(1) + " " + rows.getString(2));
            }
        }
        for (String mode : new String[] {"simple", "extended", "extendedForPrepared", "extendedCacheEverything"}) {
            try (Connection connection = open(arguments[0], "preferQueryMode", mode)) {
                prepared(connection);
            }
        }
    }
}
