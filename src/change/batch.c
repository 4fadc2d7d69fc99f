/* The net effect of transactions. */
#include "batch.h"

#include "base/htab.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    MIN_SLOTS = 1024,
    MIN_ENTRIES = 256,
    KEEP_IDLE = 64,  /* Batches for which the memory of an unused table is kept. */
    KEEP_TIMES = 16, /* Memory for so many times the keys, or more, is given back. */
    KEEP_UNDOS = 65536,
    GROUP_BITS = 4, /* A group's slots are as much as a line of the cache. */
    KEY_BYTES = 96, /* About: an entry, its slots, how to take it back. */
};

/* Memory that a batch cannot do without; its limits are those of the batch. */
static void *grow(void *p, uint32_t *cap, size_t size, uint32_t least)
{
    const uint32_t room = *cap > 0 ? *cap * 2 : least;
    p = realloc(p, room * size);
    if (p == NULL) {
        abort();
    }
    *cap = room;
    return p;
}

/* ---- Rows ---- */

static void rows_init(struct batch_rows *r, const struct sql_type *types, uint32_t ncols)
{
    *r = (struct batch_rows){.types = types, .ncols = ncols};
    for (uint32_t i = 0; i < ncols; i++) {
        r->width += (uint32_t)vec_phys_size(type_phys(&types[i]));
    }
}

static void rows_release(struct batch_rows *r)
{
    for (uint32_t i = 0; i < r->part_count; i++) {
        chunk_builder_release(&r->parts[i]->builder);
        free(r->parts[i]);
    }
    free(r->parts);
    *r = (struct batch_rows){.count = 0};
}

static void rows_reset(struct batch_rows *r)
{
    const uint32_t used = (r->count + CHUNK_ROWS - 1) / CHUNK_ROWS;
    for (uint32_t i = 0; i < used; i++) {
        struct batch_part *part = r->parts[i];
        chunk_builder_reset(&part->builder);
        memset(part->dead, 0, sizeof(part->dead));
        part->dead_count = 0;
    }
    /* One part is enough for small batches, whose number may be large. */
    const uint32_t keep = MAX(used, 1);
    while (r->part_count > keep) {
        struct batch_part *part = r->parts[--r->part_count];
        chunk_builder_release(&part->builder);
        free(part);
    }
    r->count = 0;
    r->dead = 0;
}

/* Gives back what rows_reset() has kept. */
static void rows_shrink(struct batch_rows *r)
{
    while (r->part_count > 0) {
        struct batch_part *part = r->parts[--r->part_count];
        chunk_builder_release(&part->builder);
        free(part);
    }
}

/* The builder with a new row in it. */
static struct chunk_builder *rows_add(struct batch_rows *r)
{
    const uint32_t at = r->count / CHUNK_ROWS;
    if (at == r->part_count) {
        if (r->part_count == r->part_cap) {
            r->parts = grow(r->parts, &r->part_cap, sizeof(*r->parts), 4);
        }
        struct batch_part *part = calloc(1, sizeof(*part));
        if (part == NULL) {
            abort();
        }
        chunk_builder_init(&part->builder, r->types, r->ncols);
        r->parts[r->part_count++] = part;
    }
    r->count++;
    (void)chunk_builder_add_row(&r->parts[at]->builder);
    return &r->parts[at]->builder;
}

static void rows_set_dead(struct batch_rows *r, uint32_t row, bool dead)
{
    struct batch_part *part = r->parts[row / CHUNK_ROWS];
    if (bits_get(part->dead, row % CHUNK_ROWS) == dead) {
        return;
    }
    bits_set(part->dead, row % CHUNK_ROWS, dead);
    part->dead_count += dead ? 1 : UINT32_MAX;
    r->dead += dead ? 1 : UINT32_MAX;
}

static void rows_kill_from(struct batch_rows *r, uint32_t from)
{
    for (uint32_t row = from; row < r->count; row++) {
        rows_set_dead(r, row, true);
    }
}

void batch_rows_kill_below(struct batch_rows *r, uint32_t before)
{
    for (uint32_t row = 0; row < before; row++) {
        rows_set_dead(r, row, true);
    }
}

/* Moves the live rows of a part together. */
static void squeeze(struct batch_part *part)
{
    struct chunk_builder *b = &part->builder;
    uint32_t live = 0;
    for (uint32_t row = 0; row < b->nrows; row++) {
        if (bits_get(part->dead, row)) {
            continue;
        }
        for (uint32_t c = 0; c < b->ncols && live != row; c++) {
            const struct vec *v = &b->cols[c];
            const size_t size = vec_phys_size(v->phys);
            char *data = (char *)(uintptr_t)v->data;
            memcpy(data + live * size, data + row * size, size);
            bits_set((uint64_t *)(uintptr_t)v->validity, live, !vec_is_null(v, row));
        }
        live++;
    }
    b->nrows = live;
    part->dead_count = 0;
}

uint32_t batch_rows_chunks(struct batch_rows *r, struct arena *arena, struct chunk **out)
{
    const uint32_t used = (r->count + CHUNK_ROWS - 1) / CHUNK_ROWS;
    uint32_t count = 0;
    *out = ARENA_ARRAY(arena, struct chunk, used);
    for (uint32_t i = 0; i < used; i++) {
        struct batch_part *part = r->parts[i];
        if (part->dead_count > 0) {
            squeeze(part);
        }
        if (part->builder.nrows > 0) {
            (*out)[count++] = chunk_builder_chunk(&part->builder);
        }
    }
    return count;
}

/* ---- Keys ---- */

static void keys_release(struct batch_keys *k)
{
    free(k->slots);
    free(k->entries);
    arena_release(&k->arena);
    k->slots = NULL;
    k->entries = NULL;
    k->slot_count = 0;
    k->cap = 0;
    k->count = 0;
}

static void keys_reset(struct batch_keys *k)
{
    if (k->slot_count > MIN_SLOTS && k->slot_count / KEEP_TIMES > k->count) {
        keys_release(k);
    } else if (k->count > 0) {
        memset(k->slots, 0, sizeof(*k->slots) * k->slot_count);
        arena_reset(&k->arena);
    }
    k->count = 0;
}

/* Where the search for a key begins. Integers near each other are so among the slots too, as they
 * are often used together: groups of them are spread, and within a group each is somewhere else. */
static uint32_t first_slot(const struct batch_keys *k, uint64_t hash)
{
    uint64_t group = (hash >> GROUP_BITS) * UINT64_C(0x9e3779b97f4a7c15);
    group ^= group >> 32;
    const uint64_t within = (hash ^ group >> 32) & ((1u << GROUP_BITS) - 1);
    return (uint32_t)(group << GROUP_BITS | within) & (k->slot_count - 1);
}

static void keys_rehash(struct batch_keys *k)
{
    const uint32_t slots = k->slot_count > 0 ? k->slot_count * 2 : MIN_SLOTS;
    free(k->slots);
    k->slots = calloc(slots, sizeof(*k->slots));
    if (k->slots == NULL) {
        abort();
    }
    k->slot_count = slots;
    for (uint32_t i = 0; i < k->count; i++) {
        uint32_t at = first_slot(k, k->entries[i].hash);
        while (k->slots[at] != 0) {
            at = (at + 1) & (slots - 1);
        }
        k->slots[at] = i + 1;
    }
}

/* The entry's number; a new one is not known. bytes.p NULL: an integer, which is `hash`. */
static uint32_t keys_get(struct batch_keys *k, uint64_t hash, struct str bytes)
{
    if (k->count * 2 >= k->slot_count) {
        keys_rehash(k);
    }
    const uint32_t mask = k->slot_count - 1;
    uint32_t at = first_slot(k, hash);
    for (; k->slots[at] != 0; at = (at + 1) & mask) {
        const struct batch_key *e = &k->entries[k->slots[at] - 1];
        if (e->hash == hash && (bytes.p == NULL || str_eq(str_from(e->bytes, e->len), bytes))) {
            return k->slots[at] - 1;
        }
    }
    if (k->count == k->cap) {
        k->entries = grow(k->entries, &k->cap, sizeof(*k->entries), MIN_ENTRIES);
    }
    struct batch_key *e = &k->entries[k->count];
    *e = (struct batch_key){.hash = hash, .row = BATCH_NONE};
    if (bytes.p != NULL) {
        const struct str kept = arena_dup(&k->arena, bytes);
        e->bytes = kept.p;
        e->len = (uint32_t)kept.len;
    }
    k->slots[at] = ++k->count;
    return k->count - 1;
}

/* The integer in a cell, with its sign spread. */
static uint64_t cell_int(const struct binlog_column *c, const struct binlog_cell *cell)
{
    uint64_t v = 0;
    if (cell->len == sizeof(uint32_t)) {
        memcpy(&v, cell->p, sizeof(uint32_t));
    } else {
        memcpy(&v, cell->p, MIN(cell->len, sizeof(v)));
    }
    const unsigned unused = 64 - 8 * cell->len;
    return c->is_unsigned || unused >= 64 ? v : (uint64_t)((int64_t)(v << unused) >> unused);
}

/* The same from a column chunk. */
static uint64_t vec_int(const struct vec *v, uint32_t row)
{
    switch (v->phys) {
    case VEC_I8:
        return (uint64_t)((const int8_t *)v->data)[row];
    case VEC_I16:
        return (uint64_t)((const int16_t *)v->data)[row];
    case VEC_I32:
        return (uint64_t)((const int32_t *)v->data)[row];
    case VEC_U8:
        return ((const uint8_t *)v->data)[row];
    case VEC_U16:
        return ((const uint16_t *)v->data)[row];
    case VEC_U32:
        return ((const uint32_t *)v->data)[row];
    default:
        return ((const uint64_t *)v->data)[row];
    }
}

/* A cell of the after image that is not there is as it was before. */
static const struct binlog_cell *pick(const struct binlog_cell *image,
                                      const struct binlog_cell *other, uint32_t column)
{
    return image[column].state == BINLOG_CELL_ABSENT && other != NULL ? &other[column]
                                                                      : &image[column];
}

/* A key as bytes: each cell's length and bytes, in the scratch memory. */
static struct str key_bytes(const struct batch_table *t, const struct batch_map *map,
                            const struct binlog_cell *image, const struct binlog_cell *other)
{
    size_t len = 0;
    for (uint32_t i = 0; i < t->key_count; i++) {
        len += sizeof(uint32_t) + pick(image, other, t->key[i])->len;
    }
    char *p = arena_alloc(map->scratch, len);
    char *at = p;
    for (uint32_t i = 0; i < t->key_count; i++) {
        const struct binlog_cell *cell = pick(image, other, t->key[i]);
        memcpy(at, &cell->len, sizeof(uint32_t));
        at += sizeof(uint32_t);
        if (cell->len > 0) {
            memcpy(at, cell->p, cell->len);
        }
        at += cell->len;
    }
    return str_from(p, len);
}

/* The number of an image's key; other: where its absent cells are. */
static uint32_t key_of(struct batch_table *t, const struct batch_map *map,
                       const struct binlog_cell *image, const struct binlog_cell *other)
{
    if (t->has_int_key) {
        const uint64_t v = cell_int(&map->table->cols[t->key[0]], pick(image, other, t->key[0]));
        return keys_get(&t->keys, v, STR_NULL);
    }
    const struct str bytes = key_bytes(t, map, image, other);
    return keys_get(&t->keys, str_hash(bytes), bytes);
}

static bool same_key(const struct batch_table *t, const struct batch_change *c)
{
    for (uint32_t i = 0; i < t->key_count; i++) {
        const struct binlog_cell *a = &c->before[t->key[i]];
        const struct binlog_cell *b = pick(c->after, c->before, t->key[i]);
        if (a->len != b->len || (a->len > 0 && memcmp(a->p, b->p, a->len) != 0)) {
            return false;
        }
    }
    return true;
}

/* Are all cells of the key there, and values? */
static bool has_key(const struct batch_table *t, const struct binlog_cell *image,
                    const struct binlog_cell *other)
{
    for (uint32_t i = 0; i < t->key_count; i++) {
        if (pick(image, other, t->key[i])->state != BINLOG_CELL_VALUE) {
            return false;
        }
    }
    return true;
}

/* ---- Taking back ---- */

static void touch(struct batch_table *t)
{
    struct batch *b = t->batch;
    if (t->scope == b->scope) {
        return;
    }
    if (b->mark_count == b->mark_cap) {
        b->marks = grow(b->marks, &b->mark_cap, sizeof(*b->marks), 16);
    }
    b->marks[b->mark_count++] = (struct batch_mark){.table = t,
                                                    .rows = t->rows.count,
                                                    .gone = t->gone.count,
                                                    .inserted = t->inserted,
                                                    .updated = t->updated,
                                                    .deleted = t->deleted,
                                                    .scope = t->scope,
                                                    .mark_rows = t->mark_rows};
    t->scope = b->scope;
    t->mark_rows = t->rows.count;
    t->is_used = true;
}

static void remember(struct batch_table *t, uint32_t key, uint32_t row, bool known)
{
    struct batch *b = t->batch;
    if (b->undo_count == b->undo_cap) {
        b->undos = grow(b->undos, &b->undo_cap, sizeof(*b->undos), 256);
    }
    b->undos[b->undo_count++] =
        (struct batch_undo){.table = t, .key = key, .row = row, .known = known};
}

static void undo_key(const struct batch_undo *u)
{
    struct batch_table *t = u->table;
    struct batch_key *e = &t->keys.entries[u->key];
    if (e->row != BATCH_NONE) {
        rows_set_dead(&t->rows, e->row, true);
    }
    e->row = u->row;
    e->known = u->known;
    if (e->row != BATCH_NONE) {
        rows_set_dead(&t->rows, e->row, false);
    }
}

static void undo_to(struct batch *b, uint32_t marks, uint32_t undos)
{
    while (b->undo_count > undos) {
        undo_key(&b->undos[--b->undo_count]);
    }
    while (b->mark_count > marks) {
        const struct batch_mark *m = &b->marks[--b->mark_count];
        struct batch_table *t = m->table;
        rows_kill_from(&t->rows, m->rows);
        rows_kill_from(&t->gone, m->gone);
        t->inserted = m->inserted;
        t->updated = m->updated;
        t->deleted = m->deleted;
        t->scope = m->scope;
        t->mark_rows = m->mark_rows;
    }
}

/* Forgets how to take back. */
static void end_txn(struct batch *b)
{
    b->mark_count = 0;
    b->undo_count = 0;
    b->savepoint_count = 0;
    b->txn_bytes = 0;
    b->scope++;
    arena_reset(&b->txn_arena);
}

void batch_commit(struct batch *b)
{
    b->transactions++;
    end_txn(b);
}

void batch_rollback(struct batch *b)
{
    undo_to(b, 0, 0);
    end_txn(b);
}

static uint32_t find_savepoint(const struct batch *b, struct str name)
{
    for (uint32_t i = b->savepoint_count; i > 0; i--) {
        if (str_eq_nocase(b->savepoints[i - 1].name, name)) {
            return i - 1;
        }
    }
    return BATCH_NONE;
}

bool batch_rollback_to(struct batch *b, struct str name)
{
    const uint32_t at = find_savepoint(b, name);
    if (at == BATCH_NONE) {
        return false;
    }
    undo_to(b, b->savepoints[at].marks, b->savepoints[at].undos);
    b->savepoint_count = at + 1;
    b->scope++;
    return true;
}

/* ---- Images into rows ---- */

static enum batch_outcome column_failed(const struct batch_table *t, uint32_t column,
                                        const char *what, enum batch_outcome outcome,
                                        struct diag *d)
{
    const struct table_def *def = t->table->def;
    const struct str text = arena_printf(&d->arena, "a value of column `%.*s` of `%.*s`.`%.*s` %s",
                                         STR_FMT(def->columns[column].name), STR_FMT(t->table->db),
                                         STR_FMT(t->table->name), what);
    (void)diag_set_text(d, ER_REPLICA_CORRUPT_EVENT, text);
    return outcome;
}

static inline enum batch_outcome put_cell(struct batch_table *t, const struct batch_map *map,
                                          struct chunk_builder *b, uint32_t to, uint32_t column,
                                          const struct binlog_cell *cell, struct diag *d)
{
    const enum binlog_put put = binlog_put_cell(b, to, &map->table->cols[column],
                                                map->charsets[column], cell, map->scratch);
    if (LIKELY(put == BINLOG_PUT_OK)) {
        return BATCH_OK;
    }
    return put == BINLOG_PUT_LOSSY
               ? column_failed(t, column, "does not survive the conversion to UTF-8", BATCH_LOSSY,
                               d)
               : column_failed(t, column, "cannot be decoded", BATCH_FAILED, d);
}

/* What a row was before an update: a row of the batch, or one of the copy. */
struct source {
    uint32_t row;  /* BATCH_NONE: none of the batch. */
    uint32_t gone; /* Its key; BATCH_NONE: not known. */
    bool moves;    /* The update gives it another key. */
};

static struct batch_hole *find_hole(struct batch_table *t, uint32_t row)
{
    uint32_t low = 0;
    uint32_t high = t->hole_count;
    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;
        if (t->holes[mid].row < row) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low < t->hole_count && t->holes[low].row == row ? &t->holes[low] : NULL;
}

/* The row added last lacks a column. */
static void add_hole(struct batch_table *t, uint32_t column, uint32_t gone)
{
    const uint32_t row = t->rows.count - 1;
    struct batch_hole *h = t->hole_count > 0 ? &t->holes[t->hole_count - 1] : NULL;
    if (h == NULL || h->row != row) {
        if (t->hole_count == t->hole_cap) {
            t->holes = grow(t->holes, &t->hole_cap, sizeof(*t->holes), 64);
        }
        h = &t->holes[t->hole_count++];
        *h = (struct batch_hole){
            .row = row,
            .gone = gone,
            .missing = ARENA_ARRAY(&t->hole_arena, uint64_t, BITS_WORDS(t->rows.ncols))};
    }
    bits_set(h->missing, column, true);
}

/* Sets a column of a row, which is NULL so far, to a value of another chunk's. */
static void copy_value(struct chunk_builder *b, uint32_t column, uint32_t row,
                       const struct vec *from, uint32_t from_row)
{
    struct vec *to = &b->cols[column];
    const size_t size = vec_phys_size(to->phys);
    char *data = (char *)(uintptr_t)to->data + row * size;
    if (vec_is_null(from, from_row)) {
        return;
    }
    if (to->phys == VEC_STR) {
        const struct vec_str *s = (const struct vec_str *)from->data + from_row;
        const struct vec_str kept = vec_str_from(arena_dup(&b->strings, vec_str_get(s)));
        memcpy(data, &kept, sizeof(kept));
    } else {
        memcpy(data, (const char *)from->data + from_row * size, size);
    }
    bits_set((uint64_t *)(uintptr_t)to->validity, row, true);
}

/* A column that neither image has is as it was. */
static enum batch_outcome put_missing(struct batch_table *t, struct chunk_builder *b,
                                      uint32_t column, const struct source *from, struct diag *d)
{
    uint32_t gone = from != NULL ? from->gone : BATCH_NONE;
    if (from != NULL && from->row != BATCH_NONE) {
        const struct batch_hole *h = find_hole(t, from->row);
        if (h == NULL || !bits_get(h->missing, column)) {
            const struct batch_part *part = t->rows.parts[from->row / CHUNK_ROWS];
            copy_value(b, column, b->nrows - 1, &part->builder.cols[column],
                       from->row % CHUNK_ROWS);
            return BATCH_OK;
        }
        gone = h->gone;
    }
    if (gone == BATCH_NONE) {
        return column_failed(t, column, "is not in the log (binlog_row_image is not FULL)",
                             BATCH_LOSSY, d);
    }
    /* Under its new key the row may lie where the snapshot has been. */
    if (t->is_upsert && from->moves) {
        return column_failed(t, column,
                             "was left out of the log (binlog_row_image is not FULL) by an update "
                             "of the key while the table was being copied",
                             BATCH_AGAIN, d);
    }
    add_hole(t, column, gone);
    return BATCH_OK;
}

/* A column that the log left out, or gives as differences. */
static enum batch_outcome put_special(struct batch_table *t, const struct batch_map *map,
                                      const struct batch_change *change, const struct source *from,
                                      struct chunk_builder *b, uint32_t column, struct diag *d)
{
    const struct column_def *def = &t->table->def->columns[column];
    const struct binlog_cell *after = &change->after[column];
    const struct binlog_cell *before = change->before != NULL ? &change->before[column] : NULL;
    struct value v;
    if (after->state == BINLOG_CELL_JSON_DIFF) {
        if (before == NULL || before->state == BINLOG_CELL_ABSENT) {
            return column_failed(t, column,
                                 "comes as differences to a value that is not in the log "
                                 "(binlog_row_value_options needs binlog_row_image FULL)",
                                 BATCH_LOSSY, d);
        }
        if (binlog_patch_cell(before, after, map->scratch, &v) != 0) {
            return column_failed(t, column, "comes as differences that do not fit", BATCH_FAILED,
                                 d);
        }
        chunk_builder_set(b, column, &v);
        return BATCH_OK;
    }
    /* MariaDB (FULL_NODUP) leaves out virtual columns that have changed with others, too. */
    if (before != NULL && before->state != BINLOG_CELL_ABSENT && map->is_sparse) {
        return put_cell(t, map, b, column, column, before, d);
    }
    if (before == NULL && def->default_kind == DEFAULT_VALUE) {
        chunk_builder_set(b, column, &def->default_value);
        return BATCH_OK;
    }
    if (before == NULL && type_is_nullable(&def->type)) {
        return BATCH_OK;
    }
    return put_missing(t, b, column, map->is_sparse ? from : NULL, d);
}

/* Adds the after image; its number is rows.count - 1. from: what it was; NULL = a new row. */
static enum batch_outcome add_row(struct batch_table *t, const struct batch_map *map,
                                  const struct batch_change *change, const struct source *from,
                                  struct diag *d)
{
    struct chunk_builder *b = rows_add(&t->rows);
    enum batch_outcome rc = BATCH_OK;
    for (uint32_t i = 0; i < t->rows.ncols && rc == BATCH_OK; i++) {
        const struct binlog_cell *cell = &change->after[i];
        rc = cell->state == BINLOG_CELL_ABSENT || cell->state == BINLOG_CELL_JSON_DIFF
                 ? put_special(t, map, change, from, b, i, d)
                 : put_cell(t, map, b, i, i, cell, d);
    }
    return rc;
}

/* Adds a key, or a whole row, to those that are to be deleted. */
static enum batch_outcome add_gone(struct batch_table *t, const struct batch_map *map,
                                   const struct binlog_cell *image, const struct binlog_cell *other,
                                   struct diag *d)
{
    struct chunk_builder *b = rows_add(&t->gone);
    enum batch_outcome rc = BATCH_OK;
    for (uint32_t i = 0; i < t->gone.ncols && rc == BATCH_OK; i++) {
        const uint32_t column = t->is_whole ? i : t->key[i];
        const struct binlog_cell *cell = pick(image, other, column);
        if (cell->state == BINLOG_CELL_ABSENT) {
            return column_failed(t, column, "is not in the log (binlog_row_image is not FULL)",
                                 BATCH_LOSSY, d);
        }
        rc = put_cell(t, map, b, i, column, cell, d);
    }
    return rc;
}

/* ---- Changes ---- */

static enum batch_outcome disagree(const struct batch_table *t, uint32_t key, const char *what,
                                   struct diag *d)
{
    const struct batch_key *e = &t->keys.entries[key];
    struct str text;
    if (e->bytes == NULL) {
        text = arena_printf(&d->arena, "key %" PRId64, (int64_t)e->hash);
    } else {
        text = arena_printf(&d->arena, "key 0x");
        for (uint32_t i = 0; i < MIN(e->len, 64); i++) {
            text = arena_printf(&d->arena, "%.*s%02x", STR_FMT(text), (uint8_t)e->bytes[i]);
        }
    }
    (void)diag_set_text(d, ER_KEY_NOT_FOUND,
                        arena_printf(&d->arena, "`%.*s`.`%.*s`, %.*s: the log %s",
                                     STR_FMT(t->table->db), STR_FMT(t->table->name), STR_FMT(text),
                                     what));
    return BATCH_FAILED;
}

/* Enters the keys of rows that were inserted without. */
static enum batch_outcome build_hash(struct batch_table *t, struct diag *d)
{
    for (uint32_t row = 0; row < t->rows.count; row++) {
        const struct batch_part *part = t->rows.parts[row / CHUNK_ROWS];
        if (bits_get(part->dead, row % CHUNK_ROWS)) {
            continue;
        }
        const uint64_t v = vec_int(&part->builder.cols[t->key[0]], row % CHUNK_ROWS);
        const uint32_t key = keys_get(&t->keys, v, STR_NULL);
        struct batch_key *e = &t->keys.entries[key];
        if (e->row != BATCH_NONE) {
            return disagree(t, key, "inserts a row that is there already", d);
        }
        if (row >= t->mark_rows && t->scope == t->batch->scope) {
            remember(t, key, e->row, e->known);
        }
        e->known = true;
        e->row = row;
    }
    t->is_hashed = true;
    return BATCH_OK;
}

/* The key has no row any more; *out: which it had. */
static enum batch_outcome remove_key(struct batch_table *t, const struct batch_map *map,
                                     const struct binlog_cell *image, struct source *out,
                                     struct diag *d)
{
    const uint32_t key = key_of(t, map, image, NULL);
    struct batch_key *e = &t->keys.entries[key];
    remember(t, key, e->row, e->known);
    out->row = e->row;
    out->gone = e->known ? BATCH_NONE : t->gone.count;
    if (!e->known) {
        e->known = true;
        return add_gone(t, map, image, NULL, d);
    }
    if (e->row == BATCH_NONE) {
        return t->is_upsert ? BATCH_OK : disagree(t, key, "changes a row that is not there", d);
    }
    rows_set_dead(&t->rows, e->row, true);
    e->row = BATCH_NONE;
    return BATCH_OK;
}

/* The key has the row added last. */
static enum batch_outcome set_key(struct batch_table *t, const struct batch_map *map,
                                  const struct batch_change *change, struct diag *d)
{
    const uint32_t key = key_of(t, map, change->after, change->before);
    struct batch_key *e = &t->keys.entries[key];
    const uint32_t row = t->rows.count - 1;
    remember(t, key, e->row, e->known);
    if (e->row != BATCH_NONE) {
        if (!t->is_upsert) {
            return disagree(t, key, "inserts a row that is there already", d);
        }
        rows_set_dead(&t->rows, e->row, true);
    }
    const bool first = !e->known;
    e->known = true;
    e->row = row;
    return first && t->is_upsert ? add_gone(t, map, change->after, change->before, d) : BATCH_OK;
}

static enum batch_outcome insert_row(struct batch_table *t, const struct batch_map *map,
                                     const struct batch_change *change, const struct source *from,
                                     struct diag *d)
{
    const enum batch_outcome rc = add_row(t, map, change, from, d);
    if (rc != BATCH_OK || t->key_count == 0 || !t->is_hashed) {
        return rc;
    }
    return set_key(t, map, change, d);
}

/* The row keeps its key. */
static enum batch_outcome replace_row(struct batch_table *t, const struct batch_map *map,
                                      const struct batch_change *change, struct diag *d)
{
    const uint32_t key = key_of(t, map, change->before, NULL);
    struct batch_key *e = &t->keys.entries[key];
    remember(t, key, e->row, e->known);
    if (e->known && e->row == BATCH_NONE && !t->is_upsert) {
        return disagree(t, key, "changes a row that is not there", d);
    }
    const bool first = !e->known;
    const struct source from = {.row = e->row, .gone = first ? t->gone.count : BATCH_NONE};
    if (e->row != BATCH_NONE) {
        rows_set_dead(&t->rows, e->row, true);
    }
    e->known = true;
    e->row = t->rows.count; /* The next one. */
    enum batch_outcome rc = first ? add_gone(t, map, change->before, NULL, d) : BATCH_OK;
    if (rc == BATCH_OK) {
        rc = add_row(t, map, change, &from, d);
    }
    return rc;
}

static enum batch_outcome update_row(struct batch_table *t, const struct batch_map *map,
                                     const struct batch_change *change, struct diag *d)
{
    if (t->key_count > 0 && same_key(t, change)) {
        return replace_row(t, map, change, d);
    }
    struct source from = {.row = BATCH_NONE, .gone = BATCH_NONE, .moves = true};
    enum batch_outcome rc = t->key_count > 0 ? remove_key(t, map, change->before, &from, d)
                                             : add_gone(t, map, change->before, NULL, d);
    if (rc == BATCH_OK) {
        rc = insert_row(t, map, change, &from, d);
    }
    return rc;
}

enum batch_outcome batch_add(struct batch_table *t, const struct batch_map *map,
                             const struct batch_change *change, struct diag *d)
{
    touch(t);
    t->batch->memory += (change->before != NULL ? t->gone.width : 0) +
                        (change->after != NULL ? t->rows.width : 0) +
                        (t->is_hashed || change->before != NULL ? (uint64_t)KEY_BYTES : 0);
    if ((change->before != NULL && !has_key(t, change->before, NULL)) ||
        (change->after != NULL && !has_key(t, change->after, change->before))) {
        return column_failed(t, t->key[0], "is not in the log, but it is the key", BATCH_LOSSY, d);
    }
    if (change->before == NULL) {
        t->inserted++;
        return insert_row(t, map, change, NULL, d);
    }
    struct source ignored;
    if (!t->is_hashed && t->key_count > 0 && build_hash(t, d) != BATCH_OK) {
        return BATCH_FAILED;
    }
    if (change->after != NULL) {
        t->updated++;
        return update_row(t, map, change, d);
    }
    t->deleted++;
    return t->key_count > 0 ? remove_key(t, map, change->before, &ignored, d)
                            : add_gone(t, map, change->before, NULL, d);
}

/* ---- What the log has left out ---- */

struct filling {
    struct batch_table *t;
    const uint32_t *hole_of; /* By key to delete: number of the hole + 1. */
    const uint32_t *columns;
    uint32_t column_count;
    bool *found; /* By hole. */
};

static bool is_live(const struct batch_rows *r, uint32_t row)
{
    return !bits_get(r->parts[row / CHUNK_ROWS]->dead, row % CHUNK_ROWS);
}

static void fill_rows(void *arg, const struct chunk *found)
{
    const struct filling *f = arg;
    const uint32_t *keys = found->cols[0].data;
    for (uint32_t i = 0; i < found->nrows; i++) {
        if (f->hole_of[keys[i]] == 0) {
            continue;
        }
        const struct batch_hole *h = &f->t->holes[f->hole_of[keys[i]] - 1];
        f->found[f->hole_of[keys[i]] - 1] = true;
        struct chunk_builder *b = &f->t->rows.parts[h->row / CHUNK_ROWS]->builder;
        for (uint32_t c = 0; c < f->column_count; c++) {
            if (bits_get(h->missing, f->columns[c])) {
                copy_value(b, f->columns[c], h->row % CHUNK_ROWS, &found->cols[c + 1], i);
            }
        }
    }
}

/* Which columns some row lacks. */
static uint32_t missing_columns(const struct batch_table *t, uint32_t *columns)
{
    uint32_t count = 0;
    for (uint32_t c = 0; c < t->rows.ncols; c++) {
        bool found = false;
        for (uint32_t i = 0; i < t->hole_count && !found; i++) {
            found = bits_get(t->holes[i].missing, c);
        }
        if (found) {
            columns[count++] = c;
        }
    }
    return count;
}

/* Moves the row of a hole to the parts. */
static void move_to_parts(struct batch_table *t, const struct batch_hole *h)
{
    struct batch_parts *p = &t->parts;
    if (p->rows.count == p->cap) {
        p->missing = grow(p->missing, &p->cap, sizeof(*p->missing), 64);
    }
    p->missing[p->rows.count] = h->missing;
    struct chunk_builder *to = rows_add(&p->rows);
    const struct chunk_builder *from = &t->rows.parts[h->row / CHUNK_ROWS]->builder;
    for (uint32_t c = 0; c < t->rows.ncols; c++) {
        if (!bits_get(h->missing, c)) {
            copy_value(to, c, to->nrows - 1, &from->cols[c], h->row % CHUNK_ROWS);
        }
    }
    rows_set_dead(&t->rows, h->row, true);
}

static void move_missing(struct batch_table *t, const bool *found)
{
    for (uint32_t i = 0; i < t->hole_count; i++) {
        if (!found[i] && is_live(&t->rows, t->holes[i].row)) {
            move_to_parts(t, &t->holes[i]);
        }
    }
}

int batch_fill(struct batch_table *t, struct engine_session *s, struct arena *scratch,
               struct diag *d)
{
    uint32_t live = 0;
    if (t->hole_count == 0) {
        return 0;
    }
    uint32_t *hole_of = ARENA_ARRAY(scratch, uint32_t, t->gone.count);
    for (uint32_t i = 0; i < t->hole_count; i++) {
        if (is_live(&t->rows, t->holes[i].row)) {
            hole_of[t->holes[i].gone] = i + 1;
            live++;
        }
    }
    if (live == 0) {
        return 0;
    }
    /* All keys are given, dead ones too: their numbers are those that holes know. */
    const uint32_t parts = (t->gone.count + CHUNK_ROWS - 1) / CHUNK_ROWS;
    struct chunk *keys = ARENA_ARRAY(scratch, struct chunk, parts);
    for (uint32_t i = 0; i < parts; i++) {
        keys[i] = chunk_builder_chunk(&t->gone.parts[i]->builder);
    }
    uint32_t *columns = ARENA_ARRAY(scratch, uint32_t, t->rows.ncols);
    struct filling f = {.t = t, .hole_of = hole_of, .columns = columns};
    f.found = ARENA_ARRAY(scratch, bool, t->hole_count);
    f.column_count = missing_columns(t, columns);
    const struct engine_read read = {.keys = {.column_count = t->key_count,
                                              .columns = t->key,
                                              .chunk_count = parts,
                                              .chunks = keys},
                                     .column_count = f.column_count,
                                     .columns = columns,
                                     .take = fill_rows,
                                     .arg = &f};
    if (engine_read_keys(s, t->table->def, &read, d) != 0) {
        return -1;
    }
    if (t->is_upsert) {
        move_missing(t, f.found);
    }
    t->hole_count = 0; /* Rows move before a second attempt, when the batch is written again. */
    return 0;
}

/* ---- Savepoints ---- */

/* What the transaction did to keys before a savepoint must stay apart from what follows it: the
 * keys of rows that were inserted without are entered now. */
static void enter_keys(struct batch *b)
{
    struct diag ignored;
    diag_init(&ignored);
    for (uint32_t i = b->mark_count; i > 0; i--) {
        struct batch_table *t = b->marks[i - 1].table;
        if (!t->is_hashed && t->key_count > 0) {
            /* A key that is there twice will be found again. */
            (void)build_hash(t, &ignored);
        }
    }
    diag_release(&ignored);
}

void batch_savepoint(struct batch *b, struct str name)
{
    enter_keys(b);
    const uint32_t old = find_savepoint(b, name);
    if (old != BATCH_NONE) {
        memmove(&b->savepoints[old], &b->savepoints[old + 1],
                (b->savepoint_count - old - 1) * sizeof(*b->savepoints));
        b->savepoint_count--;
    }
    if (b->savepoint_count == b->savepoint_cap) {
        b->savepoints = grow(b->savepoints, &b->savepoint_cap, sizeof(*b->savepoints), 8);
    }
    b->savepoints[b->savepoint_count++] = (struct batch_savepoint){
        .name = arena_dup(&b->txn_arena, name), .marks = b->mark_count, .undos = b->undo_count};
    b->scope++;
}

/* ---- Tables ---- */

static bool is_integer(const struct sql_type *type)
{
    switch (type->type) {
    case MYSQL_TYPE_TINY:
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_LONGLONG:
        return true;
    default:
        return false;
    }
}

static struct sql_type *key_types(struct batch_table *t, const struct sql_type *types)
{
    struct sql_type *out = ARENA_ARRAY(&t->arena, struct sql_type, t->key_count);
    for (uint32_t i = 0; i < t->key_count; i++) {
        out[i] = types[t->key[i]];
    }
    return out;
}

static struct batch_table *table_new(struct batch *b, struct copy_table *ct)
{
    struct batch_table *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        abort();
    }
    const struct table_def *def = ct->def;
    copy_table_ref(ct);
    t->table = ct;
    t->batch = b;
    t->key_count = ct->key.count;
    t->key = ct->key.columns;
    t->has_int_key = t->key_count == 1 && is_integer(&def->columns[t->key[0]].type);
    arena_init(&t->keys.arena, 0);
    arena_init(&t->hole_arena, 0);
    arena_init(&t->arena, 0);
    const struct sql_type *types = table_column_types(def, &t->arena);
    rows_init(&t->rows, types, def->column_count);
    rows_init(&t->parts.rows, types, def->column_count);
    t->is_whole = t->key_count == 0 || (b->checks_images && atomic_load(&ct->state) == COPY_LIVE);
    if (t->is_whole) {
        rows_init(&t->gone, types, def->column_count);
    } else {
        rows_init(&t->gone, key_types(t, types), t->key_count);
    }
    return t;
}

static void table_free(struct batch_table *t)
{
    rows_release(&t->rows);
    rows_release(&t->gone);
    rows_release(&t->parts.rows);
    free(t->parts.missing);
    keys_release(&t->keys);
    copy_table_unref(t->table);
    free(t->holes);
    arena_release(&t->hole_arena);
    arena_release(&t->arena);
    free(t);
}

static void table_start(struct batch_table *t)
{
    t->is_used = true;
    t->idle = 0;
    t->is_upsert = atomic_load(&t->table->state) != COPY_LIVE;
    /* An integer's key can be read out of its rows later. */
    t->is_hashed = t->is_upsert || !t->has_int_key;
    t->is_abandoned = false;
    t->scope = 0;
    t->mark_rows = 0;
}

struct batch_table *batch_get_table(struct batch *b, struct copy_table *ct)
{
    struct batch_table *t = NULL;
    for (uint32_t i = 0; i < b->table_count; i++) {
        if (b->tables[i]->table == ct) {
            t = b->tables[i];
            break;
        }
    }
    if (t == NULL) {
        if (b->table_count == b->table_cap) {
            b->tables = grow(b->tables, &b->table_cap, sizeof(struct batch_table *), 16);
        }
        t = table_new(b, ct);
        b->tables[b->table_count++] = t;
    }
    if (!t->is_used) {
        table_start(t);
    }
    return t;
}

void batch_init(struct batch *b)
{
    *b = (struct batch){.scope = 1};
    arena_init(&b->txn_arena, 0);
}

void batch_release(struct batch *b)
{
    for (uint32_t i = 0; i < b->table_count; i++) {
        table_free(b->tables[i]);
    }
    free(b->tables);
    free(b->marks);
    free(b->undos);
    free(b->savepoints);
    arena_release(&b->txn_arena);
    *b = (struct batch){.scope = 1};
}

static void table_reset(struct batch_table *t)
{
    if (t->is_used) {
        rows_reset(&t->rows);
        rows_reset(&t->gone);
        rows_reset(&t->parts.rows);
        keys_reset(&t->keys);
        t->hole_count = 0;
        arena_reset(&t->hole_arena);
        t->inserted = t->updated = t->deleted = 0;
        t->is_used = false;
    } else {
        rows_shrink(&t->rows);
        rows_shrink(&t->gone);
        rows_shrink(&t->parts.rows);
    }
}

void batch_reset(struct batch *b)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < b->table_count; i++) {
        struct batch_table *t = b->tables[i];
        table_reset(t);
        if (t->idle++ < KEEP_IDLE) {
            b->tables[kept++] = t;
        } else {
            table_free(t);
        }
    }
    b->table_count = kept;
    b->transactions = 0;
    b->bytes = 0;
    b->memory = 0;
    end_txn(b);
    if (b->undo_cap > KEEP_UNDOS) {
        free(b->undos);
        b->undos = NULL;
        b->undo_cap = 0;
    }
}

bool batch_is_full(const struct batch *b, uint64_t max_bytes)
{
    return b->bytes >= max_bytes || (b->bytes + b->memory) / BATCH_MEMORY >= max_bytes;
}

bool batch_is_empty(const struct batch *b)
{
    return b->transactions == 0 && b->mark_count == 0;
}

/* ---- Messages ---- */

struct str batch_key_text(const struct chunk *keys, uint32_t row, struct arena *arena)
{
    struct str text = STR("(");
    for (uint32_t i = 0; i < keys->ncols; i++) {
        struct value v;
        vec_get(&keys->cols[i], row, &v);
        const char *comma = i > 0 ? ", " : "";
        if (v.kind == VALUE_INT) {
            text = arena_printf(arena, "%.*s%s%" PRId64, STR_FMT(text), comma, v.i);
        } else if (v.kind == VALUE_UINT) {
            text = arena_printf(arena, "%.*s%s%" PRIu64, STR_FMT(text), comma, v.u);
        } else if (v.kind == VALUE_STRING) {
            text = arena_printf(arena, "%.*s%s'%.*s'", STR_FMT(text), comma, STR_FMT(v.str));
        } else {
            text = arena_printf(arena, "%.*s%s…", STR_FMT(text), comma);
        }
    }
    return arena_printf(arena, "%.*s)", STR_FMT(text));
}
