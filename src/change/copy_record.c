/*
 * Records of tables, kind "copy_table", as JSON: one object, with a format number "v". The key's
 * columns are kept by their ids, so that a chunk's place (last_key) goes on meaning what it meant.
 */
#include "change/copy_int.h"

#include <jansson.h>

#include <stdlib.h>

enum {
    FORMAT_VERSION = 1,
};

/* ---- Writing ---- */

static void put(json_t *o, const char *key, json_t *value)
{
    if (json_object_set_new(o, key, value) != 0) {
        abort(); /* out of memory */
    }
}

static void put_str(json_t *o, const char *key, struct str s)
{
    if (s.len > 0) {
        put(o, key, json_stringn(s.p, s.len));
    }
}

static void put_u64(json_t *o, const char *key, uint64_t u)
{
    if (u != 0) {
        put(o, key, json_sprintf("%llu", (unsigned long long)u));
    }
}

static void put_key(json_t *o, const struct copy_table *t)
{
    json_t *columns = json_array();
    for (uint32_t i = 0; i < t->key.count; i++) {
        json_array_append_new(columns, json_integer(t->def->columns[t->key.columns[i]].id));
    }
    put(o, "key", columns);
    put(o, "primary", json_boolean(t->key.is_primary));
}

static void put_progress(json_t *o, const struct copy_table *t)
{
    put_str(o, "last_key", t->last_key);
    put_u64(o, "schema_hash", t->schema_hash);
    put_u64(o, "rows_copied", atomic_load(&t->rows_copied));
    put_u64(o, "bytes_copied", atomic_load(&t->bytes_copied));
    put_u64(o, "rows_estimated", atomic_load(&t->rows_estimated));
    put_u64(o, "copied_us", (uint64_t)atomic_load(&t->copied_us));
    put_u64(o, "rows_inserted", atomic_load(&t->rows_inserted));
    put_u64(o, "rows_updated", atomic_load(&t->rows_updated));
    put_u64(o, "rows_deleted", atomic_load(&t->rows_deleted));
}

static void free_text(void *text)
{
    free(text);
}

struct str copy_record_encode(const struct copy_table *t, struct arena *arena)
{
    json_t *o = json_object();
    put(o, "v", json_integer(FORMAT_VERSION));
    put(o, "state", json_string(copy_state_name(atomic_load(&t->state))));
    put_str(o, "reason", t->reason);
    put_str(o, "db", t->db);
    put_str(o, "name", t->name);
    put_progress(o, t);
    if (t->def != NULL) {
        put_key(o, t);
        if (!copy_is_published(t)) {
            put_str(o, "definition", table_def_to_json(t->def, arena));
        }
    }
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    if (text == NULL) {
        abort();
    }
    const struct str out = arena_dup(arena, str_from_cstr(text));
    free_text(text);
    return out;
}

/* ---- Reading ---- */

static struct str get_str(const json_t *o, const char *key)
{
    const json_t *j = json_object_get(o, key);
    return json_is_string(j) ? str_from(json_string_value(j), json_string_length(j)) : STR("");
}

static uint64_t get_u64(const json_t *o, const char *key)
{
    uint64_t u;
    return str_to_u64(get_str(o, key), &u) == 0 ? u : 0;
}

static int get_state(const json_t *o, enum copy_state *out)
{
    const struct str name = get_str(o, "state");
    for (enum copy_state s = COPY_PENDING; s <= COPY_ASIDE; s++) {
        if (str_eq(name, str_from_cstr(copy_state_name(s)))) {
            *out = s;
            return 0;
        }
    }
    return -1;
}

static int bad_record(struct diag *d, uint64_t id)
{
    struct arena a;
    arena_init(&a, 0);
    const struct str text =
        arena_printf(&a,
                     "the record of the copy's table %llu cannot be read: it was written by a "
                     "newer version, or is damaged",
                     (unsigned long long)id);
    (void)diag_set(d, ER_INTERNAL_ERROR, text.p);
    arena_release(&a);
    return -1;
}

static int32_t column_of_id(const struct table_def *def, json_int_t id)
{
    for (uint32_t i = 0; i < def->column_count; i++) {
        if (def->columns[i].id == id) {
            return (int32_t)i;
        }
    }
    return -1;
}

/* The stored key replaces the one that would be chosen today. */
static int get_key(const json_t *o, struct copy_table *t)
{
    const json_t *ids = json_object_get(o, "key");
    if (t->def == NULL || !json_is_array(ids)) {
        return 0;
    }
    const size_t count = json_array_size(ids);
    uint32_t *columns = ARENA_ARRAY(&t->arena, uint32_t, count);
    for (size_t i = 0; i < count; i++) {
        const int32_t at = column_of_id(t->def, json_integer_value(json_array_get(ids, i)));
        if (at < 0) {
            return -1;
        }
        columns[i] = (uint32_t)at;
    }
    t->key = (struct copy_key){.count = (uint32_t)count,
                               .columns = columns,
                               .is_primary = json_is_true(json_object_get(o, "primary"))};
    return 0;
}

static void get_progress(const json_t *o, struct copy_table *t)
{
    t->last_key = arena_dup(&t->arena, get_str(o, "last_key"));
    t->schema_hash = get_u64(o, "schema_hash");
    atomic_init(&t->rows_copied, get_u64(o, "rows_copied"));
    atomic_init(&t->bytes_copied, get_u64(o, "bytes_copied"));
    atomic_init(&t->rows_estimated, get_u64(o, "rows_estimated"));
    atomic_init(&t->copied_us, (int64_t)get_u64(o, "copied_us"));
    atomic_init(&t->rows_inserted, get_u64(o, "rows_inserted"));
    atomic_init(&t->rows_updated, get_u64(o, "rows_updated"));
    atomic_init(&t->rows_deleted, get_u64(o, "rows_deleted"));
}

static int get_definition(struct copy *c, const json_t *o, struct copy_table *t, struct diag *d)
{
    const struct str json = get_str(o, "definition");
    struct table_def *def;
    if (json.len == 0) {
        return 0;
    }
    if (table_def_from_json(json, d, &def) != 0) {
        return -1;
    }
    def->id = t->id;
    copy_table_define(c->server, t, def);
    table_def_unref(def);
    return 0;
}

static int decode(struct copy *c, uint64_t id, const json_t *o, struct diag *d,
                  struct copy_table **out)
{
    enum copy_state state;
    if (!json_is_object(o) || json_integer_value(json_object_get(o, "v")) != FORMAT_VERSION ||
        get_state(o, &state) != 0 || get_str(o, "name").len == 0) {
        return bad_record(d, id);
    }
    struct copy_table *t = copy_table_alloc(get_str(o, "db"), get_str(o, "name"));
    t->id = id;
    t->reason = arena_dup(&t->arena, get_str(o, "reason"));
    atomic_init(&t->state, state);
    get_progress(o, t);
    if (get_definition(c, o, t, d) != 0) {
        copy_table_unref(t);
        return -1;
    }
    if (get_key(o, t) != 0 || (state == COPY_LOADING && t->def == NULL)) {
        copy_table_unref(t);
        return bad_record(d, id);
    }
    *out = t;
    return 0;
}

int copy_record_decode(struct copy *c, uint64_t id, struct str json, struct diag *d,
                       struct copy_table **out)
{
    json_error_t error;
    json_t *o = json_loadb(json.p, json.len, 0, &error);
    const int rc = decode(c, id, o, d, out);
    json_decref(o);
    return rc;
}
