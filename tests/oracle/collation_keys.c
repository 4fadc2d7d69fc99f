/*
 * Prints what the collations make of code points and strings, for comparison with a real server:
 *
 *   collation_keys keys COLLATION           each code point and its sort key
 *   collation_keys key COLLATION            the sort key of each line of standard input (strings in
 * hexadecimal) collation_keys compare COLLATION        -1, 0 or 1 for each line with two strings in
 * hexadecimal, separated by a tab collation_keys like COLLATION           0 or 1 for each line:
 * string, tab, pattern collation_keys case COLLATION           each line's upper and lower form
 *   collation_keys to-utf8 CHARSET          each line, in that set, in UTF-8
 *   collation_keys from-utf8 CHARSET        each line, in UTF-8, in that set
 *
 * Everything printed is hexadecimal, fields are separated by tabs. tests/oracle/weights drives it.
 */
#include "base/bytebuf.h"
#include "types/charset.h"
#include "types/collation.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* Longest line read. */
#define LINE_MAX_BYTES 65536

static void put_hex(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        printf("%02X", (unsigned)(unsigned char)s.p[i]);
    }
}

static unsigned hex_digit(int c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(toupper(c) - 'A' + 10);
}

/* Decodes hexadecimal in place up to the first other character, which *end then points at. */
static struct str get_hex(char *text, char **end)
{
    size_t len = 0;
    char *from = text;
    while (isxdigit((unsigned char)from[0]) && isxdigit((unsigned char)from[1])) {
        text[len++] = (char)(hex_digit(from[0]) << 4 | hex_digit(from[1]));
        from += 2;
    }
    *end = from;
    return str_from(text, len);
}

static const struct collation *get_collation(const char *name)
{
    const struct collation *c = collation_find_name(str_from_cstr(name), DIALECT_MYSQL);
    if (!c) {
        c = collation_find_name(str_from_cstr(name), DIALECT_MARIADB);
    }
    if (!c || !collation_is_supported(c)) {
        fprintf(stderr, "collation_keys: %s is not supported\n", name);
        exit(1);
    }
    return c;
}

static void print_all_keys(const struct collation *c, struct bytebuf *out)
{
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        if (cp >= 0xD800 && cp <= 0xDFFF) {
            continue;
        }
        char utf8[4];
        bytebuf_reset(out);
        collation_sort_key(c, str_from(utf8, utf8_put(cp, utf8)), out);
        printf("%X\t", cp);
        put_hex(bytebuf_str(out));
        putchar('\n');
    }
}

static void print_case(const struct collation *c, struct str s, struct bytebuf *out)
{
    collation_upper(c, s, out);
    put_hex(bytebuf_str(out));
    bytebuf_reset(out);
    putchar('\t');
    collation_lower(c, s, out);
}

static void print_line(const char *what, const char *name, char *line, struct bytebuf *out)
{
    char *rest;
    const struct str a = get_hex(line, &rest);
    const struct str b = *rest == '\t' ? get_hex(rest + 1, &rest) : STR_NULL;
    bytebuf_reset(out);
    if (strcmp(what, "to-utf8") == 0) {
        charset_to_utf8(charset_find(str_from_cstr(name)), a, out);
    } else if (strcmp(what, "from-utf8") == 0) {
        charset_from_utf8(charset_find(str_from_cstr(name)), a, out);
    } else if (strcmp(what, "key") == 0) {
        collation_sort_key(get_collation(name), a, out);
    } else if (strcmp(what, "case") == 0) {
        print_case(get_collation(name), a, out);
    } else if (strcmp(what, "compare") == 0) {
        const int order = collation_compare(get_collation(name), a, b);
        printf("%d", (order > 0) - (order < 0));
    } else if (strcmp(what, "like") == 0) {
        printf("%d", collation_like(get_collation(name), a, b, '\\'));
    }
    put_hex(bytebuf_str(out));
    putchar('\n');
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: collation_keys WHAT NAME\n");
        return 2;
    }
    struct bytebuf out;
    bytebuf_init(&out, SIZE_MAX);
    if (strcmp(argv[1], "keys") == 0) {
        print_all_keys(get_collation(argv[2]), &out);
    } else {
        static char line[LINE_MAX_BYTES];
        while (fgets(line, sizeof(line), stdin)) {
            print_line(argv[1], argv[2], line, &out);
        }
    }
    bytebuf_release(&out);
    return 0;
}
