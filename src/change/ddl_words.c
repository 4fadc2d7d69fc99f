/* See ddl_words.h. */
#include "change/ddl_words.h"

#include "types/sql_mode.h"

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool starts(const struct ddl_words *w, const char *with)
{
    const size_t len = strlen(with);
    return (size_t)(w->end - w->p) >= len && memcmp(w->p, with, len) == 0;
}

static void skip_line(struct ddl_words *w)
{
    while (w->p < w->end && *w->p != '\n') {
        w->p++;
    }
}

static void skip_comment(struct ddl_words *w)
{
    w->p += 2;
    while (w->p < w->end && !starts(w, "*/")) {
        w->p++;
    }
    w->p += w->p < w->end ? 2 : 0;
}

/* The opening of a comment whose text counts. */
static void enter_comment(struct ddl_words *w)
{
    w->p += starts(w, "/*M!") ? 4 : 3;
    while (w->p < w->end && is_digit(*w->p)) {
        w->p++;
    }
}

static bool is_dash_comment(const struct ddl_words *w)
{
    return starts(w, "--") && (w->end - w->p == 2 || is_space(w->p[2]));
}

static void skip_blanks(struct ddl_words *w)
{
    while (w->p < w->end) {
        if (is_space(*w->p)) {
            w->p++;
        } else if (*w->p == '#' || is_dash_comment(w)) {
            skip_line(w);
        } else if (starts(w, "/*!") || starts(w, "/*M!")) {
            enter_comment(w);
        } else if (starts(w, "*/")) {
            w->p += 2; /* of a version comment */
        } else if (starts(w, "/*")) {
            skip_comment(w);
        } else {
            return;
        }
    }
}

/* Goes behind the closing quote, which may stand twice for itself. */
static void read_quoted(struct ddl_words *w)
{
    const char quote = *w->p++;
    const bool escapes =
        w->kind == DDL_WORD_STRING && (w->sql_mode & SQL_MODE_NO_BACKSLASH_ESCAPES) == 0;
    while (w->p < w->end) {
        if (escapes && *w->p == '\\' && w->p + 1 < w->end) {
            w->p += 2;
        } else if (*w->p != quote) {
            w->p++;
        } else if (w->p + 1 < w->end && w->p[1] == quote) {
            w->p += 2;
        } else {
            w->p++;
            return;
        }
    }
}

void ddl_words_next(struct ddl_words *w)
{
    skip_blanks(w);
    const char *start = w->p;
    if (w->p == w->end) {
        w->kind = DDL_WORD_END;
    } else if (*w->p == '`' || (*w->p == '"' && (w->sql_mode & SQL_MODE_ANSI_QUOTES) != 0)) {
        w->kind = DDL_WORD_QUOTED;
        read_quoted(w);
    } else if (*w->p == '\'' || *w->p == '"') {
        w->kind = DDL_WORD_STRING;
        read_quoted(w);
    } else if (is_name_char(*w->p)) {
        w->kind = DDL_WORD_NAME;
        while (w->p < w->end && is_name_char(*w->p)) {
            w->p++;
        }
    } else {
        w->kind = DDL_WORD_MARK;
        w->p++;
    }
    w->text = str_from(start, (size_t)(w->p - start));
}

void ddl_words_init(struct ddl_words *w, struct str sql, uint64_t sql_mode)
{
    const char *p = sql.len > 0 ? sql.p : "";
    *w = (struct ddl_words){.p = p, .end = p + sql.len, .sql_mode = sql_mode};
    ddl_words_next(w);
}

bool ddl_words_is(const struct ddl_words *w, const char *keyword)
{
    return w->kind == DDL_WORD_NAME && str_eq_nocase(w->text, str_from_cstr(keyword));
}

bool ddl_words_skip(struct ddl_words *w, const char *keyword)
{
    if (!ddl_words_is(w, keyword)) {
        return false;
    }
    ddl_words_next(w);
    return true;
}

bool ddl_words_is_mark(const struct ddl_words *w, char mark)
{
    return w->kind == DDL_WORD_MARK && w->text.p[0] == mark;
}

/* What stands between the quotes, doubled ones as one. */
static struct str unquote(struct str text, struct arena *arena)
{
    const size_t last = text.len > 1 && text.p[text.len - 1] == text.p[0] ? 1 : 0;
    char *out = arena_alloc(arena, text.len);
    size_t n = 0;
    for (size_t i = 1; i + last < text.len; i++) {
        out[n++] = text.p[i];
        i += text.p[i] == text.p[0] ? 1 : 0;
    }
    return str_from(out, n);
}

bool ddl_words_name(struct ddl_words *w, struct arena *arena, struct str *out)
{
    if (w->kind == DDL_WORD_QUOTED) {
        *out = unquote(w->text, arena);
    } else if (w->kind == DDL_WORD_NAME) {
        *out = arena_dup(arena, w->text);
    } else {
        return false;
    }
    ddl_words_next(w);
    return true;
}

bool ddl_words_table(struct ddl_words *w, struct arena *arena, struct str *out_db,
                     struct str *out_name)
{
    *out_db = STR("");
    if (!ddl_words_name(w, arena, out_name)) {
        return false;
    }
    if (!ddl_words_is_mark(w, '.')) {
        return true;
    }
    ddl_words_next(w);
    *out_db = *out_name;
    return ddl_words_name(w, arena, out_name);
}

void ddl_words_skip_set_statement(struct ddl_words *w)
{
    while (w->kind != DDL_WORD_END && !ddl_words_skip(w, "FOR")) {
        ddl_words_next(w);
    }
}
