/* Headers, checksums and format descriptions. */
#include "binlog_test.h"

#include <zlib.h>

/* Any length and alignment must give what zlib gives, in one go and in two. */
static void test_crc32_is_that_of_zlib(void **state)
{
    (void)state;
    unsigned char data[700];
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof(data); i++) {
        seed = seed * 1103515245 + 12345;
        data[i] = (unsigned char)(seed >> 16);
    }
    for (size_t len = 0; len < 600; len++) {
        for (size_t start = 0; start < 20; start += 3) {
            const struct str s = str_from((const char *)data + start, len);
            const uint32_t want = (uint32_t)crc32(0, data + start, (uInt)len);
            assert_int_equal(binlog_crc32(0, s), want);
            const struct str head = str_from(s.p, len / 3);
            const struct str tail = str_from(s.p + len / 3, len - len / 3);
            assert_int_equal(binlog_crc32(binlog_crc32(0, head), tail), want);
        }
    }
}

/* The recorded file's first event, and the format it tells. */
static struct str first_event(struct arena *a, const char *name, struct binlog_format *out)
{
    struct diag d;
    struct binlog_event ev;
    struct str bytes;
    size_t at = BINLOG_MAGIC_LEN;
    diag_init(&d);
    const struct str file = read_data(a, name, ".binlog");
    assert_true(next_event(file, &at, &bytes));
    binlog_format_init(out, BINLOG_CHECKSUM_UNKNOWN);
    assert_int_equal(binlog_decode_event(out, bytes, 4, &ev, &d), 0);
    assert_int_equal(binlog_decode_format(&ev, out, &d), 0);
    diag_release(&d);
    return bytes;
}

static void test_format_of_each_server(void **state)
{
    (void)state;
    struct arena a;
    struct binlog_format f;
    arena_init(&a, 0);
    (void)first_event(&a, "mysql-full", &f);
    assert_false(f.is_mariadb);
    assert_int_equal(f.checksum, BINLOG_CHECKSUM_CRC32);
    assert_int_equal(f.version_id / 10000, 9);
    assert_int_equal(f.post_header_len[BINLOG_QUERY - 1], 13);
    (void)first_event(&a, "mysql-partial-json-minimal", &f);
    assert_int_equal(f.checksum, BINLOG_CHECKSUM_NONE);
    (void)first_event(&a, "mariadb-full", &f);
    assert_true(f.is_mariadb);
    assert_int_equal(f.version_id / 100, 1011);
    arena_release(&a);
}

static void test_a_changed_byte_fails_the_checksum(void **state)
{
    (void)state;
    struct arena a;
    struct diag d;
    struct binlog_format f;
    struct binlog_event ev;
    arena_init(&a, 0);
    diag_init(&d);
    const struct str file = read_data(&a, "mysql-full", ".binlog");
    (void)first_event(&a, "mysql-full", &f);
    size_t at = BINLOG_MAGIC_LEN;
    struct str bytes;
    assert_true(next_event(file, &at, &bytes));
    assert_true(next_event(file, &at, &bytes));
    for (size_t i = 0; i < bytes.len; i++) {
        char *p = (char *)(uintptr_t)bytes.p;
        p[i] ^= 1;
        diag_reset(&d);
        assert_int_equal(binlog_decode_event(&f, bytes, 127, &ev, &d), -1);
        p[i] ^= 1;
    }
    assert_error(&d, "at offset 127");
    diag_release(&d);
    arena_release(&a);
}

/* The flag of a file in use is set after the checksum was made. */
static void test_format_in_use(void **state)
{
    (void)state;
    struct arena a;
    struct diag d;
    struct binlog_format f;
    struct binlog_event ev;
    arena_init(&a, 0);
    diag_init(&d);
    const struct str bytes = first_event(&a, "mysql-full", &f);
    char *flags = (char *)(uintptr_t)bytes.p + 17;
    *flags = (char)(*flags | BINLOG_F_IN_USE);
    assert_int_equal(binlog_decode_event(&f, bytes, 4, &ev, &d), 0);
    *flags = (char)(*flags | BINLOG_F_ARTIFICIAL);
    assert_int_equal(binlog_decode_event(&f, bytes, 4, &ev, &d), -1);
    assert_error(&d, "checksum verification failed");
    diag_release(&d);
    arena_release(&a);
}

static void test_unknown_types(void **state)
{
    (void)state;
    struct bytebuf b;
    struct diag d;
    struct binlog_format f;
    struct binlog_event ev;
    bytebuf_init(&b, 1000);
    diag_init(&d);
    binlog_format_init(&f, BINLOG_CHECKSUM_NONE);
    const struct str unknown = make_event(&b, 200, 0, STR("abc"));
    assert_int_equal(binlog_decode_event(&f, unknown, 99, &ev, &d), 0);
    assert_int_equal(binlog_check_known(&ev, &d), -1);
    assert_error(&d, "(type 200) at offset 99");
    const struct str ignorable = make_event(&b, 200, BINLOG_F_IGNORABLE, STR("abc"));
    assert_int_equal(binlog_decode_event(&f, ignorable, 99, &ev, &d), 0);
    assert_int_equal(binlog_check_known(&ev, &d), 0);
    const struct str encrypted = make_event(&b, BINLOG_MARIADB_START_ENCRYPTION, 0, STR("abc"));
    assert_int_equal(binlog_decode_event(&f, encrypted, 99, &ev, &d), 0);
    assert_int_equal(binlog_check_known(&ev, &d), -1);
    assert_error(&d, "encrypted");
    diag_release(&d);
    bytebuf_release(&b);
}

static void test_lengths_that_cannot_be(void **state)
{
    (void)state;
    struct bytebuf b;
    struct diag d;
    struct binlog_format f;
    struct binlog_event ev;
    bytebuf_init(&b, 1000);
    diag_init(&d);
    binlog_format_init(&f, BINLOG_CHECKSUM_NONE);
    struct str bytes = make_event(&b, BINLOG_XID, 0, STR("12345678"));
    for (size_t len = 0; len < bytes.len; len++) {
        assert_int_equal(binlog_decode_event(&f, str_from(bytes.p, len), 4, &ev, &d), -1);
    }
    bytes = make_event(&b, BINLOG_FORMAT_DESCRIPTION, 0, STR("\3\0"));
    assert_int_equal(binlog_decode_event(&f, bytes, 4, &ev, &d), -1);
    diag_release(&d);
    bytebuf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc32_is_that_of_zlib),
        cmocka_unit_test(test_format_of_each_server),
        cmocka_unit_test(test_a_changed_byte_fails_the_checksum),
        cmocka_unit_test(test_format_in_use),
        cmocka_unit_test(test_unknown_types),
        cmocka_unit_test(test_lengths_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
