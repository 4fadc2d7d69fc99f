/* The keys that an UPDATE moves: see dml_keys.h. */
#include "exec/dml_keys.h"

#include "base/htab.h"
#include "exec/row_build.h"
#include "types/collation.h"
#include "types/convert.h"

#include <stdlib.h>

#define KEYS_MEMORY_MAX ((size_t)4 << 30)
#define KEY_BYTES_MAX   (1u << 20)

struct dml_key_moves {
    uint32_t index;    /* in table->indexes */
    struct htab left;  /* keys that rows had: the row's number + 1 */
    struct htab taken; /* keys that rows get: the row's number + 1 */
};

static bool is_assigned(uint32_t column, const struct assignment *sets, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (sets[i].column->column.binding.index == column) {
            return true;
        }
    }
    return false;
}

static bool is_unique(const struct index_def *index)
{
    return index->kind == INDEX_DEF_PRIMARY || index->kind == INDEX_DEF_UNIQUE;
}

static void init_maps(struct dml_keys *k)
{
    arena_init(&k->arena, KEYS_MEMORY_MAX);
    for (uint32_t i = 0; i < k->count; i++) {
        htab_init(&k->moves[i].left, 0);
        htab_init(&k->moves[i].taken, 0);
    }
    k->row = 0;
    k->depends = false;
    k->first = UINT64_MAX;
}

static void release_maps(struct dml_keys *k)
{
    for (uint32_t i = 0; i < k->count; i++) {
        htab_release(&k->moves[i].left);
        htab_release(&k->moves[i].taken);
    }
    arena_release(&k->arena);
}

void dml_keys_init(struct dml_keys *k, const struct table_def *t, const struct assignment *sets,
                   uint32_t set_count)
{
    *k = (struct dml_keys){.table = t};
    k->moves = calloc(t->index_count + 1, sizeof *k->moves);
    for (uint32_t i = 0; k->moves != NULL && i < t->index_count; i++) {
        const struct index_def *index = &t->indexes[i];
        bool assigned = false;
        for (uint32_t c = 0; c < index->column_count; c++) {
            assigned |= is_assigned(index->columns[c].column, sets, set_count);
        }
        if (is_unique(index) && assigned) {
            k->moves[k->count++].index = i;
        }
    }
    init_maps(k);
}

void dml_keys_release(struct dml_keys *k)
{
    release_maps(k);
    free(k->moves);
}

void dml_keys_reset(struct dml_keys *k)
{
    release_maps(k);
    init_maps(k);
}

/* ---- Keys as bytes ---- */

static struct str first_characters(struct str s, uint32_t n)
{
    size_t at = 0;
    while (at < s.len && !(((unsigned char)s.p[at] & 0xC0) != 0x80 && n-- == 0)) {
        at++;
    }
    return str_from(s.p, at);
}

static void put_text(struct bytebuf *out, const struct sql_type *type, uint32_t prefix_len,
                     struct str s)
{
    const struct collation *c = collation_find(type->collation);
    const bool binary = type->collation == COLLATION_BINARY;
    if (prefix_len > 0) {
        s = binary ? str_from(s.p, MIN(s.len, (size_t)prefix_len))
                   : first_characters(s, prefix_len);
    }
    if (c == NULL || (collation_is_bytewise(c) && !collation_is_pad_space(c))) {
        bytebuf_put_str(out, s);
    } else {
        collation_sort_key(c, s, out);
    }
}

/* Appends a part of a key, its length before it, so that keys are equal only part by part. */
static void put_part(struct bytebuf *out, const struct sql_type *type, uint32_t prefix_len,
                     const struct value *v, struct arena *scratch)
{
    const size_t at = out->len;
    uint32_t len = 0;
    bytebuf_put(out, &len, sizeof len);
    if (v->kind == VALUE_INT || v->kind == VALUE_UINT) {
        bytebuf_put(out, &v->u, sizeof v->u);
    } else if (v->kind == VALUE_STRING || v->kind == VALUE_JSON) {
        put_text(out, type, prefix_len, v->str);
    } else if (v->kind == VALUE_DOUBLE) {
        const double d = v->d == 0 ? 0 : v->d; /* -0 equals 0. */
        bytebuf_put(out, &d, sizeof d);
    } else {
        bytebuf_put_str(out, value_to_text(v, type, scratch));
    }
    if (!out->failed) {
        len = (uint32_t)(out->len - at);
        memcpy(out->p + at, &len, sizeof len);
    }
}

/* The key of a row in arena; p NULL when a part is NULL, for then it meets no other. */
static int key_of(struct dml_keys *k, const struct index_def *index, const struct value *row,
                  struct diag *diag, struct str *out)
{
    *out = STR_NULL;
    for (uint32_t i = 0; i < index->column_count; i++) {
        if (row[index->columns[i].column].kind == VALUE_NULL) {
            return 0;
        }
    }
    struct bytebuf key;
    struct arena scratch;
    bytebuf_init(&key, KEY_BYTES_MAX);
    arena_init(&scratch, 0);
    for (uint32_t i = 0; i < index->column_count; i++) {
        const uint32_t c = index->columns[i].column;
        put_part(&key, &k->table->columns[c].type, index->columns[i].prefix_len, &row[c], &scratch);
    }
    char *copy = key.failed ? NULL : arena_try_alloc(&k->arena, key.len);
    if (copy != NULL) {
        memcpy(copy, key.p, key.len);
        *out = str_from(copy, key.len);
    }
    bytebuf_release(&key);
    arena_release(&scratch);
    return copy != NULL ? 0 : diag_set(diag, ER_TRANS_CACHE_FULL);
}

/* ---- Following ---- */

static void *number(uint64_t row)
{
    return (void *)(uintptr_t)(row + 1);
}

static int add_to_index(struct dml_keys *k, struct dml_key_moves *m, const struct value *before,
                        const struct value *after, struct diag *diag)
{
    const struct index_def *index = &k->table->indexes[m->index];
    struct str old;
    struct str new;
    if (key_of(k, index, before, diag, &old) != 0 || key_of(k, index, after, diag, &new) != 0) {
        return -1;
    }
    if (old.p != NULL && new.p != NULL && str_eq(old, new)) {
        return 0;
    }
    if (old.p != NULL) {
        const void *taker = htab_find(&m->taken, old);
        if (taker != NULL) {
            const uint64_t row = (uint64_t)(uintptr_t)taker - 1;
            k->depends = true;
            if (row < k->first) {
                k->first = row;
                k->first_index = m->index;
                k->first_text = row_key_text(k->table, m->index, before, &k->arena);
            }
        }
        (void)htab_put(&m->left, old, number(k->row));
    }
    if (new.p != NULL) {
        k->depends = k->depends || htab_find(&m->left, new) != NULL;
        if (htab_find(&m->taken, new) == NULL) {
            (void)htab_put(&m->taken, new, number(k->row));
        }
    }
    return 0;
}

int dml_keys_add(struct dml_keys *k, const struct value *before, const struct value *after,
                 struct diag *diag)
{
    for (uint32_t i = 0; i < k->count; i++) {
        if (add_to_index(k, &k->moves[i], before, after, diag) != 0) {
            return -1;
        }
    }
    k->row++;
    return 0;
}

/* ---- The order of rows ---- */

static bool mentions(const struct expr *e, uint32_t column)
{
    if (e == NULL) {
        return false;
    }
    if (e->kind == EXPR_COLUMN && e->column.binding.depth == 0 &&
        e->column.binding.index == column) {
        return true;
    }
    for (uint32_t i = 0; i < e->argc; i++) {
        if (mentions(e->args[i], column)) {
            return true;
        }
    }
    return false;
}

bool dml_index_may_be_read(const struct index_def *index, const struct expr *where)
{
    return mentions(where, index->columns[0].column);
}

int32_t dml_clustered_index(const struct table_def *t)
{
    for (uint32_t i = 0; i < t->index_count; i++) {
        const struct index_def *index = &t->indexes[i];
        bool whole = is_unique(index);
        for (uint32_t c = 0; c < index->column_count; c++) {
            whole = whole && index->columns[c].prefix_len == 0 &&
                    !type_is_nullable(&t->columns[index->columns[c].column].type);
        }
        if (whole) {
            return (int32_t)i;
        }
    }
    return -1;
}

struct order_list dml_order_by_index(const struct order_list *order, struct table_ref *from,
                                     const struct index_def *index, struct arena *arena)
{
    struct order_list out = {.count = order->count};
    out.items = ARENA_ARRAY(arena, struct order_item, order->count + index->column_count);
    if (order->count > 0) {
        memcpy(out.items, order->items, sizeof *out.items * order->count);
    }
    for (uint32_t i = 0; i < index->column_count; i++) {
        const uint32_t c = index->columns[i].column;
        struct expr *e = ARENA_NEW(arena, struct expr);
        e->kind = EXPR_COLUMN;
        e->height = 1;
        e->column.name = from->columns[c].name;
        e->column.binding = (struct column_binding){.table = from, .index = c};
        e->type = from->columns[c].type;
        e->coercibility = COERCE_IMPLICIT;
        out.items[out.count++] =
            (struct order_item){.expr = e, .desc = index->columns[i].desc, .select_item = -1};
    }
    return out;
}
