/*
 * LOAD DATA [LOCAL] INFILE.
 *
 *   reader fiber:   file -> buffer -> [offload: parse rows, convert, build chunks] -> ring
 *   session fiber:  ring -> [offload: append to the engine's writer]
 *
 * The two fibers live on one loop thread, so the ring needs no lock; what runs on offload threads
 * touches only what was handed to it: the parser side the buffer, row_build and free chunks, the
 * append side one full chunk and a diag of its own. Memory is bounded by the ring.
 *
 * Duplicate keys: an error, or, with IGNORE (which LOCAL implies, as in MySQL) and REPLACE, settled
 * by the engine's writer.
 */
#include "exec/dml.h"
#include "exec/load_parse.h"
#include "exec/row_build.h"
#include "exec/user_vars.h"
#include "types/charset.h"
#include "types/store_clean.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Bytes read before a step of parsing, chunks on their way, longest row. */
#define READ_LEN  (1u << 20)
#define RING_SIZE 16
#define ROW_MAX   (UINT64_C(1) << 30)

/* What the servers call a file that cannot be looked at. */
#define EE_STAT 13

struct load_run {
    struct exec_session *x;
    const struct load_data_stmt *stmt;
    const struct table_def *table;
    const struct charset *charset; /* of the file; NULL: no conversion */
    struct load_parser parser;
    int fd; /* -1: LOCAL */

    /* Parser side. */
    struct row_build build;
    struct eval_ctx eval;
    struct store_clean_column *clean; /* by column; NULL when rows need more than their fields */
    struct load_field *fields;
    uint32_t field_count; /* wanted */
    struct bytebuf input;
    size_t input_pos;
    bool eof;
    uint64_t lines_to_skip;
    struct arena field_arena;
    uint64_t rows;
    int parse_rc;
    bool need_more;
    bool parsed_all; /* the last row is in the chunk being filled */

    /* Ring: [head, tail) are full. */
    struct chunk_builder ring[RING_SIZE];
    uint64_t head;
    uint64_t tail;
    bool done; /* the reader has ended, its last chunk is in the ring */
    struct fiber *reader;
    struct fiber *writer_fiber;

    /* Append side. */
    struct engine_writer *writer;
    struct engine_write_stats stats;
    struct diag append_diag;
    int append_rc;
    bool failed; /* of either side: the other ends too */
};

/* ---- Parsing: on an offload thread ---- */

static int field_value(struct load_run *run, const struct load_field *f, struct value *out)
{
    if (f->is_null) {
        *out = value_null();
        return 0;
    }
    struct str text = f->text;
    if (run->charset != NULL && !charset_is_utf8_already(run->charset, text)) {
        struct bytebuf buf;
        bytebuf_init(&buf, ROW_MAX);
        (void)charset_to_utf8(run->charset, text, &buf);
        text = arena_dup(&run->field_arena, bytebuf_str(&buf));
        bytebuf_release(&buf);
    }
    *out = value_string(text, run->x->vars.collation_database);
    return 0;
}

/* LOAD DATA puts the type's zero where NULL meets a NOT NULL column, with a warning. */
static int set_target(struct load_run *run, uint32_t i, const struct value *v)
{
    const struct expr *target = run->stmt->target_count > 0 ? run->stmt->targets[i] : NULL;
    if (target != NULL && target->kind == EXPR_USER_VAR) {
        static const struct sql_type text = {.type = MYSQL_TYPE_VAR_STRING,
                                             .length = 65535,
                                             .collation = COLLATION_UTF8MB4_0900_AI_CI};
        return user_var_set(run->x, target->var.name, v, &text);
    }
    return row_build_set(&run->build, run->build.targets[i], v);
}

static int missing_field(struct load_run *run, uint32_t i)
{
    struct diag *diag = run->x->diag;
    const struct expr *target = run->stmt->target_count > 0 ? run->stmt->targets[i] : NULL;
    const bool strict = (run->build.store.sql_mode & SQL_MODE_STRICT) != 0 &&
                        (run->build.store.flags & STORE_IGNORE) == 0;
    if (strict) {
        return diag_set(diag, ER_WARN_TOO_FEW_RECORDS, (unsigned long)run->build.row_number);
    }
    diag_warn(diag, DIAG_WARNING, ER_WARN_TOO_FEW_RECORDS, (unsigned long)run->build.row_number);
    if (target != NULL && target->kind == EXPR_USER_VAR) {
        const struct value null = value_null();
        return set_target(run, i, &null);
    }
    return row_build_set_default(&run->build, run->build.targets[i]);
}

static int surplus_fields(struct load_run *run)
{
    const struct row_build *b = &run->build;
    const unsigned long row = (unsigned long)b->row_number;
    if ((b->store.sql_mode & SQL_MODE_STRICT) != 0 && (b->store.flags & STORE_IGNORE) == 0) {
        return diag_set(run->x->diag, ER_WARN_TOO_MANY_RECORDS, row);
    }
    diag_warn(run->x->diag, DIAG_WARNING, ER_WARN_TOO_MANY_RECORDS, row);
    return 0;
}

static int run_sets(struct load_run *run)
{
    struct row_build *b = &run->build;
    if (run->stmt->set_count == 0) {
        return 0;
    }
    run->eval.arena = &run->field_arena;
    struct value *visible = dml_visible_row(run->x, run->table, b->row, &run->field_arena);
    run->eval.row = visible;
    return dml_assign(b, &run->eval, run->stmt->sets, run->stmt->set_count, visible);
}

/* The quick way: all fields there, and each of them clean text for its column. */
static bool take_clean_row(struct load_run *run, uint32_t found, struct chunk_builder *chunk)
{
    if (run->clean == NULL || found != run->field_count) {
        return false;
    }
    (void)chunk_builder_add_row(chunk);
    for (uint32_t i = 0; i < found; i++) {
        const uint32_t c = run->build.targets[i];
        if (run->fields[i].is_null || !store_clean(&run->clean[c], run->fields[i].text, chunk, c)) {
            chunk_builder_drop_row(chunk);
            return false;
        }
    }
    run->build.row_number++;
    run->rows++;
    return true;
}

static int take_row(struct load_run *run, uint32_t found, struct chunk_builder *chunk)
{
    struct row_build *b = &run->build;
    if (take_clean_row(run, found, chunk)) {
        return 0;
    }
    if (row_build_start(b) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < run->field_count; i++) {
        struct value v;
        const int rc = i >= found                                   ? missing_field(run, i)
                       : field_value(run, &run->fields[i], &v) != 0 ? -1
                                                                    : set_target(run, i, &v);
        if (rc != 0) {
            return -1;
        }
    }
    if (run_sets(run) != 0 || row_build_finish(b) != 0) {
        return -1;
    }
    const enum row_check_result check = row_build_check(b);
    if (check == ROW_CHECK_OK) {
        row_build_add_to(b, chunk);
        run->rows++;
    } else if (check != ROW_CHECK_SKIP) {
        return -1;
    }
    return found > run->field_count ? surplus_fields(run) : 0;
}

static struct str input_left(const struct load_run *run)
{
    return str_from(run->input.p + run->input_pos, run->input.len - run->input_pos);
}

static enum load_result skip_lines(struct load_run *run)
{
    while (run->lines_to_skip > 0) {
        size_t used;
        const enum load_result r = load_skip_line(&run->parser, input_left(run), run->eof, &used);
        if (r != LOAD_ROW) {
            return r;
        }
        run->input_pos += used;
        run->lines_to_skip--;
    }
    return LOAD_ROW;
}

/* Fills one chunk, or as much of it as the input gives. */
static void parse_step(void *arg)
{
    struct load_run *run = arg;
    struct chunk_builder *chunk = &run->ring[run->tail % RING_SIZE];
    run->need_more = false;
    run->parse_rc = 0;
    enum load_result r = skip_lines(run);
    while (r == LOAD_ROW && !chunk_builder_is_full(chunk)) {
        size_t used;
        uint32_t found;
        arena_reset(&run->field_arena);
        r = load_parse_row(&run->parser, input_left(run), run->eof, run->fields, run->field_count,
                           &run->field_arena, &used, &found);
        if (r == LOAD_ROW) {
            run->input_pos += used;
            if (take_row(run, found, chunk) != 0) {
                run->parse_rc = -1;
                return;
            }
        }
    }
    run->need_more = r == LOAD_NEED_MORE;
    run->parsed_all = r == LOAD_END;
}

/* ---- Reading: the reader fiber ---- */

static void read_server_file(void *arg)
{
    struct load_run *run = arg;
    char *to = bytebuf_reserve(&run->input, READ_LEN);
    const ssize_t n = to == NULL ? -1 : read(run->fd, to, READ_LEN);
    if (n < 0) {
        run->parse_rc = diag_set(run->x->diag, ER_ERROR_ON_READ, "file", 0, "");
        return;
    }
    run->input.len += (size_t)n;
    run->eof = n == 0;
}

static int read_client_file(struct load_run *run)
{
    size_t got = 0;
    while (got < READ_LEN && !run->eof) {
        struct str piece;
        if (run->x->client_ops->read_file(run->x->client, run->x->diag, &piece) != 0) {
            return -1;
        }
        run->eof = piece.len == 0;
        bytebuf_put_str(&run->input, piece);
        got += piece.len;
    }
    return run->input.failed ? diag_set(run->x->diag, ER_OUT_OF_RESOURCES) : 0;
}

static int read_more(struct load_run *run)
{
    bytebuf_consume(&run->input, run->input_pos);
    run->input_pos = 0;
    if (run->fd < 0) {
        return read_client_file(run);
    }
    run->parse_rc = 0;
    offload_run_always(OFFLOAD_FILE, read_server_file, run);
    return run->parse_rc;
}

/* Waits until the ring has a free chunk. */
static void wait_for_room(struct load_run *run)
{
    while (run->tail - run->head == RING_SIZE && !run->failed) {
        (void)!fiber_park(FIBER_FOREVER);
    }
}

static void publish_chunk(struct load_run *run)
{
    if (run->ring[run->tail % RING_SIZE].nrows > 0) {
        run->tail++;
    }
    fiber_wake(run->writer_fiber);
}

static void read_all(void *arg)
{
    struct load_run *run = arg;
    fiber_mask_interrupts();
    int rc = read_more(run);
    while (rc == 0 && !run->parsed_all && !run->failed) {
        wait_for_room(run);
        offload_run_always(OFFLOAD_FILE, parse_step, run);
        rc = run->parse_rc;
        const bool full = chunk_builder_is_full(&run->ring[run->tail % RING_SIZE]);
        if (rc == 0 && (full || run->parsed_all)) {
            publish_chunk(run);
        }
        if (rc == 0 && run->need_more) {
            rc = read_more(run);
        }
    }
    run->failed = run->failed || rc != 0;
    run->done = true;
    fiber_wake(run->writer_fiber);
    fiber_unmask_interrupts();
}

/* ---- Appending: the session's fiber ---- */

/* LOCAL implies IGNORE, since the client could not be stopped, but not together with REPLACE. */
static bool ignores(const struct load_data_stmt *l)
{
    return l->duplicates == DUPLICATES_IGNORE || (l->local && l->duplicates == DUPLICATES_ERROR);
}

static void open_step(void *arg)
{
    struct load_run *run = arg;
    struct exec_session *x = run->x;
    const unsigned flags = run->stmt->duplicates == DUPLICATES_REPLACE ? ENGINE_WRITE_REPLACE
                           : ignores(run->stmt) ? ENGINE_WRITE_SKIP_DUPLICATES
                                                : 0;
    run->append_rc = exec_init_auto_increment(x, run->table);
    if (run->append_rc == 0) {
        run->append_rc = engine_writer_open(x->engine, run->table, flags | exec_writer_flags(x),
                                            x->diag, &run->writer);
    }
    if (run->append_rc == 0) {
        run->writer->stats = &run->stats;
    }
}

static void append_step(void *arg)
{
    struct load_run *run = arg;
    struct chunk_builder *b = &run->ring[run->head % RING_SIZE];
    const struct chunk rows = chunk_builder_chunk(b);
    run->append_rc = engine_writer_append(run->writer, &rows, &run->append_diag);
    chunk_builder_reset(b);
}

static void close_step(void *arg)
{
    struct load_run *run = arg;
    if (run->writer != NULL) {
        const int rc = engine_writer_close(run->writer, !run->failed, &run->append_diag);
        run->append_rc = run->failed ? -1 : rc;
    }
}

static void append_all(struct load_run *run)
{
    for (;;) {
        if (run->head < run->tail) {
            offload_run_always(OFFLOAD_WRITE, append_step, run);
            run->head++;
            run->failed = run->failed || run->append_rc != 0;
        } else if (run->done) {
            break;
        } else if (fiber_park(FIBER_FOREVER) == FIBER_INTERRUPTED) {
            exec_interrupted(run->x, &run->append_diag);
            run->failed = true;
        }
        if (run->failed) {
            break;
        }
        fiber_wake(run->reader);
    }
}

/* ---- The statement ---- */

static int byte_option(struct str s, int if_absent)
{
    return s.p == NULL ? if_absent : s.len == 0 ? -1 : (unsigned char)s.p[0];
}

static int set_format(struct load_run *run)
{
    const struct load_data_stmt *l = run->stmt;
    const struct load_format format = {
        .fields_terminated = l->fields_terminated.p == NULL ? STR("\t") : l->fields_terminated,
        .lines_terminated = l->lines_terminated.p == NULL ? STR("\n") : l->lines_terminated,
        .lines_starting = l->lines_starting.p == NULL ? STR("") : l->lines_starting,
        .enclosed = byte_option(l->fields_enclosed, -1),
        .escaped = byte_option(l->fields_escaped, '\\'),
    };
    if (l->fields_enclosed.len > 1 || l->fields_escaped.len > 1) {
        return diag_set(run->x->diag, ER_WRONG_FIELD_TERMINATORS);
    }
    if (format.fields_terminated.len == 0 || format.lines_terminated.len == 0) {
        return diag_set(run->x->diag, ER_NOT_SUPPORTED_YET, "LOAD DATA with fixed-size rows");
    }
    load_parser_init(&run->parser, &format);
    return 0;
}

static int set_charset(struct load_run *run)
{
    struct exec_session *x = run->x;
    const struct str name = run->stmt->charset;
    const struct charset *cs = name.p == NULL ? x->vars.character_set_database : charset_find(name);
    if (cs == NULL) {
        return diag_set(x->diag, ER_UNKNOWN_CHARACTER_SET, arena_dup_cstr(&x->stmt_arena, name));
    }
    run->charset = cs->kind == CHARSET_UTF8 || cs->kind == CHARSET_BINARY ? NULL : cs;
    return 0;
}

/* Column numbers of the targets; user variables take a place that row_build does not see. */
static int set_targets(struct load_run *run)
{
    struct exec_session *x = run->x;
    const struct load_data_stmt *l = run->stmt;
    const unsigned flags = STORE_LOAD_DATA | (ignores(l) ? STORE_IGNORE : 0);
    if (l->target_count == 0) {
        const int rc = row_build_init(&run->build, x, run->table, NULL, 0, flags);
        run->field_count = run->build.target_count;
        return rc;
    }
    struct str *names = ARENA_ARRAY(&x->stmt_arena, struct str, l->target_count);
    uint32_t n = 0;
    for (uint32_t i = 0; i < l->target_count; i++) {
        if (l->targets[i]->kind == EXPR_COLUMN) {
            names[n++] = l->targets[i]->column.name;
        }
    }
    if (row_build_init(&run->build, x, run->table, names, n, flags) != 0) {
        return -1;
    }
    uint32_t *columns = ARENA_ARRAY(&x->stmt_arena, uint32_t, l->target_count);
    n = 0;
    for (uint32_t i = 0; i < l->target_count; i++) {
        columns[i] = l->targets[i]->kind == EXPR_COLUMN ? run->build.targets[n++] : 0;
    }
    run->build.targets = columns;
    run->field_count = l->target_count;
    return 0;
}

/* Rows that are nothing but their fields can go the quick way: every column given by a field,
 * nothing computed. */
static void prepare_clean(struct load_run *run)
{
    const struct table_def *t = run->table;
    if (run->charset != NULL || run->stmt->set_count > 0 || t->auto_increment_column >= 0 ||
        run->field_count != t->column_count) {
        return;
    }
    for (uint32_t i = 0; i < run->stmt->target_count; i++) {
        if (run->stmt->targets[i]->kind != EXPR_COLUMN) {
            return;
        }
    }
    run->clean = ARENA_ARRAY(&run->x->stmt_arena, struct store_clean_column, t->column_count);
    for (uint32_t c = 0; c < t->column_count; c++) {
        store_clean_init(&run->clean[c], &t->columns[c].type);
    }
}

static int resolve_sets(struct load_run *run)
{
    struct exec_session *x = run->x;
    struct resolve_env env;
    exec_resolve_env(x, PRIV_SELECT, &env);
    run->build.set_later = ARENA_ARRAY(&x->stmt_arena, bool, run->table->column_count);
    for (uint32_t i = 0; i < run->stmt->set_count; i++) {
        const struct assignment *set = &run->stmt->sets[i];
        if (sql_resolve_expr(set->column, run->table, &env, &x->stmt_arena, x->diag) != 0) {
            return -1;
        }
        run->build.set_later[set->column->column.binding.index] = true;
        if (set->value->kind != EXPR_DEFAULT &&
            sql_resolve_expr(set->value, run->table, &env, &x->stmt_arena, x->diag) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Both servers send an error of their C library's layer, with a number of its own. */
static int no_file(struct exec_session *x, const char *name)
{
    const int error = errno;
    const struct str text =
        x->server->dialect == DIALECT_MYSQL
            ? arena_printf(&x->stmt_arena, "Can't get stat of '%s' (OS errno %d - %s)", name, error,
                           strerror(error))
            : arena_printf(&x->stmt_arena, "Can't get stat of '%s' (Errcode: %d \"%s\")", name,
                           error, strerror(error));
    return diag_set_text(x->diag, EE_STAT, text);
}

static int open_file(struct load_run *run)
{
    struct exec_session *x = run->x;
    const char *name = arena_dup_cstr(&x->stmt_arena, run->stmt->file);
    if (run->stmt->local) {
        return x->client_ops->request_file(x->client, run->stmt->file, x->diag);
    }
    if (exec_check_global(x, PRIV_FILE, "FILE") != 0) {
        return -1;
    }
    run->fd = open(name, O_RDONLY | O_CLOEXEC);
    return run->fd >= 0 ? 0 : no_file(x, name);
}

static int transfer(struct load_run *run)
{
    struct exec_session *x = run->x;
    run->writer_fiber = fiber_self();
    run->reader = fiber_spawn_ref(fiber_loop(fiber_self()), read_all, run);
    if (run->reader == NULL) {
        return diag_set(x->diag, ER_OUT_OF_RESOURCES);
    }
    append_all(run);
    fiber_mask_interrupts();
    fiber_wake(run->reader);
    fiber_join(run->reader);
    /* The reader may have filled chunks after a failure; without one all have been appended. */
    offload_run_always(OFFLOAD_WRITE, close_step, run);
    fiber_unmask_interrupts();
    diag_take_warnings(x->diag, &run->append_diag);
    if (run->append_diag.error != NULL && x->diag->error == NULL) {
        diag_set_text(x->diag, run->append_diag.error->code, run->append_diag.error->message);
    }
    return run->failed || run->append_rc != 0 ? -1 : 0;
}

static int start(struct load_run *run)
{
    struct exec_session *x = run->x;
    if (set_format(run) != 0 || set_charset(run) != 0 || set_targets(run) != 0 ||
        resolve_sets(run) != 0 || exec_engine_for_write(x) != 0 ||
        exec_offload(x, OFFLOAD_WRITE, open_step, run) != 0 || run->append_rc != 0) {
        return -1;
    }
    prepare_clean(run);
    if (open_file(run) != 0) {
        run->failed = true;
        offload_run_always(OFFLOAD_WRITE, close_step, run);
        return -1;
    }
    return transfer(run);
}

static void report(struct load_run *run)
{
    struct exec_session *x = run->x;
    const struct engine_write_stats *s = &run->stats;
    x->result.affected_rows = run->rows - s->skipped + s->deleted;
    x->result.found_rows = x->result.affected_rows;
    x->result.info =
        arena_printf(&x->stmt_arena, "Records: %llu  Deleted: %llu  Skipped: %llu  Warnings: %u",
                     (unsigned long long)run->rows, (unsigned long long)s->deleted,
                     (unsigned long long)s->skipped, x->diag->warning_count);
    x->stmt_insert_id = run->build.generated_first;
    x->result.insert_id = run->build.generated_first;
}

int exec_load_data(struct exec_session *x, struct stmt *stmt)
{
    const struct load_data_stmt *l = &stmt->load;
    const struct table_def *t = exec_open_table(x, l->table.db, l->table.name);
    if (t == NULL || exec_check_table(x, t->db, t->name, PRIV_INSERT) != 0) {
        return -1;
    }
    struct load_run *run = ARENA_NEW(&x->stmt_arena, struct load_run);
    run->x = x;
    run->stmt = l;
    run->table = t;
    run->fd = -1;
    run->lines_to_skip = l->ignore_lines;
    run->fields =
        ARENA_ARRAY(&x->stmt_arena, struct load_field, MAX(t->column_count, l->target_count));
    bytebuf_init(&run->input, ROW_MAX);
    arena_init(&run->field_arena, 0);
    arena_init(&run->build.scratch, 0);
    diag_init(&run->append_diag);
    run->append_diag.max_kept = x->diag->max_kept;
    exec_eval_ctx(x, &run->field_arena, &run->eval);
    run->eval.writing = !ignores(l);
    struct sql_type *types = table_column_types(t, &x->stmt_arena);
    for (int i = 0; i < RING_SIZE; i++) {
        chunk_builder_init(&run->ring[i], types, t->column_count);
    }
    const int rc = start(run);
    if (rc == 0) {
        report(run);
    }
    for (int i = 0; i < RING_SIZE; i++) {
        chunk_builder_release(&run->ring[i]);
    }
    if (run->fd >= 0) {
        close(run->fd);
    }
    diag_release(&run->append_diag);
    row_build_release(&run->build);
    arena_release(&run->field_arena);
    bytebuf_release(&run->input);
    return rc;
}
