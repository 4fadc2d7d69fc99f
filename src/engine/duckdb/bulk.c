/*
 * Duplicates of bulk loads: whether the keys of many new rows are taken is asked once, when all are
 * in the table, by queries that join the new rows with each other and with the older ones. Rows of
 * an open transaction have rowids above all others and in the order of their appending, so "new"
 * and "earlier" are comparisons of rowids.
 */
#include "engine/duckdb/duckdb_int.h"

#include <inttypes.h>
#include <stdlib.h>

enum side {
    SIDE_NEW,
    SIDE_OLD,
};

/* ---- Pieces of SQL ---- */

/* "(SELECT rowid AS r, … AS k0, … FROM t WHERE …)": the keys of the new or old rows, those with a
 * NULL left out. */
static void put_keys(const struct ddb_bulk *bulk, uint32_t index_no, enum side side,
                     struct bytebuf *sql)
{
    const struct table_def *t = bulk->table;
    const struct index_def *index = &t->indexes[index_no];
    bytebuf_put_cstr(sql, "(SELECT t.rowid AS r");
    for (uint32_t i = 0; i < index->column_count; i++) {
        bytebuf_put_cstr(sql, ", ");
        ddb_put_key_part(&t->columns[index->columns[i].column], index->columns[i].prefix_len, "t",
                         sql);
        bytebuf_printf(sql, " AS k%u", i);
    }
    bytebuf_printf(sql, " FROM t%" PRIu64 " t WHERE t.rowid %s %" PRIu64, t->id,
                   side == SIDE_NEW ? ">=" : "<", bulk->first_rowid);
    for (uint32_t i = 0; i < index->column_count; i++) {
        const struct column_def *column = &t->columns[index->columns[i].column];
        if (type_is_nullable(&column->type)) {
            bytebuf_printf(sql, " AND t.c%u IS NOT NULL", column->id);
        }
    }
    bytebuf_put_char(sql, ')');
}

static void put_key_list(const struct ddb_bulk *bulk, uint32_t index_no, struct bytebuf *sql)
{
    for (uint32_t i = 0; i < bulk->table->indexes[index_no].column_count; i++) {
        bytebuf_printf(sql, "%sk%u", i ? ", " : "", i);
    }
}

/* The rowids (r) of one side whose keys are on the other too. */
static void put_met(const struct ddb_bulk *bulk, uint32_t index_no, enum side side,
                    struct bytebuf *sql)
{
    bytebuf_put_cstr(sql, "SELECT a.r FROM ");
    put_keys(bulk, index_no, side, sql);
    bytebuf_put_cstr(sql, " a SEMI JOIN ");
    put_keys(bulk, index_no, side == SIDE_NEW ? SIDE_OLD : SIDE_NEW, sql);
    bytebuf_put_cstr(sql, " b USING (");
    put_key_list(bulk, index_no, sql);
    bytebuf_put_char(sql, ')');
}

/*
 * The new rows (r) whose key several have, with the first or last of them (m): `pick` is min or
 * max. `but`, if not NULL, leaves rows out by comparing r with m.
 */
static void put_shared(const struct ddb_bulk *bulk, uint32_t index_no, const char *pick,
                       const char *but, struct bytebuf *sql)
{
    bytebuf_put_cstr(sql, but != NULL ? "SELECT a.r FROM " : "SELECT a.r, b.m FROM ");
    put_keys(bulk, index_no, SIDE_NEW, sql);
    bytebuf_put_cstr(sql, " a JOIN (SELECT ");
    put_key_list(bulk, index_no, sql);
    bytebuf_printf(sql, ", %s(r) AS m FROM ", pick);
    put_keys(bulk, index_no, SIDE_NEW, sql);
    bytebuf_put_cstr(sql, " GROUP BY ");
    put_key_list(bulk, index_no, sql);
    bytebuf_put_cstr(sql, " HAVING count(*) > 1) b USING (");
    put_key_list(bulk, index_no, sql);
    bytebuf_put_char(sql, ')');
    if (but != NULL) {
        bytebuf_printf(sql, " WHERE a.r %s b.m", but);
    }
}

/* The new rows whose key a row before them has. */
static void put_taken(const struct ddb_bulk *bulk, uint32_t index_no, struct bytebuf *sql)
{
    put_met(bulk, index_no, SIDE_NEW, sql);
    bytebuf_put_cstr(sql, " UNION ALL ");
    put_shared(bulk, index_no, "min", ">", sql);
}

/* ---- Refusing ---- */

/* The first new row whose key of the index is taken; *out_none if there is no such. */
static int find_first(struct ddb_session *s, const struct ddb_bulk *bulk, uint32_t index_no,
                      struct diag *diag, int64_t *out, bool *out_none)
{
    struct bytebuf sql;
    bytebuf_init(&sql, DDB_SQL_MAX);
    bytebuf_put_cstr(&sql, "SELECT min(r) FROM (");
    put_taken(bulk, index_no, &sql);
    bytebuf_put_char(&sql, ')');
    atomic_fetch_add(&s->instance->counters.unique_lookups, 1);
    const int rc = ddb_query_number(s, &sql, diag, out, out_none);
    bytebuf_release(&sql);
    return rc;
}

/* The message of 1062 with the values that stand in a row of a result, from a column on. */
static struct str row_text(const struct ddb_bulk *bulk, const struct index_def *index,
                           duckdb_data_chunk chunk, uint32_t first_column, uint32_t row,
                           struct arena *arena)
{
    struct bytebuf entry;
    bytebuf_init(&entry, DDB_SQL_MAX);
    for (uint32_t i = 0; i < index->column_count; i++) {
        const struct column_def *column = &bulk->table->columns[index->columns[i].column];
        duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, first_column + i);
        const struct vec v = {.type = &column->type,
                              .phys = type_phys(&column->type),
                              .data = duckdb_vector_get_data(vector),
                              .validity = duckdb_vector_get_validity(vector)};
        ddb_put_entry_part(column, i, &v, row, arena, &entry);
    }
    const struct str text = ddb_duplicate_text(bulk, index, bytebuf_str(&entry), arena);
    bytebuf_release(&entry);
    return text;
}

static int report_rowid(struct ddb_session *s, const struct ddb_bulk *bulk, uint32_t index_no,
                        int64_t rowid, struct diag *diag)
{
    const struct table_def *t = bulk->table;
    const struct index_def *index = &t->indexes[index_no];
    struct bytebuf sql;
    duckdb_result result;
    bytebuf_init(&sql, DDB_SQL_MAX);
    bytebuf_put_cstr(&sql, "SELECT ");
    for (uint32_t i = 0; i < index->column_count; i++) {
        bytebuf_printf(&sql, "%sc%u", i ? ", " : "", t->columns[index->columns[i].column].id);
    }
    bytebuf_printf(&sql, " FROM t%" PRIu64 " WHERE rowid = %" PRId64, t->id, rowid);
    int rc = ddb_query_buf(s, &sql, t->name, diag, &result);
    bytebuf_release(&sql);
    if (rc != 0) {
        return rc;
    }
    duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
    if (chunk != NULL) {
        rc = diag_set_text(diag, ER_DUP_ENTRY, row_text(bulk, index, chunk, 0, 0, &diag->arena));
        duckdb_destroy_data_chunk(&chunk);
    } else {
        rc = diag_set(diag, ER_INTERNAL_ERROR, "a duplicate row is gone");
    }
    duckdb_destroy_result(&result);
    return rc;
}

int ddb_bulk_refuse(struct ddb_session *s, const struct ddb_bulk *bulk, struct diag *diag)
{
    int64_t first = INT64_MAX;
    uint32_t first_index = 0;
    for (uint32_t i = 0; i < bulk->index_count; i++) {
        int64_t rowid;
        bool none;
        if (find_first(s, bulk, bulk->indexes[i], diag, &rowid, &none) != 0) {
            return -1;
        }
        if (!none && rowid < first) {
            first = rowid;
            first_index = bulk->indexes[i];
        }
    }
    return first == INT64_MAX ? 0 : report_rowid(s, bulk, first_index, first, diag);
}

/* ---- Rows that meet ---- */

/* A new row that shares a key, in one index, with the group of rows that has it; or with an old row
 * (group -1). */
struct meeting {
    int64_t rowid;
    int64_t group; /* Its first row. */
    uint32_t index;
};

struct meetings {
    struct meeting *items;
    size_t count;
    size_t room;
};

static int add_meeting(struct meetings *m, struct meeting meeting, struct diag *diag)
{
    if (m->count == m->room) {
        const size_t room = m->room ? m->room * 2 : 1024;
        struct meeting *grown = realloc(m->items, room * sizeof(*grown));
        if (grown == NULL) {
            return diag_set(diag, ER_ENGINE_OUT_OF_MEMORY, "duckdb");
        }
        m->items = grown;
        m->room = room;
    }
    m->items[m->count++] = meeting;
    return 0;
}

/* Takes the rows of a query: r, and m if there are two columns. */
static int take_meetings(struct ddb_session *s, const struct ddb_bulk *bulk, struct bytebuf *sql,
                         uint32_t index, struct meetings *m, struct diag *diag)
{
    duckdb_result result;
    if (ddb_query_buf(s, sql, bulk->table->name, diag, &result) != 0) {
        return -1;
    }
    const bool grouped = duckdb_column_count(&result) == 2;
    int rc = 0;
    for (duckdb_data_chunk chunk = duckdb_fetch_chunk(result); chunk != NULL;
         chunk = duckdb_fetch_chunk(result)) {
        const int64_t *rowids = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
        const int64_t *groups =
            grouped ? duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 1)) : NULL;
        for (idx_t i = 0; i < duckdb_data_chunk_get_size(chunk) && rc == 0; i++) {
            rc = add_meeting(m, (struct meeting){rowids[i], grouped ? groups[i] : -1, index}, diag);
        }
        duckdb_destroy_data_chunk(&chunk);
    }
    duckdb_destroy_result(&result);
    return rc;
}

/* ---- Deleting ---- */

static int delete_by_query(struct ddb_session *s, const struct ddb_bulk *bulk,
                           const struct bytebuf *select, struct diag *diag, uint64_t *out_deleted)
{
    struct bytebuf sql;
    duckdb_result result;
    bytebuf_init(&sql, DDB_SQL_MAX);
    bytebuf_printf(&sql, "DELETE FROM t%" PRIu64 " WHERE rowid IN (", bulk->table->id);
    bytebuf_put_str(&sql, bytebuf_str(select));
    bytebuf_put_char(&sql, ')');
    const int rc = ddb_query_buf(s, &sql, bulk->table->name, diag, &result);
    if (rc == 0) {
        *out_deleted = duckdb_rows_changed(&result);
        ddb_redo_give_up(s);
        duckdb_destroy_result(&result);
    }
    bytebuf_release(&sql);
    return rc;
}

/* Reads the rowids first, because they must be known to whoever does the same again. */
static int delete_by_list(struct ddb_session *s, const struct ddb_bulk *bulk,
                          const struct bytebuf *select, struct diag *diag, uint64_t *out_deleted)
{
    struct meetings m = {.count = 0};
    struct bytebuf sql;
    bytebuf_init(&sql, DDB_SQL_MAX);
    bytebuf_put_cstr(&sql, "SELECT DISTINCT r FROM (");
    bytebuf_put_str(&sql, bytebuf_str(select));
    bytebuf_put_char(&sql, ')');
    int rc = take_meetings(s, bulk, &sql, 0, &m, diag);
    bytebuf_release(&sql);
    int64_t *rowids = malloc(sizeof(*rowids) * (m.count + 1));
    if (rc == 0 && rowids == NULL) {
        rc = diag_set(diag, ER_ENGINE_OUT_OF_MEMORY, "duckdb");
    }
    for (size_t i = 0; rc == 0 && i < m.count; i++) {
        rowids[i] = m.items[i].rowid;
    }
    if (rc == 0 && m.count > 0) {
        rc = ddb_delete_by_rowid(s, bulk->table, rowids, (uint32_t)m.count, diag, out_deleted);
    }
    free(rowids);
    free(m.items);
    return rc;
}

static int delete_selected(struct ddb_session *s, const struct ddb_bulk *bulk,
                           const struct bytebuf *select, struct diag *diag, uint64_t *out_deleted)
{
    *out_deleted = 0;
    return s->redo.kept ? delete_by_list(s, bulk, select, diag, out_deleted)
                        : delete_by_query(s, bulk, select, diag, out_deleted);
}

/* ---- Replacing ---- */

/*
 * Every new row is stored in its turn, so a row goes whenever a later new one has its key, by any
 * index: the sets of all indexes are found before anything is deleted.
 */
int ddb_bulk_replace(struct ddb_session *s, const struct ddb_bulk *bulk, struct diag *diag,
                     uint64_t *out_deleted)
{
    struct bytebuf select;
    bytebuf_init(&select, DDB_SQL_MAX);
    for (uint32_t i = 0; i < bulk->index_count; i++) {
        bytebuf_put_cstr(&select, i ? " UNION ALL " : "");
        put_met(bulk, bulk->indexes[i], SIDE_OLD, &select);
        bytebuf_put_cstr(&select, " UNION ALL ");
        put_shared(bulk, bulk->indexes[i], "max", "<", &select);
    }
    atomic_fetch_add(&s->instance->counters.unique_lookups, 1);
    const int rc = delete_selected(s, bulk, &select, diag, out_deleted);
    bytebuf_release(&select);
    return rc;
}

/* ---- Skipping ---- */

static int find_meetings(struct ddb_session *s, const struct ddb_bulk *bulk, struct meetings *m,
                         struct diag *diag)
{
    int rc = 0;
    for (uint32_t i = 0; i < bulk->index_count && rc == 0; i++) {
        struct bytebuf sql;
        bytebuf_init(&sql, DDB_SQL_MAX);
        put_met(bulk, bulk->indexes[i], SIDE_NEW, &sql);
        rc = take_meetings(s, bulk, &sql, i, m, diag);
        bytebuf_reset(&sql);
        if (rc == 0) {
            put_shared(bulk, bulk->indexes[i], "min", NULL, &sql);
            rc = take_meetings(s, bulk, &sql, i, m, diag);
        }
        bytebuf_release(&sql);
    }
    return rc;
}

static int compare_meetings(const void *pa, const void *pb)
{
    const struct meeting *a = pa;
    const struct meeting *b = pb;
    return (a->rowid > b->rowid) - (a->rowid < b->rowid);
}

static int compare_groups(const void *pa, const void *pb)
{
    const struct meeting *a = pa;
    const struct meeting *b = pb;
    if (a->index != b->index) {
        return a->index < b->index ? -1 : 1;
    }
    return (a->group > b->group) - (a->group < b->group);
}

/*
 * Goes through the rows in their order: one stays if all its keys are still free, and then takes
 * them. `taken` has one flag for each distinct group of `groups`. Gives those that do not stay,
 * each with the first key that was not free.
 */
static size_t decide(const struct meetings *m, const struct meetings *groups, bool *taken,
                     struct meeting *out)
{
    size_t count = 0;
    for (size_t from = 0; from < m->count;) {
        size_t to = from;
        const struct meeting *met = NULL;
        for (; to < m->count && m->items[to].rowid == m->items[from].rowid; to++) {
            const struct meeting *group = m->items[to].group < 0
                                              ? NULL
                                              : bsearch(&m->items[to], groups->items, groups->count,
                                                        sizeof(struct meeting), compare_groups);
            const bool is_free = group != NULL && !taken[group - groups->items];
            if (!is_free && (met == NULL || m->items[to].index < met->index)) {
                met = &m->items[to];
            }
        }
        for (size_t i = from; i < to && met == NULL; i++) {
            const struct meeting *group = bsearch(&m->items[i], groups->items, groups->count,
                                                  sizeof(struct meeting), compare_groups);
            taken[group - groups->items] = true;
        }
        if (met != NULL) {
            out[count++] = *met;
        }
        from = to;
    }
    return count;
}

/* The distinct groups, sorted. */
static int list_groups(const struct meetings *m, struct meetings *out, struct diag *diag)
{
    for (size_t i = 0; i < m->count; i++) {
        if (m->items[i].group == m->items[i].rowid && add_meeting(out, m->items[i], diag) != 0) {
            return -1;
        }
    }
    if (out->count > 1) {
        qsort(out->items, out->count, sizeof(*out->items), compare_groups);
    }
    return 0;
}

/* Warns of rows, sorted, that are about to be deleted for their keys. */
static int warn_of(struct ddb_session *s, const struct ddb_bulk *bulk, const struct meeting *rows,
                   size_t count, struct diag *diag)
{
    const struct table_def *t = bulk->table;
    struct bytebuf sql;
    duckdb_result result;
    if (count == 0) {
        return 0;
    }
    bytebuf_init(&sql, DDB_SQL_MAX);
    bytebuf_put_cstr(&sql, "SELECT ");
    for (uint32_t i = 0; i < bulk->index_count; i++) {
        const struct index_def *index = &t->indexes[bulk->indexes[i]];
        for (uint32_t k = 0; k < index->column_count; k++) {
            bytebuf_printf(&sql, "c%u, ", t->columns[index->columns[k].column].id);
        }
    }
    bytebuf_printf(&sql, "NULL FROM t%" PRIu64 " WHERE rowid IN (", t->id);
    for (size_t i = 0; i < count; i++) {
        bytebuf_printf(&sql, "%s%" PRId64, i ? ", " : "", rows[i].rowid);
    }
    bytebuf_put_cstr(&sql, ") ORDER BY rowid");
    const int rc = ddb_query_buf(s, &sql, t->name, diag, &result);
    bytebuf_release(&sql);
    if (rc != 0) {
        return rc;
    }
    size_t at = 0;
    for (duckdb_data_chunk chunk = duckdb_fetch_chunk(result); chunk != NULL;
         chunk = duckdb_fetch_chunk(result)) {
        for (uint32_t r = 0; r < duckdb_data_chunk_get_size(chunk) && at < count; r++, at++) {
            uint32_t first_column = 0;
            for (uint32_t i = 0; i < rows[at].index; i++) {
                first_column += t->indexes[bulk->indexes[i]].column_count;
            }
            const struct str text = row_text(bulk, &t->indexes[bulk->indexes[rows[at].index]],
                                             chunk, first_column, r, &diag->arena);
            diag_warn_at(diag, DIAG_WARNING, ER_DUP_ENTRY, "%.*s", STR_FMT(text));
        }
        duckdb_destroy_data_chunk(&chunk);
    }
    duckdb_destroy_result(&result);
    return 0;
}

/* Deletes rows, sorted, and warns of them: of the first by name, of the others by number. */
static int skip_rows(struct ddb_session *s, const struct ddb_bulk *bulk, const struct meeting *rows,
                     size_t count, struct diag *diag)
{
    uint64_t deleted;
    int64_t *rowids = malloc(sizeof(*rowids) * (count + 1));
    if (rowids == NULL) {
        return diag_set(diag, ER_ENGINE_OUT_OF_MEMORY, "duckdb");
    }
    for (size_t i = 0; i < count; i++) {
        rowids[i] = rows[i].rowid;
    }
    const size_t named = MIN(count, (size_t)diag->max_kept);
    int rc = warn_of(s, bulk, rows, named, diag);
    diag_count_warnings(diag, (uint32_t)(count - named));
    if (rc == 0 && count > 0) {
        rc = ddb_delete_by_rowid(s, bulk->table, rowids, (uint32_t)count, diag, &deleted);
    }
    free(rowids);
    return rc;
}

/* Several keys: whether a row is skipped depends on which rows before it were. */
static int skip_in_order(struct ddb_session *s, const struct ddb_bulk *bulk, struct diag *diag,
                         uint64_t *out_skipped)
{
    struct meetings m = {.count = 0};
    struct meetings groups = {.count = 0};
    int rc = find_meetings(s, bulk, &m, diag);
    if (rc == 0 && m.count > 0) {
        qsort(m.items, m.count, sizeof(*m.items), compare_meetings);
        rc = list_groups(&m, &groups, diag);
    }
    bool *taken = calloc(groups.count + 1, sizeof(*taken));
    struct meeting *skipped = calloc(m.count + 1, sizeof(*skipped));
    if (rc == 0 && (taken == NULL || skipped == NULL)) {
        rc = diag_set(diag, ER_ENGINE_OUT_OF_MEMORY, "duckdb");
    }
    if (rc == 0) {
        *out_skipped = decide(&m, &groups, taken, skipped);
        rc = skip_rows(s, bulk, skipped, *out_skipped, diag);
    }
    free(taken);
    free(skipped);
    free(groups.items);
    free(m.items);
    return rc;
}

/* One key: the rows are few, or those behind the ones that are named go without being listed. */
static int skip_by_query(struct ddb_session *s, const struct ddb_bulk *bulk, struct diag *diag,
                         uint64_t *out_skipped)
{
    struct bytebuf select;
    struct bytebuf sql;
    struct meetings m = {.count = 0};
    const size_t max = diag->max_kept;
    bytebuf_init(&select, DDB_SQL_MAX);
    bytebuf_init(&sql, DDB_SQL_MAX);
    put_taken(bulk, bulk->indexes[0], &select);
    bytebuf_put_cstr(&sql, "SELECT DISTINCT r FROM (");
    bytebuf_put_str(&sql, bytebuf_str(&select));
    bytebuf_printf(&sql, ") ORDER BY r LIMIT %zu", max + 1);
    int rc = take_meetings(s, bulk, &sql, 0, &m, diag);
    *out_skipped = m.count;
    if (rc == 0 && m.count <= max) {
        rc = skip_rows(s, bulk, m.items, m.count, diag);
    } else if (rc == 0) {
        rc = warn_of(s, bulk, m.items, max, diag);
        rc = rc == 0 ? delete_selected(s, bulk, &select, diag, out_skipped) : rc;
        diag_count_warnings(diag, rc == 0 ? (uint32_t)(*out_skipped - max) : 0);
    }
    bytebuf_release(&select);
    bytebuf_release(&sql);
    free(m.items);
    return rc;
}

int ddb_bulk_skip(struct ddb_session *s, const struct ddb_bulk *bulk, struct diag *diag,
                  uint64_t *out_skipped)
{
    atomic_fetch_add(&s->instance->counters.unique_lookups, 1);
    return bulk->index_count > 1 ? skip_in_order(s, bulk, diag, out_skipped)
                                 : skip_by_query(s, bulk, diag, out_skipped);
}
