/* See log_fixture.h. */
#include "log_fixture.h"

#include "base/bytebuf.h"
#include "base/clock.h"
#include "engine/duckdb/duckdb_engine.h"
#include "exec/bootstrap.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 256 * 1024 * 1024,
    LOG_START = 4,
};

/* ---- The input ---- */

static void give_back(void *arg, struct change_block *block)
{
    struct log_block *b = CONTAINER_OF(block, struct log_block, block);
    (void)arg;
    free(b->block.data);
    free(b);
}

static enum change_take take(void *arg, uint64_t deadline_us, struct change_block **out,
                             struct diag *d)
{
    struct log_fixture *f = arg;
    (void)d;
    f->taker = fiber_self();
    while (rlist_is_empty(&f->blocks)) {
        if (f->nudged || fiber_park(deadline_us) != FIBER_WOKEN) {
            f->nudged = false;
            return CHANGE_TAKE_TIMEOUT;
        }
    }
    struct log_block *b = RLIST_ENTRY(rlist_shift(&f->blocks), struct log_block, link);
    if (b->is_restart) {
        give_back(f, &b->block);
        return CHANGE_TAKE_RESTARTED;
    }
    *out = &b->block;
    return CHANGE_TAKE_BLOCK;
}

static void wake_taker(struct log_fixture *f);

static void nudge(void *arg)
{
    struct log_fixture *f = arg;
    f->nudged = true;
    wake_taker(f);
}

static void wake_taker(struct log_fixture *f)
{
    if (f->taker != NULL) {
        fiber_wake(f->taker);
    }
}

static void drop_blocks(struct log_fixture *f)
{
    struct rlist *node;
    while ((node = rlist_shift(&f->blocks)) != NULL) {
        struct log_block *b = RLIST_ENTRY(node, struct log_block, link);
        free(b->block.data);
        free(b);
    }
}

static void give_block(struct log_fixture *f, bool is_restart)
{
    struct log_block *b = calloc(1, sizeof(*b));
    b->is_restart = is_restart;
    b->block = (struct change_block){.len = f->events.len, .data = malloc(f->events.len + 1)};
    if (f->events.len > 0) {
        memcpy(b->block.data, f->events.p, f->events.len);
    }
    bytebuf_reset(&f->events);
    rlist_push(&f->blocks, &b->link);
    wake_taker(f);
}

/* Gives everything again that lies behind an offset. */
static void replay(struct log_fixture *f, uint64_t offset)
{
    drop_blocks(f);
    bytebuf_reset(&f->events);
    for (size_t at = 0; at < f->history.len;) {
        uint32_t len;
        uint32_t end;
        memcpy(&len, f->history.p + at, sizeof(len));
        memcpy(&end, f->history.p + at + 4 + 13, sizeof(end));
        if (end > offset) {
            bytebuf_put(&f->events, f->history.p + at, len + sizeof(len));
        }
        at += len + sizeof(len);
    }
    give_block(f, false);
}

static void restart(void *arg, const struct change_position *from)
{
    struct log_fixture *f = arg;
    if (f->replays) {
        replay(f, from->offset);
    }
    f->restarts++;
    (void)snprintf(f->restart_file, sizeof(f->restart_file), "%.60s", from->file);
    f->restart_offset = from->offset;
}

static bool is_idle(void *arg)
{
    struct log_fixture *f = arg;
    return !f->is_busy && rlist_is_empty(&f->blocks);
}

/* ---- Life ---- */

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void open_all(struct log_fixture *f)
{
    const struct duckdb_config config = {.path = str_from_cstr(f->dir), .threads = 2};
    const struct engine_type *type = engine_find_type(STR("duckdb"));
    f->server = calloc(1, sizeof(*f->server));
    arena_init(&f->server->arena, 0);
    fmutex_init(&f->server->writer);
    os_rwlock_init(&f->server->vars_lock);
    f->server->vars.collation_server = COLLATION_UTF8MB4_0900_AI_CI;
    f->server->catalog = catalog_new();
    assert_done(f, engine_open(type, &config, &f->diag, &f->server->engine));
    f->server->accounts = accounts_new();
    assert_done(f, exec_bootstrap(f->server, &f->diag));
    assert_done(f, engine_session_open(f->server->engine, &f->diag, &f->session));
    f->copy = copy_new(f->server);
    assert_done(f, copy_load(f->copy, f->session, &f->diag));
    f->pipeline = pipeline_new(f->server, f->copy, &f->options);
}

static void close_all(struct log_fixture *f)
{
    pipeline_stop(f->pipeline);
    pipeline_free(f->pipeline);
    copy_free(f->copy);
    engine_session_close(f->session);
    engine_close(f->server->engine);
    accounts_free(f->server->accounts);
    catalog_free(f->server->catalog);
    fmutex_release(&f->server->writer);
    os_rwlock_release(&f->server->vars_lock);
    arena_release(&f->server->arena);
    free(f->server);
}

void log_fixture_init(struct log_fixture *f, bool on_disk)
{
    *f = (struct log_fixture){.at = LOG_START, .seconds = 1700000000};
    f->options = (struct pipeline_options){
        .max_batch_bytes = 1 << 20, .max_batch_us = 50000, .idle_us = 0, .huge_bytes = 1 << 30};
    diag_init(&f->diag);
    arena_init(&f->arena, 0);
    rlist_init(&f->blocks);
    bytebuf_init(&f->events, EVENTS_MAX);
    bytebuf_init(&f->history, EVENTS_MAX);
    assert_done(f, engine_register_all(&f->diag));
    if (on_disk) {
        const char *tmp = getenv("TMPDIR");
        (void)snprintf(f->dir, sizeof(f->dir), "%s/pintail-log-XXXXXX", tmp != NULL ? tmp : "/tmp");
        assert_non_null(mkdtemp(f->dir));
    }
    open_all(f);
}

void log_fixture_release(struct log_fixture *f)
{
    close_all(f);
    drop_blocks(f);
    bytebuf_release(&f->events);
    bytebuf_release(&f->history);
    arena_release(&f->arena);
    diag_release(&f->diag);
    if (f->dir[0] != '\0') {
        (void)nftw(f->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    }
}

void log_fixture_reopen(struct log_fixture *f)
{
    close_all(f);
    drop_blocks(f);
    open_all(f);
}

/* ---- Tables ---- */

static struct table_def *make_def(struct log_fixture *f, const char *name, bool has_key)
{
    struct table_def *t = table_def_new();
    t->id = catalog_next_id(f->server->catalog);
    t->db = STR("test");
    t->name = arena_dup(t->arena, str_from_cstr(name));
    t->collation = COLLATION_UTF8MB4_0900_BIN;
    t->engine_name = STR("InnoDB");
    t->auto_increment_column = -1;
    t->next_column_id = 4;
    t->next_index_id = 2;
    t->column_count = 3;
    t->columns = ARENA_ARRAY(t->arena, struct column_def, 3);
    t->columns[0] = (struct column_def){.id = 1,
                                        .name = STR("id"),
                                        .type = {.type = MYSQL_TYPE_LONGLONG,
                                                 .length = 20,
                                                 .flags = has_key ? NOT_NULL_FLAG : 0,
                                                 .collation = COLLATION_BINARY}};
    t->columns[1] = (struct column_def){
        .id = 2,
        .name = STR("n"),
        .type = {.type = MYSQL_TYPE_LONG, .length = 11, .collation = COLLATION_BINARY}};
    t->columns[2] = (struct column_def){.id = 3,
                                        .name = STR("s"),
                                        .type = {.type = MYSQL_TYPE_VARCHAR,
                                                 .length = 100,
                                                 .collation = COLLATION_UTF8MB4_0900_BIN}};
    if (has_key) {
        t->index_count = 1;
        t->indexes = ARENA_NEW(t->arena, struct index_def);
        t->indexes[0] = (struct index_def){.id = 1,
                                           .kind = INDEX_DEF_PRIMARY,
                                           .name = STR("PRIMARY"),
                                           .column_count = 1,
                                           .columns = ARENA_NEW(t->arena, struct index_column)};
    }
    table_def_set_key_flags(t);
    return t;
}

struct copy_table *log_fixture_add_table(struct log_fixture *f, const char *name,
                                         enum copy_state state, bool has_key)
{
    struct table_def *def = make_def(f, name, has_key);
    struct copy_change change = {
        .after = copy_table_new(f->server, def->db, def->name, state, def, STR(""))};
    table_def_unref(def);
    assert_done(f, engine_begin(f->session, 0, &f->diag));
    assert_done(f, copy_store(f->copy, f->session, &change, &f->diag));
    assert_done(f, engine_commit(f->session, &f->diag));
    copy_publish(f->copy, &change);
    struct copy_table *t = copy_find(f->copy, STR("test"), str_from_cstr(name));
    assert_non_null(t);
    copy_table_unref(t); /* The list's reference is enough. */
    return t;
}

/* ---- Events ---- */

static void put_int(struct bytebuf *b, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        bytebuf_put_char(b, (char)(v >> (8 * i)));
    }
}

static void put_event(struct log_fixture *f, uint8_t type, struct str body)
{
    const uint32_t size = (uint32_t)(BINLOG_HEADER_LEN + body.len);
    f->at += size;
    put_int(&f->events, size, 4);
    put_int(&f->events, f->seconds, 4);
    put_int(&f->events, type, 1);
    put_int(&f->events, 1, 4);
    put_int(&f->events, size, 4);
    put_int(&f->events, f->at, 4);
    put_int(&f->events, 0, 2);
    bytebuf_put_str(&f->events, body);
}

static void put_query(struct log_fixture *f, const char *sql)
{
    struct bytebuf b;
    bytebuf_init(&b, EVENTS_MAX);
    put_int(&b, 1, 4);
    put_int(&b, 0, 4);
    put_int(&b, 4, 1);
    put_int(&b, 0, 2);
    put_int(&b, 0, 2);
    bytebuf_put(&b, "test", 5);
    bytebuf_put_cstr(&b, sql);
    put_event(f, BINLOG_QUERY, bytebuf_str(&b));
    bytebuf_release(&b);
}

static void put_table_map(struct log_fixture *f, struct str table)
{
    struct bytebuf b;
    bytebuf_init(&b, EVENTS_MAX);
    put_int(&b, 100 + (uint8_t)table.p[0], 6);
    put_int(&b, 1, 2);
    put_int(&b, 4, 1);
    bytebuf_put(&b, "test", 5);
    put_int(&b, table.len, 1);
    bytebuf_put_str(&b, table);
    put_int(&b, 0, 1);
    put_int(&b, 3, 1);
    put_int(&b, MYSQL_TYPE_LONGLONG, 1);
    put_int(&b, MYSQL_TYPE_LONG, 1);
    put_int(&b, MYSQL_TYPE_VARCHAR, 1);
    put_int(&b, 2, 1);
    put_int(&b, 400, 2);
    put_int(&b, 7, 1);
    put_event(f, BINLOG_TABLE_MAP, bytebuf_str(&b));
    bytebuf_release(&b);
}

static void cut_image(struct str image, char text[256], char *fields[3])
{
    (void)snprintf(text, 256, "%.*s", STR_FMT(image));
    fields[0] = text;
    for (int i = 1; i < 3; i++) {
        fields[i] = strchr(fields[i - 1], ',');
        assert_non_null(fields[i]);
        *fields[i]++ = '\0';
    }
}

static bool is_absent(const char *field)
{
    return strcmp(field, ".") == 0;
}

/* Bits of the columns that an image has. */
static uint64_t columns_of(struct str image)
{
    char text[256];
    char *fields[3];
    uint64_t bits = 0;
    cut_image(image, text, fields);
    for (unsigned i = 0; i < 3; i++) {
        bits |= (is_absent(fields[i]) ? 0u : 1u) << i;
    }
    return bits;
}

/* "1,10,a" as an image. */
static void put_image(struct bytebuf *b, struct str image)
{
    char text[256];
    char *fields[3];
    cut_image(image, text, fields);
    unsigned nulls = 0;
    unsigned present = 0;
    for (unsigned i = 0; i < 3; i++) {
        if (is_absent(fields[i])) {
            fields[i][0] = '\0';
        } else {
            nulls |= (fields[i][0] == '\0' ? 1u : 0u) << present++;
        }
    }
    if (present > 0) {
        put_int(b, nulls, 1);
    }
    if (fields[0][0] != '\0') {
        put_int(b, (uint64_t)strtoll(fields[0], NULL, 10), 8);
    }
    if (fields[1][0] != '\0') {
        put_int(b, (uint64_t)strtoll(fields[1], NULL, 10), 4);
    }
    if (fields[2][0] != '\0') {
        put_int(b, strlen(fields[2]), 2);
        bytebuf_put_cstr(b, fields[2]);
    }
}

static void put_rows(struct log_fixture *f, struct str table, char op, struct str images)
{
    struct bytebuf b;
    const char *arrow = memchr(images.p, '>', images.len);
    bytebuf_init(&b, EVENTS_MAX);
    put_int(&b, 100 + (uint8_t)table.p[0], 6);
    put_int(&b, BINLOG_ROWS_STMT_END, 2);
    put_int(&b, 2, 2);
    put_int(&b, 3, 1);
    if (op == '~') {
        assert_non_null(arrow);
        const struct str before = str_from(images.p, (size_t)(arrow - images.p));
        const struct str after = str_from(arrow + 1, images.len - before.len - 1);
        put_int(&b, columns_of(before), 1);
        put_int(&b, columns_of(after), 1);
        put_image(&b, before);
        put_image(&b, after);
    } else {
        put_int(&b, columns_of(images), 1);
        put_image(&b, images);
    }
    put_event(f,
              op == '+'   ? BINLOG_WRITE_ROWS
              : op == '-' ? BINLOG_DELETE_ROWS
                          : BINLOG_UPDATE_ROWS,
              bytebuf_str(&b));
    bytebuf_release(&b);
}

static void put_gtid(struct log_fixture *f, const char *number)
{
    struct bytebuf b;
    bytebuf_init(&b, EVENTS_MAX);
    put_int(&b, 0, 1);
    bytebuf_put_cstr(&b, "a-server's UUID.");
    put_int(&b, (uint64_t)strtoll(number, NULL, 10), 8);
    put_event(f, BINLOG_GTID, bytebuf_str(&b));
    bytebuf_release(&b);
}

static void put_line(struct log_fixture *f, struct str line)
{
    char text[512];
    (void)snprintf(text, sizeof(text), "%.*s", STR_FMT(line));
    const char *space = strchr(text, ' ');
    if (str_eq(line, STR("COMMIT"))) {
        put_event(f, BINLOG_XID, STR("\1\0\0\0\0\0\0\0"));
    } else if (str_eq(line, STR("PREPARE"))) {
        put_event(f, BINLOG_XA_PREPARE, STR("\0\1\0\0\0\1\0\0\0\0\0\0\0a"));
    } else if (str_eq(line, STR("ONE_PHASE"))) {
        put_event(f, BINLOG_XA_PREPARE, STR("\1\1\0\0\0\1\0\0\0\0\0\0\0a"));
    } else if (str_starts_with(line, STR("GTID "))) {
        put_gtid(f, space + 1);
    } else if (space != NULL && strchr("+-~", space[1]) != NULL) {
        const struct str table = str_from(line.p, (size_t)(space - text));
        put_table_map(f, table);
        put_rows(f, table, space[1], str_from(line.p + table.len + 2, line.len - table.len - 2));
    } else {
        put_query(f, text);
    }
}

static void put_rotate(struct log_fixture *f)
{
    const uint32_t at = f->at;
    put_event(f, BINLOG_ROTATE, STR("\4\0\0\0\0\0\0\0log.000001"));
    f->at = at;
}

void log_fixture_play(struct log_fixture *f, const char *script)
{
    if (f->at == LOG_START) {
        put_rotate(f);
    }
    while (*script != '\0') {
        const char *end = strchr(script, ';');
        const size_t len = end != NULL ? (size_t)(end - script) : strlen(script);
        const struct str line = str_trim(str_from(script, len));
        if (line.len > 0) {
            put_line(f, line);
        }
        script += len + (end != NULL);
    }
    if (f->replays) {
        bytebuf_put_str(&f->history, bytebuf_str(&f->events));
    }
    give_block(f, false);
}

void log_fixture_cut(struct log_fixture *f)
{
    give_block(f, true);
}

/* ---- Running ---- */

static int read_position(void *arg, uint64_t id, struct str value)
{
    struct diag ignored;
    (void)id;
    diag_init(&ignored);
    const int rc = change_position_from_json(value, arg, &ignored);
    diag_release(&ignored);
    return rc;
}

void log_fixture_start(struct log_fixture *f)
{
    const struct stream_input input = {.arg = f,
                                       .take = take,
                                       .give_back = give_back,
                                       .nudge = nudge,
                                       .restart = restart,
                                       .is_idle = is_idle};
    struct change_position from;
    change_position_init(&from);
    assert_done(
        f, engine_meta_scan(f->session, STR("replica_position"), read_position, &from, &f->diag));
    pipeline_set_options(f->pipeline, &f->options);
    assert_int_equal(pipeline_start_input(f->pipeline, loop_self(), &input, &from, NULL), 0);
    change_position_release(&from);
}

void log_fixture_stop(struct log_fixture *f)
{
    log_fixture_settle(f);
    pipeline_stop(f->pipeline);
    f->taker = NULL;
}

void log_fixture_settle(struct log_fixture *f)
{
    struct change_position need;
    if (f->at == LOG_START) {
        return; /* Nothing was given. */
    }
    change_position_init(&need);
    (void)snprintf(need.file, sizeof(need.file), "log.000001");
    need.offset = f->at;
    assert_done(f, pipeline_wait(f->pipeline, &need, true, FIBER_FOREVER, &f->diag));
    change_position_release(&need);
}

const char *log_fixture_fail(struct log_fixture *f)
{
    struct pipeline_status st;
    do {
        (void)fiber_sleep(1000);
        pipeline_status(f->pipeline, &st);
    } while (st.running);
    pipeline_stop(f->pipeline);
    f->taker = NULL;
    return arena_dup_cstr(&f->arena, str_from_cstr(st.last_error));
}

const char *log_fixture_rows(struct log_fixture *f, const struct copy_table *t)
{
    const struct engine_query q = {
        .text = arena_printf(&f->arena, "SELECT c1, c2, c3 FROM t%" PRIu64 " ORDER BY ALL", t->id),
        .column_count = 3,
        .types = (const struct sql_type[]){t->def->columns[0].type, t->def->columns[1].type,
                                           t->def->columns[2].type}};
    struct engine_cursor *c;
    struct chunk chunk;
    struct bytebuf out;
    bytebuf_init(&out, EVENTS_MAX);
    assert_done(f, engine_query_open(f->session, &q, &f->diag, &c));
    while (engine_fetch(c, &f->diag, &chunk) == ENGINE_ROW) {
        for (uint32_t row = 0; row < chunk.nrows; row++) {
            bytebuf_put_cstr(&out, out.len > 0 ? " " : "");
            for (uint32_t i = 0; i < 3; i++) {
                struct value v;
                vec_get(&chunk.cols[i], row, &v);
                bytebuf_put_cstr(&out, i > 0 ? "," : "");
                if (v.kind == VALUE_INT) {
                    bytebuf_printf(&out, "%" PRId64, v.i);
                } else if (v.kind == VALUE_STRING) {
                    bytebuf_put_str(&out, v.str);
                }
            }
        }
    }
    engine_cursor_close(c);
    const char *text = arena_dup_cstr(&f->arena, bytebuf_str(&out));
    bytebuf_release(&out);
    return text;
}
