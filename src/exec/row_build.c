/* See row_build.h. */
#include "exec/row_build.h"

#include "types/convert.h"

static int unknown_column(struct exec_session *x, struct str name)
{
    return diag_set(x->diag, ER_BAD_FIELD_ERROR, arena_dup_cstr(&x->stmt_arena, name),
                    "field list");
}

static int set_targets(struct row_build *b, const struct str *columns, uint32_t count)
{
    struct arena *a = &b->x->stmt_arena;
    const struct table_def *t = b->table;
    b->targets = ARENA_ARRAY(a, uint32_t, MAX(count, t->column_count));
    if (columns == NULL) {
        for (uint32_t i = 0; i < t->column_count; i++) {
            if (!t->columns[i].invisible) {
                b->targets[b->target_count++] = i;
                b->given[i] = true;
            }
        }
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        const int32_t c = table_find_column(t, columns[i]);
        if (c < 0) {
            return unknown_column(b->x, columns[i]);
        }
        if (b->given[c]) {
            return diag_set(b->x->diag, ER_FIELD_SPECIFIED_TWICE, arena_dup_cstr(a, columns[i]));
        }
        b->given[c] = true;
        b->targets[b->target_count++] = (uint32_t)c;
    }
    return 0;
}

int row_build_init(struct row_build *b, struct exec_session *x, const struct table_def *table,
                   const struct str *columns, uint32_t count, unsigned flags)
{
    *b = (struct row_build){.x = x, .table = table};
    arena_init(&b->scratch, 0);
    exec_store_ctx(x, flags, &b->store);
    b->store.database = table->db;
    b->store.table = table->name;
    b->row = ARENA_ARRAY(&x->stmt_arena, struct value, table->column_count);
    b->given = ARENA_ARRAY(&x->stmt_arena, bool, table->column_count);
    if (set_targets(b, columns, count) != 0 ||
        (table->check_count > 0 &&
         row_checks_init(&b->checks, x, table, (flags & STORE_IGNORE) != 0) != 0)) {
        arena_release(&b->scratch);
        return -1;
    }
    return 0;
}

void row_build_release(struct row_build *b)
{
    arena_release(&b->scratch);
}

/* ---- Defaults ---- */

static int store_now(struct row_build *b, const struct column_def *c, struct value *out)
{
    struct value now = {.kind = VALUE_DATETIME, .decimals = c->type.decimals};
    timezone_from_utc(b->x->vars.time_zone, b->x->now_us, &now.time);
    static const uint32_t unit[] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    const uint32_t step = unit[MIN(c->type.decimals, 6)];
    now.time.usec -= now.time.usec % step; /* NOW(n) cuts */
    return store_value(&b->store, &c->type, c->name, &now, &b->scratch, out);
}

int row_build_set_now(struct row_build *b, uint32_t column)
{
    return store_now(b, &b->table->columns[column], &b->row[column]);
}

/* What a NOT NULL column without a default gets outside strict mode: zero, '', the first ENUM
 * member. */
static int implicit_default(struct row_build *b, const struct column_def *c, struct value *out)
{
    switch (type_class_of(c->type.type)) {
    case TYPE_CLASS_ENUM:
        *out = value_uint(1);
        return 0;
    case TYPE_CLASS_SET:
    case TYPE_CLASS_BIT:
        *out = value_uint(0);
        return 0;
    case TYPE_CLASS_DATE:
    case TYPE_CLASS_DATETIME:
    case TYPE_CLASS_TIME:
        *out = (struct value){.kind = type_class_of(c->type.type) == TYPE_CLASS_DATE ? VALUE_DATE
                                      : type_class_of(c->type.type) == TYPE_CLASS_TIME
                                          ? VALUE_TIME
                                          : VALUE_DATETIME,
                              .decimals = c->type.decimals};
        return 0;
    case TYPE_CLASS_STRING:
    case TYPE_CLASS_OPAQUE:
    case TYPE_CLASS_JSON: {
        const struct value empty = value_string(STR(""), c->type.collation);
        struct store_ctx quiet = b->store;
        quiet.sql_mode &= ~(uint64_t)SQL_MODE_STRICT;
        return store_value(&quiet, &c->type, c->name, &empty, &b->scratch, out);
    }
    default: {
        const struct value zero = value_int(0);
        return store_value(&b->store, &c->type, c->name, &zero, &b->scratch, out);
    }
    }
}

static bool is_strict(const struct row_build *b)
{
    return (b->store.sql_mode & SQL_MODE_STRICT) != 0 && (b->store.flags & STORE_IGNORE) == 0;
}

/* A NOT NULL column that got no value and has no default. */
static int no_default(struct row_build *b, const struct column_def *c, struct value *out)
{
    const char *name = arena_dup_cstr(&b->x->stmt_arena, c->name);
    const bool loads = (b->store.flags & STORE_LOAD_DATA) != 0;
    const bool set_later = b->set_later != NULL && b->set_later[c - b->table->columns];
    if (type_class_of(c->type.type) == TYPE_CLASS_ENUM || set_later ||
        (loads && b->store.dialect == DIALECT_MYSQL)) {
        return implicit_default(b, c, out);
    }
    if (is_strict(b) && !loads) {
        return diag_set(b->x->diag, ER_NO_DEFAULT_FOR_FIELD, name);
    }
    diag_warn(b->x->diag, DIAG_WARNING, ER_NO_DEFAULT_FOR_FIELD, name);
    return implicit_default(b, c, out);
}

int row_build_set_default(struct row_build *b, uint32_t column)
{
    const struct column_def *c = &b->table->columns[column];
    struct value *out = &b->row[column];
    switch (c->default_kind) {
    case DEFAULT_VALUE:
        *out = c->default_value;
        return 0;
    case DEFAULT_NOW:
        return store_now(b, c, out);
    case DEFAULT_EXPR:
        return diag_set(b->x->diag, ER_NOT_SUPPORTED_YET, "a default expression");
    case DEFAULT_NONE:
        break;
    }
    *out = value_null();
    return (c->type.flags & NO_DEFAULT_VALUE_FLAG) == 0 ? 0 : no_default(b, c, out);
}

/* ---- One row ---- */

int row_build_start(struct row_build *b)
{
    arena_reset(&b->scratch);
    b->row_number++;
    b->store.row = b->row_number;
    for (uint32_t i = 0; i < b->table->column_count; i++) {
        const struct column_def *c = &b->table->columns[i];
        if (b->given[i]) {
            /* What an expression in front of the column's own sees. */
            b->row[i] = c->default_kind == DEFAULT_VALUE ? c->default_value : value_null();
        } else if (row_build_set_default(b, i) != 0) {
            return -1;
        }
    }
    return 0;
}

static int set_null(struct row_build *b, uint32_t column)
{
    const struct column_def *c = &b->table->columns[column];
    b->row[column] = value_null();
    if (type_is_nullable(&c->type) || (c->type.flags & AUTO_INCREMENT_FLAG) != 0) {
        return 0;
    }
    const char *name = arena_dup_cstr(&b->x->stmt_arena, c->name);
    if (is_strict(b) || (b->single_row && (b->store.flags & STORE_IGNORE) == 0)) {
        return diag_set(b->x->diag, ER_BAD_NULL_ERROR, name);
    }
    diag_warn(b->x->diag, DIAG_WARNING, ER_BAD_NULL_ERROR, name);
    return implicit_default(b, c, &b->row[column]);
}

int row_build_set(struct row_build *b, uint32_t column, const struct value *v)
{
    if (value_is_null(v)) {
        return set_null(b, column);
    }
    const struct column_def *c = &b->table->columns[column];
    return store_value(&b->store, &c->type, c->name, v, &b->scratch, &b->row[column]);
}

static bool wants_auto_increment(const struct row_build *b, const struct value *v)
{
    if (value_is_null(v)) {
        return true;
    }
    const bool zero = (v->kind == VALUE_INT && v->i == 0) || (v->kind == VALUE_UINT && v->u == 0);
    return zero && (b->store.sql_mode & SQL_MODE_NO_AUTO_VALUE_ON_ZERO) == 0;
}

/* The smallest number >= next that is offset + k * increment. */
static uint64_t align_auto_increment(const struct sysvars *vars, uint64_t next)
{
    const uint64_t step = vars->auto_increment_increment;
    const uint64_t offset = vars->auto_increment_offset > step ? 1 : vars->auto_increment_offset;
    if (step <= 1 || next <= offset) {
        return MAX(next, offset);
    }
    return offset + (next - offset + step - 1) / step * step;
}

static uint64_t auto_increment_step(const struct sysvars *vars)
{
    return MAX(vars->auto_increment_increment, 1);
}

/*
 * Sets values aside as InnoDB does: as many as VALUES has rows, else 1, 2, 4, … What a statement
 * leaves over is lost.
 */
static void reserve_auto_increment(struct row_build *b)
{
    struct table_share *share = b->table->share;
    const uint64_t step = auto_increment_step(&b->x->vars);
    const uint64_t next =
        align_auto_increment(&b->x->vars, atomic_load(&share->next_auto_increment));
    const uint64_t rows_left =
        b->expected_rows >= b->row_number ? b->expected_rows - b->row_number + 1 : 1;
    uint64_t count = b->expected_rows != 0 ? rows_left : MAX(b->reserve_count, 1);
    if (next > UINT64_MAX / 2 || count > (UINT64_MAX / 2 - next) / step) {
        count = 1;
    }
    b->reserve_count = MIN(count * 2, 65535);
    b->reserved_next = next;
    b->reserved_left = count;
    atomic_store(&share->next_auto_increment, next + (count - 1) * step + 1);
}

/* An explicit value among those set aside, or above them, takes them. */
static void skip_reserved(struct row_build *b, uint64_t given)
{
    while (b->reserved_left > 0 && b->reserved_next <= given) {
        b->reserved_next += auto_increment_step(&b->x->vars);
        b->reserved_left--;
    }
}

static void take_explicit(struct row_build *b, const struct value *v)
{
    struct table_share *share = b->table->share;
    const uint64_t given = v->kind == VALUE_UINT              ? v->u
                           : v->kind == VALUE_INT && v->i > 0 ? (uint64_t)v->i
                                                              : 0;
    if (given >= atomic_load(&share->next_auto_increment) && given < UINT64_MAX) {
        atomic_store(&share->next_auto_increment, given + 1);
    }
    skip_reserved(b, given);
    b->explicit_last = given;
}

static uint64_t next_auto_increment(struct row_build *b)
{
    if (b->x->vars.insert_id != 0) {
        const uint64_t next = b->x->vars.insert_id;
        b->x->vars.insert_id = 0;
        if (next >= atomic_load(&b->table->share->next_auto_increment)) {
            atomic_store(&b->table->share->next_auto_increment, next + 1);
        }
        return next;
    }
    if (b->reserved_left == 0) {
        reserve_auto_increment(b);
    }
    const uint64_t next = b->reserved_next;
    b->reserved_left--;
    b->reserved_next += auto_increment_step(&b->x->vars);
    return next;
}

static int finish_auto_increment(struct row_build *b)
{
    const uint32_t column = (uint32_t)b->table->auto_increment_column;
    const struct column_def *c = &b->table->columns[column];
    const struct value *v = &b->row[column];
    b->generated = 0;
    if (!wants_auto_increment(b, v)) {
        take_explicit(b, v);
        return 0;
    }
    const uint64_t next = next_auto_increment(b);
    const struct value generated = value_uint(next);
    struct store_ctx strict = b->store;
    strict.sql_mode |= SQL_MODE_STRICT_ALL_TABLES;
    strict.flags = 0;
    if (store_value(&strict, &c->type, c->name, &generated, &b->scratch, &b->row[column]) != 0) {
        diag_clear_error(b->x->diag);
        return diag_set(b->x->diag, ER_AUTOINC_READ_FAILED);
    }
    b->generated = next;
    if (b->generated_first == 0) {
        b->generated_first = next;
    }
    return 0;
}

int row_build_finish(struct row_build *b)
{
    return b->table->auto_increment_column < 0 ? 0 : finish_auto_increment(b);
}

enum row_check_result row_build_check(struct row_build *b)
{
    return row_checks_run(&b->checks, b->row, &b->scratch);
}

void row_build_add_to(const struct row_build *b, struct chunk_builder *chunk)
{
    (void)chunk_builder_add_row(chunk);
    for (uint32_t i = 0; i < b->table->column_count; i++) {
        chunk_builder_set(chunk, i, &b->row[i]);
    }
}

/* ---- Messages ---- */

const char *row_key_text(const struct table_def *t, uint32_t index, const struct value *row,
                         struct arena *arena)
{
    const struct index_def *ix = &t->indexes[index];
    struct str text = STR("");
    for (uint32_t k = 0; k < ix->column_count; k++) {
        const uint32_t c = ix->columns[k].column;
        const struct str part = value_to_text(&row[c], &t->columns[c].type, arena);
        text = k == 0 ? part : arena_printf(arena, "%.*s-%.*s", STR_FMT(text), STR_FMT(part));
    }
    return arena_dup_cstr(arena, text);
}
