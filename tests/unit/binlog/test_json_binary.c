/* Binary JSON: forms that the recordings do not have, damage, and differences that fit nowhere. */
#include "binlog/json_binary.h"
#include "binlog_test.h"

#define BYTES(literal) str_from("" literal, sizeof(literal) - 1)

static void assert_json(struct str doc, const char *want)
{
    struct bytebuf b;
    bytebuf_init(&b, 10000);
    if (json_binary_to_text(doc, &b) != 0) {
        fail_msg("%s: malformed", want);
    }
    bytebuf_put_char(&b, '\0');
    assert_string_equal(b.p, want);
    bytebuf_release(&b);
}

static void assert_malformed(struct str doc)
{
    struct bytebuf b;
    bytebuf_init(&b, 10000);
    assert_int_equal(json_binary_to_text(doc, &b), -1);
    bytebuf_release(&b);
}

static void test_scalars(void **state)
{
    (void)state;
    assert_json(BYTES(""), "null");
    assert_json(BYTES("\x04\x01"), "true");
    assert_json(BYTES("\x05\xff\xff"), "-1");
    assert_json(BYTES("\x06\xff\xff"), "65535");
    assert_json(BYTES("\x07\xff\xff\xff\xff"), "-1");
    assert_json(BYTES("\x0a\xff\xff\xff\xff\xff\xff\xff\xff"), "18446744073709551615");
    assert_json(BYTES("\x0c\x03"
                      "a\"b"),
                "\"a\\\"b\"");
    assert_json(BYTES("\x0f\xfc\x02"
                      "ab"),
                "\"base64:type252:YWI=\"");
}

/* {"a": 1, "b": [true, "x"]} in the small and in the large form. */
#define SMALL_ARRAY                                                                                \
    "\x02\x00\x0c\x00"                                                                             \
    "\x04\x01\x00"                                                                                 \
    "\x0c\x0a\x00"                                                                                 \
    "\x01x"
#define SMALL_OBJECT                                                                               \
    "\x00\x02\x00\x20\x00"                                                                         \
    "\x12\x00\x01\x00"                                                                             \
    "\x13\x00\x01\x00"                                                                             \
    "\x05\x01\x00"                                                                                 \
    "\x02\x14\x00"                                                                                 \
    "ab" SMALL_ARRAY
#define LARGE_OBJECT                                                                               \
    "\x01\x01\x00\x00\x00\x14\x00\x00\x00"                                                         \
    "\x13\x00\x00\x00\x01\x00"                                                                     \
    "\x07\xff\xff\xff\x7f"                                                                         \
    "a"

static void test_containers(void **state)
{
    (void)state;
    assert_json(BYTES(SMALL_OBJECT), "{\"a\": 1, \"b\": [true, \"x\"]}");
    assert_json(BYTES(LARGE_OBJECT), "{\"a\": 2147483647}");
    assert_json(BYTES("\x02\x00\x00\x04\x00"), "[]");
}

static void test_damaged_documents(void **state)
{
    (void)state;
    const struct str docs[] = {BYTES(SMALL_OBJECT), BYTES(LARGE_OBJECT)};
    for (size_t i = 0; i < ARRAY_SIZE(docs); i++) {
        for (size_t len = 1; len < docs[i].len; len++) {
            assert_malformed(str_from(docs[i].p, len));
        }
    }
    assert_malformed(BYTES("\x0d"));
    assert_malformed(BYTES("\x04\x03"));
    assert_malformed(BYTES("\x0c\xff\xff\xff\xff\xff\x01"));
    assert_malformed(BYTES("\x0f\xf6\x03\x05\x09\x80")); /* A DECIMAL(5,9). */
    /* An array that contains itself. */
    assert_malformed(BYTES("\x02\x01\x00\x07\x00"
                           "\x02\x00\x00"));
}

static int patch(const char *diffs, size_t len, struct bytebuf *out)
{
    struct arena a;
    arena_init(&a, 0);
    bytebuf_reset(out);
    const int rc = json_binary_patch(BYTES(SMALL_OBJECT), str_from(diffs, len), &a, out);
    bytebuf_put_char(out, '\0');
    arena_release(&a);
    return rc;
}

#define ASSERT_PATCH(diffs, want)                                                                  \
    do {                                                                                           \
        assert_int_equal(patch(diffs, sizeof(diffs) - 1, &b), 0);                                  \
        assert_string_equal(b.p, want);                                                            \
    } while (0)
#define ASSERT_NO_PATCH(diffs) assert_int_equal(patch(diffs, sizeof(diffs) - 1, &b), -1)

static void test_differences(void **state)
{
    (void)state;
    struct bytebuf b;
    bytebuf_init(&b, 10000);
    ASSERT_PATCH("", "{\"a\": 1, \"b\": [true, \"x\"]}");
    ASSERT_PATCH("\x00\x03$.a\x02\x04\x02", "{\"a\": false, \"b\": [true, \"x\"]}");
    ASSERT_PATCH("\x01\x04$.cc\x02\x04\x00", "{\"a\": 1, \"b\": [true, \"x\"], \"cc\": null}");
    ASSERT_PATCH("\x01\x05$.\"0\"\x02\x04\x00", "{\"0\": null, \"a\": 1, \"b\": [true, \"x\"]}");
    ASSERT_PATCH("\x01\x06$.b[1]\x02\x04\x00", "{\"a\": 1, \"b\": [true, null, \"x\"]}");
    ASSERT_PATCH("\x01\x06$.b[9]\x02\x04\x00", "{\"a\": 1, \"b\": [true, \"x\", null]}");
    ASSERT_PATCH("\x02\x06$.b[0]\x02\x03$.a", "{\"b\": [\"x\"]}");
    ASSERT_PATCH("\x00\x01$\x02\x04\x01", "true");
    ASSERT_NO_PATCH("\x00\x03$.c\x02\x04\x02");   /* No such member. */
    ASSERT_NO_PATCH("\x01\x03$.a\x02\x04\x02");   /* There is one already. */
    ASSERT_NO_PATCH("\x02\x06$.b[2]");            /* Behind the end. */
    ASSERT_NO_PATCH("\x02\x06$.a[0]");            /* No array. */
    ASSERT_NO_PATCH("\x02\x01$");                 /* The whole document. */
    ASSERT_NO_PATCH("\x03\x03$.a\x02\x04\x02");   /* No such operation. */
    ASSERT_NO_PATCH("\x00\x03$.a\x05\x04\x02");   /* Cut off. */
    ASSERT_NO_PATCH("\x00\x04$.\"a\x02\x04\x02"); /* A quote without its end. */
    ASSERT_NO_PATCH("\x00\x05$.b[x\x02\x04\x02");
    bytebuf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_containers),
        cmocka_unit_test(test_damaged_documents),
        cmocka_unit_test(test_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
