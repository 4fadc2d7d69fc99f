/*
 * The registry of engine types, the wrappers through which engines are called, and the defaults for
 * callbacks that an engine has nothing to say to. See engine.h for the contract.
 *
 * Threads: engines are registered at start, before other threads exist; look-ups need no lock.
 */
#include "engine/engine.h"

#include "engine/generic.h"

#define MAX_TYPES 16

static const struct engine_type *types[MAX_TYPES];
static size_t type_count;

/* ---- Registration ---- */

/* A callback that must be there when an engine has one of `caps` (0 = always). */
struct promise {
    const char *name;
    unsigned caps;
    size_t offset;
};

#define ENGINE_PROMISE(member, caps_)                                                              \
    {.name = #member, .caps = (caps_), .offset = offsetof(struct engine_ops, member)}
#define TABLE_PROMISE(member, caps_)                                                               \
    {.name = #member, .caps = (caps_), .offset = offsetof(struct engine_table_ops, member)}
#define QUERY_PROMISE(member, caps_)                                                               \
    {.name = "query " #member, .caps = (caps_), .offset = offsetof(struct engine_query_ops, member)}

static const struct promise engine_promises[] = {
    ENGINE_PROMISE(open, 0),
    ENGINE_PROMISE(close, 0),
    ENGINE_PROMISE(session_open, 0),
    ENGINE_PROMISE(session_close, 0),
    ENGINE_PROMISE(interrupt, 0),
    ENGINE_PROMISE(begin, 0),
    ENGINE_PROMISE(commit, 0),
    ENGINE_PROMISE(rollback, 0),
    ENGINE_PROMISE(txn_state, 0),
    ENGINE_PROMISE(savepoint, ENGINE_SAVEPOINTS),
    ENGINE_PROMISE(rollback_to, ENGINE_SAVEPOINTS),
    ENGINE_PROMISE(prepare, ENGINE_TWO_PHASE),
    ENGINE_PROMISE(recover, ENGINE_TWO_PHASE),
    ENGINE_PROMISE(create_table, 0),
    ENGINE_PROMISE(drop_table, 0),
    ENGINE_PROMISE(alter_table, 0),
    ENGINE_PROMISE(meta_put, 0),
    ENGINE_PROMISE(meta_scan, 0),
    ENGINE_PROMISE(set_variable, 0),
    ENGINE_PROMISE(statistics, 0),
};

static const struct promise table_promises[] = {
    TABLE_PROMISE(writer_open, 0),
    TABLE_PROMISE(writer_append, 0),
    TABLE_PROMISE(writer_close, 0),
    TABLE_PROMISE(find_conflicts, 0),
    TABLE_PROMISE(delete_rows, 0),
    TABLE_PROMISE(delete_keys, ENGINE_DELETE_BY_VALUE),
    TABLE_PROMISE(delete_images, ENGINE_DELETE_BY_VALUE),
    TABLE_PROMISE(read_keys, ENGINE_DELETE_BY_VALUE),
    TABLE_PROMISE(truncate, 0),
    TABLE_PROMISE(get, ENGINE_POINT_READS),
    TABLE_PROMISE(row_count, 0),
    TABLE_PROMISE(max_value, 0),
};

static const struct promise query_promises[] = {
    QUERY_PROMISE(open, ENGINE_QUERIES),  QUERY_PROMISE(fetch, ENGINE_QUERIES),
    QUERY_PROMISE(close, ENGINE_QUERIES), QUERY_PROMISE(explain, ENGINE_QUERIES),
    QUERY_PROMISE(progress, 0),
};

/* The name of the first callback that is promised and missing, or NULL. */
static const char *broken_promise(const void *table, unsigned caps, const struct promise *promises,
                                  size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct promise *p = &promises[i];
        void (*callback)(void) = NULL;
        if (p->caps != 0 && (caps & p->caps) == 0) {
            continue;
        }
        if (table != NULL) {
            memcpy(&callback, (const char *)table + p->offset, sizeof(callback));
        }
        if (callback == NULL) {
            return p->name;
        }
    }
    return NULL;
}

int engine_check_type(const struct engine_type *type, struct diag *diag)
{
    const unsigned caps = type->ops->caps;
    const char *missing =
        broken_promise(type->ops, caps, engine_promises, ARRAY_SIZE(engine_promises));
    if (missing == NULL) {
        missing = broken_promise(type->table_ops, caps, table_promises, ARRAY_SIZE(table_promises));
    }
    if (missing == NULL && (type->query_ops != NULL || (caps & ENGINE_QUERIES) != 0)) {
        missing = broken_promise(type->query_ops, caps, query_promises, ARRAY_SIZE(query_promises));
    }
    if (missing == NULL && (caps & ENGINE_QUERIES) != 0 &&
        type->ops->query_dialect == QUERY_DIALECT_NONE) {
        missing = "query_dialect";
    }
    if (missing != NULL) {
        struct str text =
            arena_printf(&diag->arena, "engine '%s' promises '%s' and does not have it",
                         type->ops->name, missing);
        return diag_set_text(diag, ER_INTERNAL_ERROR, text);
    }
    return 0;
}

int engine_register(const struct engine_type *type, struct diag *diag)
{
    if (engine_check_type(type, diag) != 0) {
        return -1;
    }
    if (type_count == MAX_TYPES || engine_find_type(str_from_cstr(type->ops->name)) != NULL) {
        return diag_set(diag, ER_INTERNAL_ERROR,
                        "an engine is registered twice, or there are too many");
    }
    types[type_count++] = type;
    return 0;
}

const struct engine_type *engine_find_type(struct str name)
{
    for (size_t i = 0; i < type_count; i++) {
        if (str_eq(str_from_cstr(types[i]->ops->name), name)) {
            return types[i];
        }
    }
    return NULL;
}

const struct engine_type *engine_type_at(size_t i)
{
    return i < type_count ? types[i] : NULL;
}

/* ---- Wrappers: engine and session ---- */

int engine_open(const struct engine_type *type, const void *config, struct diag *diag,
                struct engine **out)
{
    *out = NULL;
    if (type->ops->open(config, diag, out) != 0) {
        return -1;
    }
    assert((*out)->ops != NULL && (*out)->table_ops != NULL);
    return 0;
}

void engine_close(struct engine *e)
{
    if (e != NULL) {
        e->ops->close(e);
    }
}

int engine_session_open(struct engine *e, struct diag *diag, struct engine_session **out)
{
    *out = NULL;
    if (e->ops->session_open(e, diag, out) != 0) {
        return -1;
    }
    assert((*out)->engine == e);
    return 0;
}

void engine_session_close(struct engine_session *s)
{
    if (s != NULL) {
        s->engine->ops->session_close(s);
    }
}

void engine_interrupt(struct engine_session *s)
{
    s->engine->ops->interrupt(s);
}

/* ---- Wrappers: transactions ---- */

int engine_begin(struct engine_session *s, unsigned flags, struct diag *diag)
{
    assert(engine_txn_state(s) == ENGINE_TXN_NONE);
    return s->engine->ops->begin(s, flags, diag);
}

int engine_commit(struct engine_session *s, struct diag *diag)
{
    return s->engine->ops->commit(s, diag);
}

void engine_rollback(struct engine_session *s)
{
    s->engine->ops->rollback(s);
    assert(engine_txn_state(s) == ENGINE_TXN_NONE);
}

enum engine_txn_state engine_txn_state(const struct engine_session *s)
{
    return s->engine->ops->txn_state(s);
}

uint64_t engine_savepoint(const struct engine_session *s)
{
    return (s->engine->ops->caps & ENGINE_SAVEPOINTS) != 0 ? s->engine->ops->savepoint(s) : 0;
}

int engine_rollback_to(struct engine_session *s, uint64_t savepoint, struct diag *diag)
{
    assert((s->engine->ops->caps & ENGINE_SAVEPOINTS) != 0);
    assert(engine_txn_state(s) != ENGINE_TXN_NONE);
    return s->engine->ops->rollback_to(s, savepoint, diag);
}

/* ---- Wrappers: definitions and records ---- */

int engine_create_table(struct engine_session *s, const struct table_def *t, struct diag *diag)
{
    assert(t->column_count > 0);
    return s->engine->ops->create_table(s, t, diag);
}

int engine_drop_table(struct engine_session *s, const struct table_def *t, struct diag *diag)
{
    return s->engine->ops->drop_table(s, t, diag);
}

int engine_alter_table(struct engine_session *s, const struct table_def *from,
                       const struct table_def *to, struct str rewrite, struct diag *diag)
{
    assert(from->id == to->id);
    return s->engine->ops->alter_table(s, from, to, rewrite, diag);
}

int engine_meta_put(struct engine_session *s, struct str kind, uint64_t id, struct str value,
                    struct diag *diag)
{
    return s->engine->ops->meta_put(s, kind, id, value, diag);
}

int engine_meta_scan(struct engine_session *s, struct str kind,
                     int (*fn)(void *arg, uint64_t id, struct str value), void *arg,
                     struct diag *diag)
{
    return s->engine->ops->meta_scan(s, kind, fn, arg, diag);
}

int engine_set_variable(struct engine *e, struct str name, struct str value, struct diag *diag)
{
    return e->ops->set_variable(e, name, value, diag);
}

uint32_t engine_statistics(struct engine *e, struct arena *arena, struct engine_stat **out)
{
    *out = NULL;
    return e->ops->statistics(e, arena, out);
}

/* ---- Wrappers: rows ---- */

int engine_writer_open(struct engine_session *s, const struct table_def *t, unsigned flags,
                       struct diag *diag, struct engine_writer **out)
{
    *out = NULL;
    if (s->engine->table_ops->writer_open(s, t, flags, diag, out) != 0) {
        return -1;
    }
    assert((*out)->session == s && (*out)->table == t);
    return 0;
}

int engine_writer_append(struct engine_writer *w, const struct chunk *rows, struct diag *diag)
{
    assert(rows->ncols == w->table->column_count && rows->nrows <= CHUNK_ROWS);
    return w->session->engine->table_ops->writer_append(w, rows, diag);
}

int engine_writer_close(struct engine_writer *w, bool keep, struct diag *diag)
{
    return w->session->engine->table_ops->writer_close(w, keep, diag);
}

/* By a writer. */
static int write_chunks(struct engine_session *s, const struct table_def *t,
                        const struct chunk *chunks, uint32_t count, struct diag *diag)
{
    struct engine_writer *w;
    if (engine_writer_open(s, t, ENGINE_WRITE_UNIQUE_CHECKED, diag, &w) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (engine_writer_append(w, &chunks[i], diag) != 0) {
            struct diag ignored;
            diag_init(&ignored);
            (void)!engine_writer_close(w, false, &ignored);
            diag_release(&ignored);
            return -1;
        }
    }
    return engine_writer_close(w, true, diag);
}

int engine_insert_chunks(struct engine_session *s, const struct table_def *t,
                         const struct chunk *chunks, uint32_t count, struct diag *diag)
{
    for (uint32_t i = 0; i < count; i++) {
        assert(chunks[i].ncols == t->column_count);
    }
    if (count == 0) {
        return 0;
    }
    return s->engine->table_ops->insert_chunks != NULL
               ? s->engine->table_ops->insert_chunks(s, t, chunks, count, diag)
               : write_chunks(s, t, chunks, count, diag);
}

int engine_find_conflicts(struct engine_session *s, const struct table_def *t,
                          const struct chunk *rows, const int64_t *ignore_rowids,
                          uint32_t ignore_count, struct arena *arena, struct diag *diag,
                          struct engine_conflict **out, uint32_t *out_count)
{
    assert(rows->ncols == t->column_count);
    *out = NULL;
    *out_count = 0;
    return s->engine->table_ops->find_conflicts(s, t, rows, ignore_rowids, ignore_count, arena,
                                                diag, out, out_count);
}

int engine_delete_rows(struct engine_session *s, const struct table_def *t, const int64_t *rowids,
                       uint32_t count, struct diag *diag, uint64_t *out_deleted)
{
    *out_deleted = 0;
    return count == 0 ? 0
                      : s->engine->table_ops->delete_rows(s, t, rowids, count, diag, out_deleted);
}

/* What both ways of deleting by value ask of their caller. */
static void check_values(const struct engine_session *s, const struct engine_values *v)
{
    assert((s->engine->ops->caps & ENGINE_DELETE_BY_VALUE) != 0);
    assert(v->column_count > 0);
    for (uint32_t i = 0; i < v->chunk_count; i++) {
        assert(v->chunks[i].ncols == v->column_count);
    }
    (void)s, (void)v;
}

int engine_delete_keys(struct engine_session *s, const struct table_def *t,
                       const struct engine_values *keys, struct diag *diag, uint64_t *out_deleted)
{
    *out_deleted = 0;
    check_values(s, keys);
    return keys->chunk_count == 0
               ? 0
               : s->engine->table_ops->delete_keys(s, t, keys, diag, out_deleted);
}

int engine_delete_images(struct engine_session *s, const struct table_def *t,
                         const struct engine_values *images, struct diag *diag,
                         uint64_t *out_deleted)
{
    *out_deleted = 0;
    check_values(s, images);
    return images->chunk_count == 0
               ? 0
               : s->engine->table_ops->delete_images(s, t, images, diag, out_deleted);
}

int engine_read_keys(struct engine_session *s, const struct table_def *t,
                     const struct engine_read *read, struct diag *diag)
{
    check_values(s, &read->keys);
    return read->keys.chunk_count == 0 ? 0 : s->engine->table_ops->read_keys(s, t, read, diag);
}

int engine_truncate(struct engine_session *s, const struct table_def *t, struct diag *diag)
{
    return s->engine->table_ops->truncate(s, t, diag);
}

int engine_row_count(struct engine_session *s, const struct table_def *t, struct diag *diag,
                     uint64_t *out)
{
    *out = 0;
    return s->engine->table_ops->row_count(s, t, diag, out);
}

int engine_max_value(struct engine_session *s, const struct table_def *t, uint32_t column,
                     struct diag *diag, uint64_t *out)
{
    assert(column < t->column_count);
    *out = 0;
    return s->engine->table_ops->max_value(s, t, column, diag, out);
}

/* ---- Wrappers: queries ---- */

int engine_query_open(struct engine_session *s, const struct engine_query *q, struct diag *diag,
                      struct engine_cursor **out)
{
    *out = NULL;
    if (s->engine->query_ops == NULL) {
        return diag_set(diag, ER_NOT_SUPPORTED_YET, "queries on this storage engine");
    }
    if (s->engine->query_ops->open(s, q, diag, out) != 0) {
        return -1;
    }
    assert((*out)->session == s);
    return 0;
}

enum engine_result engine_fetch(struct engine_cursor *c, struct diag *diag, struct chunk *out)
{
    return c->session->engine->query_ops->fetch(c, diag, out);
}

void engine_cursor_close(struct engine_cursor *c)
{
    if (c != NULL) {
        c->session->engine->query_ops->close(c);
    }
}

int engine_explain(struct engine_session *s, const struct engine_query *q, bool analyze,
                   struct arena *arena, struct diag *diag, struct str *out)
{
    *out = STR_NULL;
    if (s->engine->query_ops == NULL) {
        return diag_set(diag, ER_NOT_SUPPORTED_YET, "EXPLAIN on this storage engine");
    }
    return s->engine->query_ops->explain(s, q, analyze, arena, diag, out);
}

double engine_progress(const struct engine_session *s)
{
    return s->engine->query_ops == NULL ? -1 : s->engine->query_ops->progress(s);
}

/* ---- Defaults ---- */

void generic_interrupt(struct engine_session *s)
{
    (void)s;
}

int generic_begin(struct engine_session *s, unsigned flags, struct diag *diag)
{
    (void)s, (void)flags, (void)diag;
    return 0;
}

int generic_commit(struct engine_session *s, struct diag *diag)
{
    (void)s, (void)diag;
    return 0;
}

void generic_rollback(struct engine_session *s)
{
    (void)s;
}

enum engine_txn_state generic_txn_state(const struct engine_session *s)
{
    (void)s;
    return ENGINE_TXN_NONE;
}

int generic_meta_put(struct engine_session *s, struct str kind, uint64_t id, struct str value,
                     struct diag *diag)
{
    (void)s, (void)kind, (void)id, (void)value, (void)diag;
    return 0;
}

int generic_meta_scan(struct engine_session *s, struct str kind,
                      int (*fn)(void *arg, uint64_t id, struct str value), void *arg,
                      struct diag *diag)
{
    (void)s, (void)kind, (void)fn, (void)arg, (void)diag;
    return 0;
}

int generic_set_variable(struct engine *e, struct str name, struct str value, struct diag *diag)
{
    (void)e, (void)value;
    const struct str text = arena_dup(&diag->arena, name);
    return diag_set(diag, ER_UNKNOWN_SYSTEM_VARIABLE, text.p);
}

uint32_t generic_statistics(struct engine *e, struct arena *arena, struct engine_stat **out)
{
    (void)e, (void)arena;
    *out = NULL;
    return 0;
}

double generic_progress(const struct engine_session *s)
{
    (void)s;
    return -1;
}
