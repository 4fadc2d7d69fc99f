/*
 * Table definitions: life, copies, look-ups. See catalog.h.
 */
#include "catalog/catalog.h"

#include <stdatomic.h>
#include <stdlib.h>

struct table_def *table_def_new(void)
{
    struct arena *arena = calloc(1, sizeof *arena);
    if (arena == NULL) {
        abort();
    }
    arena_init(arena, 0);
    struct table_def *t = ARENA_NEW(arena, struct table_def);
    t->arena = arena;
    t->auto_increment_column = -1;
    t->auto_increment_start = 1;
    t->next_column_id = 1;
    t->next_index_id = 1;
    atomic_init(&t->refs, 1);
    return t;
}

void table_def_ref(struct table_def *t)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
}

void table_def_unref(struct table_def *t)
{
    if (t == NULL || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    struct arena *arena = t->arena; /* t lives in it */
    arena_release(arena);
    free(arena);
}

static struct str dup_or_null(struct arena *a, struct str s)
{
    return s.p == NULL ? STR_NULL : arena_dup(a, s);
}

static const struct type_labels *labels_dup(struct arena *a, const struct type_labels *from)
{
    if (from == NULL) {
        return NULL;
    }
    struct str *names = ARENA_ARRAY(a, struct str, from->count);
    for (uint32_t i = 0; i < from->count; i++) {
        names[i] = arena_dup(a, from->names[i]);
    }
    struct type_labels *to = ARENA_NEW(a, struct type_labels);
    to->count = from->count;
    to->names = names;
    return to;
}

void column_def_copy(struct arena *a, const struct column_def *from, struct column_def *to)
{
    *to = *from;
    to->name = arena_dup(a, from->name);
    to->type.labels = labels_dup(a, from->type.labels);
    if (from->default_value.kind == VALUE_STRING || from->default_value.kind == VALUE_JSON) {
        to->default_value.str = arena_dup(a, from->default_value.str);
    }
    to->default_text = dup_or_null(a, from->default_text);
    to->generated_text = dup_or_null(a, from->generated_text);
    to->comment = dup_or_null(a, from->comment);
}

void index_def_copy(struct arena *a, const struct index_def *from, struct index_def *to)
{
    *to = *from;
    to->name = arena_dup(a, from->name);
    to->columns = ARENA_ARRAY(a, struct index_column, from->column_count);
    for (uint32_t i = 0; i < from->column_count; i++) {
        to->columns[i] = from->columns[i];
    }
    to->algorithm = dup_or_null(a, from->algorithm);
    to->comment = dup_or_null(a, from->comment);
}

struct table_def *table_def_clone(const struct table_def *from)
{
    struct table_def *t = table_def_new();
    struct arena *a = t->arena;
    t->id = from->id;
    t->version = from->version + 1;
    t->db = arena_dup(a, from->db);
    t->name = arena_dup(a, from->name);
    t->column_count = from->column_count;
    t->columns = ARENA_ARRAY(a, struct column_def, from->column_count);
    for (uint32_t i = 0; i < from->column_count; i++) {
        column_def_copy(a, &from->columns[i], &t->columns[i]);
    }
    t->index_count = from->index_count;
    t->indexes = ARENA_ARRAY(a, struct index_def, from->index_count);
    for (uint32_t i = 0; i < from->index_count; i++) {
        index_def_copy(a, &from->indexes[i], &t->indexes[i]);
    }
    t->check_count = from->check_count;
    t->checks = ARENA_ARRAY(a, struct check_def, from->check_count);
    for (uint32_t i = 0; i < from->check_count; i++) {
        t->checks[i] = (struct check_def){.name = dup_or_null(a, from->checks[i].name),
                                          .text = arena_dup(a, from->checks[i].text),
                                          .column_id = from->checks[i].column_id,
                                          .not_enforced = from->checks[i].not_enforced};
    }
    t->cascades = from->cascades;
    t->collation = from->collation;
    t->engine_name = dup_or_null(a, from->engine_name);
    t->comment = dup_or_null(a, from->comment);
    t->row_format = dup_or_null(a, from->row_format);
    t->other_options = dup_or_null(a, from->other_options);
    t->next_column_id = from->next_column_id;
    t->next_index_id = from->next_index_id;
    t->auto_increment_column = from->auto_increment_column;
    t->auto_increment_start = from->auto_increment_start;
    t->created_us = from->created_us;
    t->altered_us = from->altered_us;
    t->view_text = dup_or_null(a, from->view_text);
    t->share = from->share;
    return t;
}

struct sql_type *table_column_types(const struct table_def *t, struct arena *arena)
{
    struct sql_type *types = ARENA_ARRAY(arena, struct sql_type, t->column_count);
    for (uint32_t i = 0; i < t->column_count; i++) {
        types[i] = t->columns[i].type;
    }
    return types;
}

int32_t table_find_column(const struct table_def *t, struct str name)
{
    for (uint32_t i = 0; i < t->column_count; i++) {
        if (str_eq_nocase(t->columns[i].name, name)) {
            return (int32_t)i;
        }
    }
    return -1;
}

int32_t table_find_index(const struct table_def *t, struct str name)
{
    for (uint32_t i = 0; i < t->index_count; i++) {
        if (str_eq_nocase(t->indexes[i].name, name)) {
            return (int32_t)i;
        }
    }
    return -1;
}

/* Does the index say who a row is: unique, whole columns, none of them NULL? MySQL shows the first
 * such index as the primary key when there is none. */
static bool can_be_primary(const struct table_def *t, const struct index_def *ix)
{
    if (ix->kind != INDEX_DEF_UNIQUE) {
        return false;
    }
    for (uint32_t k = 0; k < ix->column_count; k++) {
        if (type_is_nullable(&t->columns[ix->columns[k].column].type) ||
            ix->columns[k].prefix_len > 0) {
            return false;
        }
    }
    return true;
}

static const struct index_def *primary_index(const struct table_def *t)
{
    for (uint32_t i = 0; i < t->index_count; i++) {
        if (t->indexes[i].kind == INDEX_DEF_PRIMARY) {
            return &t->indexes[i];
        }
    }
    for (uint32_t i = 0; i < t->index_count; i++) {
        if (can_be_primary(t, &t->indexes[i])) {
            return &t->indexes[i];
        }
    }
    return NULL;
}

/* A column needs a value when it has no default, nor NULL as one: NOT NULL, or its default was
 * taken away. */
static bool needs_value(const struct column_def *c)
{
    return c->default_kind == DEFAULT_NONE && (c->type.flags & AUTO_INCREMENT_FLAG) == 0 &&
           (!type_is_nullable(&c->type) || c->default_text.p != NULL);
}

/* A unique key of one column may be shown as PRI or UNI, the first column of several as MUL. */
void table_def_set_key_flags(struct table_def *t)
{
    const uint16_t key_flags =
        PRI_KEY_FLAG | UNIQUE_KEY_FLAG | MULTIPLE_KEY_FLAG | PART_KEY_FLAG | NO_DEFAULT_VALUE_FLAG;
    for (uint32_t i = 0; i < t->column_count; i++) {
        struct column_def *c = &t->columns[i];
        c->type.flags = (uint16_t)(c->type.flags & ~key_flags);
        if (needs_value(c)) {
            c->type.flags |= NO_DEFAULT_VALUE_FLAG;
        }
    }
    const struct index_def *primary = primary_index(t);
    for (uint32_t i = 0; i < t->index_count; i++) {
        const struct index_def *ix = &t->indexes[i];
        for (uint32_t k = 0; k < ix->column_count; k++) {
            struct column_def *c = &t->columns[ix->columns[k].column];
            c->type.flags |= PART_KEY_FLAG;
            if (ix == primary) {
                c->type.flags |= PRI_KEY_FLAG;
            } else if (k == 0) {
                const bool unique = ix->kind == INDEX_DEF_UNIQUE && ix->column_count == 1;
                c->type.flags |= unique ? UNIQUE_KEY_FLAG : MULTIPLE_KEY_FLAG;
            }
        }
    }
}
