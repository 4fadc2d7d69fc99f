#include "change/origin.h"

#include <string.h>

#define KIND STR("replica_source")

struct reading {
    struct arena *arena;
    struct change_origin *out;
    bool is_bad;
};

/* The next word of text, which loses it. */
static struct str take_word(struct str *text)
{
    const char *space = memchr(text->p, ' ', text->len);
    const size_t len = space != NULL ? (size_t)(space - text->p) : text->len;
    const struct str word = str_from(text->p, len);
    const size_t used = MIN(len + 1, text->len);
    *text = str_from(text->p + used, text->len - used);
    return word;
}

/* "mariadb 101119 7341 10.11.19-MariaDB": the version may have blanks. */
static int read_record(void *arg, uint64_t id, struct str value)
{
    struct reading *r = arg;
    struct change_origin *o = r->out;
    uint64_t version_id;
    uint64_t server_id;
    (void)id;
    o->kind = str_eq(take_word(&value), STR("mariadb")) ? UPSTREAM_MARIADB : UPSTREAM_MYSQL;
    r->is_bad = str_to_u64(take_word(&value), &version_id) != 0 ||
                str_to_u64(take_word(&value), &server_id) != 0 || version_id > UINT32_MAX ||
                server_id > UINT32_MAX;
    if (!r->is_bad) {
        o->version_id = (uint32_t)version_id;
        o->server_id = (uint32_t)server_id;
        o->version = arena_dup(r->arena, value);
    }
    return 0;
}

int change_origin_read(struct engine_session *s, struct arena *arena, struct diag *d,
                       struct change_origin *out)
{
    struct reading r = {.arena = arena, .out = out};
    *out = (struct change_origin){.version = STR("")};
    if (engine_meta_scan(s, KIND, read_record, &r, d) != 0) {
        return -1;
    }
    return r.is_bad ? diag_set(d, ER_INTERNAL_ERROR, "the record replica_source is damaged") : 0;
}

int change_origin_write(struct engine_session *s, const struct change_origin *o, struct diag *d)
{
    struct str text = STR_NULL;
    struct arena arena;
    arena_init(&arena, 0);
    if (o != NULL) {
        text =
            arena_printf(&arena, "%s %u %u %.*s", o->kind == UPSTREAM_MARIADB ? "mariadb" : "mysql",
                         (unsigned)o->version_id, (unsigned)o->server_id, STR_FMT(o->version));
    }
    const int rc = engine_meta_put(s, KIND, 1, text, d);
    arena_release(&arena);
    return rc;
}
