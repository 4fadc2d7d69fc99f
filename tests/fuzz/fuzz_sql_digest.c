/* fuzz: sql types base */
/*
 * The digest of any bytes: the same with and without the text, the same again for the same bytes,
 * and of the text itself computable. The first byte picks dialect and sql_mode.
 */
#include "sql/digest.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    const struct parse_options options = {
        .dialect = data[0] & 1 ? DIALECT_MARIADB : DIALECT_MYSQL,
        .version = 101119,
        .sql_mode = (data[0] & 2 ? SQL_MODE_ANSI_QUOTES : 0u) |
                    (data[0] & 8 ? SQL_MODE_NO_BACKSLASH_ESCAPES : 0u),
    };
    const struct str text = str_from((const char *)data + 1, size - 1);
    struct bytebuf normalised;
    struct digest a;
    struct digest b;
    bytebuf_init(&normalised, 8 * size + 64);
    sql_digest(text, &options, &a, &normalised);
    sql_digest(text, &options, &b, NULL);
    if (a.hash[0] != b.hash[0] || a.hash[1] != b.hash[1] || normalised.failed) {
        abort();
    }
    sql_digest(bytebuf_str(&normalised), &options, &b, NULL);
    bytebuf_release(&normalised);
    return 0;
}
