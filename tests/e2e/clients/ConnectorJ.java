// MariaDB Connector/J: text by Statement, prepared with useServerPrepStmts. See README.md.
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;

public class ConnectorJ {
    interface Check {
        void run() throws Exception;
    }

    static final String UNICODE = "Gr\u00fc\u00dfe, \u4e16\u754c \ud83d\ude00";
    static Connection db;

    static String env(String name) {
        return System.getenv("E2E_" + name);
    }

    static Connection connect() throws SQLException {
        Properties p = new Properties();
        p.setProperty("user", env("USER"));
        p.setProperty("password", "s3cret p\u00e4ssword!");
        p.setProperty("useSsl", env("TLS").equals("1") ? "true" : "false");
        p.setProperty("trustServerCertificate", "true");
        p.setProperty("allowPublicKeyRetrieval", "true");
        p.setProperty("useServerPrepStmts", "true");
        p.setProperty("allowLocalInfile", "true");
        return DriverManager.getConnection(
            "jdbc:mariadb://" + env("HOST") + ":" + env("PORT") + "/" + env("DB"), p);
    }

    static void expect(Object got, Object wanted) {
        if (!Objects.equals(got, wanted)) {
            throw new IllegalStateException(got + " instead of " + wanted);
        }
    }

    static String rows(ResultSet r) throws SQLException {
        StringBuilder out = new StringBuilder();
        while (r.next()) {
            out.append(out.length() == 0 ? "" : ";");
            for (int i = 1; i <= r.getMetaData().getColumnCount(); i++) {
                out.append(i == 1 ? "" : ",").append(r.getString(i));
            }
        }
        return out.toString();
    }

    static String text(String sql) throws SQLException {
        try (Statement s = db.createStatement()) {
            return s.execute(sql) ? rows(s.getResultSet()) : String.valueOf(s.getUpdateCount());
        }
    }

    static String prepared(String sql, Object... values) throws SQLException {
        try (PreparedStatement s = db.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                s.setObject(i + 1, values[i]);
            }
            return s.execute() ? rows(s.getResultSet()) : String.valueOf(s.getUpdateCount());
        }
    }

    static void large(PreparedStatement s, int fetchSize) throws SQLException {
        s.setFetchSize(fetchSize);
        long count = 0, sum = 0;
        try (ResultSet r = s.executeQuery()) {
            while (r.next()) {
                count++;
                sum += r.getInt(1);
            }
        }
        expect(count + " " + sum, "100000 5000050000");
    }

    static final String INSERT = "INSERT INTO t VALUES (?, ?, ?)";

    static Map<String, Check> checks() {
        Map<String, Check> c = new LinkedHashMap<>();
        c.put("connect", () -> {
            db = connect();
            expect(text("SELECT CURRENT_USER()").split("@")[0], env("USER"));
        });
        c.put("tls", () -> expect(!text("SHOW STATUS LIKE 'Ssl_cipher'").endsWith(","), env("TLS").equals("1")));
        c.put("text", () -> {
            text("CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(50), price DECIMAL(10,2))");
            expect(text("INSERT INTO t VALUES (1, 'text', 1.50)"), "1");
            expect(text("SELECT * FROM t"), "1,text,1.50");
        });
        c.put("prepared", () -> {
            expect(prepared(INSERT, 2, "prepared", new BigDecimal("2.25")), "1");
            expect(prepared("SELECT * FROM t WHERE id = ?", 2), "2,prepared,2.25");
        });
        c.put("commit", () -> {
            db.setAutoCommit(false);
            prepared(INSERT, 3, "commit", null);
            db.commit();
            expect(text("SELECT COUNT(*) FROM t WHERE id = 3"), "1");
        });
        c.put("rollback", () -> {
            prepared(INSERT, 4, "rollback", null);
            expect(text("SELECT COUNT(*) FROM t WHERE id = 4"), "1");
            db.rollback();
            expect(text("SELECT COUNT(*) FROM t WHERE id = 4"), "0");
            db.commit();
            db.setAutoCommit(true);
        });
        c.put("large", () -> {
            try (PreparedStatement s = db.prepareStatement("SELECT id, name FROM shared.large")) {
                large(s, 0);
                large(s, 1000);
            }
        });
        c.put("unicode", () -> {
            prepared("INSERT INTO t VALUES (?, ?, NULL)", 5, UNICODE);
            expect(prepared("SELECT name FROM t WHERE name = ?", UNICODE), UNICODE);
            expect(text("SELECT CHAR_LENGTH(name) FROM t WHERE id = 5"), "11");
        });
        c.put("null", () -> {
            prepared(INSERT, 6, null, null);
            expect(prepared("SELECT name, price FROM t WHERE id = ?", 6), "null,null");
        });
        c.put("duplicate", () -> {
            try {
                prepared(INSERT, 1, "again", 0);
            } catch (SQLException e) {
                expect(e.getErrorCode() + " " + e.getSQLState(), "1062 23000");
                return;
            }
            throw new IllegalStateException("no error");
        });
        c.put("load", () -> {
            text("CREATE TABLE l (id INT, name VARCHAR(20))");
            expect(Files.exists(Paths.get(env("FILE"))), true);
            text("LOAD DATA LOCAL INFILE '" + env("FILE") + "' INTO TABLE l CHARACTER SET utf8mb4");
            expect(text("SELECT name FROM l ORDER BY id"), "eins;zwei \u00df;null");
        });
        c.put("again", () -> {
            db.close();
            db = connect();
            expect(text("SELECT 40 + 2"), "42");
        });
        return c;
    }

    public static void main(String[] args) {
        int status = 0;
        for (Map.Entry<String, Check> c : checks().entrySet()) {
            try {
                c.getValue().run();
                System.out.println("ok " + c.getKey());
            } catch (Exception e) {
                System.out.println("FAIL " + c.getKey() + ": " + e);
                status = 1;
                if (db == null) {
                    break;
                }
            }
        }
        System.exit(status);
    }
}
