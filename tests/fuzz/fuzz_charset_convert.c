/* fuzz: types base */
/*
 * Text in any character set: what comes out is UTF-8, what goes back is well-formed in the set, and
 * the arithmetic of characters and bytes holds together.
 */
#include "types/charset.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_counts(const struct charset *cs, struct str s)
{
    const size_t count = charset_count(cs, s);
    require(count <= s.len);
    require(charset_prefix(cs, s, count) == s.len);
    require(charset_prefix(cs, s, count / 2) <= s.len);
    const size_t valid = charset_valid_prefix(cs, s);
    require(valid <= s.len && charset_valid_prefix(cs, str_from(s.p, valid)) == valid);
    require(utf8_prefix(s, utf8_count(s)) == s.len);
}

/* The first byte picks the character set. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    size_t count;
    const struct charset *cs = charset_list(&count) + data[0] % count;
    const struct str s = str_from((const char *)data + 1, size - 1);
    struct bytebuf utf8;
    struct bytebuf native;
    bytebuf_init(&utf8, SIZE_MAX);
    bytebuf_init(&native, SIZE_MAX);
    check_counts(cs, s);
    (void)charset_to_utf8(cs, s, &utf8);
    require(cs->kind == CHARSET_BINARY || str_is_utf8(bytebuf_str(&utf8)));
    (void)charset_from_utf8(cs, bytebuf_str(&utf8), &native);
    require(charset_valid_prefix(cs, bytebuf_str(&native)) == native.len);
    bytebuf_reset(&native);
    (void)charset_from_utf8(cs, s, &native);
    require(cs->kind == CHARSET_BINARY ||
            charset_valid_prefix(cs, bytebuf_str(&native)) == native.len);
    bytebuf_release(&utf8);
    bytebuf_release(&native);
    return 0;
}
