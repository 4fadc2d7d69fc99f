/*
 * Definitions as JSON text, the form in which they are stored with the data. One object a
 * definition, with a format number "v"; members that have their usual value are left out. Numbers
 * beyond a signed 64-bit integer are written as strings; strings that are not UTF-8 (binary
 * defaults) as {"hex": "…"}, so that the text is always UTF-8. A reader refuses a format number
 * above its own.
 */
#include "catalog/catalog.h"
#include "types/decimal.h"

#include <jansson.h>

#include <stdlib.h>

#define FORMAT_VERSION 1

/* ---- Writing ---- */

static void put(json_t *o, const char *key, json_t *value)
{
    if (json_object_set_new(o, key, value) != 0) {
        abort(); /* out of memory */
    }
}

static void put_u64(json_t *o, const char *key, uint64_t u)
{
    if (u == 0) {
        return;
    }
    if (u > INT64_MAX) {
        put(o, key, json_sprintf("%llu", (unsigned long long)u));
    } else {
        put(o, key, json_integer((json_int_t)u));
    }
}

static void put_bool(json_t *o, const char *key, bool b)
{
    if (b) {
        put(o, key, json_true());
    }
}

static json_t *hex_json(struct str s)
{
    static const char digits[] = "0123456789abcdef";
    struct arena a;
    arena_init(&a, 0);
    char *text = arena_alloc(&a, 2 * s.len + 1);
    for (size_t i = 0; i < s.len; i++) {
        const unsigned char c = (unsigned char)s.p[i];
        text[2 * i] = digits[c >> 4];
        text[2 * i + 1] = digits[c & 15];
    }
    json_t *o = json_object();
    put(o, "hex", json_stringn(text, 2 * s.len));
    arena_release(&a);
    return o;
}

static json_t *str_json(struct str s)
{
    json_t *j = json_stringn(s.p == NULL ? "" : s.p, s.len);
    return j != NULL ? j : hex_json(s);
}

/* A str that may be absent (p NULL), which is not the same as empty. */
static void put_str(json_t *o, const char *key, struct str s)
{
    if (s.p != NULL) {
        put(o, key, str_json(s));
    }
}

static json_t *time_json(const struct mtime *t)
{
    json_t *list = json_array();
    const uint32_t fields[] = {t->year,   t->month,  t->day,  t->hour,
                               t->minute, t->second, t->usec, t->negative};
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        json_array_append_new(list, json_integer(fields[i]));
    }
    return list;
}

/* Names of enum value_kind in the text. */
static const char *const value_kinds[] = {
    [VALUE_NULL] = "null",   [VALUE_INT] = "int",       [VALUE_UINT] = "uint",
    [VALUE_DOUBLE] = "real", [VALUE_DECIMAL] = "dec",   [VALUE_STRING] = "str",
    [VALUE_DATE] = "date",   [VALUE_DATETIME] = "when", [VALUE_TIME] = "time",
    [VALUE_JSON] = "json",
};

static json_t *value_json(const struct value *v)
{
    char text[DECIMAL_TEXT_MAX];
    json_t *o = json_object();
    put(o, "k", json_string(value_kinds[v->kind]));
    put_u64(o, "d", v->decimals);
    switch (v->kind) {
    case VALUE_NULL:
        break;
    case VALUE_INT:
        put(o, "v", json_integer(v->i));
        break;
    case VALUE_UINT:
        put_u64(o, "v", v->u);
        break;
    case VALUE_DOUBLE:
        put(o, "v", json_real(v->d));
        break;
    case VALUE_DECIMAL:
        put(o, "v", json_stringn(text, decimal_format(&v->dec, text)));
        break;
    case VALUE_STRING:
    case VALUE_JSON:
        put_u64(o, "c", v->collation);
        put(o, "v", str_json(v->str));
        break;
    case VALUE_DATE:
    case VALUE_DATETIME:
    case VALUE_TIME:
        put(o, "v", time_json(&v->time));
        break;
    }
    return o;
}

static json_t *type_json(const struct sql_type *t)
{
    json_t *o = json_object();
    put_u64(o, "type", t->type);
    put_u64(o, "len", t->length);
    put_u64(o, "dec", t->decimals);
    put_u64(o, "flags", t->flags);
    put_u64(o, "coll", t->collation);
    if (t->labels != NULL) {
        json_t *labels = json_array();
        for (uint32_t i = 0; i < t->labels->count; i++) {
            json_array_append_new(labels, str_json(t->labels->names[i]));
        }
        put(o, "labels", labels);
    }
    return o;
}

static json_t *column_json(const struct column_def *c)
{
    json_t *o = json_object();
    put_u64(o, "id", c->id);
    put_str(o, "name", c->name);
    put(o, "type", type_json(&c->type));
    put_u64(o, "default_kind", c->default_kind);
    if (c->default_kind == DEFAULT_VALUE) {
        put(o, "default", value_json(&c->default_value));
    }
    put_str(o, "default_text", c->default_text);
    put_bool(o, "on_update_now", c->on_update_now);
    put_bool(o, "invisible", c->invisible);
    put_bool(o, "explicit_collation", c->explicit_collation);
    put_str(o, "generated", c->generated_text);
    put_bool(o, "generated_stored", c->generated_stored);
    put_str(o, "comment", c->comment);
    return o;
}

static json_t *index_json(const struct index_def *ix)
{
    json_t *o = json_object();
    put_u64(o, "id", ix->id);
    put_u64(o, "kind", ix->kind);
    put_str(o, "name", ix->name);
    json_t *columns = json_array();
    for (uint32_t i = 0; i < ix->column_count; i++) {
        json_t *part = json_object();
        put_u64(part, "col", ix->columns[i].column);
        put_u64(part, "prefix", ix->columns[i].prefix_len);
        put_bool(part, "desc", ix->columns[i].desc);
        json_array_append_new(columns, part);
    }
    put(o, "columns", columns);
    put_str(o, "algorithm", ix->algorithm);
    put_str(o, "comment", ix->comment);
    put_bool(o, "invisible", ix->invisible);
    return o;
}

static json_t *check_json(const struct check_def *c)
{
    json_t *o = json_object();
    put_str(o, "name", c->name);
    put_str(o, "text", c->text);
    put_bool(o, "not_enforced", c->not_enforced);
    if (c->column_id != 0) {
        put(o, "column", json_integer(c->column_id));
    }
    return o;
}

/* The text in arena; takes the object over. */
static struct str dump(json_t *o, struct arena *arena)
{
    char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(o);
    if (text == NULL) {
        abort();
    }
    const struct str s = arena_dup(arena, str_from_cstr(text));
    free(text);
    return s;
}

struct str table_def_to_json(const struct table_def *t, struct arena *arena)
{
    json_t *o = json_object();
    put_u64(o, "v", FORMAT_VERSION);
    put_u64(o, "id", t->id);
    put_u64(o, "version", t->version);
    put_str(o, "db", t->db);
    put_str(o, "name", t->name);
    json_t *columns = json_array();
    for (uint32_t i = 0; i < t->column_count; i++) {
        json_array_append_new(columns, column_json(&t->columns[i]));
    }
    put(o, "columns", columns);
    json_t *indexes = json_array();
    for (uint32_t i = 0; i < t->index_count; i++) {
        json_array_append_new(indexes, index_json(&t->indexes[i]));
    }
    put(o, "indexes", indexes);
    json_t *checks = json_array();
    for (uint32_t i = 0; i < t->check_count; i++) {
        json_array_append_new(checks, check_json(&t->checks[i]));
    }
    put(o, "checks", checks);
    put_u64(o, "coll", t->collation);
    put_str(o, "engine", t->engine_name);
    put_str(o, "comment", t->comment);
    put_str(o, "row_format", t->row_format);
    put_str(o, "other_options", t->other_options);
    put_u64(o, "next_column_id", t->next_column_id);
    put_u64(o, "next_index_id", t->next_index_id);
    put(o, "auto_increment_column", json_integer(t->auto_increment_column));
    put_u64(o, "auto_increment_start", t->auto_increment_start);
    put_bool(o, "cascades", t->cascades);
    put(o, "created_us", json_integer(t->created_us));
    put(o, "altered_us", json_integer(t->altered_us));
    put_str(o, "view", t->view_text);
    return dump(o, arena);
}

struct str database_def_to_json(const struct database_def *db, struct arena *arena)
{
    json_t *o = json_object();
    put_u64(o, "v", FORMAT_VERSION);
    put_u64(o, "id", db->id);
    put_str(o, "name", db->name);
    put_u64(o, "coll", db->collation);
    put_bool(o, "explicit_collation", db->explicit_collation);
    put(o, "created_us", json_integer(db->created_us));
    return dump(o, arena);
}

/* ---- Reading ---- */

/* Sticky: after the first failure the rest reads as nothing, and the caller looks once. */
struct reader {
    struct arena *arena;
    struct diag *diag;
    bool failed;
};

static void fail(struct reader *r, const char *key)
{
    if (!r->failed) {
        r->failed = true;
        diag_set(r->diag, ER_INTERNAL_ERROR,
                 arena_printf(r->arena, "a stored definition has a bad '%s'", key).p);
    }
}

static uint64_t get_u64(struct reader *r, const json_t *o, const char *key, uint64_t max)
{
    const json_t *j = json_object_get(o, key);
    uint64_t u = 0;
    if (json_is_integer(j) && json_integer_value(j) >= 0) {
        u = (uint64_t)json_integer_value(j);
    } else if (j != NULL && str_to_u64(str_from_cstr(json_string_value(j)), &u) != 0) {
        fail(r, key);
    }
    if (u > max) {
        fail(r, key);
        u = 0;
    }
    return u;
}

static uint32_t get_u32(struct reader *r, const json_t *o, const char *key)
{
    return (uint32_t)get_u64(r, o, key, UINT32_MAX);
}

static uint16_t get_u16(struct reader *r, const json_t *o, const char *key)
{
    return (uint16_t)get_u64(r, o, key, UINT16_MAX);
}

static int64_t get_i64(struct reader *r, const json_t *o, const char *key)
{
    const json_t *j = json_object_get(o, key);
    if (j != NULL && !json_is_integer(j)) {
        fail(r, key);
    }
    return json_integer_value(j);
}

static bool get_bool(const json_t *o, const char *key)
{
    return json_is_true(json_object_get(o, key));
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static struct str str_of_hex(struct reader *r, struct str hex, const char *key)
{
    char *bytes = arena_alloc(r->arena, hex.len / 2 + 1);
    for (size_t i = 0; i + 1 < hex.len; i += 2) {
        const int high = hex_digit(hex.p[i]);
        const int low = hex_digit(hex.p[i + 1]);
        if (high < 0 || low < 0) {
            fail(r, key);
            return STR_NULL;
        }
        bytes[i / 2] = (char)(high * 16 + low);
    }
    bytes[hex.len / 2] = '\0';
    return str_from(bytes, hex.len / 2);
}

static struct str str_of(struct reader *r, const json_t *j, const char *key)
{
    if (json_is_string(j)) {
        return arena_dup(r->arena, str_from(json_string_value(j), json_string_length(j)));
    }
    const json_t *hex = json_object_get(j, "hex");
    if (!json_is_string(hex)) {
        fail(r, key);
        return STR_NULL;
    }
    return str_of_hex(r, str_from(json_string_value(hex), json_string_length(hex)), key);
}

static struct str get_str(struct reader *r, const json_t *o, const char *key)
{
    const json_t *j = json_object_get(o, key);
    return j == NULL ? STR_NULL : str_of(r, j, key);
}

/* A name: must be there. */
static struct str get_name(struct reader *r, const json_t *o, const char *key)
{
    const struct str s = get_str(r, o, key);
    if (s.len == 0) {
        fail(r, key);
    }
    return s;
}

static const json_t *get_array(struct reader *r, const json_t *o, const char *key,
                               uint32_t *out_count)
{
    const json_t *list = json_object_get(o, key);
    if (!json_is_array(list)) {
        fail(r, key);
    }
    *out_count = (uint32_t)json_array_size(list);
    return list;
}

static void get_time(struct reader *r, const json_t *list, struct mtime *out)
{
    uint32_t fields[8];
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        const json_t *j = json_array_get(list, i);
        if (!json_is_integer(j)) {
            fail(r, "default");
        }
        fields[i] = (uint32_t)json_integer_value(j);
    }
    *out = (struct mtime){.year = (uint16_t)fields[0],
                          .month = (uint8_t)fields[1],
                          .day = (uint8_t)fields[2],
                          .hour = (uint16_t)fields[3],
                          .minute = (uint8_t)fields[4],
                          .second = (uint8_t)fields[5],
                          .usec = fields[6],
                          .negative = fields[7] != 0};
}

static enum value_kind kind_of(struct reader *r, const json_t *o)
{
    const struct str name = str_from_cstr(json_string_value(json_object_get(o, "k")));
    for (size_t i = 0; i < ARRAY_SIZE(value_kinds); i++) {
        if (str_eq(name, str_from_cstr(value_kinds[i]))) {
            return (enum value_kind)i;
        }
    }
    fail(r, "default");
    return VALUE_NULL;
}

static void get_decimal(struct reader *r, const json_t *o, struct decimal *out)
{
    const struct str text = get_name(r, o, "v");
    size_t used = 0;
    if (r->failed || decimal_parse(text, out, &used) != DECIMAL_OK || used != text.len) {
        fail(r, "default");
    }
}

static void get_value(struct reader *r, const json_t *o, struct value *v)
{
    *v = (struct value){.kind = kind_of(r, o)};
    v->decimals = (uint8_t)get_u64(r, o, "d", UINT8_MAX);
    switch (v->kind) {
    case VALUE_NULL:
        break;
    case VALUE_INT:
        v->i = get_i64(r, o, "v");
        break;
    case VALUE_UINT:
        v->u = get_u64(r, o, "v", UINT64_MAX);
        break;
    case VALUE_DOUBLE:
        v->d = json_number_value(json_object_get(o, "v"));
        break;
    case VALUE_DECIMAL:
        get_decimal(r, o, &v->dec);
        break;
    case VALUE_STRING:
    case VALUE_JSON:
        v->collation = get_u16(r, o, "c");
        v->str = get_str(r, o, "v");
        break;
    case VALUE_DATE:
    case VALUE_DATETIME:
    case VALUE_TIME:
        get_time(r, json_object_get(o, "v"), &v->time);
        break;
    }
}

static void get_type(struct reader *r, const json_t *o, struct sql_type *t)
{
    if (!json_is_object(o)) {
        fail(r, "type");
    }
    t->type = (enum mysql_type)get_u64(r, o, "type", UINT8_MAX);
    t->length = get_u32(r, o, "len");
    t->decimals = (uint8_t)get_u64(r, o, "dec", UINT8_MAX);
    t->flags = get_u16(r, o, "flags");
    t->collation = get_u16(r, o, "coll");
    const json_t *list = json_object_get(o, "labels");
    if (list == NULL) {
        return;
    }
    struct type_labels *labels = ARENA_NEW(r->arena, struct type_labels);
    labels->count = (uint32_t)json_array_size(list);
    struct str *names = ARENA_ARRAY(r->arena, struct str, labels->count);
    for (uint32_t i = 0; i < labels->count; i++) {
        names[i] = str_of(r, json_array_get(list, i), "labels");
    }
    labels->names = names;
    t->labels = labels;
}

static void get_column(struct reader *r, const json_t *o, struct column_def *c)
{
    c->id = get_u32(r, o, "id");
    c->name = get_name(r, o, "name");
    get_type(r, json_object_get(o, "type"), &c->type);
    c->default_kind = (enum default_kind)get_u64(r, o, "default_kind", DEFAULT_EXPR);
    if (c->default_kind == DEFAULT_VALUE) {
        get_value(r, json_object_get(o, "default"), &c->default_value);
    }
    c->default_text = get_str(r, o, "default_text");
    c->on_update_now = get_bool(o, "on_update_now");
    c->invisible = get_bool(o, "invisible");
    c->explicit_collation = get_bool(o, "explicit_collation");
    c->generated_text = get_str(r, o, "generated");
    c->generated_stored = get_bool(o, "generated_stored");
    c->comment = get_str(r, o, "comment");
}

static void get_index(struct reader *r, const json_t *o, uint32_t column_count,
                      struct index_def *ix)
{
    ix->id = get_u32(r, o, "id");
    ix->kind = (enum index_def_kind)get_u64(r, o, "kind", INDEX_DEF_SPATIAL);
    ix->name = get_name(r, o, "name");
    const json_t *parts = get_array(r, o, "columns", &ix->column_count);
    ix->columns = ARENA_ARRAY(r->arena, struct index_column, ix->column_count);
    for (uint32_t i = 0; i < ix->column_count; i++) {
        const json_t *part = json_array_get(parts, i);
        ix->columns[i] = (struct index_column){.column = get_u32(r, part, "col"),
                                               .prefix_len = get_u32(r, part, "prefix"),
                                               .desc = get_bool(part, "desc")};
        if (ix->columns[i].column >= column_count) {
            fail(r, "col");
        }
    }
    ix->algorithm = get_str(r, o, "algorithm");
    ix->comment = get_str(r, o, "comment");
    ix->invisible = get_bool(o, "invisible");
}

static void get_lists(struct reader *r, const json_t *o, struct table_def *t)
{
    const json_t *list = get_array(r, o, "columns", &t->column_count);
    t->columns = ARENA_ARRAY(r->arena, struct column_def, t->column_count);
    for (uint32_t i = 0; i < t->column_count; i++) {
        get_column(r, json_array_get(list, i), &t->columns[i]);
    }
    list = get_array(r, o, "indexes", &t->index_count);
    t->indexes = ARENA_ARRAY(r->arena, struct index_def, t->index_count);
    for (uint32_t i = 0; i < t->index_count; i++) {
        get_index(r, json_array_get(list, i), t->column_count, &t->indexes[i]);
    }
    list = get_array(r, o, "checks", &t->check_count);
    t->checks = ARENA_ARRAY(r->arena, struct check_def, t->check_count);
    for (uint32_t i = 0; i < t->check_count; i++) {
        const json_t *check = json_array_get(list, i);
        t->checks[i] = (struct check_def){.name = get_str(r, check, "name"),
                                          .text = get_name(r, check, "text"),
                                          .not_enforced = get_bool(check, "not_enforced")};
        if (json_object_get(check, "column") != NULL) {
            t->checks[i].column_id = (uint32_t)get_u64(r, check, "column", UINT32_MAX);
        }
    }
}

static void get_table(struct reader *r, const json_t *o, struct table_def *t)
{
    t->id = get_u64(r, o, "id", UINT64_MAX);
    t->version = get_u64(r, o, "version", UINT64_MAX);
    t->db = get_name(r, o, "db");
    t->name = get_name(r, o, "name");
    get_lists(r, o, t);
    t->collation = get_u16(r, o, "coll");
    t->engine_name = get_str(r, o, "engine");
    t->comment = get_str(r, o, "comment");
    t->row_format = get_str(r, o, "row_format");
    t->other_options = get_str(r, o, "other_options");
    t->cascades = get_bool(o, "cascades");
    t->next_column_id = get_u32(r, o, "next_column_id");
    t->next_index_id = get_u32(r, o, "next_index_id");
    const int64_t auto_column = get_i64(r, o, "auto_increment_column");
    if (auto_column < -1 || auto_column >= (int64_t)t->column_count) {
        fail(r, "auto_increment_column");
    }
    t->auto_increment_column = (int32_t)auto_column;
    t->auto_increment_start = get_u64(r, o, "auto_increment_start", UINT64_MAX);
    t->created_us = get_i64(r, o, "created_us");
    t->altered_us = get_i64(r, o, "altered_us");
    t->view_text = get_str(r, o, "view");
}

/* The object in a text, of a format that is known; NULL with diag. */
static json_t *load(struct str json, struct diag *diag)
{
    json_error_t e;
    json_t *o = json_loadb(json.p == NULL ? "" : json.p, json.len, JSON_ALLOW_NUL, &e);
    if (!json_is_object(o)) {
        json_decref(o);
        diag_set(diag, ER_INTERNAL_ERROR, "a stored definition is not a JSON object");
        return NULL;
    }
    const json_int_t version = json_integer_value(json_object_get(o, "v"));
    if (version < 1 || version > FORMAT_VERSION) {
        json_decref(o);
        diag_set(diag, ER_INTERNAL_ERROR, "a stored definition was written by a newer version");
        return NULL;
    }
    return o;
}

int table_def_from_json(struct str json, struct diag *diag, struct table_def **out)
{
    *out = NULL;
    json_t *o = load(json, diag);
    if (o == NULL) {
        return -1;
    }
    struct table_def *t = table_def_new();
    struct reader r = {.arena = t->arena, .diag = diag};
    get_table(&r, o, t);
    json_decref(o);
    if (r.failed) {
        table_def_unref(t);
        return -1;
    }
    *out = t;
    return 0;
}

int database_def_from_json(struct str json, struct arena *arena, struct diag *diag,
                           struct database_def *out)
{
    *out = (struct database_def){0};
    json_t *o = load(json, diag);
    if (o == NULL) {
        return -1;
    }
    struct reader r = {.arena = arena, .diag = diag};
    out->id = get_u64(&r, o, "id", UINT64_MAX);
    out->name = get_name(&r, o, "name");
    out->collation = get_u16(&r, o, "coll");
    out->explicit_collation = get_bool(o, "explicit_collation");
    out->created_us = get_i64(&r, o, "created_us");
    json_decref(o);
    return r.failed ? -1 : 0;
}
