/*
 * See verify_tool.h. One loop thread with one fiber, which has one connection to Pintail; the main
 * thread waits for it.
 */
#include "verify_tool.h"

#include "change/copy.h"
#include "tool_options.h"
#include "upstream/upstream.h"

#include "base/clock.h"
#include "os/fiber.h"
#include "os/offload.h"
#include "os/signals.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    DEFAULT_PORT = 3306,
    EXIT_EQUAL = 0,
    EXIT_DIFFERENT = 1,
    EXIT_NOT_COMPARED = 2,
    MAX_PACKET = 64 * 1024 * 1024,
    SQL_MAX = 64 * 1024,
};

#define CONNECT_TIMEOUT_US UINT64_C(10000000)
#define US_PER_SECOND      1e6

static const char usage[] =
    "Usage: pintail verify [OPTION...] [PATTERN...]\n"
    "Asks a running Pintail to compare the copy with its source, chunk by chunk, while both go on:\n"
    "all live tables, or those that a pattern names: \"shop.*\", \"crm.log_?\". Each table is locked\n"
    "for reading on the source for a moment, as long as it takes to open a view of it.\n"
    "      --host HOST       Pintail's name or address; 127.0.0.1\n"
    "      --port PORT       3306\n"
    "      --socket PATH     its UNIX socket, instead of a host\n"
    "      --user NAME       an account that may command the copy; root\n"
    "  -q, --quiet           print only tables that are not equal\n"
    "The password is taken from the environment variable MYSQL_PWD. The exit status is 0 when all\n"
    "tables are equal, 1 when one differs, 2 when one could not be compared.\n";

/* What became of a table, in the order of the exit status. */
enum outcome {
    OUTCOME_EQUAL,
    OUTCOME_DIFFERENT,
    OUTCOME_NOT_COMPARED,
    OUTCOME_COUNT,
};

struct verify_job {
    const char *host;
    const char *socket;
    const char *user;
    uint64_t port;
    bool is_quiet;
    uint32_t pattern_count;
    struct str *patterns;

    struct loop *loop;
    struct upstream *upstream;
    struct upstream_conn *conn;
    struct arena arena;
    struct diag diag;
    size_t width; /* Of the column of names. */
    uint64_t counts[OUTCOME_COUNT];
    int rc;
};

/* A table in the list, and then what was said about it. */
struct verified {
    struct str db, name, state;
    enum outcome outcome;
    uint64_t rows, chunks;
    double seconds;
    struct str text; /* Empty = nothing more. */
};

/* ---- What a server says about a table ---- */

/* Takes "123" off the text. */
static bool take_number(struct str *text, uint64_t *out)
{
    size_t n = 0;
    while (n < text->len && text->p[n] >= '0' && text->p[n] <= '9') {
        n++;
    }
    if (n == 0 || str_to_u64(str_from(text->p, n), out) != 0) {
        return false;
    }
    *text = str_from(text->p + n, text->len - n);
    return true;
}

static bool take_word(struct str *text, const char *word)
{
    const struct str w = str_from_cstr(word);
    if (!str_starts_with(*text, w)) {
        return false;
    }
    *text = str_from(text->p + w.len, text->len - w.len);
    return true;
}

/* "5 rows in 3 chunks are equal" */
static void read_note(struct verified *v, struct str text)
{
    (void)(take_number(&text, &v->rows) && take_word(&text, " rows in ") &&
           take_number(&text, &v->chunks));
}

/* "2 of 5 rows in 1 of 3 chunks differ; …", or why it could not be compared. */
static void read_error(struct verified *v, struct str text)
{
    struct str rest = text;
    uint64_t n;
    const bool differs = take_number(&rest, &n) && take_word(&rest, " of ") &&
                         take_number(&rest, &v->rows) && take_word(&rest, " rows in ") &&
                         take_number(&rest, &n) && take_word(&rest, " of ") &&
                         take_number(&rest, &v->chunks) && take_word(&rest, " chunks differ");
    v->outcome = differs ? OUTCOME_DIFFERENT : OUTCOME_NOT_COMPARED;
    v->text = text;
}

/* The rows of PINTAIL VERIFY TABLE: table, operation, kind, text. */
static void read_answer(struct verified *v, const struct upstream_result *r)
{
    v->outcome = OUTCOME_NOT_COMPARED;
    v->text = STR("the answer is not understood");
    for (uint64_t i = 0; r->column_count == 4 && i < r->row_count; i++) {
        const struct str kind = r->rows[i][2];
        if (str_eq_nocase(kind, STR("note"))) {
            read_note(v, r->rows[i][3]);
        } else if (str_eq_nocase(kind, STR("status"))) {
            v->outcome = OUTCOME_EQUAL;
            v->text = STR("");
        } else {
            read_error(v, r->rows[i][3]);
        }
    }
}

/* ---- Printing ---- */

static void print_head(const struct verify_job *j)
{
    printf("%-*s  %-12s %12s %8s %8s\n", (int)j->width, "table", "result", "rows", "chunks",
           "seconds");
}

static void print_table(const struct verify_job *j, const struct verified *v)
{
    static const char *const names[] = {
        [OUTCOME_EQUAL] = "equal",
        [OUTCOME_DIFFERENT] = "DIFFERENT",
        [OUTCOME_NOT_COMPARED] = "not compared",
    };
    const int pad = (int)(j->width - v->db.len - 1 - v->name.len);
    if (j->is_quiet && v->outcome == OUTCOME_EQUAL) {
        return;
    }
    printf("%.*s.%.*s%*s  %-12s %12" PRIu64 " %8" PRIu64 " %8.2f%s%.*s\n", STR_FMT(v->db),
           STR_FMT(v->name), pad, "", names[v->outcome], v->rows, v->chunks, v->seconds,
           v->text.len > 0 ? "  " : "", STR_FMT(v->text));
    (void)fflush(stdout);
}

/* For who watches: it may take long. */
static void print_progress(const struct verify_job *j, const struct verified *v, uint64_t number,
                           uint64_t count)
{
    if (!j->is_quiet && isatty(STDERR_FILENO)) {
        (void)fprintf(stderr, "(%" PRIu64 " of %" PRIu64 ": %.*s.%.*s)\033[K\r", number, count,
                      STR_FMT(v->db), STR_FMT(v->name));
    }
}

/* ---- Asking ---- */

static bool is_wanted(const struct verify_job *j, const struct verified *v)
{
    const struct copy_filter filter = {.include_count = j->pattern_count, .include = j->patterns};
    return copy_filter_takes(&filter, v->db, v->name);
}

/* The wanted tables. -1 with the diag set. */
static int list_tables(struct verify_job *j, uint64_t *out_count, struct verified **out)
{
    struct upstream_result r;
    const struct str sql = STR("SELECT `database`, name, state, COALESCE(reason, '') FROM "
                               "pintail.tables");
    if (upstream_query(j->conn, sql, &j->arena, &j->diag, &r) != 0) {
        return -1;
    }
    *out = ARENA_ARRAY(&j->arena, struct verified, r.row_count + 1);
    *out_count = 0;
    for (uint64_t i = 0; r.column_count == 4 && i < r.row_count; i++) {
        struct verified *v = &(*out)[*out_count];
        *v = (struct verified){.db = r.rows[i][0], .name = r.rows[i][1], .state = r.rows[i][2]};
        v->text = arena_printf(&j->arena, "it is %.*s%s%.*s", STR_FMT(v->state),
                               r.rows[i][3].len > 0 ? ": " : "", STR_FMT(r.rows[i][3]));
        if (is_wanted(j, v)) {
            j->width = MAX(j->width, v->db.len + 1 + v->name.len);
            ++*out_count;
        }
    }
    return 0;
}

/* -1 with the diag set: the connection is of no more use. */
static int verify(struct verify_job *j, struct verified *v)
{
    struct bytebuf sql;
    struct upstream_result r;
    const uint64_t begun_us = clock_monotonic_us();
    v->outcome = OUTCOME_NOT_COMPARED;
    if (!str_eq_nocase(v->state, STR("live"))) {
        return 0;
    }
    bytebuf_init(&sql, SQL_MAX);
    bytebuf_put_cstr(&sql, "PINTAIL VERIFY TABLE ");
    bytebuf_put_quoted(&sql, v->db, "`");
    bytebuf_put_char(&sql, '.');
    bytebuf_put_quoted(&sql, v->name, "`");
    const int rc = upstream_query(j->conn, bytebuf_str(&sql), &j->arena, &j->diag, &r);
    bytebuf_release(&sql);
    v->seconds = (double)(clock_monotonic_us() - begun_us) / US_PER_SECOND;
    if (rc == 0) {
        read_answer(v, &r);
    } else {
        v->text = arena_dup(&j->arena, j->diag.error->message);
        diag_clear_error(&j->diag);
    }
    return j->conn->broken ? upstream_error(&j->diag, CR_SERVER_LOST, "%.*s", STR_FMT(v->text)) : 0;
}

/* A table that waits for its copy, or has none, was not asked for when no pattern names it. */
static void count(struct verify_job *j, const struct verified *v)
{
    const bool is_live = str_eq_nocase(v->state, STR("live"));
    if (v->outcome != OUTCOME_NOT_COMPARED || is_live || j->pattern_count > 0) {
        j->counts[v->outcome]++;
    }
}

static int verify_all(struct verify_job *j)
{
    struct verified *tables;
    uint64_t table_count;
    if (list_tables(j, &table_count, &tables) != 0) {
        return -1;
    }
    print_head(j);
    for (uint64_t i = 0; i < table_count; i++) {
        print_progress(j, &tables[i], i + 1, table_count);
        if (verify(j, &tables[i]) != 0) {
            return -1;
        }
        print_table(j, &tables[i]);
        count(j, &tables[i]);
    }
    printf("%" PRIu64 " equal, %" PRIu64 " different, %" PRIu64 " not compared\n",
           j->counts[OUTCOME_EQUAL], j->counts[OUTCOME_DIFFERENT], j->counts[OUTCOME_NOT_COMPARED]);
    if (j->counts[OUTCOME_EQUAL] + j->counts[OUTCOME_DIFFERENT] == 0) {
        return diag_set_text(&j->diag, ER_NO_SUCH_TABLE, STR("no live table was compared"));
    }
    return 0;
}

/* ---- The connection ---- */

static void run_job(void *arg)
{
    struct verify_job *j = arg;
    const uint64_t deadline = clock_monotonic_us() + CONNECT_TIMEOUT_US;
    const struct upstream_login login = {.user = str_from_cstr(j->user),
                                         .password = str_from_cstr(getenv("MYSQL_PWD"))};
    j->conn = upstream_connect(j->upstream, j->loop, NULL, 0, deadline, &j->diag);
    if (j->conn != NULL && upstream_login(j->conn, &login, deadline, &j->diag) == 0) {
        j->rc = verify_all(j);
    }
    upstream_close(j->conn);
}

static int run_on_loop(struct verify_job *j, struct loops *loops)
{
    const struct upstream_options options = {
        .host = str_from_cstr(j->host),
        .port = (uint16_t)j->port,
        .socket = str_from_cstr(j->socket),
        .tls_mode = UPSTREAM_TLS_PREFERRED,
        .connect_timeout_us = CONNECT_TIMEOUT_US,
        .write_timeout_us = CONNECT_TIMEOUT_US,
        .max_packet = MAX_PACKET,
    };
    j->upstream = upstream_new(&options, &j->diag);
    if (j->upstream == NULL) {
        return -1;
    }
    j->loop = loops_get(loops, 0);
    j->rc = -1;
    struct fiber *f = fiber_spawn_ref(j->loop, run_job, j);
    if (f != NULL) {
        fiber_join(f);
    } else {
        (void)diag_set(&j->diag, ER_OUT_OF_RESOURCES);
    }
    upstream_free(j->upstream);
    return j->rc;
}

static int run(struct verify_job *j)
{
    struct loops *loops = NULL;
    signals_init();
    offload_start(NULL);
    diag_init(&j->diag);
    int status = EXIT_EQUAL;
    if (loops_start(1, &loops, &j->diag) != 0 || run_on_loop(j, loops) != 0) {
        (void)fflush(stdout);
        (void)fprintf(stderr, "pintail: verify: %.*s\n", STR_FMT(j->diag.error->message));
        status = EXIT_NOT_COMPARED;
    }
    if (j->counts[OUTCOME_NOT_COMPARED] > 0) {
        status = EXIT_NOT_COMPARED;
    }
    if (j->counts[OUTCOME_DIFFERENT] > 0) {
        status = EXIT_DIFFERENT;
    }
    diag_release(&j->diag);
    loops_stop(loops);
    offload_stop();
    return status;
}

int verify_tool(int argc, char **argv)
{
    struct verify_job j = {
        .host = "127.0.0.1", .user = "root", .port = DEFAULT_PORT, .width = strlen("table")};
    const struct tool_option options[] = {
        {.name = "--host", .text = &j.host},
        {.name = "--socket", .text = &j.socket},
        {.name = "--user", .text = &j.user},
        {.name = "--port", .number = &j.port},
        {.name = "--quiet", .short_name = "-q", .flag = &j.is_quiet},
    };
    const struct tool tool = {
        .name = "verify", .usage = usage, .options = options, .option_count = ARRAY_SIZE(options)};
    int words;
    int status;
    if (!tool_parse(&tool, argc, argv, &words, &status)) {
        return status;
    }
    arena_init(&j.arena, 0);
    j.pattern_count = (uint32_t)words;
    j.patterns = ARENA_ARRAY(&j.arena, struct str, words + 1);
    for (int i = 0; i < words; i++) {
        j.patterns[i] = str_from_cstr(argv[1 + i]);
    }
    status = run(&j);
    arena_release(&j.arena);
    return status;
}
