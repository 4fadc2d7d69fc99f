/* See load_parse.h. */
#include "exec/load_parse.h"

static void mark_first(struct load_parser *p, struct str s)
{
    if (s.len > 0) {
        p->special[(unsigned char)s.p[0]] = true;
    }
}

void load_parser_init(struct load_parser *p, const struct load_format *format)
{
    *p = (struct load_parser){.format = *format};
    mark_first(p, format->fields_terminated);
    mark_first(p, format->lines_terminated);
    if (format->escaped >= 0) {
        p->special[format->escaped] = true;
    }
}

static bool at(struct str input, size_t pos, struct str what)
{
    return what.len > 0 && input.len - pos >= what.len &&
           memcmp(input.p + pos, what.p, what.len) == 0;
}

/* Could `what` begin at pos and end beyond the input? */
static bool may_be_at(struct str input, size_t pos, struct str what)
{
    const size_t left = input.len - pos;
    return left < what.len && memcmp(input.p + pos, what.p, left) == 0;
}

/* The character that \c stands for. */
static char unescape(char c)
{
    switch (c) {
    case '0':
        return '\0';
    case 'b':
        return '\b';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'Z':
        return '\032';
    default:
        return c;
    }
}

/* What ended a field. */
enum field_end {
    END_FIELD,
    END_LINE,
    END_INPUT,
    END_UNKNOWN, /* more input is needed to tell */
};

struct field_state {
    size_t pos;   /* next byte */
    size_t start; /* of the text */
    size_t len;   /* of the text, without escapes */
    bool has_escapes;
    bool escaped_null; /* \N and nothing else */
};

/* The terminator at pos, if any. */
static enum field_end terminator_at(const struct load_parser *p, struct str input, size_t *pos,
                                    bool eof)
{
    const struct load_format *f = &p->format;
    if (at(input, *pos, f->fields_terminated)) {
        *pos += f->fields_terminated.len;
        return END_FIELD;
    }
    if (at(input, *pos, f->lines_terminated)) {
        *pos += f->lines_terminated.len;
        return END_LINE;
    }
    if (!eof && (may_be_at(input, *pos, f->fields_terminated) ||
                 may_be_at(input, *pos, f->lines_terminated))) {
        return END_UNKNOWN;
    }
    return END_INPUT; /* none here */
}

/* A field without enclosure: up to a terminator. */
static enum field_end scan_plain(const struct load_parser *p, struct str input, bool eof,
                                 struct field_state *s)
{
    const unsigned char *bytes = (const unsigned char *)input.p;
    size_t pos = s->pos;
    s->start = pos;
    for (;;) {
        while (pos < input.len && !p->special[bytes[pos]]) {
            pos++;
        }
        if (pos == input.len) {
            s->len = pos - s->start;
            s->pos = pos;
            return eof ? END_INPUT : END_UNKNOWN;
        }
        if (bytes[pos] == p->format.escaped) {
            if (pos + 1 == input.len) {
                s->len = pos + (eof ? 1 : 0) - s->start;
                s->pos = input.len;
                return eof ? END_INPUT : END_UNKNOWN;
            }
            s->has_escapes = true;
            pos += 2;
            continue;
        }
        const size_t text_end = pos;
        const enum field_end end = terminator_at(p, input, &pos, eof);
        if (end != END_INPUT) {
            s->len = text_end - s->start;
            s->pos = pos;
            return end;
        }
        pos++;
    }
}

/* An enclosed field: up to the enclosing byte that a terminator follows. */
static enum field_end scan_enclosed(const struct load_parser *p, struct str input, bool eof,
                                    struct field_state *s)
{
    const int quote = p->format.enclosed;
    size_t pos = s->pos + 1;
    s->start = pos;
    for (; pos < input.len; pos++) {
        const int c = (unsigned char)input.p[pos];
        if (c == p->format.escaped && c != quote && pos + 1 < input.len) {
            s->has_escapes = true;
            pos++;
            continue;
        }
        if (c != quote) {
            continue;
        }
        if (pos + 1 == input.len) {
            s->len = pos - s->start;
            s->pos = input.len;
            return eof ? END_INPUT : END_UNKNOWN;
        }
        if ((unsigned char)input.p[pos + 1] == quote) {
            s->has_escapes = true;
            pos++;
            continue;
        }
        size_t after = pos + 1;
        const enum field_end end = terminator_at(p, input, &after, eof);
        if (end != END_INPUT) {
            s->len = pos - s->start;
            s->pos = after;
            return end;
        }
    }
    s->len = pos - s->start;
    s->pos = pos;
    return eof ? END_INPUT : END_UNKNOWN;
}

static struct str without_escapes(const struct load_parser *p, struct str raw, bool enclosed,
                                  struct arena *scratch)
{
    char *out = arena_alloc(scratch, raw.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < raw.len; i++) {
        const int c = (unsigned char)raw.p[i];
        if (c == p->format.escaped && i + 1 < raw.len) {
            out[n++] = unescape(raw.p[++i]);
        } else if (enclosed && c == p->format.enclosed && i + 1 < raw.len &&
                   (unsigned char)raw.p[i + 1] == p->format.enclosed) {
            out[n++] = raw.p[i++];
        } else {
            out[n++] = raw.p[i];
        }
    }
    return str_from(out, n);
}

static void take_field(const struct load_parser *p, struct str raw, bool enclosed, bool has_escapes,
                       struct arena *scratch, struct load_field *out)
{
    const struct load_format *f = &p->format;
    out->is_null = false;
    if (!enclosed && has_escapes && raw.len == 2 && raw.p[1] == 'N') {
        out->is_null = true;
    } else if (!enclosed && (f->enclosed >= 0 || f->escaped < 0) && str_eq(raw, STR("NULL"))) {
        out->is_null = true;
    }
    out->text = has_escapes ? without_escapes(p, raw, enclosed, scratch) : raw;
}

/* The place behind the LINES STARTING BY prefix; what is before it is skipped, also whole lines. */
static enum load_result skip_prefix(const struct load_parser *p, struct str input, bool eof,
                                    size_t *pos)
{
    const struct str prefix = p->format.lines_starting;
    if (prefix.len == 0) {
        return LOAD_ROW;
    }
    const char *found = input.len == 0 ? NULL : memmem(input.p, input.len, prefix.p, prefix.len);
    if (found == NULL) {
        return eof ? LOAD_END : LOAD_NEED_MORE;
    }
    *pos = (size_t)(found - input.p) + prefix.len;
    return LOAD_ROW;
}

enum load_result load_parse_row(const struct load_parser *p, struct str input, bool eof,
                                struct load_field *fields, uint32_t max_fields,
                                struct arena *scratch, size_t *out_used, uint32_t *out_count)
{
    struct field_state s = {0};
    *out_count = 0;
    if (input.len == 0) {
        return eof ? LOAD_END : LOAD_NEED_MORE;
    }
    const enum load_result started = skip_prefix(p, input, eof, &s.pos);
    if (started != LOAD_ROW) {
        *out_used = input.len;
        return started;
    }
    for (;;) {
        const bool enclosed = p->format.enclosed >= 0 && s.pos < input.len &&
                              (unsigned char)input.p[s.pos] == p->format.enclosed;
        s.has_escapes = false;
        const enum field_end end =
            enclosed ? scan_enclosed(p, input, eof, &s) : scan_plain(p, input, eof, &s);
        if (end == END_UNKNOWN) {
            return LOAD_NEED_MORE;
        }
        if (*out_count < max_fields) {
            take_field(p, str_from(input.p + s.start, s.len), enclosed, s.has_escapes, scratch,
                       &fields[*out_count]);
        }
        ++*out_count;
        if (end != END_FIELD) {
            *out_used = s.pos;
            return LOAD_ROW;
        }
    }
}

enum load_result load_skip_line(const struct load_parser *p, struct str input, bool eof,
                                size_t *out_used)
{
    const struct str end = p->format.lines_terminated;
    const char *found = input.len == 0 ? NULL : memmem(input.p, input.len, end.p, end.len);
    if (found != NULL) {
        *out_used = (size_t)(found - input.p) + end.len;
        return LOAD_ROW;
    }
    *out_used = input.len;
    return eof ? LOAD_END : LOAD_NEED_MORE;
}
