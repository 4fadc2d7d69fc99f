/* CREATE, DROP, RENAME, TRUNCATE TABLE, and databases. See ddl_int.h. */
#include "change/ddl_int.h"
#include "change/ddl_words.h"

#include "base/clock.h"
#include "types/collation.h"

/* ---- Is a definition what the source has made of the statement? ---- */

static bool has_var(const struct binlog_query *q, enum binlog_query_var var)
{
    return (q->vars & (UINT64_C(1) << var)) != 0;
}

/* Does a character set that is named without a collation mean the one that we take? */
static bool is_default_certain(const struct ddl_run *run)
{
    const struct binlog_query *q = run->q;
    if (run->d->kind == UPSTREAM_MARIADB) {
        return !q->has_collations && run->d->version_id < 110200;
    }
    return run->d->version_id >= 80011 && (!has_var(q, BINLOG_Q_DEFAULT_COLLATION_FOR_UTF8MB4) ||
                                           q->utf8mb4_collation == COLLATION_UTF8MB4_0900_AI_CI);
}

static bool is_character(const struct column_spec *c)
{
    const enum type_class class = type_class_of(c->type.type);
    const bool is_binary =
        c->type.collation == COLLATION_BINARY && (c->type.flags & BINARY_FLAG) != 0;
    return (class == TYPE_CLASS_STRING && !is_binary) || class == TYPE_CLASS_ENUM ||
           class == TYPE_CLASS_SET;
}

/* May the column get properties that nobody wrote (explicit_defaults_for_timestamp=OFF)? */
static bool has_hidden_properties(const struct ddl_run *run, const struct column_spec *c)
{
    const struct binlog_query *q = run->q;
    if (c->type.type != MYSQL_TYPE_TIMESTAMP || c->null_given || (c->not_null && c->has_default)) {
        return false;
    }
    return !has_var(q, BINLOG_Q_EXPLICIT_DEFAULTS_FOR_TIMESTAMP) ||
           q->explicit_defaults_for_timestamp == 0;
}

bool ddl_column_is_certain(const struct ddl_run *run, const struct column_spec *c,
                           bool default_known)
{
    if (has_hidden_properties(run, c)) {
        return false;
    }
    if (!is_character(c) || c->collation.p != NULL) {
        return true;
    }
    if (c->charset.p != NULL || c->national || c->binary_collation) {
        return !c->binary_collation && is_default_certain(run);
    }
    return default_known;
}

void ddl_translate_column(const struct ddl_run *run, struct column_spec *c)
{
    if (c->type.type == MYSQL_TYPE_JSON && run->d->kind == UPSTREAM_MARIADB) {
        c->type = (struct sql_type){.type = MYSQL_TYPE_LONG_BLOB, .flags = c->type.flags};
        c->type.flags &= (uint16_t)~BINARY_FLAG;
        c->charset = STR("utf8mb4");
        c->collation = STR("utf8mb4_bin");
    }
}

/*
 * Has the statement made a table? With IF NOT EXISTS, MySQL logs it in any case, but only one that
 * did something has the number of a transaction; MariaDB logs it only then (10.11; of older ones it
 * is not known).
 */
static bool has_created(const struct ddl_run *run)
{
    if (!run->stmt->create_table.if_not_exists || run->stmt->create_table.or_replace) {
        return true;
    }
    return run->d->kind == UPSTREAM_MARIADB ? run->d->version_id >= 101100
                                            : has_var(run->q, BINLOG_Q_DDL_XID);
}

static bool is_certain(const struct ddl_run *run, bool database_known)
{
    const struct create_table_stmt *s = &run->stmt->create_table;
    const bool known = s->options.collation.p != NULL ||
                       (s->options.charset.p != NULL ? is_default_certain(run) : database_known);
    /* Not every engine keeps what it is given; the snapshot knows which do. */
    const bool is_innodb =
        s->options.engine.p == NULL || str_eq_nocase(s->options.engine, STR("InnoDB"));
    if (s->query != NULL || s->query_duplicates != DUPLICATES_ERROR || !is_innodb) {
        return false;
    }
    for (uint32_t i = 0; i < s->column_count; i++) {
        const bool has_foreign_key = s->columns[i].references && ddl_has_column_keys(run);
        if (has_foreign_key || !ddl_column_is_certain(run, &s->columns[i], known)) {
            return false;
        }
    }
    return true;
}

/* ---- CREATE TABLE ---- */

/* A copy of a definition for another table. */
static struct table_def *clone_as(struct ddl_run *run, const struct table_def *of, struct str db,
                                  struct str name)
{
    struct table_def *t = table_def_clone(of);
    t->id = catalog_next_id(run->d->server->catalog);
    t->cascades = false; /* LIKE leaves foreign keys out. */
    t->version = 1;
    t->share = NULL;
    t->db = arena_dup(t->arena, db);
    t->name = arena_dup(t->arena, name);
    t->auto_increment_start = 1;
    t->created_us = clock_wall_us();
    t->altered_us = t->created_us;
    return t;
}

/* The new table's definition, when it is certain; else NULL. */
static struct table_def *define(struct ddl_run *run, struct str db)
{
    struct create_table_stmt *s = &run->stmt->create_table;
    struct database_def database;
    bool known;
    struct table_def *t = NULL;
    if (s->like) {
        const struct str like_db = ddl_db(run, s->like_table.db);
        const struct copy_table *model = ddl_find(run, like_db, s->like_table.name);
        return copy_has_storage(model) ? clone_as(run, model->def, db, s->table.name) : NULL;
    }
    ddl_database(run, db, &database, &known);
    for (uint32_t i = 0; i < s->column_count; i++) {
        ddl_translate_column(run, &s->columns[i]);
    }
    if (!is_certain(run, known) || copy_check_statement(run->x, run->stmt, run->x->diag) != 0 ||
        mirror_define_parsed(run->x, &database, run->stmt, 0, &t) != 0) {
        return NULL;
    }
    if (copy_check_definition(run->x, t, run->x->diag) != 0) {
        table_def_unref(t);
        return NULL;
    }
    return t;
}

/*
 * What there is under the name already:
 *
 * - The statement has made a table: there was none. What is known under the name was seen by the
 *   snapshot before the stream came here: as of this position the table is empty, and all its rows
 *   are yet to come.
 * - It may have done nothing (IF NOT EXISTS). A table that is LIVE was there, since the copy is
 *   exact. Of others it cannot be told; they are right as they are: one that waits goes on waiting,
 *   and one that is loading takes the table's changes from before its first row on. What is not
 *   known may be a view, or a table that the snapshot has not listed yet: it is copied.
 */
int ddl_plan_create_table(struct ddl_run *run)
{
    const struct create_table_stmt *s = &run->stmt->create_table;
    const struct str db = ddl_db(run, s->table.db);
    const struct str name = s->table.name;
    if (s->temporary || !ddl_is_wanted(run, db, name)) {
        return 0;
    }
    struct copy_table *now = ddl_find(run, db, name);
    const bool is_live = now != NULL && atomic_load(&now->state) == COPY_LIVE;
    if (now != NULL && ((s->if_not_exists && !s->or_replace && (is_live || !has_created(run))) ||
                        now->schema_hash == COPY_STAYS_ASIDE)) {
        return 0;
    }
    struct table_def *def = has_created(run) ? define(run, db) : NULL;
    if (def == NULL) {
        ddl_recopy(run, now, db, name, STR_NULL);
        return 0;
    }
    ddl_set(run, now, copy_table_new(run->d->server, db, name, COPY_LIVE, def, STR_NULL));
    table_def_unref(def);
    return 0;
}

/* ---- DROP TABLE ---- */

int ddl_plan_drop_table(struct ddl_run *run)
{
    const struct drop_stmt *s = &run->stmt->drop;
    for (uint32_t i = 0; i < s->count && !s->temporary; i++) {
        struct copy_table *now = ddl_find(run, ddl_db(run, s->tables[i].db), s->tables[i].name);
        if (now != NULL) {
            ddl_set(run, now, NULL);
        }
    }
    return 0;
}

/* ---- RENAME TABLE ---- */

static struct copy_table *renamed(struct ddl_run *run, const struct copy_table *now, struct str db,
                                  struct str name)
{
    struct table_def *def = now->def != NULL ? table_def_clone(now->def) : NULL;
    if (def != NULL) {
        def->db = arena_dup(def->arena, db);
        def->name = arena_dup(def->arena, name);
        def->altered_us = clock_wall_us();
    }
    struct copy_table *after = copy_table_successor(run->d->server, now, db, name, def);
    table_def_unref(def);
    return after;
}

void ddl_rename(struct ddl_run *run, struct str from_db, struct str from, struct str to_db,
                struct str to)
{
    struct copy_table *now = ddl_find(run, from_db, from);
    const bool is_wanted = ddl_is_wanted(run, to_db, to);
    if (now != NULL) {
        ddl_set(run, now, is_wanted ? renamed(run, now, to_db, to) : NULL);
    } else if (is_wanted && !ddl_is_wanted(run, from_db, from)) {
        ddl_recopy(run, ddl_find(run, to_db, to), to_db, to, STR_NULL);
    } else if (is_wanted) {
        /* A view, or a table that the snapshot is about to find: it had better look again. */
        run->out->wakes_snapshot = true;
    }
}

int ddl_plan_rename_table(struct ddl_run *run)
{
    const struct rename_stmt *s = &run->stmt->rename;
    for (uint32_t i = 0; i < s->count; i++) {
        ddl_rename(run, ddl_db(run, s->from[i].db), s->from[i].name, ddl_db(run, s->to[i].db),
                   s->to[i].name);
    }
    return 0;
}

/* ---- TRUNCATE TABLE ---- */

static void truncate_one(struct ddl_run *run, struct str db, struct str name)
{
    struct copy_table *now = ddl_find(run, db, name);
    if (now == NULL) {
        return;
    }
    switch (atomic_load(&now->state)) {
    case COPY_PENDING:
    case COPY_ASIDE:
        return;
    case COPY_LOADING: /* A chunk on its way may hold rows that are no more. */
        ddl_recopy(run, now, db, name, STR("it was truncated while it was copied"));
        return;
    case COPY_LIVE:
        break;
    }
    struct copy_table *after = copy_table_with_state(now, COPY_LIVE, STR_NULL);
    ddl_add_step(run, DDL_STEP_TRUNCATE, now, after);
    ddl_set(run, now, after);
}

int ddl_plan_truncate(struct ddl_run *run)
{
    const struct admin_table_stmt *s = &run->stmt->admin;
    for (uint32_t i = 0; i < s->count; i++) {
        truncate_one(run, ddl_db(run, s->tables[i].db), s->tables[i].name);
    }
    return 0;
}

/* ---- Databases ---- */

/* *out: the collation that the statement gives, or otherwise. Returns whether it is certain. */
static bool statement_collation(const struct ddl_run *run, uint16_t otherwise, bool known,
                                uint16_t *out)
{
    const struct database_stmt *s = &run->stmt->database;
    const enum sql_dialect dialect = run->x->server->dialect;
    const struct charset *cs = s->charset.p != NULL ? charset_find(s->charset) : NULL;
    *out = otherwise;
    if (s->collation.p != NULL) {
        const struct collation *c = collation_find_for(s->collation, cs, dialect);
        *out = c != NULL ? c->id : otherwise;
        return c != NULL;
    }
    if (s->charset.p != NULL) {
        *out = cs != NULL ? charset_default_collation(cs, dialect) : otherwise;
        return cs != NULL && is_default_certain(run);
    }
    return known;
}

static void put_database(struct ddl_run *run, const struct database_def *db)
{
    struct database_def *list = ARENA_NEW(run->arena, struct database_def);
    *list = *db;
    run->out->databases = list;
    run->out->database_count = 1;
}

int ddl_plan_create_database(struct ddl_run *run)
{
    const struct database_stmt *s = &run->stmt->database;
    struct catalog *catalog = run->d->server->catalog;
    struct database_def db = {.name = arena_dup(run->arena, s->name)};
    const struct copy_filter all = {.include_count = 0};
    if (!copy_filter_takes(&all, s->name, STR("")) ||
        (s->if_exists && catalog_find_database(catalog, s->name, NULL, NULL))) {
        return 0;
    }
    if (s->or_replace && ddl_plan_drop_database(run) != 0) {
        return -1;
    }
    run->out->dropped_database = STR_NULL;
    if (!catalog_find_database(catalog, s->name, run->arena, &db)) {
        db.id = catalog_next_id(catalog);
        db.created_us = clock_wall_us();
    }
    /* With IF NOT EXISTS it may have been there with another collation. */
    const bool known = !s->if_exists && has_var(run->q, BINLOG_Q_CHARSET);
    db.explicit_collation =
        statement_collation(run, (uint16_t)run->x->vars.collation_server, known, &db.collation) &&
        !s->if_exists;
    put_database(run, &db);
    return 0;
}

int ddl_plan_alter_database(struct ddl_run *run)
{
    const struct str name = ddl_db(run, run->stmt->database.name);
    const struct copy_filter all = {.include_count = 0};
    struct catalog *catalog = run->d->server->catalog;
    struct database_def db = {.name = arena_dup(run->arena, name),
                              .collation = (uint16_t)run->x->vars.collation_server};
    if (!copy_filter_takes(&all, name, STR(""))) {
        return 0;
    }
    if (!catalog_find_database(catalog, name, run->arena, &db)) {
        db.id = catalog_next_id(catalog);
        db.created_us = clock_wall_us();
    }
    db.explicit_collation =
        statement_collation(run, db.collation, db.explicit_collation, &db.collation);
    put_database(run, &db);
    return 0;
}

int ddl_plan_drop_database(struct ddl_run *run)
{
    const struct str name = run->stmt->database.name;
    struct copy_table **list;
    const uint32_t count = copy_list(run->d->copy, run->arena, &list);
    for (uint32_t i = 0; i < count; i++) {
        if (str_eq(list[i]->db, name)) {
            ddl_set(run, list[i], NULL);
        }
        copy_table_unref(list[i]);
    }
    run->out->dropped_database = arena_dup(run->arena, name);
    return 0;
}

/* ---- By words ---- */

void ddl_recopy_other_tables(struct ddl_run *run, struct str reason)
{
    struct ddl_words w;
    struct str db, name;
    ddl_words_init(&w, run->sql, run->x->vars.sql_mode);
    while (w.kind != DDL_WORD_END) {
        if (!ddl_words_skip(&w, "TABLE")) {
            ddl_words_next(&w);
            continue;
        }
        (void)ddl_words_skip(&w, "IF");
        (void)ddl_words_skip(&w, "NOT");
        (void)ddl_words_skip(&w, "EXISTS");
        if (ddl_words_table(&w, run->arena, &db, &name)) {
            ddl_recopy_name(run, db, name, reason);
        }
    }
}

static void skip_exists(struct ddl_words *w)
{
    if (ddl_words_skip(w, "IF")) {
        (void)ddl_words_skip(w, "NOT");
        (void)ddl_words_skip(w, "EXISTS");
    }
}

static bool recopy_next(struct ddl_run *run, struct ddl_words *w, struct str reason)
{
    struct str db, name;
    skip_exists(w);
    if (!ddl_words_table(w, run->arena, &db, &name)) {
        return false;
    }
    ddl_recopy_name(run, db, name, reason);
    return true;
}

/* The names in DROP TABLE a, b and RENAME TABLE a TO b, c TO d. */
static bool recopy_list(struct ddl_run *run, struct ddl_words *w, struct str reason)
{
    do {
        if (!recopy_next(run, w, reason)) {
            return false;
        }
    } while (ddl_words_skip(w, "TO") || (ddl_words_is_mark(w, ',') && (ddl_words_next(w), true)));
    return true;
}

static bool recopy_behind(struct ddl_run *run, struct ddl_words *w, const char *keyword,
                          struct str reason)
{
    while (w->kind != DDL_WORD_END && !ddl_words_skip(w, keyword)) {
        ddl_words_next(w);
    }
    return recopy_next(run, w, reason);
}

/* ALTER TABLE t …: also a new name, and what partitions are exchanged with. */
static bool recopy_altered(struct ddl_run *run, struct ddl_words *w, struct str reason)
{
    if (!recopy_behind(run, w, "TABLE", reason)) {
        return false;
    }
    struct ddl_words rest = *w;
    while (rest.kind != DDL_WORD_END) {
        if (!ddl_words_skip(&rest, "RENAME")) {
            ddl_words_next(&rest);
            continue;
        }
        const bool is_table = !ddl_words_is(&rest, "COLUMN") && !ddl_words_is(&rest, "INDEX") &&
                              !ddl_words_is(&rest, "KEY");
        if (ddl_words_skip(&rest, "TO") || ddl_words_skip(&rest, "AS") || is_table) {
            (void)recopy_next(run, &rest, reason);
        }
    }
    ddl_recopy_other_tables(run, reason);
    return true;
}

int ddl_plan_by_words(struct ddl_run *run, struct str why)
{
    struct ddl_words w;
    ddl_words_init(&w, run->sql, run->x->vars.sql_mode);
    struct ddl_words verb = w;
    bool is_clear = false;
    while (w.kind != DDL_WORD_END && !ddl_words_is(&w, "TABLE") && !ddl_words_is(&w, "TABLES") &&
           !ddl_words_is(&w, "INDEX") && !ddl_words_is(&w, "DATABASE") &&
           !ddl_words_is(&w, "SCHEMA")) {
        ddl_words_next(&w);
    }
    if (ddl_words_is(&verb, "ALTER") && ddl_words_is(&w, "TABLE")) {
        is_clear = recopy_altered(run, &w, why);
    } else if (ddl_words_is(&verb, "CREATE") && ddl_words_is(&w, "TABLE")) {
        is_clear = recopy_behind(run, &w, "TABLE", why);
    } else if (ddl_words_is(&verb, "TRUNCATE")) {
        ddl_words_next(&verb);
        (void)ddl_words_skip(&verb, "TABLE");
        is_clear = recopy_next(run, &verb, why);
    } else if (ddl_words_is(&w, "INDEX")) {
        is_clear = recopy_behind(run, &w, "ON", why);
    } else if (ddl_words_is(&w, "TABLE") || ddl_words_is(&w, "TABLES")) {
        ddl_words_next(&w);
        is_clear = recopy_list(run, &w, why);
    } else if (ddl_words_is(&verb, "ALTER") && w.kind == DDL_WORD_NAME) {
        is_clear = true; /* ALTER DATABASE: no rows */
    }
    if (is_clear) {
        return 0;
    }
    return diag_set_text(run->diag, ER_NOT_SUPPORTED_YET,
                         arena_printf(run->arena,
                                      "a statement in the log cannot be read (%.*s), and it cannot "
                                      "be told which tables it changes: %.*s",
                                      STR_FMT(why),
                                      STR_FMT(str_from(run->sql.p, MIN(run->sql.len, 1000)))));
}
