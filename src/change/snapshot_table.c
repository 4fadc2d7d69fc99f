/*
 * One table: from PENDING to LOADING, and its chunks one after another until it is LIVE. See
 * snapshot_int.h; the recipe and its proof: docs/replication.md.
 */
#include "change/snapshot_int.h"

#include "base/clock.h"

#include <stdlib.h>

enum {
    /* Of a view, whose metadata lock lasts from its first SELECT to its end: */
    VIEW_SELECT_US = SNAPSHOT_VIEW_US / 2,    /* no SELECT is begun later, */
    VIEW_ROW_US = SNAPSHOT_VIEW_US / 4 * 3,   /* no row is taken later, */
    VIEW_LAST_US = SNAPSHOT_VIEW_US / 10 * 9, /* and none is waited for. */
    CLOSE_US = 100 * 1000,        /* For the end of a view, then the connection is dropped. */
    DRAIN_US = 50 * 1000,         /* For rows that are not wanted, likewise. */
    SELECT_TINY_US = 12 * 1000,   /* A SELECT that takes less may be larger by far, */
    SELECT_SHORT_US = 100 * 1000, /* one that takes less larger, */
    SELECT_LONG_US = 200 * 1000,  /* one that takes more is to be smaller. */
    GROWTH_LARGE = 8,
    FIRST_ROWS = 16,
    YIELD_ROWS = 512,
    ROOM_PARTS = 16,                  /* One of them is not worth a SELECT. */
    BROUGHT_BYTES = 64 * 1024 * 1024, /* Of keys in memory. */
};

/* Rows of one window. */
struct row_set {
    struct chunk_builder *builders;
    uint32_t builder_cap;   /* Those that are initialised. */
    uint32_t builder_count; /* Those that have rows. */
    uint64_t rows, bytes;
};

/* A merge under way, in a fiber of its own while the next rows are read. */
struct merge_job {
    struct table_copy *k;
    struct pipeline_window *window;
    struct snapshot_view view;
    struct row_set *set;
    struct arena arena; /* Of last_key and the array of chunks. */
    struct str last_key;
    bool is_last;
    struct fiber *fiber; /* NULL: none is under way. */
    struct fiber *waiter;
    bool is_done;
    int rc;
    struct diag diag;
};

/* A table being copied. */
struct table_copy {
    struct snapshot_worker *w;
    struct snapshot *s;
    struct copy_table *t;
    struct sql_type *types; /* Of its columns. */
    size_t builder_bytes;   /* What a builder takes besides strings. */
    struct arena arena;     /* Of the table. */
    struct arena scratch;   /* Of a view. */
    struct row_set sets[2]; /* One is filled while the other is merged. */
    struct row_set *set;    /* Being filled. */
    struct merge_job merge;
    struct bytebuf last_key; /* Behind which the next chunk begins. */
    struct snapshot_limit limit;
    uint64_t begun_us;   /* The view's SELECTs. */
    bool is_overdue;     /* The view's time was over before a SELECT had brought what it was to. */
    uint64_t total_rows; /* Merged. */
    uint64_t total_bytes;
    bool is_last; /* There are no rows behind last_key. */
};

/* ---- Builders ---- */

static size_t row_bytes(const struct table_def *def)
{
    size_t n = 0;
    for (uint32_t i = 0; i < def->column_count; i++) {
        n += vec_phys_size(type_phys(&def->columns[i].type)) + 1;
    }
    return n;
}

static void copy_begin(struct table_copy *k, struct snapshot_worker *w, struct copy_table *t)
{
    *k = (struct table_copy){.w = w, .s = w->s, .t = t};
    snapshot_limit_init(&k->limit);
    k->set = &k->sets[0];
    arena_init(&k->merge.arena, 0);
    diag_init(&k->merge.diag);
    arena_init(&k->arena, 0);
    arena_init(&k->scratch, 0);
    bytebuf_init(&k->last_key, SNAPSHOT_SQL_MAX);
    k->types = table_column_types(t->def, &k->arena);
    k->builder_bytes = row_bytes(t->def) * CHUNK_ROWS;
}

static void copy_end(struct table_copy *k)
{
    for (size_t n = 0; n < ARRAY_SIZE(k->sets); n++) {
        for (uint32_t i = 0; i < k->sets[n].builder_cap; i++) {
            chunk_builder_release(&k->sets[n].builders[i]);
        }
        free(k->sets[n].builders);
    }
    diag_release(&k->merge.diag);
    arena_release(&k->merge.arena);
    bytebuf_release(&k->last_key);
    arena_release(&k->scratch);
    arena_release(&k->arena);
}

static void forget_rows(struct row_set *set)
{
    for (uint32_t i = 0; i < set->builder_count; i++) {
        chunk_builder_reset(&set->builders[i]);
    }
    set->builder_count = 0;
    set->rows = 0;
    set->bytes = 0;
}

/* A builder with room for a row. */
static struct chunk_builder *builder_with_room(struct table_copy *k)
{
    struct row_set *set = k->set;
    if (set->builder_count > 0 && !chunk_builder_is_full(&set->builders[set->builder_count - 1])) {
        return &set->builders[set->builder_count - 1];
    }
    if (set->builder_count == set->builder_cap) {
        struct chunk_builder *more =
            realloc(set->builders, (set->builder_cap + 1) * sizeof(*set->builders));
        if (more == NULL) {
            abort();
        }
        set->builders = more;
        chunk_builder_init(&more[set->builder_cap++], k->types, k->t->def->column_count);
    }
    return &set->builders[set->builder_count++];
}

/* ---- Reading ---- */

/* At once: until then the source may keep the view and its lock. */
static void hang_up_broken(struct snapshot_worker *w)
{
    if (w->c != NULL && w->c->broken) {
        upstream_close(w->c);
        w->c = NULL;
    }
}

/* The worker's connection, anew where the last one was dropped. */
static int connect_worker(struct snapshot_worker *w, struct diag *d)
{
    hang_up_broken(w);
    if (w->c == NULL) {
        w->is_dropped = false;
        w->c = snapshot_connect(&w->s->o, d);
    }
    return w->c != NULL ? 0 : -1;
}

/* Stops the reader: the next SELECT goes on behind this row. */
static int remember_key(struct table_copy *k, const struct snapshot_format *f, struct str payload,
                        struct diag *d)
{
    struct str key;
    if (snapshot_key_text(f, &k->t->key, payload, &k->scratch, &key) != 0) {
        return diag_set(d, ER_MALFORMED_PACKET);
    }
    bytebuf_reset(&k->last_key);
    bytebuf_put_str(&k->last_key, key);
    return 0;
}

static int put_row(struct table_copy *k, const struct snapshot_format *f, struct str payload,
                   struct diag *d)
{
    struct chunk_builder *b = builder_with_room(k);
    const size_t before = chunk_builder_bytes(b);
    if (b->nrows == 0) {
        k->set->bytes += k->builder_bytes;
    }
    if (snapshot_put_row(f, payload, b, d) != 0) {
        return -1;
    }
    k->set->bytes += chunk_builder_bytes(b) - before;
    if (++k->set->rows % YIELD_ROWS == 0) {
        fiber_yield();
    }
    return 0;
}

static bool is_full(const struct table_copy *k)
{
    return k->set->bytes >= k->s->o.chunk_bytes;
}

/* Is another SELECT worth while? */
static bool has_room(const struct table_copy *k)
{
    return k->set->bytes < k->s->o.chunk_bytes / ROOM_PARTS * (ROOM_PARTS - 1);
}

/* Is the time of the view over? Asked for where rows are waited for. */
static bool is_late(const struct table_copy *k)
{
    return !conn_has_packet(&k->w->c->conn) && clock_monotonic_us() >= k->begun_us + VIEW_ROW_US;
}

/* Reads up to `limit` rows. A chunk that is full of bytes before, or late, ends there: what the
 * source sends behind is dropped. */
static int read_rows(struct table_copy *k, struct upstream_rows *r, uint64_t limit, struct diag *d)
{
    struct snapshot_format f;
    const struct wire_column *columns;
    const uint32_t count = upstream_rows_columns(r, &columns);
    struct str payload;
    uint64_t rows = 0;
    int rc = 1;
    if (snapshot_format_init(&f, k->t->def, columns, count, &k->scratch, d) != 0) {
        return -1;
    }
    while ((rc = upstream_rows_next(r, &payload, d)) > 0) {
        if (put_row(k, &f, payload, d) != 0) {
            return -1;
        }
        if (++rows == limit || is_full(k) || is_late(k)) {
            return remember_key(k, &f, payload, d);
        }
    }
    k->is_last = rc == 0;
    return rc;
}

void snapshot_limit_init(struct snapshot_limit *l)
{
    *l = (struct snapshot_limit){.rows = FIRST_ROWS};
}

uint64_t snapshot_limit_next(const struct snapshot_limit *l, uint64_t room)
{
    return l->row_bytes > 0 ? MIN(l->rows, room / l->row_bytes + 1) : l->rows;
}

void snapshot_limit_adapt(struct snapshot_limit *l, uint64_t rows, uint64_t bytes, uint64_t us)
{
    if (us > SELECT_LONG_US) {
        l->rows = MAX(MIN(l->rows, rows) / 2, (uint64_t)1);
    } else if (us < SELECT_SHORT_US && rows >= l->rows) {
        const uint64_t growth = us < SELECT_TINY_US ? GROWTH_LARGE : 2;
        l->rows = MIN(l->rows * growth, (uint64_t)SNAPSHOT_CHUNK_ROWS_MAX);
    }
    if (rows > 0) {
        l->row_bytes = bytes / rows + 1;
    }
}

/* What the source sends yet is read when it is little; else the connection is dropped, which makes
 * the source end the SELECT. */
static void end_rows(struct table_copy *k, struct upstream_rows *r)
{
    const uint64_t until_us = clock_monotonic_us() + DRAIN_US;
    struct upstream_conn *c = k->w->c;
    const bool was_broken = c->broken;
    struct diag ignored;
    struct str payload;
    diag_init(&ignored);
    while (!c->broken && upstream_rows_next(r, &payload, &ignored) > 0) {
        c->broken = clock_monotonic_us() >= until_us;
    }
    k->w->is_dropped = c->broken && !was_broken;
    diag_release(&ignored);
    upstream_rows_end(r);
}

static int read_select(struct table_copy *k, struct diag *d)
{
    const uint64_t begun_us = clock_monotonic_us();
    const uint64_t rows = k->set->rows;
    const uint64_t bytes = k->set->bytes;
    const uint64_t limit = snapshot_limit_next(&k->limit, k->s->o.chunk_bytes - bytes);
    struct upstream_conn *c = k->w->c;
    struct bytebuf sql;
    int rc = -1;
    /* A row alone has all the time that it needs. */
    c->read_until_us = limit > 1 ? k->begun_us + VIEW_LAST_US : 0;
    bytebuf_init(&sql, SNAPSHOT_SQL_MAX);
    snapshot_put_select(&sql, k->t, bytebuf_str(&k->last_key), limit);
    struct upstream_rows *r = upstream_rows_begin(c, bytebuf_str(&sql), true, &k->scratch, d);
    bytebuf_release(&sql);
    if (r != NULL) {
        rc = read_rows(k, r, limit, d);
        end_rows(k, r);
    }
    const uint64_t now_us = clock_monotonic_us();
    k->is_overdue = rc != 0 && c->broken && !k->w->is_dropped && c->read_until_us != 0 &&
                    now_us >= c->read_until_us;
    snapshot_limit_adapt(&k->limit, k->set->rows - rows, k->set->bytes - bytes, now_us - begun_us);
    return rc;
}

/* Is the source's definition still the one that is being copied? With the view open: later changes
 * make the SELECT fail. */
static int check_definition(struct table_copy *k, struct diag *d)
{
    struct str now;
    if (snapshot_read_definition(k->w->c, k->t->db, k->t->name, &k->scratch, d, &now) != 0) {
        return -1;
    }
    if (k->t->schema_hash != 0 && copy_schema_hash(now) != k->t->schema_hash) {
        return diag_set(d, ER_TABLE_DEF_CHANGED);
    }
    return 0;
}

/* With the view open. */
static int read_chunk(struct table_copy *k, struct diag *d)
{
    int rc = check_definition(k, d);
    k->begun_us = clock_monotonic_us();
    while (rc == 0 && !k->is_last && has_room(k) &&
           clock_monotonic_us() < k->begun_us + VIEW_SELECT_US) {
        rc = read_select(k, d);
    }
    return rc;
}

static int read_view(struct table_copy *k, const struct change_position *a0,
                     struct snapshot_view *v, struct diag *d)
{
    if (snapshot_guard(v->c, d) != 0) {
        return -1;
    }
    int rc = snapshot_view_open(v, a0, k->t, d);
    if (rc == 0) {
        rc = read_chunk(k, d);
        v->c->read_until_us = clock_monotonic_us() + CLOSE_US;
        snapshot_view_close(v);
        v->c->read_until_us = 0;
    }
    snapshot_unguard(v->c);
    hang_up_broken(k->w);
    return rc;
}

/* ---- With a key ---- */

/* Does the view need a lock on the table? Where GTIDs do not tell what can be seen; MariaDB says
 * exactly where its view lies. */
static bool needs_lock(const struct table_copy *k, const struct change_position *a0)
{
    return k->w->c->kind == UPSTREAM_MYSQL &&
           (a0->mode != CHANGE_BY_MYSQL_GTID || k->t->key.count == 0);
}

static int prepare_view(struct table_copy *k, const struct change_position *a0,
                        struct snapshot_view *v, struct diag *d)
{
    *v = (struct snapshot_view){.c = k->w->c};
    if (!needs_lock(k, a0)) {
        return 0;
    }
    if (k->w->locker == NULL) {
        k->w->locker = snapshot_connect(&k->s->o, d);
    }
    v->locker = k->w->locker;
    return v->locker != NULL ? 0 : -1;
}

static void count_rows(struct table_copy *k, int64_t rows, int64_t bytes)
{
    atomic_fetch_add(&k->t->rows_copied, (uint64_t)rows);
    atomic_fetch_add(&k->t->bytes_copied, (uint64_t)bytes);
    atomic_fetch_add(&k->s->rows, (uint64_t)rows);
    atomic_fetch_add(&k->s->bytes, (uint64_t)bytes);
}

static void run_merge(void *arg)
{
    struct merge_job *job = arg;
    struct table_copy *k = job->k;
    struct row_set *set = job->set;
    struct chunk *chunks = ARENA_ARRAY(&job->arena, struct chunk, set->builder_count + 1);
    for (uint32_t i = 0; i < set->builder_count; i++) {
        chunks[i] = chunk_builder_chunk(&set->builders[i]);
    }
    const struct pipeline_merge m = {.file = job->view.file,
                                     .offset = job->view.offset,
                                     .chunk_count = set->builder_count,
                                     .chunks = chunks,
                                     .last_key = job->last_key,
                                     .last = job->is_last};
    /* The record that is stored with them counts them. */
    count_rows(k, (int64_t)set->rows, (int64_t)set->bytes);
    job->rc = pipeline_window_merge(job->window, &m, &job->diag);
    if (job->rc != 0) {
        count_rows(k, -(int64_t)set->rows, -(int64_t)set->bytes);
    } else {
        k->total_rows += set->rows;
    }
    job->is_done = true;
    fiber_wake(job->waiter);
}

/* Waits for the merge under way, if there is one. 0, or -1 with d set. */
static int await_merge(struct table_copy *k, struct diag *d)
{
    struct merge_job *job = &k->merge;
    if (job->fiber == NULL) {
        return 0;
    }
    while (!job->is_done) {
        if (fiber_park(FIBER_FOREVER) == FIBER_INTERRUPTED) {
            fiber_interrupt(job->fiber, SNAPSHOT_STOP);
            break;
        }
    }
    fiber_join(job->fiber);
    job->fiber = NULL;
    forget_rows(job->set);
    if (job->rc != 0 && d->error == NULL && job->diag.error != NULL) {
        (void)diag_set_text(d, job->diag.error->code, job->diag.error->message);
    }
    return job->rc;
}

/* Has the rows merged that were read; they come after those of the merge before. */
static int begin_merge(struct table_copy *k, struct pipeline_window *window,
                       const struct snapshot_view *v, struct diag *d)
{
    struct merge_job *job = &k->merge;
    if (await_merge(k, d) != 0) {
        pipeline_window_drop(window);
        return -1;
    }
    arena_reset(&job->arena);
    diag_reset(&job->diag);
    job->k = k;
    job->window = window;
    job->view = *v;
    job->set = k->set;
    job->last_key = arena_dup(&job->arena, bytebuf_str(&k->last_key));
    job->is_last = k->is_last;
    job->is_done = false;
    job->rc = -1;
    job->waiter = fiber_self();
    job->fiber = fiber_spawn_ref(k->s->loop, run_merge, job);
    if (job->fiber == NULL) {
        pipeline_window_drop(window);
        return diag_set(d, ER_OUT_OF_RESOURCES);
    }
    k->set = k->set == &k->sets[0] ? &k->sets[1] : &k->sets[0];
    return 0;
}

/* One window: a view, its chunks, the merge, which is only begun. */
static int copy_window(struct table_copy *k, struct diag *d)
{
    struct change_position a0;
    struct snapshot_view v;
    struct pipeline_window *window;
    if (connect_worker(k->w, d) != 0) {
        return -1;
    }
    change_position_init(&a0);
    int rc = pipeline_window_open(k->s->pipeline, k->t, d, &a0, &window);
    if (rc == 0) {
        rc = prepare_view(k, &a0, &v, d) != 0 || read_view(k, &a0, &v, d) != 0 ? -1 : 0;
        if (rc == 0) {
            rc = begin_merge(k, window, &v, d);
        } else {
            pipeline_window_drop(window);
        }
    }
    change_position_release(&a0);
    return rc;
}

/* As copy_window(); what did not come in time is read again with fewer rows at once. */
static int copy_window_in_time(struct table_copy *k, struct diag *d)
{
    const struct str last_key = arena_dup(&k->scratch, bytebuf_str(&k->last_key));
    for (;;) {
        k->is_overdue = false;
        const int rc = copy_window(k, d);
        if (rc == 0 || !k->is_overdue || fiber_interrupted() != 0) {
            return rc;
        }
        diag_reset(d);
        forget_rows(k->set);
        bytebuf_reset(&k->last_key);
        bytebuf_put_str(&k->last_key, last_key);
    }
}

static int copy_keyed(struct table_copy *k, struct diag *d)
{
    bytebuf_put_str(&k->last_key, copy_last_key(k->s->copy, k->t, &k->arena));
    int rc = 0;
    while (rc == 0 && !k->is_last) {
        rc = copy_window_in_time(k, d);
        arena_reset(&k->scratch);
    }
    return await_merge(k, d) != 0 ? -1 : rc;
}

/* ---- Without a key ---- */

struct loader {
    struct table_copy *k;
    struct upstream_rows *rows;
    struct snapshot_format format;
};

/* A chunk of rows: 1, or 0 at the end, or -1. */
static int next_chunk(void *arg, struct chunk *out, struct diag *d)
{
    struct loader *l = arg;
    struct table_copy *k = l->k;
    struct str payload;
    int rc = 1;
    forget_rows(k->set);
    while (rc > 0 && k->set->rows < CHUNK_ROWS && !is_full(k)) {
        rc = upstream_rows_next(l->rows, &payload, d);
        if (rc > 0 && put_row(k, &l->format, payload, d) != 0) {
            rc = -1;
        }
    }
    if (rc < 0 || k->set->rows == 0) {
        return rc < 0 ? -1 : 0;
    }
    *out = chunk_builder_chunk(&k->set->builders[0]);
    k->total_rows += k->set->rows;
    k->total_bytes += k->set->bytes;
    count_rows(k, (int64_t)k->set->rows, (int64_t)k->set->bytes);
    return 1;
}

static int load_all(struct table_copy *k, struct pipeline_window *window,
                    const struct snapshot_view *v, struct diag *d)
{
    struct loader l = {.k = k};
    struct bytebuf sql;
    const struct wire_column *columns;
    bytebuf_init(&sql, SNAPSHOT_SQL_MAX);
    snapshot_put_select(&sql, k->t, STR_NULL, 0);
    l.rows = upstream_rows_begin(k->w->c, bytebuf_str(&sql), true, &k->scratch, d);
    bytebuf_release(&sql);
    int rc = -1;
    if (l.rows != NULL) {
        const uint32_t count = upstream_rows_columns(l.rows, &columns);
        rc = snapshot_format_init(&l.format, k->t->def, columns, count, &k->scratch, d);
    }
    if (rc != 0) {
        pipeline_window_drop(window);
    } else {
        rc = pipeline_window_load(window, v->file, v->offset, next_chunk, &l, d);
    }
    if (l.rows != NULL) {
        upstream_rows_end(l.rows);
    }
    return rc;
}

/* All of it in one view. */
static int copy_keyless(struct table_copy *k, struct diag *d)
{
    struct change_position a0;
    struct snapshot_view v;
    struct pipeline_window *window;
    change_position_init(&a0);
    int rc = pipeline_window_open(k->s->pipeline, k->t, d, &a0, &window);
    if (rc == 0) {
        rc = prepare_view(k, &a0, &v, d) != 0 || snapshot_view_open(&v, &a0, k->t, d) != 0 ? -1 : 0;
        if (rc != 0) {
            pipeline_window_drop(window);
        } else if (check_definition(k, d) != 0) {
            rc = -1;
            pipeline_window_drop(window);
            snapshot_view_close(&v);
        } else {
            rc = load_all(k, window, &v, d);
            snapshot_view_close(&v);
        }
    }
    if (rc != 0) {
        count_rows(k, -(int64_t)k->total_rows, -(int64_t)k->total_bytes);
    }
    change_position_release(&a0);
    return rc;
}

/* ---- From PENDING to LOADING ---- */

/* Servers show characters beyond the first 65,536 as question marks in labels, and what is one
 * cannot be told from what looks like one. */
static bool has_doubtful_label(const struct table_def *def)
{
    for (uint32_t i = 0; i < def->column_count; i++) {
        const struct type_labels *labels = def->columns[i].type.labels;
        for (uint32_t k = 0; labels != NULL && k < labels->count; k++) {
            if (labels->names[k].len > 0 &&
                memchr(labels->names[k].p, '?', labels->names[k].len) != NULL) {
                return true;
            }
        }
    }
    return false;
}

/* Why a table cannot be copied in the first place, or NULL. */
static const char *unfit(const struct table_def *def, struct str text)
{
    static const char versioned[] = " WITH SYSTEM VERSIONING";
    if (!str_eq_nocase(def->engine_name, STR("InnoDB"))) {
        return "its storage engine has no consistent views";
    }
    if (memmem(text.p, text.len, versioned, sizeof(versioned) - 1) != NULL) {
        return "its rows are versioned by the system";
    }
    if (has_doubtful_label(def)) {
        return "a label of an ENUM or SET has a question mark, or a character that the server shows "
               "as one";
    }
    return NULL;
}

/* The definition in the text, or NULL with *why set. */
static struct table_def *define(struct snapshot_worker *w, const struct copy_table *t,
                                struct str text, struct arena *arena, struct str *why)
{
    struct snapshot *s = w->s;
    struct table_def *def = NULL;
    struct diag d;
    diag_init(&d);
    mirror_model_set(&s->model, s->server, w->c->kind, w->c->version_id);
    if (s->x == NULL) {
        s->x = ARENA_NEW(&s->arena, struct exec_session);
        exec_session_init(s->x, &s->model.server, 0);
    }
    if (copy_define(s->x, t->db, text, &def, &d) != 0) {
        *why = arena_dup(arena, d.error != NULL ? d.error->message : STR("unknown construct"));
        def = NULL;
    } else if (unfit(def, text) != NULL) {
        *why = str_from_cstr(unfit(def, text));
        table_def_unref(def);
        def = NULL;
    }
    diag_release(&d);
    return def;
}

/* Waits until the stream has passed all that is in the source's log now. */
static int catch_up(struct snapshot_worker *w, struct diag *d)
{
    struct change_position now;
    change_position_init(&now);
    const int rc = snapshot_source_now(w->c, &now, d) != 0 ||
                           pipeline_wait(w->s->pipeline, &now, true, FIBER_FOREVER, d) != 0
                       ? -1
                       : 0;
    change_position_release(&now);
    return rc;
}

/*
 * The definition that was read before the stream came to where the source's log ended then, and is
 * the same afterwards, is that of the stream's place, as long as no statement in the stream touches
 * the table until it is LOADING: then it is another copy_table. Returns the table as it is LOADING,
 * with a reference; or NULL with *out set.
 */
static struct copy_table *prepare_table(struct snapshot_worker *w, struct copy_table *t,
                                        struct arena *arena, struct diag *d,
                                        enum snapshot_outcome *out)
{
    struct str before;
    struct str after;
    struct str why = STR_NULL;
    *out = SNAPSHOT_AGAIN;
    if (snapshot_read_definition(w->c, t->db, t->name, arena, d, &before) != 0 ||
        catch_up(w, d) != 0 ||
        snapshot_read_definition(w->c, t->db, t->name, arena, d, &after) != 0) {
        return NULL;
    }
    if (!str_eq(before, after)) {
        (void)diag_set(d, ER_TABLE_DEF_CHANGED);
        return NULL;
    }
    struct table_def *def = define(w, t, after, arena, &why);
    if (def == NULL) {
        *out = snapshot_set_aside(w->s, t, why, copy_schema_hash(after), d) == 0 ? SNAPSHOT_DONE
                                                                                 : SNAPSHOT_AGAIN;
        return NULL;
    }
    struct copy_table *loading =
        copy_table_new(w->s->server, t->db, t->name, COPY_LOADING, def, STR_NULL);
    table_def_unref(def);
    loading->schema_hash = copy_schema_hash(after);
    atomic_store(&loading->rows_estimated, atomic_load(&t->rows_estimated));
    loading->brought = key_set_new(BROUGHT_BYTES); /* Its storage is new. */
    bool done = false;
    copy_table_ref(loading);
    if (snapshot_change(w->s, t, loading, 0, d, &done) != 0 || !done) {
        copy_table_unref(loading);
        *out = d->error != NULL ? SNAPSHOT_AGAIN : SNAPSHOT_STALE;
        return NULL;
    }
    return loading;
}

/* ---- Outcomes ---- */

/* What becomes of a table after an error of the source or of the stream. */
static const struct {
    int code;
    enum snapshot_outcome outcome; /* SNAPSHOT_DONE: the table is set aside. */
} outcomes[] = {
    {ER_TABLE_DEF_CHANGED, SNAPSHOT_STALE},
    {ER_NO_SUCH_TABLE, SNAPSHOT_STALE},
    {ER_BAD_DB_ERROR, SNAPSHOT_STALE},
    {ER_BAD_FIELD_ERROR, SNAPSHOT_STALE},
    {ER_KEY_DOES_NOT_EXITS, SNAPSHOT_STALE},
    {ER_CANNOT_CONVERT_STRING, SNAPSHOT_DONE},
    {ER_MALFORMED_PACKET, SNAPSHOT_DONE},
    {ER_TRANS_CACHE_FULL, SNAPSHOT_DONE},
    {ER_TABLEACCESS_DENIED_ERROR, SNAPSHOT_DONE},
    {ER_COLUMNACCESS_DENIED_ERROR, SNAPSHOT_DONE},
    {ER_DBACCESS_DENIED_ERROR, SNAPSHOT_DONE},
};

static enum snapshot_outcome judge(struct snapshot_worker *w, struct copy_table *t, struct diag *d)
{
    const struct diag_cond *error = d->error;
    for (size_t i = 0; error != NULL && i < ARRAY_SIZE(outcomes); i++) {
        const bool is_lost = (w->c == NULL || w->c->broken) && !w->is_dropped;
        if (outcomes[i].code != error->code || is_lost) {
            continue;
        }
        if (outcomes[i].outcome != SNAPSHOT_DONE) {
            return outcomes[i].outcome;
        }
        struct diag other;
        diag_init(&other);
        const int rc = snapshot_set_aside(w->s, t, error->message, t->schema_hash, &other);
        diag_release(&other);
        return rc == 0 ? SNAPSHOT_DONE : SNAPSHOT_AGAIN;
    }
    return SNAPSHOT_AGAIN;
}

static enum snapshot_outcome copy_loading(struct snapshot_worker *w, struct copy_table *t,
                                          struct diag *d)
{
    struct table_copy k;
    const uint64_t begun_us = clock_monotonic_us();
    copy_begin(&k, w, t);
    atomic_store(&t->begun_rows, atomic_load(&t->rows_copied));
    atomic_store(&t->begun_us, begun_us);
    const int rc = t->key.count > 0 ? copy_keyed(&k, d) : copy_keyless(&k, d);
    const uint64_t rows = k.total_rows;
    copy_end(&k);
    if (rc != 0) {
        return judge(w, t, d);
    }
    log_info(&w->s->log, "table %.*s.%.*s is live: %llu rows copied in %.1f s", STR_FMT(t->db),
             STR_FMT(t->name), (unsigned long long)rows,
             (double)(clock_monotonic_us() - begun_us) / 1e6);
    return SNAPSHOT_DONE;
}

enum snapshot_outcome snapshot_copy_table(struct snapshot_worker *w, struct copy_table *t,
                                          struct diag *d)
{
    if (connect_worker(w, d) != 0) {
        return SNAPSHOT_AGAIN;
    }
    if (atomic_load(&t->state) == COPY_LOADING) {
        return copy_loading(w, t, d);
    }
    struct arena arena;
    enum snapshot_outcome outcome;
    arena_init(&arena, 0);
    struct copy_table *loading = prepare_table(w, t, &arena, d, &outcome);
    arena_release(&arena);
    if (loading == NULL) {
        return outcome == SNAPSHOT_AGAIN ? judge(w, t, d) : outcome;
    }
    outcome = copy_loading(w, loading, d);
    copy_table_unref(loading);
    return outcome;
}
