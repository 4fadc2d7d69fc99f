/*
 * The columns of an altered table. As in MySQL, actions name columns as they were before the
 * statement; first the old list is walked (dropping, changing and renaming in place), then columns
 * that are added or moved are put where they belong. See ddl_alter.h.
 */
#include "exec/ddl_alter.h"

/* A column of the new list. */
struct new_column {
    struct column_def def;
    int32_t from;
};

struct column_list {
    struct new_column *items;
    uint32_t count;
};

/* ---- Types: what a change of type does to stored values ---- */

enum type_change {
    TYPE_SAME,
    TYPE_LABELS,  /* values stay; MySQL does it in place too */
    TYPE_WIDER,   /* every value keeps its meaning in the wider storage */
    TYPE_CONVERT, /* values are converted one by one */
};

static bool same_labels(const struct type_labels *a, const struct type_labels *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!str_eq(a->names[i], b->names[i])) {
            return false;
        }
    }
    return true;
}

static enum type_change labels_change(const struct sql_type *a, const struct sql_type *b)
{
    if (a->type != b->type || a->collation != b->collation || a->labels->count > b->labels->count ||
        !same_labels(a->labels, b->labels, a->labels->count)) {
        return TYPE_CONVERT;
    }
    return a->labels->count == b->labels->count ? TYPE_SAME : TYPE_LABELS;
}

static int int_rank(enum mysql_type type)
{
    static const enum mysql_type order[] = {MYSQL_TYPE_TINY, MYSQL_TYPE_SHORT, MYSQL_TYPE_INT24,
                                            MYSQL_TYPE_LONG, MYSQL_TYPE_LONGLONG};
    for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
        if (order[i] == type) {
            return (int)i;
        }
    }
    return -1;
}

static enum type_change int_change(const struct sql_type *a, const struct sql_type *b)
{
    const int from = int_rank(a->type);
    const int to = int_rank(b->type);
    if (from < 0 || to < from || type_is_unsigned(a) != type_is_unsigned(b)) {
        return a->type == b->type && from < 0 ? TYPE_SAME
                                              : TYPE_CONVERT; /* YEAR is one of a kind */
    }
    return from == to ? TYPE_SAME : TYPE_WIDER;
}

static bool is_variable(enum mysql_type type)
{
    return type == MYSQL_TYPE_VARCHAR || type == MYSQL_TYPE_TINY_BLOB || type == MYSQL_TYPE_BLOB ||
           type == MYSQL_TYPE_MEDIUM_BLOB || type == MYSQL_TYPE_LONG_BLOB;
}

static uint64_t length_bytes(const struct sql_type *t)
{
    const struct collation *c = collation_find(t->collation);
    const uint64_t per_char =
        t->type == MYSQL_TYPE_VARCHAR || t->type == MYSQL_TYPE_STRING ? c->charset->max_len : 1;
    return t->length * per_char;
}

static enum type_change string_change(const struct sql_type *a, const struct sql_type *b)
{
    if (a->collation != b->collation) {
        return TYPE_CONVERT;
    }
    if (a->type == b->type && a->length == b->length) {
        return TYPE_SAME;
    }
    const bool text = a->type == b->type && a->type == MYSQL_TYPE_STRING &&
                      a->collation != COLLATION_BINARY; /* BINARY is filled up to its length */
    if ((text || (is_variable(a->type) && is_variable(b->type))) &&
        length_bytes(a) <= length_bytes(b)) {
        /* MySQL's VARCHAR grows in place as long as its length bytes stay. */
        const bool in_place = a->type == MYSQL_TYPE_VARCHAR && b->type == MYSQL_TYPE_VARCHAR &&
                              (length_bytes(a) > UINT8_MAX) == (length_bytes(b) > UINT8_MAX);
        return in_place ? TYPE_LABELS : TYPE_WIDER;
    }
    return TYPE_CONVERT;
}

static enum type_change decimal_change(const struct sql_type *a, const struct sql_type *b)
{
    if (a->length == b->length && a->decimals == b->decimals) {
        return type_is_unsigned(a) == type_is_unsigned(b) ? TYPE_SAME : TYPE_CONVERT;
    }
    const bool wider = a->decimals == b->decimals && a->length < b->length &&
                       b->length <= DECIMAL_MAX_NATIVE &&
                       type_is_unsigned(a) == type_is_unsigned(b);
    return wider ? TYPE_WIDER : TYPE_CONVERT;
}

static enum type_change type_change(const struct sql_type *a, const struct sql_type *b)
{
    if (type_class_of(a->type) != type_class_of(b->type)) {
        return TYPE_CONVERT;
    }
    switch (type_class_of(a->type)) {
    case TYPE_CLASS_INT:
        return int_change(a, b);
    case TYPE_CLASS_DECIMAL:
        return decimal_change(a, b);
    case TYPE_CLASS_STRING:
        return string_change(a, b);
    case TYPE_CLASS_ENUM:
    case TYPE_CLASS_SET:
        return labels_change(a, b);
    case TYPE_CLASS_DATE:
    case TYPE_CLASS_JSON:
        return TYPE_SAME;
    case TYPE_CLASS_TIME:
        return a->decimals == b->decimals  ? TYPE_SAME
               : a->decimals < b->decimals ? TYPE_WIDER
                                           : TYPE_CONVERT;
    case TYPE_CLASS_DATETIME:
        if (a->type != b->type || a->decimals > b->decimals) {
            return TYPE_CONVERT;
        }
        return a->decimals == b->decimals ? TYPE_SAME : TYPE_WIDER;
    case TYPE_CLASS_BIT:
        return a->length == b->length  ? TYPE_SAME
               : a->length < b->length ? TYPE_WIDER
                                       : TYPE_CONVERT;
    case TYPE_CLASS_REAL:
        return a->type == b->type && a->length == b->length && a->decimals == b->decimals &&
                       type_is_unsigned(a) == type_is_unsigned(b)
                   ? TYPE_SAME
                   : TYPE_CONVERT;
    default:
        return TYPE_CONVERT;
    }
}

/* What the change of one column asks for. */
static void note_change(struct alter_run *run, const struct column_def *old,
                        const struct column_def *new)
{
    switch (type_change(&old->type, &new->type)) {
    case TYPE_SAME:
        break;
    case TYPE_LABELS:
        alter_need(run, ALTER_ROWS_CAST);
        break;
    case TYPE_WIDER: {
        /* MariaDB lets a VARCHAR grow in place to any length. */
        const bool in_place = run->x->server->dialect == DIALECT_MARIADB &&
                              old->type.type == MYSQL_TYPE_VARCHAR &&
                              new->type.type == MYSQL_TYPE_VARCHAR;
        alter_need(run, ALTER_ROWS_CAST);
        run->counts_rows = run->counts_rows || !in_place;
        break;
    }
    case TYPE_CONVERT:
        alter_need(run, ALTER_ROWS_COPY);
        run->counts_rows = true;
        break;
    }
    if (type_is_nullable(&old->type) && !type_is_nullable(&new->type)) {
        alter_need(run, ALTER_ROWS_COPY); /* NULLs must be found */
    }
    if ((new->type.flags & ~old->type.flags &AUTO_INCREMENT_FLAG) != 0) {
        alter_need(run, ALTER_ROWS_COPY); /* zeros get numbers */
        run->counts_rows = true;
    }
}

/* ---- Finding what the actions are about ---- */

static bool is_about_column(enum alter_kind kind)
{
    return kind == ALTER_DROP_COLUMN || kind == ALTER_MODIFY_COLUMN ||
           kind == ALTER_RENAME_COLUMN || kind == ALTER_SET_DEFAULT || kind == ALTER_DROP_DEFAULT ||
           kind == ALTER_COLUMN_VISIBILITY;
}

static int no_such_column(struct alter_run *run, const struct alter_action *a)
{
    struct exec_session *x = run->x;
    if (a->kind == ALTER_DROP_COLUMN) {
        return ddl_cannot_drop(x, "COLUMN", a->name, a->if_exists);
    }
    if (!a->if_exists) {
        return diag_set(x->diag, ER_BAD_FIELD_ERROR, ddl_text(x, a->name),
                        ddl_text(x, run->before->name));
    }
    diag_warn(x->diag, DIAG_NOTE, ER_BAD_FIELD_ERROR, ddl_text(x, a->name),
              ddl_text(x, run->before->name));
    return 0;
}

static int check_names(struct alter_run *run)
{
    for (uint32_t i = 0; i < run->stmt->action_count; i++) {
        const struct alter_action *a = &run->stmt->actions[i];
        if (is_about_column(a->kind) && table_find_column(run->before, a->name) < 0 &&
            no_such_column(run, a) != 0) {
            return -1;
        }
    }
    return 0;
}

static const struct alter_action *find_action(const struct alter_run *run, enum alter_kind kind,
                                              struct str column)
{
    for (uint32_t i = 0; i < run->stmt->action_count; i++) {
        const struct alter_action *a = &run->stmt->actions[i];
        if (a->kind == kind && str_eq_nocase(a->name, column)) {
            return a;
        }
    }
    return NULL;
}

/* ---- The list ---- */

static void list_insert(struct column_list *list, uint32_t at, const struct new_column *c)
{
    memmove(&list->items[at + 1], &list->items[at], (list->count - at) * sizeof *c);
    list->items[at] = *c;
    list->count++;
}

static bool has_place(const struct alter_action *a)
{
    return a->first || a->after.p != NULL;
}

/* Where FIRST, AFTER or neither puts a column. */
static int find_place(struct alter_run *run, const struct column_list *list,
                      const struct alter_action *a, uint32_t *out)
{
    *out = a->first ? 0 : list->count;
    if (a->after.p == NULL) {
        return 0;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        if (str_eq_nocase(list->items[i].def.name, a->after)) {
            *out = i + 1;
            return 0;
        }
    }
    return diag_set(run->x->diag, ER_BAD_FIELD_ERROR, ddl_text(run->x, a->after),
                    ddl_text(run->x, run->before->name));
}

/* The definition that MODIFY or CHANGE gives the column. */
static int modify(struct alter_run *run, uint32_t old, const struct alter_action *a,
                  struct new_column *out)
{
    const struct column_def *before = &run->before->columns[old];
    out->from = (int32_t)old;
    if (ddl_make_column(run->x, run->t, &a->column, &out->def) != 0) {
        return -1;
    }
    out->def.id = before->id;
    return 0;
}

static int keep(struct alter_run *run, uint32_t old, struct new_column *out)
{
    const struct column_def *before = &run->before->columns[old];
    out->from = (int32_t)old;
    column_def_copy(run->t->arena, before, &out->def);
    const struct alter_action *a = find_action(run, ALTER_RENAME_COLUMN, before->name);
    if (a != NULL) {
        if (ddl_check_name(run->x, a->new_name, DDL_NAME_COLUMN) != 0) {
            return -1;
        }
        out->def.name = arena_dup(run->t->arena, a->new_name);
    }
    a = find_action(run, ALTER_COLUMN_VISIBILITY, before->name);
    if (a != NULL) {
        out->def.invisible = !a->visible;
    }
    a = find_action(run, ALTER_SET_DEFAULT, before->name);
    if (a != NULL && ddl_set_default(run->x, run->t, &out->def, a->default_value) != 0) {
        return -1;
    }
    return find_action(run, ALTER_DROP_DEFAULT, before->name) == NULL
               ? 0
               : ddl_set_default(run->x, run->t, &out->def, NULL);
}

/* The old columns that stay where they were. */
static int walk_old(struct alter_run *run, struct column_list *list)
{
    for (uint32_t i = 0; i < run->before->column_count; i++) {
        const struct str name = run->before->columns[i].name;
        if (find_action(run, ALTER_DROP_COLUMN, name) != NULL) {
            alter_need(run, ALTER_ROWS_CAST);
            continue;
        }
        const struct alter_action *a = find_action(run, ALTER_MODIFY_COLUMN, name);
        if (a != NULL && has_place(a)) {
            alter_need(run, ALTER_ROWS_CAST);
            continue;
        }
        struct new_column c = {.from = -1};
        if ((a != NULL ? modify(run, i, a, &c) : keep(run, i, &c)) != 0) {
            return -1;
        }
        list->items[list->count++] = c;
    }
    return 0;
}

/* What the rows that are there get in a new column. */
static void note_added(struct alter_run *run, const struct column_def *c)
{
    const enum type_class class = type_class_of(c->type.type);
    const bool is_date = class == TYPE_CLASS_DATE || class == TYPE_CLASS_DATETIME;
    const bool auto_increment = (c->type.flags & AUTO_INCREMENT_FLAG) != 0;
    alter_need(run, c->default_kind == DEFAULT_NOW || auto_increment ? ALTER_ROWS_COPY
                                                                     : ALTER_ROWS_CAST);
    if (is_date && c->default_kind == DEFAULT_NONE && !type_is_nullable(&c->type)) {
        alter_need(run, ALTER_ROWS_COPY); /* the engine has no literal for such dates */
        run->zero_date = true;
        run->zero_date_column = ddl_text(run->x, c->name);
        run->zero_date_type = c->type.type;
    }
}

static int add(struct alter_run *run, struct column_list *list, const struct alter_action *a)
{
    struct exec_session *x = run->x;
    if (a->if_not_exists && table_find_column(run->before, a->column.name) >= 0) {
        diag_warn(x->diag, DIAG_NOTE, ER_DUP_FIELDNAME, ddl_text(x, a->column.name));
        return 0;
    }
    struct new_column c = {.from = -1};
    uint32_t at;
    if (ddl_make_column(x, run->t, &a->column, &c.def) != 0 || find_place(run, list, a, &at) != 0) {
        return -1;
    }
    c.def.id = run->t->next_column_id++;
    note_added(run, &c.def);
    list_insert(list, at, &c);
    return 0;
}

static int move(struct alter_run *run, struct column_list *list, const struct alter_action *a)
{
    const int32_t old = table_find_column(run->before, a->name);
    struct new_column c;
    uint32_t at;
    if (old < 0 || !has_place(a)) {
        return 0;
    }
    if (modify(run, (uint32_t)old, a, &c) != 0 || find_place(run, list, a, &at) != 0) {
        return -1;
    }
    list_insert(list, at, &c);
    return 0;
}

static int add_and_move(struct alter_run *run, struct column_list *list)
{
    for (uint32_t i = 0; i < run->stmt->action_count; i++) {
        const struct alter_action *a = &run->stmt->actions[i];
        if ((a->kind == ALTER_ADD_COLUMN && add(run, list, a) != 0) ||
            (a->kind == ALTER_MODIFY_COLUMN && move(run, list, a) != 0)) {
            return -1;
        }
    }
    return 0;
}

/* ---- CONVERT TO CHARACTER SET ---- */

static bool converts_charset(const struct alter_run *run)
{
    for (uint32_t i = 0; i < run->stmt->action_count; i++) {
        if (run->stmt->actions[i].kind == ALTER_CONVERT_CHARSET) {
            return true;
        }
    }
    return false;
}

/* A TEXT whose characters may need more bytes becomes the next larger one. */
static void grow_text(struct sql_type *t, uint16_t from)
{
    const struct collation *a = collation_find(from);
    const struct collation *b = collation_find(t->collation);
    if (b->charset->max_len <= a->charset->max_len) {
        return;
    }
    if (t->type == MYSQL_TYPE_TINY_BLOB) {
        t->type = MYSQL_TYPE_BLOB;
        t->length = UINT16_MAX;
    } else if (t->type == MYSQL_TYPE_BLOB) {
        t->type = MYSQL_TYPE_MEDIUM_BLOB;
        t->length = 0xffffff;
    } else if (t->type == MYSQL_TYPE_MEDIUM_BLOB) {
        t->type = MYSQL_TYPE_LONG_BLOB;
        t->length = UINT32_MAX;
    }
}

static void convert_column(const struct alter_run *run, struct column_def *c)
{
    struct sql_type *t = &c->type;
    const enum type_class class = type_class_of(t->type);
    const bool is_text = class == TYPE_CLASS_ENUM || class == TYPE_CLASS_SET ||
                         (class == TYPE_CLASS_STRING && t->collation != COLLATION_BINARY);
    if (!is_text) {
        return;
    }
    const uint16_t from = t->collation;
    const struct collation *to = collation_find(run->t->collation);
    t->collation = run->t->collation;
    t->flags = (uint16_t)(t->flags & ~BINARY_FLAG);
    if ((to->flags & COLLATION_BIN) != 0) {
        t->flags |= BINARY_FLAG;
    }
    grow_text(t, from);
}

/* ---- All of it ---- */

static void take_list(struct alter_run *run, const struct column_list *list)
{
    struct table_def *t = run->t;
    t->column_count = list->count;
    t->columns = ARENA_ARRAY(t->arena, struct column_def, list->count);
    run->from = ARENA_ARRAY(&run->x->stmt_arena, int32_t, list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        t->columns[i] = list->items[i].def;
        run->from[i] = list->items[i].from;
        if (converts_charset(run)) {
            convert_column(run, &t->columns[i]);
        }
        if (run->from[i] >= 0) {
            note_change(run, &run->before->columns[run->from[i]], &t->columns[i]);
        }
    }
}

int alter_columns(struct alter_run *run)
{
    const uint32_t most = run->before->column_count + run->stmt->action_count;
    struct column_list list = {.items =
                                   ARENA_ARRAY(&run->x->stmt_arena, struct new_column, most + 1)};
    if (check_names(run) != 0 || walk_old(run, &list) != 0 || add_and_move(run, &list) != 0) {
        return -1;
    }
    if (list.count == 0) {
        return diag_set(run->x->diag, ER_CANT_REMOVE_ALL_FIELDS);
    }
    take_list(run, &list);
    return 0;
}
