/*
 * Conflicts with unique keys. DuckDB has no index of ours: the keys of the new rows are computed
 * here, under each column's collation, and joined with the table. A key with a NULL conflicts with
 * nothing.
 *
 * Text is compared by sort key: pt_key_<collation>() gives that of a stored value inside DuckDB,
 * collation_sort_key() that of a new one.
 */
#include "base/htab.h"
#include "engine/duckdb/duckdb_int.h"
#include "types/collation.h"
#include "types/convert.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A key part may become longer as a sort key than as text. */
#define KEY_BYTES_MAX ((size_t)256 << 20)

/* ---- The form in which a column takes part in a key ---- */

enum key_form {
    KEY_PLAIN, /* The stored value: numbers, dates, text by its bytes. */
    KEY_SORT,  /* A sort key: BLOB. */
    KEY_HEX,   /* The first bytes of a BLOB, as hexadecimal text. */
};

static enum key_form key_form(const struct sql_type *type, uint32_t prefix_len)
{
    if (!ddb_type_is_text(type)) {
        return type_phys(type) == VEC_STR && prefix_len > 0 ? KEY_HEX : KEY_PLAIN;
    }
    const struct collation *c = collation_find(type->collation);
    const bool bytes = c == NULL || (collation_is_bytewise(c) && !collation_is_pad_space(c));
    return bytes ? KEY_PLAIN : KEY_SORT;
}

/* Appends the expression that gives the key part of a stored row. */
void ddb_put_key_part(const struct column_def *column, uint32_t prefix_len, const char *alias,
                      struct bytebuf *sql)
{
    const enum key_form form = key_form(&column->type, prefix_len);
    const bool cut = prefix_len > 0 && ddb_type_is_text(&column->type);
    if (form == KEY_HEX) {
        bytebuf_printf(sql, "substring(hex(%s.c%u), 1, %u)", alias, column->id, prefix_len * 2);
        return;
    }
    if (form == KEY_SORT) {
        bytebuf_printf(sql, "pt_key_%u(", column->type.collation);
    }
    if (cut) {
        bytebuf_printf(sql, "substring(%s.c%u, 1, %u)", alias, column->id, prefix_len);
    } else {
        bytebuf_printf(sql, "%s.c%u", alias, column->id);
    }
    if (form == KEY_SORT) {
        bytebuf_put_char(sql, ')');
    }
}

/* The first n characters of UTF-8 text. */
static struct str first_characters(struct str s, uint32_t n)
{
    size_t at = 0;
    while (at < s.len) {
        if (((unsigned char)s.p[at] & 0xC0) != 0x80 && n-- == 0) {
            break;
        }
        at++;
    }
    return str_from(s.p, at);
}

/* ---- Keys of new rows ---- */

struct key_set {
    struct ddb_keys keys;
    uint32_t *rows;    /* Which row of the chunk each key is of. */
    struct str *bytes; /* Each key as one run of bytes, for comparing new rows with each other. */
};

static struct str key_text(const struct sql_type *type, uint32_t prefix_len, struct str s,
                           struct bytebuf *out)
{
    static const char digits[] = "0123456789ABCDEF";
    bytebuf_reset(out);
    if (!ddb_type_is_text(type)) {
        const size_t len = prefix_len > 0 ? MIN(s.len, (size_t)prefix_len) : s.len;
        if (prefix_len == 0) {
            return s;
        }
        for (size_t i = 0; i < len; i++) {
            bytebuf_put_char(out, digits[(unsigned char)s.p[i] >> 4]);
            bytebuf_put_char(out, digits[s.p[i] & 15]);
        }
        return bytebuf_str(out);
    }
    const struct str cut = prefix_len > 0 ? first_characters(s, prefix_len) : s;
    if (key_form(type, prefix_len) == KEY_PLAIN) {
        return cut;
    }
    collation_sort_key(collation_find(type->collation), cut, out);
    return bytebuf_str(out);
}

static void gather_strings(const struct key_set *set, const struct vec *v,
                           const struct sql_type *type, uint32_t prefix_len, struct arena *arena,
                           struct vec_str *out)
{
    struct bytebuf key;
    bytebuf_init(&key, KEY_BYTES_MAX);
    for (uint32_t i = 0; i < set->keys.nrows; i++) {
        const struct str s = vec_str_get(&((const struct vec_str *)v->data)[set->rows[i]]);
        out[i] = vec_str_from(arena_dup(arena, key_text(type, prefix_len, s, &key)));
    }
    bytebuf_release(&key);
}

static void gather_fixed(const struct key_set *set, const struct vec *v, size_t size, char *out)
{
    for (uint32_t i = 0; i < set->keys.nrows; i++) {
        memcpy(out + i * size, (const char *)v->data + set->rows[i] * size, size);
        if (v->phys == VEC_F64 && *(double *)(out + i * size) == 0) {
            memset(out + i * size, 0, size); /* -0 equals 0. */
        }
        if (v->phys == VEC_F32 && *(float *)(out + i * size) == 0) {
            memset(out + i * size, 0, size);
        }
    }
}

static void gather_part(struct key_set *set, uint32_t part, const struct column_def *column,
                        uint32_t prefix_len, const struct vec *v, struct arena *arena)
{
    struct ddb_key_column *to = &set->keys.cols[part];
    void *data = arena_calloc(arena, vec_phys_size(v->phys) * set->keys.nrows);
    to->size = vec_phys_size(v->phys);
    to->data = data;
    if (v->phys != VEC_STR) {
        to->type = ddb_type_new(&column->type);
        gather_fixed(set, v, to->size, data);
        return;
    }
    const enum key_form form = key_form(&column->type, prefix_len);
    to->type = form == KEY_PLAIN  ? ddb_type_new(&column->type)
               : form == KEY_SORT ? duckdb_create_logical_type(DUCKDB_TYPE_BLOB)
                                  : duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    gather_strings(set, v, &column->type, prefix_len, arena, data);
}

static void join_parts(struct key_set *set, struct arena *arena)
{
    struct bytebuf key;
    bytebuf_init(&key, KEY_BYTES_MAX);
    set->bytes = ARENA_ARRAY(arena, struct str, set->keys.nrows);
    for (uint32_t i = 0; i < set->keys.nrows; i++) {
        bytebuf_reset(&key);
        for (uint32_t part = 0; part < set->keys.ncols; part++) {
            const struct ddb_key_column *column = &set->keys.cols[part];
            const char *at = (const char *)column->data + i * column->size;
            if (column->size == sizeof(struct vec_str) &&
                duckdb_get_type_id(column->type) >= DUCKDB_TYPE_VARCHAR &&
                duckdb_get_type_id(column->type) <= DUCKDB_TYPE_BLOB) {
                const struct str s = vec_str_get((const struct vec_str *)(const void *)at);
                bytebuf_put(&key, &s.len, sizeof(s.len));
                bytebuf_put_str(&key, s);
            } else {
                bytebuf_put(&key, at, column->size);
            }
        }
        set->bytes[i] = arena_dup(arena, bytebuf_str(&key));
    }
    bytebuf_release(&key);
}

static void make_keys(const struct table_def *t, const struct index_def *index,
                      const struct chunk *rows, struct arena *arena, struct key_set *set)
{
    *set = (struct key_set){.rows = ARENA_ARRAY(arena, uint32_t, rows->nrows)};
    for (uint32_t row = 0; row < rows->nrows; row++) {
        bool null = false;
        for (uint32_t i = 0; i < index->column_count && !null; i++) {
            null = vec_is_null(&rows->cols[index->columns[i].column], row);
        }
        if (!null) {
            set->rows[set->keys.nrows++] = row;
        }
    }
    set->keys.ncols = index->column_count;
    set->keys.cols = ARENA_ARRAY(arena, struct ddb_key_column, index->column_count);
    for (uint32_t i = 0; i < index->column_count; i++) {
        const uint32_t column = index->columns[i].column;
        gather_part(set, i, &t->columns[column], index->columns[i].prefix_len, &rows->cols[column],
                    arena);
    }
    join_parts(set, arena);
}

/* ---- Finding conflicts ---- */

struct conflict_list {
    struct arena *arena;
    struct engine_conflict *items;
    uint32_t count;
    uint32_t room;
};

static void add_conflict(struct conflict_list *list, struct engine_conflict conflict)
{
    if (list->count == list->room) {
        const uint32_t room = list->room ? list->room * 2 : 16;
        struct engine_conflict *grown = ARENA_ARRAY(list->arena, struct engine_conflict, room);
        if (list->count > 0) {
            memcpy(grown, list->items, list->count * sizeof(*grown));
        }
        list->items = grown;
        list->room = room;
    }
    list->items[list->count++] = conflict;
}

static int compare_conflicts(const void *pa, const void *pb)
{
    const struct engine_conflict *a = pa;
    const struct engine_conflict *b = pb;
    if (a->row != b->row) {
        return a->row < b->row ? -1 : 1;
    }
    if (a->index != b->index) {
        return a->index < b->index ? -1 : 1;
    }
    /* The stored row before an earlier one of the lot. */
    return (a->rowid < 0) - (b->rowid < 0);
}

static void conflicts_among_new(const struct key_set *set, uint32_t index,
                                struct conflict_list *list)
{
    struct htab seen;
    htab_init(&seen, 0);
    for (uint32_t i = 0; i < set->keys.nrows; i++) {
        const uint32_t *earlier = htab_find(&seen, set->bytes[i]);
        if (earlier == NULL) {
            htab_put(&seen, set->bytes[i], &set->rows[i]);
            continue;
        }
        add_conflict(list,
                     (struct engine_conflict){
                         .row = set->rows[i], .rowid = -1, .other = *earlier, .index = index});
    }
    htab_release(&seen);
}

static void put_conflict_query(const struct table_def *t, const struct index_def *index,
                               const struct ddb_keys *keys, struct bytebuf *sql)
{
    bytebuf_printf(
        sql, "SELECT k.r, t.rowid FROM pintail_keys(%" PRIu64 "::UBIGINT) k, t%" PRIu64 " t WHERE ",
        keys->id, t->id);
    for (uint32_t i = 0; i < index->column_count; i++) {
        bytebuf_put_cstr(sql, i ? " AND " : "");
        ddb_put_key_part(&t->columns[index->columns[i].column], index->columns[i].prefix_len, "t",
                         sql);
        bytebuf_printf(sql, " = k.k%u", i);
    }
}

struct ignored {
    const int64_t *rowids;
    uint32_t count;
};

static bool is_ignored(const struct ignored *ignored, int64_t rowid)
{
    for (uint32_t i = 0; i < ignored->count; i++) {
        if (ignored->rowids[i] == rowid) {
            return true;
        }
    }
    return false;
}

/* Takes the rows (r UINTEGER, rowid BIGINT) of a conflict query; gives how many there were. */
static uint32_t take_conflicts(duckdb_result *result, const struct key_set *set, uint32_t index,
                               const struct ignored *ignored, struct conflict_list *list)
{
    uint32_t count = 0;
    for (duckdb_data_chunk chunk = duckdb_fetch_chunk(*result); chunk != NULL;
         chunk = duckdb_fetch_chunk(*result)) {
        const uint32_t *keys = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
        const int64_t *rowids = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 1));
        for (idx_t i = 0; i < duckdb_data_chunk_get_size(chunk); i++) {
            if (is_ignored(ignored, rowids[i])) {
                continue;
            }
            count++;
            if (list != NULL) {
                add_conflict(list, (struct engine_conflict){.row = set->rows[keys[i]],
                                                            .rowid = rowids[i],
                                                            .other = UINT64_MAX,
                                                            .index = index});
            }
        }
        duckdb_destroy_data_chunk(&chunk);
    }
    return count;
}

/*
 * The transaction's snapshot misses what others have committed to the table since. A key taken
 * there is a row that this transaction can neither see nor replace: it has to be tried again.
 */
static int check_committed(struct ddb_session *s, const struct table_def *t,
                           const struct index_def *index, const struct key_set *set,
                           uint32_t visible, struct diag *diag)
{
    struct ddb_instance *in = s->instance;
    const struct ignored none = {.count = 0};
    struct bytebuf sql;
    duckdb_result result;
    uint32_t count = 0;
    bytebuf_init(&sql, DDB_SQL_MAX);
    put_conflict_query(t, index, &set->keys, &sql);
    bytebuf_put_char(&sql, '\0');
    pthread_mutex_lock(&in->aux_lock);
    int rc = 0;
    if (duckdb_query(in->aux, sql.p, &result) != DuckDBSuccess) {
        rc = duckdb_diag(diag, duckdb_result_error_type(&result), duckdb_result_error(&result),
                         t->name);
    } else {
        count = take_conflicts(&result, set, 0, &none, NULL);
    }
    duckdb_destroy_result(&result);
    pthread_mutex_unlock(&in->aux_lock);
    bytebuf_release(&sql);
    if (rc == 0 && count > visible) {
        rc = ddb_txn_abort(s, diag);
    }
    return rc;
}

static int conflicts_with_stored(struct ddb_session *s, const struct table_def *t,
                                 uint32_t index_no, struct key_set *set,
                                 const struct ignored *ignored, struct conflict_list *list,
                                 struct diag *diag)
{
    const struct index_def *index = &t->indexes[index_no];
    struct bytebuf sql;
    duckdb_result result;
    const struct ignored none = {.count = 0};
    const bool stale = ddb_snapshot_is_stale(s, t->id);
    bytebuf_init(&sql, DDB_SQL_MAX);
    ddb_keys_lend(s->instance, &set->keys);
    put_conflict_query(t, index, &set->keys, &sql);
    atomic_fetch_add(&s->instance->counters.unique_lookups, 1);
    int rc = ddb_query_buf(s, &sql, t->name, diag, &result);
    if (rc == 0) {
        /* A stale snapshot counts all that it sees, to compare with what is committed. */
        const uint32_t count =
            take_conflicts(&result, set, index_no, stale ? &none : ignored, list);
        duckdb_destroy_result(&result);
        if (stale) {
            rc = check_committed(s, t, index, set, count, diag);
        }
    }
    ddb_keys_take_back(s->instance, &set->keys);
    bytebuf_release(&sql);
    return rc;
}

int ddb_conflicts(struct ddb_session *s, const struct table_def *t, const struct chunk *rows,
                  const int64_t *ignore_rowids, uint32_t ignore_count, struct arena *arena,
                  struct diag *diag, struct engine_conflict **out, uint32_t *out_count)
{
    struct conflict_list list = {.arena = arena};
    const struct ignored ignored = {.rowids = ignore_rowids, .count = ignore_count};
    int rc = 0;
    for (uint32_t i = 0; i < t->index_count && rc == 0; i++) {
        struct key_set set;
        if (!ddb_index_is_unique(&t->indexes[i])) {
            continue;
        }
        make_keys(t, &t->indexes[i], rows, arena, &set);
        conflicts_among_new(&set, i, &list);
        rc = conflicts_with_stored(s, t, i, &set, &ignored, &list, diag);
    }
    if (list.count > 1) {
        qsort(list.items, list.count, sizeof(*list.items), compare_conflicts);
    }
    *out = list.items;
    *out_count = list.count;
    return rc;
}

int ddb_find_conflicts(struct engine_session *base, const struct table_def *t,
                       const struct chunk *rows, const int64_t *ignore_rowids,
                       uint32_t ignore_count, struct arena *arena, struct diag *diag,
                       struct engine_conflict **out, uint32_t *out_count)
{
    struct ddb_session *s = ddb_session_of(base);
    if (ddb_enter(s, diag) != 0) {
        return -1;
    }
    int rc = ddb_statement(s, diag);
    if (rc == 0) {
        rc = ddb_conflicts(s, t, rows, ignore_rowids, ignore_count, arena, diag, out, out_count);
    }
    return ddb_leave(s, rc);
}

/* ---- Reporting ---- */

struct str ddb_duplicate_text(const struct ddb_bulk *bulk, const struct index_def *index,
                              struct str entry, struct arena *arena)
{
    const struct str name = index->kind == INDEX_DEF_PRIMARY ? STR("PRIMARY") : index->name;
    const bool is_short = (bulk->flags & ENGINE_WRITE_SHORT_KEY_NAMES) != 0;
    const struct str table = is_short ? STR("") : bulk->table->name;
    return arena_printf(arena, "Duplicate entry '%.*s' for key '%.*s%s%.*s'",
                        (int)MIN(entry.len, (size_t)192), entry.p ? entry.p : "", STR_FMT(table),
                        is_short ? "" : ".", STR_FMT(name));
}

/* Appends a key part as text, "-" before all but the first. */
void ddb_put_entry_part(const struct column_def *column, uint32_t part, const struct vec *v,
                        uint32_t row, struct arena *arena, struct bytebuf *out)
{
    struct value value;
    bytebuf_put_cstr(out, part ? "-" : "");
    vec_get(v, row, &value);
    bytebuf_put_str(out, value_to_text(&value, &column->type, arena));
}

int ddb_duplicate(const struct ddb_bulk *bulk, uint32_t index_no, const struct chunk *rows,
                  uint32_t row, struct diag *diag)
{
    const struct table_def *t = bulk->table;
    const struct index_def *index = &t->indexes[index_no];
    struct bytebuf entry;
    bytebuf_init(&entry, KEY_BYTES_MAX);
    for (uint32_t i = 0; i < index->column_count; i++) {
        const uint32_t column = index->columns[i].column;
        struct vec v = rows->cols[column];
        v.type = &t->columns[column].type;
        ddb_put_entry_part(&t->columns[column], i, &v, row, &diag->arena, &entry);
    }
    const int rc = diag_set_text(
        diag, ER_DUP_ENTRY, ddb_duplicate_text(bulk, index, bytebuf_str(&entry), &diag->arena));
    bytebuf_release(&entry);
    return rc;
}
