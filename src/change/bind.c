/*
 * Which table of the copy a table map is of, and whether both say the same about its columns. What
 * differs is never guessed at.
 */
#include "change/pipeline_int.h"

#include "types/collation.h"

#include <stdlib.h>

static struct binding *find_binding(struct stream *s, const struct binlog_table *map)
{
    if (s->last_binding != NULL && s->last_binding->map == map) {
        return s->last_binding;
    }
    return htab_find(&s->bindings, str_from((const char *)&map, sizeof(map)));
}

static struct binding *get_binding(struct stream *s, const struct binlog_table *map)
{
    struct binding *b = find_binding(s, map);
    if (b == NULL) {
        b = calloc(1, sizeof(*b));
        if (b == NULL) {
            abort();
        }
        b->map = map;
        arena_init(&b->arena, 0);
        (void)htab_put(&s->bindings, str_from((const char *)&b->map, sizeof(b->map)), b);
    }
    return b;
}

static void binding_clear(struct binding *b)
{
    if (b->table != NULL) {
        copy_table_unref(b->table);
        b->table = NULL;
    }
    b->rows = NULL;
    b->is_spooled = false;
    b->serial = 0;
    arena_reset(&b->arena);
}

void bind_release(struct stream *s)
{
    struct binding *b;
    size_t pos = 0;
    while ((b = htab_next(&s->bindings, &pos)) != NULL) {
        binding_clear(b);
        arena_release(&b->arena);
        free(b);
    }
    htab_release(&s->bindings);
    htab_init(&s->bindings, 0);
    s->last_binding = NULL;
}

/* ---- Columns ---- */

/* What the log leaves out is taken from the definition. */
static void complete_column(struct binlog_column *c, const struct binlog_table *map,
                            const struct sql_type *type)
{
    if ((map->metadata & BINLOG_HAS_SIGNEDNESS) == 0) {
        c->is_unsigned = type_is_unsigned(type);
    }
    if (!c->has_collation) {
        c->collation = type->collation;
        c->has_collation = true;
    }
}

static const struct charset *charset_of(uint16_t collation)
{
    const struct collation *c = collation_find(collation);
    return c != NULL ? c->charset : NULL;
}

static bool is_text(const struct sql_type *type)
{
    return type_class_of(type->type) == TYPE_CLASS_STRING && type_is_character(type);
}

/* Are both kept the same way? A log without labels tells of an ENUM how wide its numbers are. */
static bool is_kept_alike(const struct binlog_column *c, const struct sql_type *logged,
                          const struct sql_type *type)
{
    if (type_class_of(logged->type) != type_class_of(type->type)) {
        return false;
    }
    if (logged->type == MYSQL_TYPE_ENUM && type->type == MYSQL_TYPE_ENUM) {
        return c->size == vec_phys_size(type_phys(type));
    }
    return type_phys(logged) == type_phys(type);
}

/* Why the column of the log cannot be that of the definition; NULL: it can. */
static const char *column_differs(const struct binlog_table *map, uint32_t i,
                                  const struct column_def *def)
{
    const struct binlog_column *c = &map->cols[i];
    const struct sql_type logged = binlog_column_sql_type(c);
    if ((map->metadata & BINLOG_HAS_NAMES) != 0 && !str_eq_nocase(c->name, def->name)) {
        return "name";
    }
    if (!is_kept_alike(c, &logged, &def->type)) {
        return "type";
    }
    const enum type_class class = type_class_of(logged.type);
    if (class == TYPE_CLASS_DECIMAL &&
        (logged.length != def->type.length || logged.decimals != def->type.decimals)) {
        return "precision";
    }
    if ((class == TYPE_CLASS_DATETIME || class == TYPE_CLASS_TIME) &&
        logged.decimals != def->type.decimals) {
        return "precision";
    }
    if (is_text(&def->type) && (map->metadata & BINLOG_HAS_CHARSETS) != 0 &&
        charset_of(c->collation) != charset_of(def->type.collation)) {
        return "character set";
    }
    return NULL;
}

static int differs(struct stream *s, const struct copy_table *t, struct str column,
                   const char *what)
{
    const struct str text = arena_printf(
        &s->diag.arena, "the log has another %s%s%.*s%s than the copy of `%.*s`.`%.*s`", what,
        column.len > 0 ? " of column `" : "", STR_FMT(column), column.len > 0 ? "`" : "",
        STR_FMT(t->db), STR_FMT(t->name));
    return diag_set_text(&s->diag, ER_TABLE_DEF_CHANGED, text);
}

/* Times of MariaDB's format before 5.6 with fractions, whose length is not in the log: neither they
 * nor what follows them can be read, now or later. */
static bool is_unreadable(const struct binlog_column *c, const struct column_def *def)
{
    return def->type.decimals > 0 &&
           (c->type == MYSQL_TYPE_TIME || c->type == MYSQL_TYPE_DATETIME ||
            c->type == MYSQL_TYPE_TIMESTAMP);
}

static int refuse_unreadable(struct stream *s, struct str column)
{
    const struct str text = arena_printf(
        &s->diag.arena,
        "column `%.*s` is of an old format whose fractions of seconds the log does not tell: SET "
        "GLOBAL mysql56_temporal_format = ON and ALTER TABLE … FORCE on the source write it "
        "anew, then PINTAIL COPY TABLE",
        STR_FMT(column));
    return diag_set_text(&s->diag, ER_NOT_SUPPORTED_YET, text);
}

static int bind_columns(struct stream *s, struct binding *b)
{
    const struct binlog_table *map = b->map;
    const struct table_def *def = b->table->def;
    if (map->ncols != def->column_count) {
        return differs(s, b->table, STR(""), "number of columns");
    }
    b->charsets = ARENA_ARRAY(&b->arena, const struct charset *, map->ncols);
    for (uint32_t i = 0; i < map->ncols; i++) {
        complete_column(&map->cols[i], map, &def->columns[i].type);
        if (is_unreadable(&map->cols[i], &def->columns[i])) {
            return refuse_unreadable(s, def->columns[i].name);
        }
        const char *what = column_differs(map, i, &def->columns[i]);
        if (what != NULL) {
            return differs(s, b->table, def->columns[i].name, what);
        }
        b->charsets[i] =
            is_text(&def->columns[i].type) ? charset_of(def->columns[i].type.collation) : NULL;
    }
    return 0;
}

/* ---- Tables ---- */

/* The table as DDL of the transaction at hand has made it, or as the list has it; a reference. */
static struct copy_table *find_table(struct pipeline *p, const struct binlog_table *map)
{
    const struct change_ddl_plan *plan = p->stream.plan;
    for (struct copy_change *c = plan != NULL ? plan->changes : NULL; c != NULL; c = c->next) {
        if (c->after != NULL && str_eq(c->after->db, map->db) &&
            str_eq(c->after->name, map->name)) {
            copy_table_ref(c->after);
            return c->after;
        }
    }
    for (struct copy_change *c = p->stream.aside; c != NULL; c = c->next) {
        if (str_eq(c->after->db, map->db) && str_eq(c->after->name, map->name)) {
            return NULL;
        }
    }
    return copy_find(p->copy, map->db, map->name);
}

static bool takes_changes(const struct copy_table *t)
{
    const enum copy_state state = atomic_load(&t->state);
    return (state == COPY_LIVE || state == COPY_LOADING) && t->def != NULL;
}

void bind_set_aside(struct pipeline *p, struct copy_table *t, enum copy_state state)
{
    struct stream *s = &p->stream;
    const struct str reason = s->diag.error != NULL ? s->diag.error->message : STR("");
    struct copy_change *change = ARENA_NEW(&s->aside_arena, struct copy_change);
    copy_table_ref(t);
    change->before = t;
    change->after = copy_table_new(p->server, t->db, t->name, state, NULL, reason);
    if (state == COPY_ASIDE) {
        change->after->schema_hash = COPY_STAYS_ASIDE;
    }
    change->next = s->aside;
    s->aside = change;
    log_warn(&p->log, "table %s db=%.*s table=%.*s reason=\"%.*s\"",
             state == COPY_ASIDE ? "set aside" : "is copied again", STR_FMT(t->db),
             STR_FMT(t->name), STR_FMT(reason));
    for (uint32_t i = 0; i < s->batch->table_count; i++) {
        if (s->batch->tables[i]->table == t) {
            s->batch->tables[i]->is_abandoned = true;
        }
    }
    s->generation++;
    diag_reset(&s->diag);
}

void bind_silent_cascades(struct pipeline *p)
{
    struct stream *s = &p->stream;
    const uint64_t serial = copy_serial(p->copy);
    if (serial == s->cascades_serial) {
        return;
    }
    s->cascades_serial = serial;
    struct copy_table **list;
    const uint32_t n = copy_list(p->copy, &s->aside_arena, &list);
    for (uint32_t i = 0; i < n; i++) {
        if (takes_changes(list[i]) && list[i]->def->cascades) {
            (void)diag_set_text(&s->diag, ER_NOT_SUPPORTED_YET, STR(COPY_SILENT_CASCADES));
            bind_set_aside(p, list[i], COPY_ASIDE);
        }
        copy_table_unref(list[i]);
    }
}

struct binding *bind_table(struct pipeline *p, const struct binlog_table *map, bool is_new)
{
    struct stream *s = &p->stream;
    struct binding *b = get_binding(s, map);
    s->last_binding = b;
    if (!is_new && b->generation == s->generation) {
        return b;
    }
    binding_clear(b);
    b->generation = s->generation;
    b->table = find_table(p, map);
    if (b->table == NULL) {
        return b;
    }
    if (!takes_changes(b->table)) {
        binding_clear(b);
        return b;
    }
    if (b->table->key.count == 0 && atomic_load(&b->table->state) == COPY_LOADING) {
        b->rows = spool_find(p, b->table);
        b->is_spooled = b->rows != NULL;
        if (!b->is_spooled) {
            binding_clear(b);
            return b;
        }
    }
    if (bind_columns(s, b) == 0) {
        return b;
    }
    /* What can never be read concerns this table alone, whatever the policy. */
    if (!p->now.set_aside && s->diag.error->code != ER_NOT_SUPPORTED_YET) {
        return NULL;
    }
    bind_set_aside(p, b->table, COPY_ASIDE);
    binding_clear(b);
    b->generation = s->generation;
    return b;
}
