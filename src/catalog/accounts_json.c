/*
 * Accounts as JSON text, the form in which they are stored with the data. Privileges are listed by
 * name, so that the text does not depend on the numbers of the bits; members that have their usual
 * value are left out. A reader refuses a format number above its own and privileges it does not
 * know.
 */
#include "catalog/accounts.h"

#include <jansson.h>

#include <stdlib.h>

/* Accounts without anything of version 2 (roles, limits) are written as version 1. */
#define FORMAT_VERSION 2

/* ---- Writing ---- */

static void put(json_t *o, const char *key, json_t *value)
{
    if (json_object_set_new(o, key, value) != 0) {
        abort(); /* out of memory, or text that is not UTF-8, which names never are */
    }
}

static void put_str(json_t *o, const char *key, struct str s)
{
    put(o, key, json_stringn(s.p == NULL ? "" : s.p, s.len));
}

static void put_bool(json_t *o, const char *key, bool b)
{
    if (b) {
        put(o, key, json_true());
    }
}

static void put_number(json_t *o, const char *key, int64_t n)
{
    if (n != 0) {
        put(o, key, json_integer(n));
    }
}

static void put_privs(json_t *o, uint64_t privs)
{
    json_t *list = json_array();
    for (uint64_t bit = 1; bit <= PRIV_GRANT; bit <<= 1) {
        if ((privs & bit) != 0) {
            json_array_append_new(list, json_string(privilege_name(bit)));
        }
    }
    put(o, "privs", list);
}

static json_t *grant_json(const struct object_grant *g)
{
    json_t *o = json_object();
    put_str(o, "db", g->db);
    if (g->table.p != NULL) {
        put_str(o, "table", g->table);
    }
    put_privs(o, g->privs);
    json_t *columns = json_array();
    for (uint32_t i = 0; i < g->column_count; i++) {
        json_t *c = json_object();
        put_str(c, "name", g->columns[i].column);
        put_privs(c, g->columns[i].privs);
        json_array_append_new(columns, c);
    }
    put(o, "columns", columns);
    return o;
}

static void put_roles(json_t *o, const struct account *a)
{
    if (a->role_count == 0) {
        return;
    }
    json_t *roles = json_array();
    for (uint32_t i = 0; i < a->role_count; i++) {
        json_t *r = json_object();
        put_str(r, "user", a->roles[i].user);
        put_str(r, "host", a->roles[i].host);
        put_bool(r, "admin", a->roles[i].admin);
        put_bool(r, "default", a->roles[i].is_default);
        json_array_append_new(roles, r);
    }
    put(o, "roles", roles);
}

struct str account_to_json(const struct account *a, struct arena *arena)
{
    json_t *o = json_object();
    const bool has_limits = a->failed_logins > 0 || a->lock_days != 0 || a->max_connections > 0;
    put(o, "v", json_integer(a->role_count > 0 || has_limits ? FORMAT_VERSION : 1));
    put_str(o, "user", a->user);
    put_str(o, "host", a->host);
    put_str(o, "plugin", a->plugin);
    put_str(o, "auth", a->auth_string);
    put_privs(o, a->global_privs);
    json_t *grants = json_array();
    for (uint32_t i = 0; i < a->grant_count; i++) {
        json_array_append_new(grants, grant_json(&a->grants[i]));
    }
    put(o, "grants", grants);
    put_roles(o, a);
    put_number(o, "failed_logins", a->failed_logins);
    put_number(o, "lock_days", a->lock_days);
    put_number(o, "max_connections", a->max_connections);
    put_bool(o, "locked", a->locked);
    put_bool(o, "password_expired", a->password_expired);
    put_bool(o, "require_ssl", a->require_ssl);
    put_bool(o, "loopback_only", a->loopback_only);
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    if (text == NULL) {
        abort();
    }
    const struct str s = arena_dup(arena, str_from_cstr(text));
    free(text);
    return s;
}

/* ---- Reading ---- */

struct reader {
    struct account *a;
    const char *wrong; /* the first thing that was not as it should be; NULL = all is well */
};

static struct str read_str(struct reader *r, const json_t *o, const char *key)
{
    const json_t *j = json_object_get(o, key);
    if (!json_is_string(j)) {
        r->wrong = key;
        return STR("");
    }
    return arena_dup(r->a->arena, str_from(json_string_value(j), json_string_length(j)));
}

static bool read_bool(const json_t *o, const char *key)
{
    return json_is_true(json_object_get(o, key));
}

static const json_t *read_list(struct reader *r, const json_t *o, const char *key)
{
    const json_t *list = json_object_get(o, key);
    if (!json_is_array(list)) {
        r->wrong = key;
        return NULL;
    }
    return list;
}

static uint64_t read_privs(struct reader *r, const json_t *o)
{
    const json_t *list = read_list(r, o, "privs");
    uint64_t privs = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const uint64_t bit =
            privilege_find(str_from_cstr(json_string_value(json_array_get(list, i))));
        if (bit == 0) {
            r->wrong = "privs";
        }
        privs |= bit;
    }
    return privs;
}

static void read_grant(struct reader *r, const json_t *o, struct object_grant *g)
{
    g->db = read_str(r, o, "db");
    g->table = json_object_get(o, "table") == NULL ? STR_NULL : read_str(r, o, "table");
    g->privs = read_privs(r, o);
    const json_t *columns = read_list(r, o, "columns");
    const size_t n = json_array_size(columns);
    g->columns = ARENA_ARRAY(r->a->arena, struct column_grant, n + 1);
    for (size_t i = 0; i < n; i++) {
        const json_t *c = json_array_get(columns, i);
        g->columns[i].column = read_str(r, c, "name");
        g->columns[i].privs = read_privs(r, c);
    }
    g->column_count = (uint32_t)n;
}

static void read_roles(struct reader *r, const json_t *o)
{
    struct account *a = r->a;
    if (json_object_get(o, "roles") == NULL) {
        return;
    }
    const json_t *roles = read_list(r, o, "roles");
    const size_t n = json_array_size(roles);
    a->roles = ARENA_ARRAY(a->arena, struct role_grant, n + 1);
    for (size_t i = 0; i < n; i++) {
        const json_t *role = json_array_get(roles, i);
        a->roles[i] = (struct role_grant){.user = read_str(r, role, "user"),
                                          .host = read_str(r, role, "host"),
                                          .admin = read_bool(role, "admin"),
                                          .is_default = read_bool(role, "default")};
    }
    a->role_count = (uint32_t)n;
}

static void read_account(struct reader *r, const json_t *o)
{
    struct account *a = r->a;
    const json_t *version = json_object_get(o, "v");
    if (!json_is_integer(version) || json_integer_value(version) > FORMAT_VERSION) {
        r->wrong = "v";
        return;
    }
    a->user = read_str(r, o, "user");
    a->host = read_str(r, o, "host");
    a->plugin = read_str(r, o, "plugin");
    a->auth_string = read_str(r, o, "auth");
    a->global_privs = read_privs(r, o);
    a->locked = read_bool(o, "locked");
    a->password_expired = read_bool(o, "password_expired");
    a->require_ssl = read_bool(o, "require_ssl");
    a->loopback_only = read_bool(o, "loopback_only");
    const json_t *grants = read_list(r, o, "grants");
    const size_t n = json_array_size(grants);
    a->grants = ARENA_ARRAY(a->arena, struct object_grant, n + 1);
    for (size_t i = 0; i < n; i++) {
        read_grant(r, json_array_get(grants, i), &a->grants[i]);
    }
    a->grant_count = (uint32_t)n;
    read_roles(r, o);
    a->failed_logins = (uint32_t)json_integer_value(json_object_get(o, "failed_logins"));
    a->lock_days = (int32_t)json_integer_value(json_object_get(o, "lock_days"));
    a->max_connections = (uint32_t)json_integer_value(json_object_get(o, "max_connections"));
}

int account_from_json(struct str json, struct diag *diag, struct account **out)
{
    json_error_t error;
    *out = NULL;
    json_t *o = json_loadb(json.p == NULL ? "" : json.p, json.len, JSON_ALLOW_NUL, &error);
    if (!json_is_object(o)) {
        json_decref(o);
        return diag_set(diag, ER_INTERNAL_ERROR, "a stored account is not readable");
    }
    struct reader r = {.a = account_new()};
    read_account(&r, o);
    json_decref(o);
    if (r.wrong != NULL) {
        account_unref(r.a);
        return diag_set(diag, ER_INTERNAL_ERROR, "a stored account is not readable");
    }
    *out = r.a;
    return 0;
}
