/* What only a C client does: compression, server-side cursors, multi-results, long data, change of
 * user. The first argument says which; it prints "ok WHICH". */
#include <mysql.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static MYSQL *db;
static unsigned port;

static void die(const char *what)
{
    printf("FAIL %s: %u %s\n", what, mysql_errno(db), mysql_error(db));
    exit(1);
}

static void check(bool good, const char *what)
{
    if (!good) {
        die(what);
    }
}

static void open_connection(bool compress, unsigned long flags)
{
    db = mysql_init(NULL);
    mysql_options(db, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (compress) {
        mysql_options(db, MYSQL_OPT_COMPRESS, NULL);
    }
    check(mysql_real_connect(db, "127.0.0.1", "root", "", "shared", port, NULL, flags) != NULL,
          "connect");
}

static void run(const char *sql)
{
    check(mysql_query(db, sql) == 0, sql);
}

static void rows_of_large(void)
{
    run("SELECT id, name FROM large");
    MYSQL_RES *r = mysql_use_result(db);
    long n = 0, sum = 0;
    for (MYSQL_ROW row = mysql_fetch_row(r); row != NULL; row = mysql_fetch_row(r)) {
        n++;
        sum += atol(row[0]);
    }
    mysql_free_result(r);
    check(n == 100000 && sum == 5000050000L, "count and sum");
}

static void compress(void)
{
    open_connection(true, 0);
    rows_of_large();
    run("SELECT 1");
    mysql_free_result(mysql_store_result(db));
}

/* 20 MiB of text, hard to compress, both ways. */
static void compress_large(void)
{
    const size_t len = 20u << 20;
    char *sql = malloc(len + 100);
    size_t n = (size_t)sprintf(sql, "SELECT '");
    unsigned seed = 1;
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1103515245u + 12345u;
        sql[n++] = (char)('A' + (seed >> 16) % 26);
    }
    sql[n] = '\'';
    open_connection(true, 0);
    check(mysql_real_query(db, sql, n + 1) == 0, "statement");
    MYSQL_RES *r = mysql_store_result(db);
    check(r != NULL, "result");
    MYSQL_ROW row = mysql_fetch_row(r);
    check(row != NULL && mysql_fetch_lengths(r)[0] == len && memcmp(row[0], sql + 8, len) == 0,
          "text");
    mysql_free_result(r);
    free(sql);
}

static MYSQL_STMT *open_cursor(const char *sql, unsigned long prefetch, int *id)
{
    MYSQL_STMT *s = mysql_stmt_init(db);
    unsigned long type = CURSOR_TYPE_READ_ONLY;
    MYSQL_BIND out = {.buffer_type = MYSQL_TYPE_LONG, .buffer = id};
    check(mysql_stmt_attr_set(s, STMT_ATTR_CURSOR_TYPE, &type) == 0, "cursor type");
    check(mysql_stmt_attr_set(s, STMT_ATTR_PREFETCH_ROWS, &prefetch) == 0, "prefetch");
    check(mysql_stmt_prepare(s, sql, strlen(sql)) == 0, "prepare");
    check(mysql_stmt_execute(s) == 0, mysql_stmt_error(s));
    check(mysql_stmt_bind_result(s, &out) == 0, "bind");
    return s;
}

static void cursor(void)
{
    int id = 0;
    long n = 0, sum = 0;
    open_connection(false, 0);
    MYSQL_STMT *s = open_cursor("SELECT id FROM large ORDER BY id", 1000, &id);
    while (mysql_stmt_fetch(s) == 0) {
        n++;
        sum += id;
    }
    check(n == 100000 && sum == 5000050000L, "count and sum");
    mysql_stmt_close(s);
    rows_of_large();
}

/* Two cursors and other statements between their rows. */
static void cursor_interleaved(void)
{
    int a = 0, b = 0;
    open_connection(false, 0);
    MYSQL_STMT *s = open_cursor("SELECT id FROM large ORDER BY id", 7, &a);
    MYSQL_STMT *t = open_cursor("SELECT id FROM large ORDER BY id DESC", 3, &b);
    for (int i = 1; i <= 200; i++) {
        check(mysql_stmt_fetch(s) == 0 && a == i, "first cursor");
        check(mysql_stmt_fetch(t) == 0 && b == 100001 - i, "second cursor");
        if (i % 20 == 0) {
            run("SELECT 5");
            mysql_free_result(mysql_store_result(db));
        }
    }
    check(mysql_stmt_reset(s) == 0, "reset");
    check(mysql_stmt_execute(s) == 0 && mysql_stmt_fetch(s) == 0 && a == 1, "again");
    mysql_stmt_close(s);
    mysql_stmt_close(t);
}

static void multi(void)
{
    open_connection(false, CLIENT_MULTI_STATEMENTS);
    run("SELECT 1; SET @a = 2; SELECT @a; SELECT nothing FROM nowhere; SELECT 3");
    int results = 0;
    int more = 0;
    do {
        MYSQL_RES *r = mysql_store_result(db);
        results += r != NULL;
        mysql_free_result(r);
        more = mysql_next_result(db);
    } while (more == 0);
    check(results == 2 && more > 0 && mysql_errno(db) == 1146, "results before the error");
    run("SELECT 4");
    mysql_free_result(mysql_store_result(db));
}

/* 3 MiB in pieces. */
static void long_data(void)
{
    static const char sql[] = "SELECT LENGTH(?), ?";
    enum {
        PIECE = 64 << 10,
        PIECES = 48
    };
    static char piece[PIECE];
    char number[20] = "7";
    unsigned long length = 1;
    long got = 0;
    int seven = 0;
    memset(piece, 'p', sizeof piece);
    open_connection(false, 0);
    MYSQL_STMT *s = mysql_stmt_init(db);
    MYSQL_BIND in[2] = {{.buffer_type = MYSQL_TYPE_BLOB},
                        {.buffer_type = MYSQL_TYPE_STRING,
                         .buffer = number,
                         .buffer_length = 1,
                         .length = &length}};
    MYSQL_BIND out[2] = {{.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &got},
                         {.buffer_type = MYSQL_TYPE_LONG, .buffer = &seven}};
    check(mysql_stmt_prepare(s, sql, strlen(sql)) == 0 && !mysql_stmt_bind_param(s, in), "prepare");
    for (int i = 0; i < PIECES; i++) {
        check(mysql_stmt_send_long_data(s, 0, piece, PIECE) == 0, "send");
    }
    check(mysql_stmt_execute(s) == 0 && !mysql_stmt_bind_result(s, out) && mysql_stmt_fetch(s) == 0,
          mysql_stmt_error(s));
    check(got == (long)PIECE * PIECES && seven == 7, "length");
    mysql_stmt_close(s);
}

static void change_user(void)
{
    open_connection(false, 0);
    run("CREATE USER IF NOT EXISTS special IDENTIFIED BY 'word'");
    run("SET @a = 1");
    check(mysql_change_user(db, "special", "word", NULL) == 0, "change user");
    run("SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', 1), @a");
    MYSQL_RES *r = mysql_store_result(db);
    MYSQL_ROW row = mysql_fetch_row(r);
    check(strcmp(row[0], "special") == 0 && row[1] == NULL, "user and variable");
    mysql_free_result(r);
    check(mysql_change_user(db, "root", "", "shared") == 0, "back");
    check(mysql_change_user(db, "special", "wrong", NULL) != 0 && mysql_errno(db) == 1045,
          "wrong password");
    mysql_close(db);
    open_connection(false, 0);
    run("DROP USER special");
}

static void reset(void)
{
    open_connection(false, 0);
    run("SET @a = 1, SESSION sql_mode = 'ANSI'");
    run("BEGIN");
    check(mysql_reset_connection(db) == 0, "reset");
    run("SELECT @a IS NULL AND @@sql_mode NOT LIKE '%ANSI%', DATABASE()");
    MYSQL_RES *r = mysql_store_result(db);
    MYSQL_ROW row = mysql_fetch_row(r);
    check(strcmp(row[0], "1") == 0, "variables");
    mysql_free_result(r);
}

/* Prepared statements that are never closed, up to the server's limit. */
static void many_statements(void)
{
    open_connection(false, 0);
    run("SET GLOBAL max_prepared_stmt_count = 500");
    unsigned error = 0;
    for (int i = 0; i < 600 && error == 0; i++) {
        MYSQL_STMT *s = mysql_stmt_init(db);
        if (mysql_stmt_prepare(s, "SELECT ?", 8) != 0) {
            error = mysql_stmt_errno(s);
        }
    }
    run("SET GLOBAL max_prepared_stmt_count = 16382");
    check(error == 1461, "no error 1461");
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } all[] = {
        {"compress", compress},
        {"compress_large", compress_large},
        {"cursor", cursor},
        {"cursor_interleaved", cursor_interleaved},
        {"multi", multi},
        {"long_data", long_data},
        {"change_user", change_user},
        {"reset", reset},
        {"many_statements", many_statements},
    };
    port = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (argc > 2 && strcmp(argv[1], all[i].name) == 0) {
            all[i].run();
            printf("ok %s\n", argv[1]);
            return 0;
        }
    }
    printf("FAIL no such check\n");
    return 2;
}
