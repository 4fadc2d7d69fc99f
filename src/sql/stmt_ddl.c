/* Making definitions of tables, columns and indexes; see stmt_build.h. */
#include "sql/stmt_build.h"

/* ---- Types ---- */

struct column_spec *column_type_new(struct parse_ctx *ctx, enum mysql_type type, struct precision p)
{
    struct column_spec *c = ARENA_NEW(ctx->arena, struct column_spec);
    c->type.type = type;
    c->type.length = p.length;
    c->type.decimals = (uint8_t)MIN(p.scale, 255u);
    c->has_length = p.given;
    return c;
}

/* FLOAT(p) with p above 24 is DOUBLE; REAL is DOUBLE unless sql_mode says otherwise. */
static enum mysql_type float_type_of(const struct parse_ctx *ctx, const struct token *word,
                                     struct precision *p)
{
    const char first = (char)(word->p[0] & 0x5f);
    const bool real_is_float = (ctx->options->sql_mode & SQL_MODE_REAL_AS_FLOAT) != 0;
    if (first == 'D' || (first == 'R' && !real_is_float)) {
        return MYSQL_TYPE_DOUBLE;
    }
    if (p->given && !p->has_scale) {
        const bool wide = p->length > 24;
        *p = (struct precision){0};
        return wide ? MYSQL_TYPE_DOUBLE : MYSQL_TYPE_FLOAT;
    }
    return MYSQL_TYPE_FLOAT;
}

struct column_spec *column_type_float(struct parse_ctx *ctx, const struct token *word,
                                      struct precision p)
{
    const enum mysql_type type = float_type_of(ctx, word, &p);
    struct column_spec *c = column_type_new(ctx, type, p);
    if (!p.has_scale) {
        c->type.decimals = DECIMALS_NOT_FIXED;
    }
    return c;
}

struct column_spec *column_type_serial(struct parse_ctx *ctx)
{
    struct column_spec *c = column_type_new(ctx, MYSQL_TYPE_LONGLONG, (struct precision){0});
    c->is_serial = true;
    c->type.flags = UNSIGNED_FLAG;
    c->not_null = c->auto_increment = c->unique_key = true;
    return c;
}

struct column_spec *column_type_temporal(struct parse_ctx *ctx, enum mysql_type type,
                                         struct precision p)
{
    struct column_spec *c = column_type_new(ctx, type, (struct precision){.given = p.given});
    c->type.decimals = (uint8_t)MIN(p.length, 255u);
    return c;
}

struct column_spec *column_type_text(struct parse_ctx *ctx, enum mysql_type type,
                                     struct precision p, struct charset_attr attr)
{
    struct column_spec *c = column_type_new(ctx, type, p);
    c->charset = attr.charset;
    c->binary_collation = attr.binary;
    return c;
}

struct column_spec *column_type_bytes(struct parse_ctx *ctx, enum mysql_type type,
                                      struct precision p)
{
    struct column_spec *c = column_type_new(ctx, type, p);
    c->type.flags = BINARY_FLAG;
    c->type.collation = COLLATION_BINARY;
    return c;
}

struct column_spec *column_type_labels(struct parse_ctx *ctx, enum mysql_type type,
                                       struct vec labels, struct charset_attr attr)
{
    struct column_spec *c = column_type_text(ctx, type, (struct precision){0}, attr);
    struct type_labels *l = ARENA_NEW(ctx->arena, struct type_labels);
    l->names = labels.items;
    l->count = labels.count;
    c->type.labels = l;
    return c;
}

struct column_spec *column_type_named(struct parse_ctx *ctx, const struct token *name)
{
    static const struct str types[] = {STR_INIT("UUID"), STR_INIT("INET4"), STR_INIT("INET6"),
                                       STR_INIT("XMLTYPE")};
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (ctx->options->dialect == DIALECT_MARIADB && str_eq_nocase(token_str(name), types[i])) {
            parse_unsupported(ctx, types[i].p);
        }
    }
    parse_error_at(ctx, name);
    return column_type_new(ctx, MYSQL_TYPE_NULL, (struct precision){0});
}

struct cast_target *cast_target(struct parse_ctx *ctx, enum mysql_type type, struct precision p)
{
    struct cast_target *t = ARENA_NEW(ctx->arena, struct cast_target);
    t->type.type = type;
    t->type.length = p.length;
    t->type.decimals = (uint8_t)MIN(p.scale, 255u);
    t->has_length = p.given;
    return t;
}

struct cast_target *cast_target_char(struct parse_ctx *ctx, struct precision p,
                                     struct charset_attr attr)
{
    struct cast_target *t = cast_target(ctx, MYSQL_TYPE_VAR_STRING, p);
    t->charset = attr.charset;
    t->binary_collation = attr.binary;
    return t;
}

struct cast_target *cast_target_temporal(struct parse_ctx *ctx, enum mysql_type type,
                                         struct precision p)
{
    struct cast_target *t = cast_target(ctx, type, (struct precision){.given = p.given});
    t->type.decimals = (uint8_t)MIN(p.length, 255u);
    return t;
}

struct cast_target *cast_target_float(struct parse_ctx *ctx, const struct token *word,
                                      struct precision p)
{
    const enum mysql_type type = float_type_of(ctx, word, &p);
    struct cast_target *t = cast_target(ctx, type, p);
    t->type.decimals = DECIMALS_NOT_FIXED;
    return t;
}

/* ---- Columns ---- */

static void column_set_generated(struct column_spec *c, const struct column_attr *a)
{
    c->generated = a->generated;
    c->generated_expr = a->expr;
    c->generated_src = a->src;
}

static void column_set_default(struct column_spec *c, const struct column_attr *a)
{
    c->has_default = true;
    c->default_value = a->expr;
    c->default_src = a->src;
}

static void column_set_attr(struct column_spec *c, const struct column_attr *a)
{
    switch (a->kind) {
    case ATTR_NONE:
        break;
    case ATTR_NULL:
        c->null_given = true;
        c->not_null = false;
        break;
    case ATTR_NOT_NULL:
        c->not_null = true;
        break;
    case ATTR_DEFAULT:
        column_set_default(c, a);
        break;
    case ATTR_ON_UPDATE:
        c->on_update = a->expr;
        break;
    case ATTR_AUTO_INCREMENT:
        c->auto_increment = true;
        break;
    case ATTR_SERIAL_DEFAULT:
        c->not_null = c->auto_increment = c->unique_key = true;
        break;
    case ATTR_PRIMARY:
        c->primary_key = true;
        break;
    case ATTR_UNIQUE:
        c->unique_key = true;
        break;
    case ATTR_COMMENT:
        c->comment = a->text;
        break;
    case ATTR_COLLATE:
        c->collation = a->text;
        break;
    case ATTR_INVISIBLE:
        c->invisible = true;
        break;
    case ATTR_CHECK:
        c->check = a->expr;
        c->check_name = a->text;
        c->check_not_enforced = a->not_enforced;
        c->check_src = a->src;
        break;
    case ATTR_GENERATED:
        column_set_generated(c, a);
        break;
    case ATTR_REFERENCES:
        c->references = true;
        break;
    }
}

struct column_spec *column_new(struct parse_ctx *ctx, struct str name, struct column_spec *type,
                               const struct column_attrs *attrs)
{
    (void)ctx;
    type->name = name;
    const struct column_attr *a = attrs->list.items;
    for (uint32_t i = 0; i < attrs->list.count; i++) {
        column_set_attr(type, &a[i]);
    }
    return type;
}

/* ---- Indexes and constraints ---- */

struct index_spec *index_new(struct parse_ctx *ctx, enum index_kind kind, struct str name,
                             struct vec parts, const struct index_options *options,
                             struct str algorithm)
{
    struct index_spec *s = ARENA_NEW(ctx->arena, struct index_spec);
    s->kind = kind;
    s->name = name;
    s->parts = parts.items;
    s->part_count = parts.count;
    s->algorithm = options->algorithm.p ? options->algorithm : algorithm;
    s->comment = options->comment;
    s->invisible = options->invisible;
    return s;
}

struct index_spec *index_references(struct parse_ctx *ctx, const struct table_name *table,
                                    struct vec columns, struct fk_actions actions)
{
    struct index_spec *s = ARENA_NEW(ctx->arena, struct index_spec);
    s->kind = INDEX_FOREIGN;
    s->ref_table = *table;
    s->ref_columns = columns.items;
    s->ref_count = columns.count;
    s->on_delete = actions.on_delete;
    s->on_update = actions.on_update;
    return s;
}

void index_make_foreign(struct index_spec *index, struct str name, struct vec parts)
{
    index->name = name;
    index->parts = parts.items;
    index->part_count = parts.count;
}

struct check_spec *check_new(struct parse_ctx *ctx, struct str name, struct expr *expr,
                             struct src_range src, bool not_enforced)
{
    struct check_spec *c = ARENA_NEW(ctx->arena, struct check_spec);
    c->name = name;
    c->expr = expr;
    c->src = src;
    c->not_enforced = not_enforced;
    return c;
}

/* ---- Tables ---- */

struct table_elements *table_elements_add(struct parse_ctx *ctx, struct table_elements *all,
                                          const struct table_element *element)
{
    if (all == NULL) {
        all = ARENA_NEW(ctx->arena, struct table_elements);
    }
    if (element->column != NULL) {
        VEC_PUSH(ctx, &all->columns, struct column_spec, *element->column);
    } else if (element->index != NULL) {
        VEC_PUSH(ctx, &all->indexes, struct index_spec, *element->index);
    } else {
        VEC_PUSH(ctx, &all->checks, struct check_spec, *element->check);
    }
    return all;
}

static void table_options_append(struct parse_ctx *ctx, struct table_options *all, struct str text)
{
    if (all->others.p == NULL) {
        all->others = text;
        return;
    }
    all->others = arena_printf(ctx->arena, "%.*s %.*s", STR_FMT(all->others), STR_FMT(text));
}

struct table_options *table_options_add(struct parse_ctx *ctx, struct table_options *all,
                                        const struct table_option *option)
{
    if (all == NULL) {
        all = ARENA_NEW(ctx->arena, struct table_options);
    }
    switch (option->kind) {
    case OPTION_NONE:
        break;
    case OPTION_ENGINE:
        all->engine = option->text;
        break;
    case OPTION_AUTO_INCREMENT:
        all->has_auto_increment = true;
        all->auto_increment = option->number;
        break;
    case OPTION_COMMENT:
        all->comment = option->text;
        break;
    case OPTION_CHARSET:
        all->charset = option->text;
        break;
    case OPTION_COLLATE:
        all->collation = option->text;
        break;
    case OPTION_ROW_FORMAT:
        all->row_format = option->text;
        break;
    case OPTION_OTHER:
        table_options_append(ctx, all, src_text(ctx, option->src));
        break;
    }
    return all;
}

void build_create_table_head(struct parse_ctx *ctx, struct create_flags flags,
                             const struct table_name *table)
{
    struct create_table_stmt *s = &stmt_new(ctx, STMT_CREATE_TABLE)->create_table;
    s->or_replace = flags.or_replace;
    s->temporary = flags.temporary;
    s->if_not_exists = flags.if_not_exists;
    s->table = *table;
}

void build_create_table(struct parse_ctx *ctx, const struct table_body *body)
{
    struct create_table_stmt *s = &ctx->stmt->create_table;
    if (body->elements != NULL) {
        s->columns = body->elements->columns.items;
        s->column_count = body->elements->columns.count;
        s->indexes = body->elements->indexes.items;
        s->index_count = body->elements->indexes.count;
        s->checks = body->elements->checks.items;
        s->check_count = body->elements->checks.count;
    }
    if (body->options != NULL) {
        s->options = *body->options;
    }
    s->has_partitions = body->partitioned.len > 0;
    s->partition_src = body->partitioned;
    s->query = body->query.query;
    s->query_duplicates = body->query.duplicates;
}

void build_create_like(struct parse_ctx *ctx, const struct table_name *like)
{
    struct create_table_stmt *s = &ctx->stmt->create_table;
    s->like = true;
    s->like_table = *like;
}

void build_database(struct parse_ctx *ctx, enum stmt_kind kind, struct database_stmt database)
{
    stmt_new(ctx, kind)->database = database;
}

struct database_stmt database_options_merge(struct database_stmt a, struct database_stmt b)
{
    a.charset = b.charset.p ? b.charset : a.charset;
    a.collation = b.collation.p ? b.collation : a.collation;
    a.comment = b.comment.p ? b.comment : a.comment;
    return a;
}

void build_drop(struct parse_ctx *ctx, enum stmt_kind kind, struct drop_stmt drop,
                struct vec tables)
{
    drop.tables = tables.items;
    drop.count = tables.count;
    stmt_new(ctx, kind)->drop = drop;
}

/* Splits pairs into two arrays. */
static void unzip(struct parse_ctx *ctx, struct vec pairs, size_t size, void **out_first,
                  void **out_second)
{
    const uint32_t count = pairs.count / 2;
    char *first = arena_alloc(ctx->arena, count * size);
    char *second = arena_alloc(ctx->arena, count * size);
    const char *from = pairs.items;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(first + i * size, from + 2 * i * size, size);
        memcpy(second + i * size, from + (2 * i + 1) * size, size);
    }
    *out_first = first;
    *out_second = second;
}

void build_rename(struct parse_ctx *ctx, struct vec pairs)
{
    struct rename_stmt *s = &stmt_new(ctx, STMT_RENAME_TABLE)->rename;
    void *from;
    void *to;
    unzip(ctx, pairs, sizeof(struct table_name), &from, &to);
    s->count = pairs.count / 2;
    s->from = from;
    s->to = to;
}

void build_view(struct parse_ctx *ctx, struct create_flags flags, const struct table_name *name,
                struct vec columns, struct query *query)
{
    struct view_stmt *s = &stmt_new(ctx, STMT_CREATE_VIEW)->view;
    s->or_replace = flags.or_replace;
    s->if_exists = flags.if_not_exists;
    s->name = *name;
    s->columns = columns.items;
    s->column_count = columns.count;
    s->query = query;
    s->query_src = query->src;
}

/* ---- ALTER TABLE ---- */

void build_alter(struct parse_ctx *ctx, bool ignore, const struct table_name *table,
                 struct vec actions)
{
    struct alter_table_stmt *s = &stmt_new(ctx, STMT_ALTER_TABLE)->alter_table;
    s->table = *table;
    s->ignore = ignore;
    s->actions = actions.items;
    s->action_count = actions.count;
}

static struct alter_action *alter_push(struct parse_ctx *ctx, struct vec *actions,
                                       enum alter_kind kind, struct str name)
{
    struct alter_action *a = vec_push(ctx, actions, sizeof(*a));
    a->kind = kind;
    a->name = name;
    return a;
}

void build_create_index(struct parse_ctx *ctx, const struct table_name *table,
                        const struct index_spec *index, bool if_not_exists)
{
    struct vec actions = {0};
    struct alter_action *a = alter_push(ctx, &actions, ALTER_ADD_INDEX, index->name);
    a->index = *index;
    a->if_not_exists = if_not_exists;
    build_alter(ctx, false, table, actions);
    stmt_new(ctx, STMT_CREATE_INDEX);
}

void build_drop_index(struct parse_ctx *ctx, const struct table_name *table, struct str name,
                      bool if_exists)
{
    struct vec actions = {0};
    alter_push(ctx, &actions, ALTER_DROP_INDEX, name)->if_exists = if_exists;
    build_alter(ctx, false, table, actions);
    stmt_new(ctx, STMT_DROP_INDEX);
}

struct alter_action *alter_new(struct parse_ctx *ctx, enum alter_kind kind, struct str name)
{
    struct alter_action *a = ARENA_NEW(ctx->arena, struct alter_action);
    a->kind = kind;
    a->name = name;
    return a;
}

struct alter_action *alter_column(struct parse_ctx *ctx, enum alter_kind kind,
                                  const struct column_spec *column,
                                  const struct placement *placement)
{
    struct alter_action *a = alter_new(ctx, kind, column->name);
    a->column = *column;
    a->first = placement->first;
    a->after = placement->after;
    return a;
}

struct alter_action *alter_rename(struct parse_ctx *ctx, enum alter_kind kind,
                                  const struct token *from, const struct token *to)
{
    struct alter_action *a = alter_new(ctx, kind, token_str(from));
    a->new_name = token_str(to);
    return a;
}

void alter_add_elements(struct parse_ctx *ctx, struct vec *actions,
                        const struct table_elements *elements, bool if_not_exists)
{
    const struct column_spec *columns = elements->columns.items;
    for (uint32_t i = 0; i < elements->columns.count; i++) {
        struct alter_action *a = alter_push(ctx, actions, ALTER_ADD_COLUMN, columns[i].name);
        a->column = columns[i];
        a->if_not_exists = if_not_exists;
    }
    const struct index_spec *indexes = elements->indexes.items;
    for (uint32_t i = 0; i < elements->indexes.count; i++) {
        alter_push(ctx, actions, ALTER_ADD_INDEX, indexes[i].name)->index = indexes[i];
    }
    const struct check_spec *checks = elements->checks.items;
    for (uint32_t i = 0; i < elements->checks.count; i++) {
        alter_push(ctx, actions, ALTER_ADD_CHECK, checks[i].name)->check = checks[i];
    }
}

struct vec alter_partition(struct parse_ctx *ctx)
{
    struct vec actions = {0};
    alter_push(ctx, &actions, ALTER_PARTITION, STR_NULL);
    return actions;
}
