/* MariaDB Connector/C: text by mysql_query, prepared by mysql_stmt_*. See README.md. */
#include <mysql.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNICODE "Grüße, 世界 😀"

static MYSQL *db;
static char why[600];

static bool fail(const char *text)
{
    snprintf(why, sizeof why, "%s (%s)", text, db == NULL ? "" : mysql_error(db));
    return false;
}

static bool run(const char *sql)
{
    return mysql_query(db, sql) == 0 || fail(sql);
}

/* The first column of the first row equals text; NULL = SQL NULL. */
static bool answers(const char *sql, const char *text)
{
    if (!run(sql)) {
        return false;
    }
    MYSQL_RES *result = mysql_store_result(db);
    MYSQL_ROW row = result == NULL ? NULL : mysql_fetch_row(result);
    bool same = row != NULL &&
                (text == NULL ? row[0] == NULL : row[0] != NULL && strcmp(row[0], text) == 0);
    if (!same) {
        snprintf(why, sizeof why, "%s: %s", sql,
                 row == NULL      ? "no row"
                 : row[0] == NULL ? "NULL"
                                  : row[0]);
    }
    mysql_free_result(result);
    return same;
}

static MYSQL *open_connection(void)
{
    MYSQL *m = mysql_init(NULL);
    unsigned on = 1;
    my_bool tls = strcmp(getenv("E2E_TLS"), "1") == 0;
    mysql_options(m, MYSQL_OPT_SSL_ENFORCE, &tls);
    mysql_options(m, MYSQL_OPT_LOCAL_INFILE, &on);
    mysql_options(m, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (mysql_real_connect(m, getenv("E2E_HOST"), getenv("E2E_USER"), getenv("E2E_PASSWORD"),
                           getenv("E2E_DB"), (unsigned)atoi(getenv("E2E_PORT")), NULL, 0) == NULL) {
        snprintf(why, sizeof why, "%s", mysql_error(m));
        mysql_close(m);
        return NULL;
    }
    return m;
}

static bool check_connect(void)
{
    char want[200];
    db = open_connection();
    if (db == NULL) {
        return false;
    }
    snprintf(want, sizeof want, "%s", getenv("E2E_USER"));
    return answers("SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', 1)", want);
}

static bool check_tls(void)
{
    bool encrypted = mysql_get_ssl_cipher(db) != NULL;
    return encrypted == (strcmp(getenv("E2E_TLS"), "1") == 0) || fail("cipher");
}

static bool check_text(void)
{
    return run("CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(50), price DECIMAL(10,2))") &&
           run("INSERT INTO t VALUES (1, 'text', 1.50)") &&
           answers("SELECT CONCAT(id, name, price) FROM t", "1text1.50") &&
           answers("SELECT price FROM t", "1.50");
}

/* Inserts a row through a prepared statement; name NULL = NULL. */
static bool insert(int id, const char *name, double price)
{
    static const char sql[] = "INSERT INTO t VALUES (?, ?, ?)";
    MYSQL_STMT *s = mysql_stmt_init(db);
    my_bool is_null = name == NULL;
    unsigned long length = name == NULL ? 0 : strlen(name);
    MYSQL_BIND b[3] = {
        {.buffer_type = MYSQL_TYPE_LONG, .buffer = &id},
        {.buffer_type = MYSQL_TYPE_STRING,
         .buffer = (char *)name,
         .buffer_length = length,
         .length = &length,
         .is_null = &is_null},
        {.buffer_type = MYSQL_TYPE_DOUBLE, .buffer = &price},
    };
    bool ok = mysql_stmt_prepare(s, sql, strlen(sql)) == 0 && !mysql_stmt_bind_param(s, b) &&
              mysql_stmt_execute(s) == 0 && mysql_stmt_affected_rows(s) == 1;
    if (!ok) {
        snprintf(why, sizeof why, "insert %d: %s", id, mysql_stmt_error(s));
    }
    mysql_stmt_close(s);
    return ok;
}

/* Reads the name of a row through a prepared statement. */
static bool name_is(int id, const char *want)
{
    static const char sql[] = "SELECT name, price, id FROM t WHERE id = ?";
    MYSQL_STMT *s = mysql_stmt_init(db);
    MYSQL_BIND in = {.buffer_type = MYSQL_TYPE_LONG, .buffer = &id};
    char text[100] = "";
    double price = 0;
    int got_id = 0;
    unsigned long length = 0;
    my_bool is_null = 0, price_null = 0;
    MYSQL_BIND out[3] = {
        {.buffer_type = MYSQL_TYPE_STRING,
         .buffer = text,
         .buffer_length = sizeof text - 1,
         .length = &length,
         .is_null = &is_null},
        {.buffer_type = MYSQL_TYPE_DOUBLE, .buffer = &price, .is_null = &price_null},
        {.buffer_type = MYSQL_TYPE_LONG, .buffer = &got_id},
    };
    bool ok = mysql_stmt_prepare(s, sql, strlen(sql)) == 0 && !mysql_stmt_bind_param(s, &in) &&
              mysql_stmt_execute(s) == 0 && !mysql_stmt_bind_result(s, out) &&
              mysql_stmt_fetch(s) == 0 && got_id == id;
    if (!ok) {
        snprintf(why, sizeof why, "read %d: %s", id, mysql_stmt_error(s));
    } else if (want == NULL ? !is_null : is_null || strcmp(text, want) != 0) {
        snprintf(why, sizeof why, "read %d: %s", id, is_null ? "NULL" : text);
        ok = false;
    }
    mysql_stmt_close(s);
    return ok;
}

static bool check_prepared(void)
{
    return insert(2, "prepared", 2.25) && name_is(2, "prepared") &&
           answers("SELECT price FROM t WHERE id = 2", "2.25");
}

static bool check_commit(void)
{
    return mysql_autocommit(db, 0) == 0 && insert(3, "commit", 0) && mysql_commit(db) == 0 &&
           answers("SELECT COUNT(*) FROM t WHERE id = 3", "1");
}

static bool check_rollback(void)
{
    return insert(4, "rollback", 0) && answers("SELECT COUNT(*) FROM t WHERE id = 4", "1") &&
           mysql_rollback(db) == 0 && answers("SELECT COUNT(*) FROM t WHERE id = 4", "0") &&
           mysql_commit(db) == 0 && mysql_autocommit(db, 1) == 0;
}

static bool check_large(void)
{
    if (!run("SELECT id, name FROM shared.large")) {
        return false;
    }
    MYSQL_RES *result = mysql_use_result(db);
    long count = 0, total = 0;
    MYSQL_ROW row;
    while (result != NULL && (row = mysql_fetch_row(result)) != NULL) {
        count++;
        total += atol(row[0]);
    }
    mysql_free_result(result);
    return (count == 100000 && total == 5000050000L) || fail("count or sum");
}

static bool check_unicode(void)
{
    return insert(5, UNICODE, 0) && name_is(5, UNICODE) &&
           answers("SELECT name FROM t WHERE id = 5", UNICODE) &&
           answers("SELECT CHAR_LENGTH(name) FROM t WHERE name = '" UNICODE "'", "11");
}

static bool check_null(void)
{
    return insert(6, NULL, 0) && name_is(6, NULL) &&
           answers("SELECT name FROM t WHERE id = 6", NULL);
}

static bool check_duplicate(void)
{
    return (mysql_query(db, "INSERT INTO t VALUES (1, 'again', 0)") != 0 &&
            mysql_errno(db) == 1062 && strcmp(mysql_sqlstate(db), "23000") == 0) ||
           fail("no error 1062");
}

static bool check_load(void)
{
    char sql[600];
    snprintf(sql, sizeof sql, "LOAD DATA LOCAL INFILE '%s' INTO TABLE l CHARACTER SET utf8mb4",
             getenv("E2E_FILE"));
    return run("CREATE TABLE l (id INT, name VARCHAR(20))") && run(sql) &&
           (mysql_affected_rows(db) == 3 || fail("affected rows")) &&
           answers("SELECT name FROM l WHERE id = 2", "zwei ß") &&
           answers("SELECT name FROM l WHERE id = 3", NULL);
}

static bool check_again(void)
{
    mysql_close(db);
    db = open_connection();
    return db != NULL && answers("SELECT 40 + 2", "42");
}

int main(void)
{
    static const struct {
        const char *name;
        bool (*check)(void);
    } checks[] = {
        {"connect", check_connect},     {"tls", check_tls},         {"text", check_text},
        {"prepared", check_prepared},   {"commit", check_commit},   {"rollback", check_rollback},
        {"large", check_large},         {"unicode", check_unicode}, {"null", check_null},
        {"duplicate", check_duplicate}, {"load", check_load},       {"again", check_again},
    };
    int status = 0;
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        if (checks[i].check()) {
            printf("ok %s\n", checks[i].name);
        } else {
            printf("FAIL %s: %s\n", checks[i].name, why);
            status = 1;
            if (db == NULL) {
                break;
            }
        }
    }
    mysql_close(db);
    return status;
}
