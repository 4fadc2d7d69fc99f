/* The compression of MariaDB's events and columns: zlib behind a header of its own. */
#include "binlog/binlog_int.h"

#include <zlib.h>

enum {
    EVENT_ALGORITHM_MASK = 0x70, /* 0 = zlib, the only one. */
    EVENT_LEN_MASK = 0x07,

    COLUMN_METHOD_SHIFT = 4, /* 0 = not compressed, 8 = zlib */
    COLUMN_METHOD_ZLIB = 8,
    COLUMN_NO_WRAP = 0x08, /* Without zlib's own header and checksum. */
    COLUMN_LEN_MASK = 0x07,

    DEFLATE_MAX_RATIO = 1032, /* No deflate stream grows more. */
};

/* Inflates all of s to exactly len bytes. */
static int inflate_all(struct str s, int window_bits, struct arena *a, size_t len, struct str *out)
{
    if (len / DEFLATE_MAX_RATIO > s.len || s.len > UINT32_MAX || len > UINT32_MAX) {
        return -1;
    }
    char *buf = arena_try_alloc(a, len + 1);
    if (buf == NULL) {
        return -1;
    }
    z_stream z = {.next_in = (Bytef *)(uintptr_t)s.p,
                  .avail_in = (uInt)s.len,
                  .next_out = (Bytef *)buf,
                  .avail_out = (uInt)len};
    if (inflateInit2(&z, window_bits) != Z_OK) {
        return -1;
    }
    const int rc = inflate(&z, Z_FINISH);
    const bool ok = rc == Z_STREAM_END && z.total_out == len;
    (void)inflateEnd(&z);
    *out = str_from(buf, len);
    return ok ? 0 : -1;
}

int mariadb_uncompress(struct str s, struct arena *a, size_t max_len, struct str *out)
{
    const uint8_t head = s.len > 0 ? (uint8_t)s.p[0] : 0;
    const unsigned len_bytes = head & EVENT_LEN_MASK;
    if ((head & 0x80) == 0 || (head & EVENT_ALGORITHM_MASK) != 0 || len_bytes == 0 ||
        len_bytes > 4 || s.len < 1 + len_bytes) {
        return -1;
    }
    const uint64_t len = load_be(s.p + 1, len_bytes);
    if (len > max_len) {
        return -1;
    }
    return inflate_all(str_from(s.p + 1 + len_bytes, s.len - 1 - len_bytes), MAX_WBITS, a,
                       (size_t)len, out);
}

int mariadb_uncompress_column(struct str s, struct arena *a, struct str *out)
{
    if (s.len == 0) {
        *out = s;
        return 0;
    }
    const uint8_t head = (uint8_t)s.p[0];
    if (head >> COLUMN_METHOD_SHIFT == 0) {
        *out = str_from(s.p + 1, s.len - 1);
        return 0;
    }
    const unsigned len_bytes = head & COLUMN_LEN_MASK;
    if (head >> COLUMN_METHOD_SHIFT != COLUMN_METHOD_ZLIB || len_bytes == 0 || len_bytes > 4 ||
        s.len < 1 + len_bytes) {
        return -1;
    }
    const int window_bits = head & COLUMN_NO_WRAP ? -MAX_WBITS : MAX_WBITS;
    return inflate_all(str_from(s.p + 1 + len_bytes, s.len - 1 - len_bytes), window_bits, a,
                       (size_t)load_be(s.p + 1, len_bytes), out);
}
