/* Definitions of the source's tables, and what identifies their rows. See copy.h. */
#include "change/copy_int.h"
#include "change/ddl_int.h"

#include "sql/parse.h"
#include "types/collation.h"

/* ---- Keys ---- */

/* Are two values of the column the same row's exactly when their bytes are? Text of JSON has more
 * than one form, a FLOAT can be printed in a way that does not find it again. */
static bool can_be_key(const struct column_def *c)
{
    const enum type_class class = type_class_of(c->type.type);
    return class != TYPE_CLASS_JSON && class != TYPE_CLASS_OPAQUE && class != TYPE_CLASS_REAL &&
           !type_is_nullable(&c->type);
}

static bool is_usable(const struct table_def *t, const struct index_def *index)
{
    if (index->kind != INDEX_DEF_PRIMARY && index->kind != INDEX_DEF_UNIQUE) {
        return false;
    }
    for (uint32_t i = 0; i < index->column_count; i++) {
        const struct index_column *c = &index->columns[i];
        if (c->prefix_len != 0 || !can_be_key(&t->columns[c->column])) {
            return false;
        }
    }
    return index->column_count > 0;
}

void copy_choose_key(const struct table_def *t, struct arena *arena, struct copy_key *out)
{
    *out = (struct copy_key){.count = 0};
    for (uint32_t i = 0; i < t->index_count; i++) {
        const struct index_def *index = &t->indexes[i];
        /* The server cannot be told to read by an index that it does not see. */
        if (!is_usable(t, index) || index->invisible) {
            continue;
        }
        uint32_t *columns = ARENA_ARRAY(arena, uint32_t, index->column_count);
        for (uint32_t k = 0; k < index->column_count; k++) {
            columns[k] = index->columns[k].column;
        }
        *out = (struct copy_key){.count = index->column_count,
                                 .columns = columns,
                                 .is_primary = index->kind == INDEX_DEF_PRIMARY};
        return;
    }
}

/* ---- Definitions ---- */

static int refuse(struct diag *d, struct str column, const char *why)
{
    struct arena arena;
    arena_init(&arena, 0);
    const struct str text = arena_printf(&arena, "column %.*s: %s", STR_FMT(column), why);
    (void)diag_set_text(d, ER_NOT_SUPPORTED_YET, text);
    arena_release(&arena);
    return -1;
}

int copy_check_definition(const struct exec_session *x, const struct table_def *t, struct diag *d)
{
    (void)x;
    for (uint32_t i = 0; i < t->column_count; i++) {
        const struct column_def *c = &t->columns[i];
        const struct collation *collation = collation_find(c->type.collation);
        if (collation == NULL || collation->charset == NULL) {
            return refuse(d, c->name, "there is no converter for its character set");
        }
    }
    return 0;
}

/* What a foreign key changes is in the log of MySQL since 9.6 only (and then of rows' events that
 * say so: see bind_silent_cascades()). */
int copy_check_statement(const struct exec_session *x, const struct stmt *stmt, struct diag *d)
{
    if (ddl_source_logs_cascades(x->server->dialect, x->server->version_id) ||
        !mirror_has_cascades(&stmt->create_table)) {
        return 0;
    }
    return diag_set_text(d, ER_NOT_SUPPORTED_YET, STR(COPY_SILENT_CASCADES));
}

/* Reads and checks. 0 with *out, or -1 with x->diag or d set. */
static int define(struct exec_session *x, const struct database_def *db, struct str sql,
                  struct table_def **out)
{
    struct stmt *stmt;
    if (mirror_parse(x, sql, &stmt) != 0 || copy_check_statement(x, stmt, x->diag) != 0 ||
        mirror_define_parsed(x, db, stmt, 0, out) != 0) {
        return -1;
    }
    if (copy_check_definition(x, *out, x->diag) != 0) {
        table_def_unref(*out);
        return -1;
    }
    return 0;
}

/* Passes on what kept the statement from being read. It is shown as the table's reason: an error
 * that is not ours alone would there be taken for one of the server's. */
static int tell(struct exec_session *x, struct diag *d)
{
    const struct diag_cond *error = x->diag->error;
    if (error != NULL && error->code == ER_NOT_SUPPORTED_YET) {
        return diag_set_text(d, error->code, error->message);
    }
    const struct str why = error != NULL ? error->message : STR("unknown construct");
    return diag_set_text(
        d, error != NULL ? error->code : ER_NOT_SUPPORTED_YET,
        arena_printf(&d->arena, "its definition cannot be taken over: %.*s", STR_FMT(why)));
}

int copy_define(struct exec_session *x, struct str db, struct str create_table,
                struct table_def **out, struct diag *d)
{
    struct database_def database = {.name = db};
    struct arena arena;
    arena_init(&arena, 0);
    if (!catalog_find_database(x->server->catalog, db, &arena, &database)) {
        database.collation = (uint16_t)x->server->vars.collation_server;
    }
    int rc = define(x, &database, create_table, out);
    arena_release(&arena);
    if (rc != 0) {
        *out = NULL;
        rc = tell(x, d);
    }
    return rc;
}

/* ---- The text's hash ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Where the word stands in s, or its end. */
static size_t find_word(struct str s, size_t from, struct str word)
{
    for (size_t at = from; at + word.len <= s.len; at++) {
        if (memcmp(s.p + at, word.p, word.len) == 0) {
            return at;
        }
    }
    return s.len;
}

/* " AUTO_INCREMENT=123" in the line of the table's options, which begins with the parenthesis that
 * ends the columns: the counter changes with every row. Empty at the end when it is not there. */
static struct str find_counter(struct str sql)
{
    const struct str word = STR(" AUTO_INCREMENT=");
    const size_t options = find_word(sql, 0, STR("\n)"));
    const size_t at = find_word(sql, options, word);
    if (at == sql.len) {
        return str_from(sql.p + sql.len, 0);
    }
    size_t end = at + word.len;
    while (end < sql.len && is_digit(sql.p[end])) {
        end++;
    }
    return str_from(sql.p + at, end - at);
}

uint64_t copy_schema_hash(struct str create_table)
{
    const struct str counter = find_counter(create_table);
    const size_t before = (size_t)(counter.p - create_table.p);
    struct arena arena;
    arena_init(&arena, 0);
    const struct str text = arena_printf(
        &arena, "%.*s%.*s", STR_FMT(str_from(create_table.p, before)),
        STR_FMT(str_from(counter.p + counter.len, create_table.len - before - counter.len)));
    const uint64_t h = str_hash(text);
    arena_release(&arena);
    return h != 0 ? h : 1;
}
