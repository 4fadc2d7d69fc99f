/* See position.h. */
#include "change/position.h"

#include "base/bytebuf.h"

#include <jansson.h>
#include <xxhash.h>

#include <stdlib.h>
#include <string.h>

#define FORMAT_VERSION 1

enum {
    GTIDS_TEXT_MAX = 64 * 1024 * 1024, /* A set of a million intervals has some 20 MiB. */
};

void change_position_init(struct change_position *p)
{
    memset(p, 0, sizeof(*p));
    gtid_set_init(&p->gtids);
    mariadb_pos_init(&p->mariadb);
}

void change_position_release(struct change_position *p)
{
    gtid_set_release(&p->gtids);
    mariadb_pos_release(&p->mariadb);
}

void change_position_copy(struct change_position *p, const struct change_position *from)
{
    const struct gtid_set gtids = p->gtids;
    const struct mariadb_pos mariadb = p->mariadb;
    *p = *from;
    p->gtids = gtids;
    p->mariadb = mariadb;
    gtid_set_copy(&p->gtids, &from->gtids);
    mariadb_pos_copy(&p->mariadb, &from->mariadb);
}

/* ---- Order ---- */

/* Cuts "binlog.000010" into its base name and its number; 0 and all of it without a number. */
static struct str cut_number(const char *file, uint64_t *out_number)
{
    const struct str all = str_from_cstr(file);
    const char *dot = strrchr(file, '.');
    *out_number = 0;
    if (dot == NULL || str_to_u64(str_from_cstr(dot + 1), out_number) != 0) {
        return all;
    }
    return str_from(file, (size_t)(dot - file));
}

int change_position_compare(const char *a_file, uint64_t a_offset, const char *b_file,
                            uint64_t b_offset)
{
    uint64_t a_number;
    uint64_t b_number;
    if (strcmp(a_file, b_file) == 0) {
        return a_offset < b_offset ? -1 : a_offset > b_offset;
    }
    const struct str a_base = cut_number(a_file, &a_number);
    const struct str b_base = cut_number(b_file, &b_number);
    const int by_base = str_cmp(a_base, b_base);
    if (by_base != 0) {
        return by_base;
    }
    if (a_number != b_number) {
        return a_number < b_number ? -1 : 1;
    }
    return a_offset < b_offset ? -1 : a_offset > b_offset;
}

/* ---- Text ---- */

struct str change_position_gtids(const struct change_position *p, struct arena *arena)
{
    struct bytebuf b;
    bytebuf_init(&b, GTIDS_TEXT_MAX);
    switch (p->mode) {
    case CHANGE_BY_MYSQL_GTID:
        gtid_set_print(&p->gtids, &b);
        break;
    case CHANGE_BY_MARIADB_GTID:
        mariadb_pos_print(&p->mariadb, &b);
        break;
    case CHANGE_BY_FILE:
        bytebuf_printf(&b, "%s:%llu", p->file, (unsigned long long)p->offset);
        break;
    }
    const struct str text = arena_dup(arena, bytebuf_str(&b));
    bytebuf_release(&b);
    return text;
}

uint64_t change_hash_event(uint64_t hash, struct str body)
{
    return XXH3_64bits_withSeed(body.p, body.len, hash);
}

/* ---- JSON ---- */

static const char *const mode_names[] = {
    [CHANGE_BY_FILE] = "file",
    [CHANGE_BY_MYSQL_GTID] = "mysql",
    [CHANGE_BY_MARIADB_GTID] = "mariadb",
};

static void put(json_t *o, const char *key, json_t *value)
{
    if (json_object_set_new(o, key, value) != 0) {
        abort(); /* out of memory */
    }
}

static void put_text(json_t *o, const char *key, const char *text)
{
    if (text[0] != '\0') {
        put(o, key, json_string(text));
    }
}

struct str change_position_to_json(const struct change_position *p, struct arena *arena)
{
    json_t *o = json_object();
    put(o, "v", json_integer(FORMAT_VERSION));
    put(o, "mode", json_string(mode_names[p->mode]));
    if (p->mode != CHANGE_BY_FILE) {
        const struct str gtids = change_position_gtids(p, arena);
        put(o, "gtids", json_stringn(gtids.p, gtids.len));
    }
    put_text(o, "file", p->file);
    put(o, "offset", json_integer((json_int_t)p->offset));
    put_text(o, "source", p->source_id);
    put_text(o, "last_gtid", p->last_gtid);
    if (p->last_hash != 0) {
        put(o, "last_hash", json_sprintf("%016llx", (unsigned long long)p->last_hash));
    }
    if (p->last_offset != 0) {
        put(o, "last_offset", json_integer((json_int_t)p->last_offset));
    }
    put(o, "last_commit_us", json_integer((json_int_t)p->last_commit_us));
    char *text = json_dumps(o, JSON_COMPACT);
    if (text == NULL) {
        abort(); /* out of memory, or a log file's name is not UTF-8, which servers do not allow */
    }
    const struct str out = arena_dup(arena, str_from_cstr(text));
    free(text);
    json_decref(o);
    return out;
}

/* Copies a member that is text; false when it is of another type or too long. */
static bool get_text(const json_t *o, const char *key, char *out, size_t cap)
{
    const json_t *j = json_object_get(o, key);
    out[0] = '\0';
    if (j == NULL) {
        return true;
    }
    const size_t len = json_string_length(j);
    if (!json_is_string(j) || len >= cap) {
        return false;
    }
    memcpy(out, json_string_value(j), len);
    out[len] = '\0';
    return true;
}

static bool get_u64(const json_t *o, const char *key, uint64_t *out)
{
    const json_t *j = json_object_get(o, key);
    *out = (uint64_t)json_integer_value(j);
    return j == NULL || (json_is_integer(j) && json_integer_value(j) >= 0);
}

static bool get_mode(const json_t *o, enum change_mode *out)
{
    const char *name = json_string_value(json_object_get(o, "mode"));
    for (size_t i = 0; name != NULL && i < ARRAY_SIZE(mode_names); i++) {
        if (strcmp(name, mode_names[i]) == 0) {
            *out = (enum change_mode)i;
            return true;
        }
    }
    return false;
}

static bool get_hash(const json_t *o, uint64_t *out)
{
    char text[20];
    char *end = text;
    *out = 0;
    if (!get_text(o, "last_hash", text, sizeof(text))) {
        return false;
    }
    *out = text[0] != '\0' ? strtoull(text, &end, 16) : 0;
    return *end == '\0' || text[0] == '\0';
}

static bool get_gtids(const json_t *o, struct change_position *p)
{
    const json_t *j = json_object_get(o, "gtids");
    const struct str text = str_from(json_string_value(j), json_string_length(j));
    struct diag ignored;
    bool ok = true;
    diag_init(&ignored);
    gtid_set_clear(&p->gtids);
    mariadb_pos_clear(&p->mariadb);
    if (p->mode == CHANGE_BY_MYSQL_GTID) {
        ok = json_is_string(j) && gtid_set_parse(&p->gtids, text, &ignored) == 0;
    } else if (p->mode == CHANGE_BY_MARIADB_GTID) {
        ok = json_is_string(j) && mariadb_pos_parse(&p->mariadb, text, &ignored) == 0;
    }
    diag_release(&ignored);
    return ok;
}

int change_position_from_json(struct str json, struct change_position *p, struct diag *d)
{
    json_t *o = json_loadb(json.p != NULL ? json.p : "", json.len, 0, NULL);
    const json_int_t version = json_integer_value(json_object_get(o, "v"));
    const bool ok = version >= 1 && version <= FORMAT_VERSION && get_mode(o, &p->mode) &&
                    get_gtids(o, p) && get_text(o, "file", p->file, sizeof(p->file)) &&
                    get_u64(o, "offset", &p->offset) &&
                    get_text(o, "source", p->source_id, sizeof(p->source_id)) &&
                    get_text(o, "last_gtid", p->last_gtid, sizeof(p->last_gtid)) &&
                    get_hash(o, &p->last_hash) && get_u64(o, "last_offset", &p->last_offset) &&
                    get_u64(o, "last_commit_us", &p->last_commit_us);
    json_decref(o);
    if (ok) {
        return 0;
    }
    return diag_set(d, ER_INTERNAL_ERROR, "the stored position of the source is not readable");
}
