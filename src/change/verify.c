/*
 * The copy of a table against its source.
 *
 * The table is locked on the source for as long as it takes to open a view there and, once the
 * stream has come to the view's place, one here: both show the same rows, whatever is written
 * afterwards, or the copy is wrong. Then both are read, in any order: rows fall into buckets by the
 * hash of their keys, and a bucket is the sums of hashes of its rows. For buckets that differ both
 * are read again and the rows compared. Memory does not grow with the table.
 */
#include "change/snapshot_int.h"

#include "base/clock.h"
#include "os/offload.h"
#include "types/convert.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    BUCKETS = 1024,
    LOCK_US = 1000 * 1000, /* The longest that writers wait. */
    ATTEMPTS = 10,
    WAIT_US = 200 * 1000,        /* Between looks at whether it is to end. */
    CHUNKS_A_STEP = 16,          /* Read from the copy before the fiber looks up. */
    ROWS_MAX = 64 * 1024 * 1024, /* Bytes of rows kept to say where they differ. */
    VALUE_MAX = 100,             /* Characters of a value in a message. */
    ROW_MAX = 1024 * 1024 * 1024,
};

/* The rows of a bucket, in no order. */
struct bucket {
    uint64_t rows, sum, other_sum;
    bool differs;
};

/* A row that one side has more often than the other. */
struct odd_row {
    struct str row;  /* For each column its length + 1 (4 bytes; 0: NULL) and its bytes. */
    struct str key;  /* As `row`, of the key's columns; all of them without a key. */
    struct str text; /* Of the key, for messages. */
    int64_t count;   /* On the source minus in the copy. */
};

struct verify {
    struct snapshot *s;
    struct copy_table *t;
    struct diag *d;
    struct snapshot_view view;
    struct engine_session *session;
    struct arena arena;
    struct sql_type *types;
    struct bytebuf row, key;
    struct bucket *source, *copy;
    struct htab odd; /* struct odd_row by row; of the second reading. */
    struct arena odd_arena;
    bool is_second;
    bool is_cut; /* There were too many rows to keep. */
};

/* Is the snapshot, or the caller, told to end? */
static bool is_ending(const struct verify *v)
{
    return atomic_load(&v->s->stopping) || fiber_interrupted() != 0;
}

/* ---- Rows ---- */

static void put_value(struct bytebuf *b, const struct vec *v, uint32_t row)
{
    uint32_t len = 0;
    if (vec_is_null(v, row)) {
        bytebuf_put(b, &len, sizeof(len));
        return;
    }
    const struct str bytes =
        v->phys == VEC_STR ? vec_str_get((const struct vec_str *)v->data + row)
                           : str_from((const char *)v->data + (size_t)row * vec_phys_size(v->phys),
                                      vec_phys_size(v->phys));
    len = (uint32_t)bytes.len + 1;
    bytebuf_put(b, &len, sizeof(len));
    bytebuf_put_str(b, bytes);
}

static void serialize(struct verify *v, const struct chunk *c, uint32_t row)
{
    bytebuf_reset(&v->row);
    for (uint32_t i = 0; i < c->ncols; i++) {
        put_value(&v->row, &c->cols[i], row);
    }
    bytebuf_reset(&v->key);
    for (uint32_t i = 0; i < v->t->key.count; i++) {
        put_value(&v->key, &c->cols[v->t->key.columns[i]], row);
    }
    if (v->t->key.count == 0) {
        bytebuf_put_str(&v->key, bytebuf_str(&v->row));
    }
}

static struct str value_text(const struct vec *vec, uint32_t row, struct arena *a)
{
    struct value value;
    vec_get(vec, row, &value);
    const struct str text =
        value_is_null(&value) ? STR("NULL") : value_to_text(&value, vec->type, a);
    return str_from(text.p, MIN(text.len, (size_t)VALUE_MAX));
}

/* "id = 5, name = x" */
static struct str key_text(const struct verify *v, const struct chunk *c, uint32_t row,
                           struct arena *a)
{
    const struct copy_key *key = &v->t->key;
    struct str text = STR("");
    const uint32_t n = key->count > 0 ? key->count : MIN(c->ncols, 3u);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t col = key->count > 0 ? key->columns[i] : i;
        const struct str value = value_text(&c->cols[col], row, a);
        text = arena_printf(a, "%.*s%s%.*s = %.*s", STR_FMT(text), i > 0 ? ", " : "",
                            STR_FMT(v->t->def->columns[col].name), STR_FMT(value));
    }
    return text;
}

static void count_row(struct verify *v, struct bucket *buckets)
{
    struct bucket *b = &buckets[str_hash(bytebuf_str(&v->key)) % BUCKETS];
    const uint64_t hash = str_hash(bytebuf_str(&v->row));
    bytebuf_put_char(&v->row, '\1');
    b->rows++;
    b->sum += hash;
    b->other_sum += str_hash(bytebuf_str(&v->row));
}

static void keep_row(struct verify *v, const struct chunk *c, uint32_t row, int64_t count)
{
    if (!v->source[str_hash(bytebuf_str(&v->key)) % BUCKETS].differs) {
        return;
    }
    struct odd_row *odd = htab_find(&v->odd, bytebuf_str(&v->row));
    if (odd == NULL && v->odd_arena.used > ROWS_MAX) {
        v->is_cut = true;
        return;
    }
    if (odd == NULL) {
        odd = ARENA_NEW(&v->odd_arena, struct odd_row);
        odd->row = arena_dup(&v->odd_arena, bytebuf_str(&v->row));
        odd->key = arena_dup(&v->odd_arena, bytebuf_str(&v->key));
        odd->text = key_text(v, c, row, &v->odd_arena);
        (void)htab_put(&v->odd, odd->row, odd);
    }
    odd->count += count;
}

/* is_source: else of the copy. */
static void take_chunk(struct verify *v, const struct chunk *c, struct bucket *buckets)
{
    for (uint32_t row = 0; row < c->nrows; row++) {
        serialize(v, c, row);
        if (v->is_second) {
            keep_row(v, c, row, buckets == v->source ? 1 : -1);
        } else {
            count_row(v, buckets);
        }
    }
}

/* ---- Reading the source ---- */

static int read_source_rows(struct verify *v, struct upstream_rows *r, struct chunk_builder *b)
{
    struct snapshot_format f;
    const struct wire_column *columns;
    const uint32_t count = upstream_rows_columns(r, &columns);
    struct str payload;
    int rc = snapshot_format_init(&f, v->t->def, columns, count, &v->arena, v->d) == 0 ? 1 : -1;
    while (rc > 0) {
        rc = upstream_rows_next(r, &payload, v->d);
        if (rc > 0 && snapshot_put_row(&f, payload, b, v->d) != 0) {
            rc = -1;
        }
        if (rc == 0 || chunk_builder_is_full(b)) {
            const struct chunk c = chunk_builder_chunk(b);
            take_chunk(v, &c, v->source);
            chunk_builder_reset(b);
            fiber_yield();
            if (is_ending(v)) {
                return diag_set(v->d, ER_QUERY_INTERRUPTED);
            }
        }
    }
    return rc;
}

static int read_source(struct verify *v)
{
    struct bytebuf sql;
    struct chunk_builder b;
    int rc = -1;
    bytebuf_init(&sql, SNAPSHOT_SQL_MAX);
    snapshot_put_select(&sql, v->t, STR_NULL, 0);
    struct upstream_rows *r =
        upstream_rows_begin(v->view.c, bytebuf_str(&sql), true, &v->arena, v->d);
    bytebuf_release(&sql);
    if (r != NULL) {
        chunk_builder_init(&b, v->types, v->t->def->column_count);
        rc = read_source_rows(v, r, &b);
        upstream_rows_end(r);
        chunk_builder_release(&b);
    }
    return rc;
}

/* ---- Reading the copy: on offload threads ---- */

struct reading {
    struct verify *v;
    struct str text;
    struct engine_cursor *cursor;
    enum engine_result result;
};

static void open_cursor(void *arg)
{
    struct reading *r = arg;
    const struct engine_query q = {
        .text = r->text, .column_count = r->v->t->def->column_count, .types = r->v->types};
    r->result =
        engine_query_open(r->v->session, &q, r->v->d, &r->cursor) == 0 ? ENGINE_ROW : ENGINE_FAIL;
}

static void read_step(void *arg)
{
    struct reading *r = arg;
    for (int i = 0; i < CHUNKS_A_STEP && r->result == ENGINE_ROW; i++) {
        struct chunk c;
        r->result = engine_fetch(r->cursor, r->v->d, &c);
        if (r->result == ENGINE_ROW) {
            take_chunk(r->v, &c, r->v->copy);
        }
    }
}

static void close_cursor(void *arg)
{
    struct reading *r = arg;
    engine_cursor_close(r->cursor);
}

static int read_copy(struct verify *v)
{
    const struct table_def *def = v->t->def;
    struct reading r = {.v = v, .result = ENGINE_FAIL};
    struct bytebuf sql;
    bytebuf_init(&sql, SNAPSHOT_SQL_MAX);
    for (uint32_t i = 0; i < def->column_count; i++) {
        bytebuf_printf(&sql, "%sc%" PRIu32, i == 0 ? "SELECT " : ", ", def->columns[i].id);
    }
    bytebuf_printf(&sql, " FROM t%" PRIu64, def->id);
    r.text = bytebuf_str(&sql);
    enum offload_result done = offload_run(OFFLOAD_QUERY, open_cursor, &r);
    while (done == OFFLOAD_DONE && r.result == ENGINE_ROW && !is_ending(v)) {
        done = offload_run(OFFLOAD_QUERY, read_step, &r);
    }
    if (r.cursor != NULL) {
        offload_run_always(OFFLOAD_QUERY, close_cursor, &r);
    }
    bytebuf_release(&sql);
    if (done != OFFLOAD_DONE || r.result == ENGINE_ROW) {
        return diag_set(v->d, ER_QUERY_INTERRUPTED);
    }
    return r.result == ENGINE_END ? 0 : -1;
}

/* ---- Two views of one moment ---- */

struct opening {
    struct verify *v;
    int rc;
};

static void open_session(void *arg)
{
    struct opening *o = arg;
    struct verify *v = o->v;
    o->rc = engine_session_open(v->s->server->engine, v->d, &v->session);
    if (o->rc == 0) {
        o->rc = engine_begin(v->session, ENGINE_READ_ONLY | ENGINE_SNAPSHOT, v->d);
    }
}

static void close_session(void *arg)
{
    struct verify *v = arg;
    engine_rollback(v->session);
    engine_session_close(v->session);
    v->session = NULL;
}

static void let_go_of_copy(struct verify *v)
{
    if (v->session != NULL) {
        offload_run_always(OFFLOAD_QUERY, close_session, v);
    }
}

static int wait_for(struct verify *v, const char *file, uint64_t offset, uint64_t deadline_us)
{
    struct change_position need;
    int rc = -1;
    change_position_init(&need);
    (void)snprintf(need.file, sizeof(need.file), "%s", file);
    need.offset = offset;
    for (;;) {
        const uint64_t look_us = clock_monotonic_us() + WAIT_US;
        rc = pipeline_wait(v->s->pipeline, &need, true, MIN(look_us, deadline_us), v->d);
        const bool is_late = rc != 0 && v->d->error->code == ER_LOCK_WAIT_TIMEOUT;
        if (!is_late || look_us >= deadline_us || is_ending(v)) {
            break;
        }
        diag_clear_error(v->d);
    }
    change_position_release(&need);
    return is_ending(v) ? diag_set(v->d, ER_QUERY_INTERRUPTED) : rc;
}

/* The stream is close behind when it has passed what is in the log now. */
static int catch_up(struct verify *v)
{
    struct change_position now;
    change_position_init(&now);
    const int rc = snapshot_source_now(v->view.c, &now, v->d) != 0
                       ? -1
                       : wait_for(v, now.file, now.offset, FIBER_FOREVER);
    change_position_release(&now);
    return rc;
}

static bool is_still_live(const struct verify *v)
{
    struct copy_table *now = copy_find(v->s->copy, v->t->db, v->t->name);
    const bool same = now == v->t && atomic_load(&v->t->state) == COPY_LIVE;
    copy_table_unref(now);
    return same;
}

/* With the lock held. 1: both views are open; 0: the stream was too far behind; -1 with d set. */
static int open_copy(struct verify *v)
{
    struct opening o = {.v = v, .rc = -1};
    if (wait_for(v, v->view.file, v->view.offset, clock_monotonic_us() + LOCK_US) != 0) {
        const bool is_late = v->d->error != NULL && v->d->error->code == ER_LOCK_WAIT_TIMEOUT;
        if (is_late) {
            diag_clear_error(v->d);
        }
        return is_late ? 0 : -1;
    }
    if (offload_run(OFFLOAD_QUERY, open_session, &o) != OFFLOAD_DONE) {
        return diag_set(v->d, ER_QUERY_INTERRUPTED);
    }
    if (o.rc != 0) {
        return -1;
    }
    return is_still_live(v) ? 1 : diag_set(v->d, ER_TABLE_DEF_CHANGED);
}

static int open_views_once(struct verify *v)
{
    if (catch_up(v) != 0 || snapshot_view_open_locked(&v->view, v->t, v->d) != 0) {
        return -1;
    }
    const int rc = open_copy(v);
    snapshot_view_unlock(&v->view);
    if (rc <= 0) {
        snapshot_view_close(&v->view);
        let_go_of_copy(v);
    }
    return rc;
}

static int open_views(struct verify *v)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        const int rc = open_views_once(v);
        if (rc != 0) {
            return rc > 0 ? 0 : -1;
        }
    }
    return diag_set_text(v->d, ER_LOCK_WAIT_TIMEOUT,
                         STR("the copy is too far behind its source to be compared"));
}

/* ---- Differences ---- */

static bool find_differences(struct verify *v, struct verify_result *out)
{
    for (uint32_t i = 0; i < BUCKETS; i++) {
        struct bucket *a = &v->source[i];
        const struct bucket *b = &v->copy[i];
        a->differs = a->rows != b->rows || a->sum != b->sum || a->other_sum != b->other_sum;
        out->chunks += a->rows + b->rows > 0;
        out->rows += a->rows;
        out->differing_chunks += a->differs;
    }
    return out->differing_chunks > 0;
}

/* The first column in which two rows differ. */
static uint32_t first_difference(const struct verify *v, struct str a, struct str b)
{
    for (uint32_t i = 0; i < v->t->def->column_count; i++) {
        uint32_t a_len;
        uint32_t b_len;
        memcpy(&a_len, a.p, sizeof(a_len));
        memcpy(&b_len, b.p, sizeof(b_len));
        const size_t n = sizeof(a_len) + (a_len > 0 ? a_len - 1 : 0);
        if (a_len != b_len || memcmp(a.p, b.p, n) != 0) {
            return i;
        }
        a = str_from(a.p + n, a.len - n);
        b = str_from(b.p + n, b.len - n);
    }
    return 0;
}

static struct str describe(struct verify *v, const struct odd_row *odd, const struct odd_row *other)
{
    struct arena *a = &v->odd_arena;
    if (other == NULL || v->t->key.count == 0) {
        return arena_printf(a, "row (%.*s): %s", STR_FMT(odd->text),
                            odd->count > 0 ? "not in the copy" : "not on the source");
    }
    const uint32_t column = first_difference(v, odd->row, other->row);
    return arena_printf(a, "row (%.*s): column %.*s differs", STR_FMT(odd->text),
                        STR_FMT(v->t->def->columns[column].name));
}

/* The rows that one side has alone, by key. */
struct sides {
    struct htab source, copy;
};

static void sort_sides(struct verify *v, struct sides *sides)
{
    size_t pos = 0;
    struct odd_row *odd;
    htab_init(&sides->source, 0);
    htab_init(&sides->copy, 0);
    while ((odd = htab_next(&v->odd, &pos)) != NULL) {
        if (odd->count != 0) {
            (void)htab_put(odd->count > 0 ? &sides->source : &sides->copy, odd->key, odd);
        }
    }
}

/* Tells one difference of each bucket, in their order; the others are counted. */
static void tell(struct verify *v, struct verify_result *out,
                 void (*fn)(void *arg, struct str difference), void *arg)
{
    struct sides sides;
    struct str *texts = ARENA_ARRAY(&v->odd_arena, struct str, BUCKETS);
    size_t pos = 0;
    struct odd_row *odd;
    sort_sides(v, &sides);
    while ((odd = htab_next(&v->odd, &pos)) != NULL) {
        const uint64_t bucket = str_hash(odd->key) % BUCKETS;
        const bool is_pair =
            odd->count < 0 && v->t->key.count > 0 && htab_find(&sides.source, odd->key) != NULL;
        if (odd->count == 0 || is_pair) {
            continue;
        }
        out->differing_rows += (uint64_t)(odd->count < 0 ? -odd->count : odd->count);
        if (texts[bucket].len == 0) {
            texts[bucket] =
                describe(v, odd, odd->count > 0 ? htab_find(&sides.copy, odd->key) : NULL);
        }
    }
    for (uint32_t i = 0; i < BUCKETS; i++) {
        if (texts[i].len > 0) {
            fn(arg, arena_printf(&v->odd_arena, "chunk %" PRIu32 ", %.*s", i, STR_FMT(texts[i])));
        }
    }
    htab_release(&sides.source);
    htab_release(&sides.copy);
    if (v->is_cut) {
        fn(arg, STR("more rows differ than can be told"));
    }
}

static int compare(struct verify *v, struct verify_result *out,
                   void (*fn)(void *arg, struct str difference), void *arg)
{
    if (read_source(v) != 0 || read_copy(v) != 0) {
        return -1;
    }
    if (!find_differences(v, out)) {
        return 0;
    }
    v->is_second = true;
    if (read_source(v) != 0 || read_copy(v) != 0) {
        return -1;
    }
    tell(v, out, fn, arg);
    return 0;
}

/* ---- All of it ---- */

static void verify_init(struct verify *v, struct snapshot *s, struct copy_table *t, struct diag *d)
{
    *v = (struct verify){.s = s, .t = t, .d = d};
    arena_init(&v->arena, 0);
    arena_init(&v->odd_arena, 0);
    htab_init(&v->odd, 0);
    bytebuf_init(&v->row, ROW_MAX);
    bytebuf_init(&v->key, ROW_MAX);
    v->source = ARENA_ARRAY(&v->arena, struct bucket, BUCKETS);
    v->copy = ARENA_ARRAY(&v->arena, struct bucket, BUCKETS);
    v->types = table_column_types(t->def, &v->arena);
}

static void verify_release(struct verify *v)
{
    let_go_of_copy(v);
    fiber_mask_interrupts();
    upstream_close(v->view.c);
    upstream_close(v->view.locker);
    fiber_unmask_interrupts();
    bytebuf_release(&v->row);
    bytebuf_release(&v->key);
    htab_release(&v->odd);
    arena_release(&v->odd_arena);
    arena_release(&v->arena);
}

static int verify_table(struct verify *v, struct verify_result *out,
                        void (*fn)(void *arg, struct str difference), void *arg)
{
    v->view.c = snapshot_connect(&v->s->o, v->d);
    if (v->view.c == NULL) {
        return -1;
    }
    v->view.locker = snapshot_connect(&v->s->o, v->d);
    if (v->view.locker == NULL || open_views(v) != 0) {
        return -1;
    }
    const int rc = compare(v, out, fn, arg);
    snapshot_view_close(&v->view);
    return rc;
}

int change_verify(struct snapshot *s, struct str db, struct str name,
                  void (*fn)(void *arg, struct str difference), void *arg, struct diag *d,
                  struct verify_result *out)
{
    struct verify v;
    *out = (struct verify_result){0};
    struct copy_table *t = copy_find(s->copy, db, name);
    if (t == NULL || atomic_load(&t->state) != COPY_LIVE) {
        struct arena arena;
        arena_init(&arena, 0);
        const struct str why = copy_why_not(s->copy, db, name, &arena);
        const int rc = diag_set_text(d, ER_NO_SUCH_TABLE,
                                     arena_printf(&arena, "Table '%.*s.%.*s' has no copy: %.*s",
                                                  STR_FMT(db), STR_FMT(name), STR_FMT(why)));
        arena_release(&arena);
        copy_table_unref(t);
        return rc;
    }
    verify_init(&v, s, t, d);
    const int rc = verify_table(&v, out, fn, arg);
    verify_release(&v);
    copy_table_unref(t);
    return rc;
}
