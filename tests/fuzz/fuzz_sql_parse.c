/* fuzz: sql types base */
/*
 * SQL text: any bytes are refused or become a tree whose ranges lie inside the statement; an error
 * has a message. The first byte picks dialect and sql_mode.
 */
#include "sql/parse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_expr(const struct stmt *s, const struct expr *e)
{
    require((size_t)e->src.offset + e->src.len <= s->text.len);
    require(e->height >= 1 && e->height <= SQL_MAX_HEIGHT);
    for (uint32_t i = 0; i < e->argc; i++) {
        require(e->args[i]->height < e->height);
        check_expr(s, e->args[i]);
    }
}

static void check_query(const struct stmt *s, const struct query *q)
{
    require(q->height >= 1 && q->height <= SQL_MAX_HEIGHT);
    for (uint32_t i = 0; q->select != NULL && i < q->select->item_count; i++) {
        check_expr(s, q->select->items[i].expr);
    }
    if (q->left != NULL) {
        check_query(s, q->left);
    }
    if (q->right != NULL) {
        check_query(s, q->right);
    }
}

static struct parse_options options_of(uint8_t byte)
{
    return (struct parse_options){
        .dialect = byte & 1 ? DIALECT_MARIADB : DIALECT_MYSQL,
        .version = byte & 1 ? 101119 : 90704,
        .sql_mode = (byte & 2 ? SQL_MODE_ANSI_QUOTES : 0u) |
                    (byte & 4 ? SQL_MODE_PIPES_AS_CONCAT : 0u) |
                    (byte & 8 ? SQL_MODE_NO_BACKSLASH_ESCAPES : 0u) |
                    (byte & 16 ? SQL_MODE_HIGH_NOT_PRECEDENCE : 0u) |
                    (byte & 32 ? SQL_MODE_IGNORE_SPACE : 0u),
        .collation = COLLATION_UTF8MB4_0900_AI_CI,
        .params_allowed = (byte & 64) != 0,
    };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    const struct parse_options options = options_of(data[0]);
    const struct str text = str_from((const char *)data + 1, size - 1);
    struct arena arena;
    struct diag diag;
    struct stmt *s = NULL;
    size_t used = 0;
    arena_init(&arena, 0);
    diag_init(&diag);
    if (sql_parse(text, &options, &arena, &diag, &s, &used) == 0) {
        require(s->kind < STMT_KIND_COUNT && used <= text.len);
        if (s->kind == STMT_SELECT) {
            check_query(s, s->query);
        }
    } else {
        require(diag.error != NULL && diag.error->message.len > 0);
    }
    arena_release(&arena);
    diag_release(&diag);
    return 0;
}
