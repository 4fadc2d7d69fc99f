#include "copy_fixture.h"

#include "engine/duckdb/duckdb_engine.h"
#include "exec/bootstrap.h"
#include "types/chunk.h"
#include "types/convert.h"

#include <inttypes.h>

static void start(struct copy_fixture *f)
{
    f->server->catalog = catalog_new();
    f->server->accounts = accounts_new();
    check_done(f, exec_bootstrap(f->server, &f->diag));
    f->copy = copy_new(f->server);
    check_done(f, copy_load(f->copy, f->engine, &f->diag));
    f->ddl = change_ddl_new(f->server, f->copy, &f->filter);
}

static void end(struct copy_fixture *f)
{
    change_ddl_free(f->ddl);
    copy_free(f->copy);
    accounts_free(f->server->accounts);
    catalog_free(f->server->catalog);
}

void copy_fixture_init(struct copy_fixture *f, enum upstream_kind kind, uint32_t version_id)
{
    static const struct duckdb_config config = {.threads = 1};
    struct engine *engine;
    *f = (struct copy_fixture){.kind = kind};
    diag_init(&f->diag);
    arena_init(&f->arena, 0);
    f->server = calloc(1, sizeof(*f->server));
    check(f->server != NULL);
    arena_init(&f->server->arena, 0);
    os_rwlock_init(&f->server->vars_lock);
    fmutex_init(&f->server->writer);
    sysvars_init(&f->server->vars, DIALECT_MYSQL, &f->server->arena);
    check_done(f, engine_open(&duckdb_engine, &config, &f->diag, &engine));
    f->server->engine = engine;
    check_done(f, engine_session_open(engine, &f->diag, &f->engine));
    start(f);
    change_ddl_set_source(f->ddl, kind, version_id);
    check_done(f, copy_fixture_run(f, "CREATE DATABASE d CHARSET utf8mb4 COLLATE utf8mb4_bin"));
}

void copy_fixture_release(struct copy_fixture *f)
{
    end(f);
    engine_session_close(f->engine);
    engine_close(f->server->engine);
    fmutex_release(&f->server->writer);
    os_rwlock_release(&f->server->vars_lock);
    arena_release(&f->server->arena);
    free(f->server);
    arena_release(&f->arena);
    diag_release(&f->diag);
}

void copy_fixture_restart(struct copy_fixture *f)
{
    end(f);
    start(f);
    change_ddl_set_source(f->ddl, f->kind, f->kind == UPSTREAM_MARIADB ? 101119 : 90704);
}

const char *copy_fixture_list(struct copy_fixture *f)
{
    struct copy_table **list;
    struct bytebuf b;
    bytebuf_init(&b, 1 << 20);
    const uint32_t count = copy_list(f->copy, &f->arena, &list);
    for (uint32_t i = 0; i < count; i++) {
        const struct copy_table *t = list[i];
        bytebuf_printf(&b, "%s%.*s.%.*s %s", i > 0 ? ", " : "", STR_FMT(t->db), STR_FMT(t->name),
                       copy_state_name(atomic_load(&t->state)));
        if (t->reason.len > 0) {
            bytebuf_printf(&b, " (%.*s)", STR_FMT(t->reason));
        }
        copy_table_unref(list[i]);
    }
    const char *text = arena_dup_cstr(&f->arena, bytebuf_str(&b));
    bytebuf_release(&b);
    return text;
}

static void put_table(struct bytebuf *b, const struct table_def *t)
{
    bytebuf_printf(b, "%s%.*s.%.*s(", b->len > 0 ? " " : "", STR_FMT(t->db), STR_FMT(t->name));
    for (uint32_t i = 0; i < t->column_count; i++) {
        bytebuf_printf(b, "%s%.*s", i > 0 ? "," : "", STR_FMT(t->columns[i].name));
    }
    bytebuf_put_char(b, ')');
}

const char *copy_fixture_catalog(struct copy_fixture *f)
{
    struct database_def *databases;
    struct bytebuf b;
    bytebuf_init(&b, 1 << 20);
    const uint32_t count = catalog_list_databases(f->server->catalog, &f->arena, &databases);
    for (uint32_t i = 0; i < count; i++) {
        struct table_def **tables;
        const uint32_t n =
            catalog_list_tables(f->server->catalog, databases[i].name, &f->arena, &tables);
        for (uint32_t k = 0; k < n; k++) {
            put_table(&b, tables[k]);
            table_def_unref(tables[k]);
        }
    }
    const char *text = arena_dup_cstr(&f->arena, bytebuf_str(&b));
    bytebuf_release(&b);
    return text;
}

static void put_rows(struct bytebuf *b, const struct chunk *rows, struct arena *arena)
{
    for (uint32_t r = 0; r < rows->nrows; r++) {
        bytebuf_put_cstr(b, b->len > 0 ? "|" : "");
        for (uint32_t c = 0; c < rows->ncols; c++) {
            struct value v;
            vec_get(&rows->cols[c], r, &v);
            bytebuf_put_cstr(b, c > 0 ? " " : "");
            bytebuf_put_str(b, value_is_null(&v) ? STR("NULL")
                                                 : value_to_text(&v, rows->cols[c].type, arena));
        }
    }
}

const char *copy_fixture_rows(struct copy_fixture *f, const char *db, const char *name)
{
    struct table_def *t =
        catalog_find_table(f->server->catalog, str_from_cstr(db), str_from_cstr(name));
    check(t != NULL);
    struct bytebuf sql, out;
    struct engine_cursor *cursor;
    struct chunk rows;
    struct sql_type *types = ARENA_ARRAY(&f->arena, struct sql_type, t->column_count);
    bytebuf_init(&sql, 1 << 16);
    bytebuf_init(&out, 1 << 16);
    bytebuf_put_cstr(&sql, "SELECT ");
    for (uint32_t i = 0; i < t->column_count; i++) {
        bytebuf_printf(&sql, "%sc%" PRIu32, i > 0 ? ", " : "", t->columns[i].id);
        types[i] = t->columns[i].type;
    }
    bytebuf_printf(&sql, " FROM t%" PRIu64 " ORDER BY 1", t->id);
    const struct engine_query q = {
        .text = bytebuf_str(&sql), .column_count = t->column_count, .types = types};
    check_done(f, engine_query_open(f->engine, &q, &f->diag, &cursor));
    while (engine_fetch(cursor, &f->diag, &rows) == ENGINE_ROW) {
        put_rows(&out, &rows, &f->arena);
    }
    engine_cursor_close(cursor);
    check_done(f, f->diag.error != NULL ? -1 : 0);
    const char *text = arena_dup_cstr(&f->arena, bytebuf_str(&out));
    bytebuf_release(&out);
    bytebuf_release(&sql);
    table_def_unref(t);
    return text;
}

void copy_fixture_insert(struct copy_fixture *f, const char *name, const int64_t *values)
{
    struct copy_table *t = copy_find(f->copy, STR("d"), str_from_cstr(name));
    check(t != NULL && t->def != NULL);
    const uint32_t n = t->def->column_count;
    struct sql_type *types = ARENA_ARRAY(&f->arena, struct sql_type, n);
    struct chunk_builder b;
    struct engine_writer *w;
    for (uint32_t i = 0; i < n; i++) {
        types[i] = t->def->columns[i].type;
    }
    chunk_builder_init(&b, types, n);
    chunk_builder_add_row(&b);
    for (uint32_t i = 0; i < n; i++) {
        const struct value v = value_int(values[i]);
        chunk_builder_set(&b, i, &v);
    }
    const struct chunk rows = chunk_builder_chunk(&b);
    check_done(f, engine_begin(f->engine, 0, &f->diag));
    check_done(f, engine_writer_open(f->engine, t->def, ENGINE_WRITE_UNIQUE_CHECKED, &f->diag, &w));
    check_done(f, engine_writer_append(w, &rows, &f->diag));
    check_done(f, engine_writer_close(w, true, &f->diag));
    check_done(f, engine_commit(f->engine, &f->diag));
    chunk_builder_release(&b);
    copy_table_unref(t);
}

struct binlog_query copy_fixture_query(const char *sql)
{
    return (struct binlog_query){
        .db = STR("d"),
        .sql = str_from_cstr(sql),
        .vars = UINT64_C(1) << BINLOG_Q_SQL_MODE | UINT64_C(1) << BINLOG_Q_CHARSET |
                UINT64_C(1) << BINLOG_Q_EXPLICIT_DEFAULTS_FOR_TIMESTAMP |
                UINT64_C(1) << BINLOG_Q_DDL_XID,
        .sql_mode = SQL_MODE_DEFAULT_MYSQL,
        .client_charset = COLLATION_UTF8MB4_GENERAL_CI,
        .connection_collation = COLLATION_UTF8MB4_GENERAL_CI,
        .server_collation = COLLATION_UTF8MB4_GENERAL_CI,
        .explicit_defaults_for_timestamp = 1,
        .xid = 1,
    };
}

int copy_fixture_run_query(struct copy_fixture *f, const struct binlog_query *q)
{
    struct change_ddl_plan plan;
    diag_reset(&f->diag);
    const enum change_ddl_class class =
        change_ddl_classify(q, f->kind == UPSTREAM_MARIADB ? DIALECT_MARIADB : DIALECT_MYSQL);
    if (class != CHANGE_DDL_SCHEMA && class != CHANGE_DDL_ROWS && class != CHANGE_DDL_UNKNOWN) {
        return 0;
    }
    if (change_ddl_plan(f->ddl, q, &f->arena, &f->diag, &plan) != 0) {
        return -1;
    }
    change_ddl_lock(f->ddl, &plan);
    check_done(f, engine_begin(f->engine, 0, &f->diag));
    check_done(f, change_ddl_apply(f->ddl, f->engine, &plan, &f->diag));
    check_done(f, engine_commit(f->engine, &f->diag));
    change_ddl_publish(f->ddl, &plan);
    return 0;
}

int copy_fixture_run(struct copy_fixture *f, const char *sql)
{
    const struct binlog_query q = copy_fixture_query(sql);
    return copy_fixture_run_query(f, &q);
}
