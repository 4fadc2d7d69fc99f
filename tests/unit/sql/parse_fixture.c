#include "parse_fixture.h"

#include "ast_dump.h"

#include <stdio.h>
#include <stdlib.h>

void parse_fixture_init(struct parse_fixture *f, enum sql_dialect dialect)
{
    *f = (struct parse_fixture){
        .options =
            {
                .dialect = dialect,
                .version = dialect == DIALECT_MARIADB ? 101119 : 90704,
                .collation = COLLATION_UTF8MB4_0900_AI_CI,
                .params_allowed = true,
            },
    };
    arena_init(&f->arena, 0);
    diag_init(&f->diag);
    bytebuf_init(&f->text, (size_t)64 << 20);
}

void parse_fixture_release(struct parse_fixture *f)
{
    arena_release(&f->arena);
    diag_release(&f->diag);
    bytebuf_release(&f->text);
}

int parse_one(struct parse_fixture *f, struct str text)
{
    arena_reset(&f->arena);
    diag_reset(&f->diag);
    f->stmt = NULL;
    if (sql_parse(text, &f->options, &f->arena, &f->diag, &f->stmt, &f->used) == 0) {
        return 0;
    }
    assert_non_null(f->diag.error);
    return f->diag.error->code;
}

const char *parse_dump(struct parse_fixture *f, struct str text)
{
    bytebuf_reset(&f->text);
    if (parse_one(f, text) == 0) {
        ast_dump_stmt(f->stmt, &f->text);
    } else {
        bytebuf_printf(&f->text, "ERROR %d %.*s", f->diag.error->code,
                       STR_FMT(f->diag.error->message));
    }
    bytebuf_put_char(&f->text, '\0');
    assert_false(f->text.failed);
    return f->text.p;
}

char *parse_read_file(const char *path, size_t *out_len)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = malloc((size_t)4 << 20);
    assert_non_null(text);
    *out_len = fread(text, 1, (size_t)4 << 20, file);
    (void)fclose(file);
    return text;
}

size_t parse_each_line(const char *file, void (*fn)(void *arg, struct str line), void *arg)
{
    char path[256];
    size_t len;
    size_t count = 0;
    (void)snprintf(path, sizeof(path), "tests/unit/sql/lists/%s", file);
    char *text = parse_read_file(path, &len);
    for (char *p = text, *end = text + len; p < end;) {
        char *newline = memchr(p, '\n', (size_t)(end - p));
        char *stop = newline ? newline : end;
        const struct str line = str_from(p, (size_t)(stop - p));
        if (line.len > 0 && !str_starts_with(line, STR("-- ")) &&
            !str_starts_with(line, STR("# "))) {
            fn(arg, line);
            count++;
        }
        p = stop + 1;
    }
    free(text);
    return count;
}
