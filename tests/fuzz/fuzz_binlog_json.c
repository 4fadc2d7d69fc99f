/* fuzz: binlog types wire base */
/* Binary JSON and differences to it: a first byte is the length of the differences. What becomes
 * text must be JSON. */
#include "binlog/json_binary.h"

#include "types/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_json(struct str text, struct arena *a)
{
    struct json_value v;
    struct json_error error;
    if (str_is_utf8(text) && json_parse(text, a, &v, &error) != 0) {
        /* Numbers of 65 digits and infinities have no place in a double. */
        assert(error.reason != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct bytebuf out;
    if (size < 1 || data[0] > size - 1) {
        return 0;
    }
    const struct str diffs = str_from((const char *)data + 1, data[0]);
    const struct str doc = str_from(diffs.p + diffs.len, size - 1 - diffs.len);
    arena_init(&a, 0);
    bytebuf_init(&out, 1u << 20);
    if (json_binary_to_text(doc, &out) == 0) {
        check_json(bytebuf_str(&out), &a);
    }
    bytebuf_reset(&out);
    if (json_binary_patch(doc, diffs, &a, &out) == 0) {
        check_json(bytebuf_str(&out), &a);
    }
    bytebuf_release(&out);
    arena_release(&a);
    return 0;
}
