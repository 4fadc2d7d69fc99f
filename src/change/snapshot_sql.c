/* Statements of the snapshot as text. See snapshot_int.h. */
#include "change/snapshot_int.h"

enum {
    KEY_MAX = 64, /* Columns of a key: more than any server has. */
};

void snapshot_put_name(struct bytebuf *b, struct str name)
{
    bytebuf_put_quoted(b, name, "`");
}

void snapshot_put_table(struct bytebuf *b, struct str db, struct str name)
{
    snapshot_put_name(b, db);
    bytebuf_put_char(b, '.');
    snapshot_put_name(b, name);
}

void snapshot_put_text(struct bytebuf *b, struct str text)
{
    bytebuf_put_quoted(b, text, "'\\");
}

static void put_column(struct bytebuf *b, const struct column_def *c)
{
    const enum type_class class = type_class_of(c->type.type);
    const bool by_number = class == TYPE_CLASS_ENUM || class == TYPE_CLASS_SET;
    if (by_number) {
        bytebuf_put_cstr(b, "CAST(");
    }
    snapshot_put_name(b, c->name);
    if (by_number) {
        bytebuf_put_cstr(b, " AS UNSIGNED)");
    }
}

/* The name of the key's index. */
static struct str key_index(const struct copy_table *t)
{
    if (t->key.is_primary) {
        return STR("PRIMARY");
    }
    for (uint32_t i = 0; i < t->def->index_count; i++) {
        const struct index_def *index = &t->def->indexes[i];
        bool is_it = index->kind == INDEX_DEF_UNIQUE && index->column_count == t->key.count;
        for (uint32_t k = 0; is_it && k < index->column_count; k++) {
            is_it =
                index->columns[k].column == t->key.columns[k] && index->columns[k].prefix_len == 0;
        }
        if (is_it) {
            return index->name;
        }
    }
    return STR_NULL;
}

/* Cuts "1,'a',3" into its literals, in none of which is a comma. Returns how many there are. */
static uint32_t split_key(struct str key, struct str *out)
{
    uint32_t n = 0;
    while (n < KEY_MAX) {
        const char *comma = memchr(key.p, ',', key.len);
        const size_t len = comma == NULL ? key.len : (size_t)(comma - key.p);
        out[n++] = str_from(key.p, len);
        if (comma == NULL) {
            break;
        }
        key = str_from(comma + 1, key.len - len - 1);
    }
    return n;
}

static const struct column_def *key_column(const struct copy_table *t, uint32_t i)
{
    return &t->def->columns[t->key.columns[i]];
}

/* (a > 1) OR (a = 1 AND b > 2) OR … */
static void put_behind(struct bytebuf *b, const struct copy_table *t, struct str last_key)
{
    struct str literals[KEY_MAX];
    const uint32_t n = MIN(split_key(last_key, literals), t->key.count);
    for (uint32_t i = 0; i < n; i++) {
        bytebuf_put_cstr(b, i == 0 ? " WHERE (" : " OR (");
        for (uint32_t k = 0; k <= i; k++) {
            snapshot_put_name(b, key_column(t, k)->name);
            bytebuf_put_cstr(b, k < i ? " = " : " > ");
            bytebuf_put_str(b, literals[k]);
            bytebuf_put_cstr(b, k < i ? " AND " : ")");
        }
    }
}

void snapshot_put_select(struct bytebuf *b, const struct copy_table *t, struct str last_key,
                         uint64_t limit)
{
    for (uint32_t i = 0; i < t->def->column_count; i++) {
        bytebuf_put_cstr(b, i == 0 ? "SELECT " : ", ");
        put_column(b, &t->def->columns[i]);
    }
    bytebuf_put_cstr(b, " FROM ");
    snapshot_put_table(b, t->db, t->name);
    if (t->key.count == 0 || limit == 0) {
        return;
    }
    const struct str index = key_index(t);
    if (index.p != NULL) {
        bytebuf_put_cstr(b, " FORCE INDEX (");
        snapshot_put_name(b, index);
        bytebuf_put_char(b, ')');
    }
    if (last_key.len > 0) {
        put_behind(b, t, last_key);
    }
    for (uint32_t i = 0; i < t->key.count; i++) {
        bytebuf_put_cstr(b, i == 0 ? " ORDER BY " : ", ");
        snapshot_put_name(b, key_column(t, i)->name);
    }
    bytebuf_printf(b, " LIMIT %llu", (unsigned long long)limit);
}

struct str snapshot_definition_text(struct str create_table, struct arena *arena)
{
    /* Among the options behind the last parenthesis of the columns' list, which stands at the
     * beginning of a line; a comment there may hold anything, but comes later. */
    static const char mark[] = " AUTO_INCREMENT=";
    const char *options = NULL;
    for (size_t i = 0; i + 1 < create_table.len; i++) {
        if (create_table.p[i] == '\n' && create_table.p[i + 1] == ')') {
            options = create_table.p + i;
        }
    }
    if (options == NULL) {
        return arena_dup(arena, create_table);
    }
    const char *end = create_table.p + create_table.len;
    const char *p = memmem(options, (size_t)(end - options), mark, sizeof(mark) - 1);
    const char *quote = memchr(options, '\'', (size_t)(end - options));
    if (p == NULL || (quote != NULL && quote < p)) {
        return arena_dup(arena, create_table);
    }
    const char *rest = p + sizeof(mark) - 1;
    while (rest < end && *rest >= '0' && *rest <= '9') {
        rest++;
    }
    char *out = arena_alloc(arena, create_table.len);
    const size_t head = (size_t)(p - create_table.p);
    const size_t tail = (size_t)(end - rest);
    memcpy(out, create_table.p, head);
    memcpy(out + head, rest, tail);
    return str_from(out, head + tail);
}
