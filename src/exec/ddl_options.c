/* See ddl_int.h: names, character sets, and table options of DDL statements. */
#include "exec/ddl_int.h"

#include <ctype.h>

#define TABLE_COMMENT_CHARS 2048

const char *ddl_text(struct exec_session *x, struct str s)
{
    return arena_dup_cstr(&x->stmt_arena, s);
}

/* ---- Names ---- */

int ddl_check_name(struct exec_session *x, struct str name, enum ddl_name kind)
{
    if (utf8_count(name) > DDL_NAME_CHARS) {
        return diag_set(x->diag, ER_TOO_LONG_IDENT, ddl_text(x, name));
    }
    if (name.len > 0 && name.p[name.len - 1] != ' ') {
        return 0;
    }
    switch (kind) {
    case DDL_NAME_DATABASE:
        return diag_set(x->diag, ER_WRONG_DB_NAME, ddl_text(x, name));
    case DDL_NAME_TABLE:
        return diag_set(x->diag, ER_WRONG_TABLE_NAME, ddl_text(x, name));
    case DDL_NAME_COLUMN:
        return diag_set(x->diag, ER_WRONG_COLUMN_NAME, ddl_text(x, name));
    case DDL_NAME_INDEX:
        /* Only an empty name is wrong: trailing spaces are a part of it. */
        return name.len > 0 ? 0 : diag_set(x->diag, ER_WRONG_NAME_FOR_INDEX, ddl_text(x, name));
    }
    return 0;
}

static bool is_system_database(struct str db)
{
    return str_eq_nocase(db, STR("information_schema"));
}

int ddl_refuse_system_database(struct exec_session *x, struct str db)
{
    if (!is_system_database(db)) {
        return 0;
    }
    const char *user = x->account == NULL ? "" : ddl_text(x, x->account->user);
    return diag_set(x->diag, ER_DBACCESS_DENIED_ERROR, user, ddl_text(x, x->login_host),
                    ddl_text(x, db));
}

int ddl_find_database(struct exec_session *x, struct str db, struct database_def *out)
{
    if (ddl_refuse_system_database(x, db) != 0) {
        return -1;
    }
    if (!catalog_find_database(x->server->catalog, db, &x->stmt_arena, out)) {
        return diag_set(x->diag, ER_BAD_DB_ERROR, ddl_text(x, db));
    }
    return 0;
}

int ddl_cannot_drop(struct exec_session *x, const char *what, struct str name, bool as_note)
{
    struct arena *a = &x->stmt_arena;
    const struct str text =
        x->server->dialect == DIALECT_MYSQL
            ? arena_printf(a, ER_CANT_DROP_FIELD_OR_KEY_FMT, ddl_text(x, name))
            : arena_printf(a, "Can't DROP %s `%.*s`; check that it exists", what, STR_FMT(name));
    if (!as_note) {
        return diag_set_text(x->diag, ER_CANT_DROP_FIELD_OR_KEY, text);
    }
    diag_warn_at(x->diag, DIAG_NOTE, ER_CANT_DROP_FIELD_OR_KEY, "%s", text.p);
    return 0;
}

/* ---- Character sets ---- */

static bool is_given(struct str s)
{
    return s.p != NULL && !str_eq_nocase(s, STR("default"));
}

static int not_supported(struct exec_session *x, const struct collation *c)
{
    const struct str what = arena_printf(&x->stmt_arena, "collation %.*s", STR_FMT(c->name));
    return diag_set(x->diag, ER_NOT_SUPPORTED_YET, what.p);
}

int ddl_collation(struct exec_session *x, struct str charset, struct str collation,
                  uint16_t otherwise, uint16_t *out)
{
    const enum sql_dialect dialect = x->server->dialect;
    const struct charset *cs = NULL;
    const struct collation *c = NULL;
    *out = otherwise;
    if (is_given(charset)) {
        cs = charset_find(charset);
        if (cs == NULL) {
            return diag_set(x->diag, ER_UNKNOWN_CHARACTER_SET, ddl_text(x, charset));
        }
        c = collation_find(charset_default_collation(cs, dialect));
    }
    if (is_given(collation)) {
        const struct collation *base = collation_find(otherwise);
        c = collation_find_for(collation, cs != NULL || base == NULL ? cs : base->charset, dialect);
        if (c == NULL) {
            return diag_set(x->diag, ER_UNKNOWN_COLLATION, ddl_text(x, collation));
        }
        if (cs != NULL && c->charset != cs) {
            return diag_set(x->diag, ER_COLLATION_CHARSET_MISMATCH, ddl_text(x, c->name),
                            ddl_text(x, cs->name));
        }
    }
    if (c == NULL) {
        return 0;
    }
    *out = c->id;
    return collation_is_supported(c) ? 0 : not_supported(x, c);
}

/* ---- Table options ---- */

/* Engines that the servers know, as they spell them. All tables are kept by one engine here;
 * the name is only shown back. */
static const struct str known_engines[] = {
    STR_INIT("InnoDB"),    STR_INIT("MyISAM"),     STR_INIT("MEMORY"), STR_INIT("CSV"),
    STR_INIT("ARCHIVE"),   STR_INIT("BLACKHOLE"),  STR_INIT("Aria"),   STR_INIT("MRG_MyISAM"),
    STR_INIT("FEDERATED"), STR_INIT("ndbcluster"), STR_INIT("DuckDB"),
};

static int set_engine(struct exec_session *x, struct table_def *t, struct str engine)
{
    for (size_t i = 0; i < ARRAY_SIZE(known_engines); i++) {
        if (str_eq_nocase(engine, known_engines[i])) {
            t->engine_name = known_engines[i];
            return 0;
        }
    }
    if (str_eq_nocase(engine, STR("heap"))) {
        t->engine_name = STR("MEMORY");
        return 0;
    }
    if ((x->vars.sql_mode & SQL_MODE_NO_ENGINE_SUBSTITUTION) != 0) {
        return diag_set(x->diag, ER_UNKNOWN_STORAGE_ENGINE, ddl_text(x, engine));
    }
    diag_warn(x->diag, DIAG_WARNING, ER_UNKNOWN_STORAGE_ENGINE, ddl_text(x, engine));
    diag_warn(x->diag, DIAG_WARNING, ER_WARN_USING_OTHER_HANDLER, "InnoDB", ddl_text(x, t->name));
    return 0;
}

static struct str upper(struct arena *a, struct str s)
{
    char *p = arena_dup_cstr(a, s);
    for (size_t i = 0; i < s.len; i++) {
        p[i] = (char)toupper((unsigned char)p[i]);
    }
    return str_from(p, s.len);
}

/* Other options in the order in which the servers show them; behind ROW_FORMAT come the last two.
 */
static const struct str other_options[] = {
    STR_INIT("MIN_ROWS"),           STR_INIT("MAX_ROWS"),         STR_INIT("AVG_ROW_LENGTH"),
    STR_INIT("PACK_KEYS"),          STR_INIT("STATS_PERSISTENT"), STR_INIT("STATS_AUTO_RECALC"),
    STR_INIT("STATS_SAMPLE_PAGES"), STR_INIT("CHECKSUM"),         STR_INIT("DELAY_KEY_WRITE"),
    STR_INIT("KEY_BLOCK_SIZE"),     STR_INIT("COMPRESSION"),
};

/* The next "NAME=value" or "NAME value" of a list; the value may be quoted. False at the end. */
static bool next_option(struct str *list, struct str *name, struct str *value)
{
    const char *p = list->p;
    const char *end = p + list->len;
    while (p < end && (*p == ' ' || *p == ',')) {
        p++;
    }
    const char *start = p;
    while (p < end && *p != '=' && !isspace((unsigned char)*p)) {
        p++;
    }
    *name = str_from(start, (size_t)(p - start));
    while (p < end && (*p == '=' || isspace((unsigned char)*p))) {
        p++;
    }
    start = p;
    const char quote = p < end && (*p == '\'' || *p == '"') ? *p++ : '\0';
    while (p < end && (quote != '\0' ? *p != quote : !isspace((unsigned char)*p) && *p != ',')) {
        p++;
    }
    p += quote != '\0' && p < end ? 1 : 0;
    *value = str_from(start, (size_t)(p - start));
    *list = str_from(p, (size_t)(end - p));
    return name->len > 0;
}

/* Options that have no effect here are kept to be shown; others than these are dropped. */
static struct str shown_options(struct arena *a, struct str written)
{
    struct str out = STR_NULL;
    for (size_t i = 0; i < ARRAY_SIZE(other_options); i++) {
        struct str list = written;
        struct str name, value;
        while (next_option(&list, &name, &value)) {
            if (str_eq_nocase(name, other_options[i])) {
                out = arena_printf(a, "%.*s%s%.*s=%.*s", STR_FMT(out), out.len > 0 ? " " : "",
                                   STR_FMT(other_options[i]), STR_FMT(value));
            }
        }
    }
    return out;
}

static int set_comment(struct exec_session *x, struct table_def *t, struct str comment)
{
    if (utf8_count(comment) > TABLE_COMMENT_CHARS) {
        return diag_set(x->diag, ER_TOO_LONG_TABLE_COMMENT, ddl_text(x, t->name),
                        (unsigned long)TABLE_COMMENT_CHARS);
    }
    t->comment = arena_dup(t->arena, comment);
    return 0;
}

int ddl_set_options(struct exec_session *x, struct table_def *t,
                    const struct table_options *options)
{
    if (ddl_collation(x, options->charset, options->collation, t->collation, &t->collation) != 0) {
        return -1;
    }
    if (options->engine.p != NULL && set_engine(x, t, options->engine) != 0) {
        return -1;
    }
    if (options->comment.p != NULL && set_comment(x, t, options->comment) != 0) {
        return -1;
    }
    if (options->row_format.p != NULL) {
        const bool is_default = str_eq_nocase(options->row_format, STR("default"));
        t->row_format = is_default ? STR_NULL : upper(t->arena, options->row_format);
    }
    if (options->others.p != NULL) {
        t->other_options = shown_options(t->arena, options->others);
    }
    if (options->has_auto_increment) {
        t->auto_increment_start = MAX(options->auto_increment, 1);
    }
    return 0;
}
