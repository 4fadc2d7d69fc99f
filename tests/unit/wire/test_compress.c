/* Round trip of the compressed packet's header. */
#include "wire_test.h"

#include "wire/compress.h"

static void test_compressed_header_round_trip(void **state)
{
    (void)state;
    const struct wire_compressed_header in = {
        .len = 0x010203, .seq = 0xfe, .original_len = 0xffffff};
    struct wire_compressed_header out;
    char bytes[WIRE_COMPRESSED_HEADER_LEN];
    wire_encode_compressed_header(&in, bytes);
    assert_memory_equal(bytes, "\3\2\1\xfe\xff\xff\xff", sizeof(bytes));
    wire_decode_compressed_header(bytes, &out);
    assert_int_equal(out.len, in.len);
    assert_int_equal(out.seq, in.seq);
    assert_int_equal(out.original_len, in.original_len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compressed_header_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
