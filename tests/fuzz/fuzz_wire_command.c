/* fuzz: wire base */
/* Commands. The first eight bytes are capabilities, the next the number of parameters the statement
 * has, and flags. */
#include "wire/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    PARAMS_MAX = 64,
};

static int fuzz_execute(struct str payload, uint64_t caps, uint8_t count, struct arena *a)
{
    struct wire_value_type types[PARAMS_MAX];
    bool long_data[PARAMS_MAX];
    struct wire_execute e;
    if (wire_decode_execute(payload, &e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < PARAMS_MAX; i++) {
        types[i] = (struct wire_value_type){(uint8_t)(i * 7), i % 2 == 0};
        long_data[i] = i % 5 == 0;
    }
    e.param_count = count % PARAMS_MAX;
    e.types = types;
    e.has_types = (count & 0x40) != 0;
    e.long_data = (count & 0x80) != 0 ? long_data : NULL;
    return wire_decode_execute_params(&e, caps, a);
}

static int fuzz_bulk(struct str payload, uint8_t count)
{
    struct wire_value_type types[PARAMS_MAX];
    struct wire_bulk b = {.param_count = count % PARAMS_MAX, .types = types};
    return wire_decode_bulk(payload, &b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pkt_reader r;
    struct arena a;
    struct wire_query query;
    struct wire_fetch fetch;
    struct wire_long_data long_data;
    struct wire_field_list list;
    uint32_t id;
    uint16_t option;
    pkt_reader_init(&r, str_from((const char *)data, size));
    const uint64_t caps = pkt_get_u64(&r);
    const uint8_t count = pkt_get_u8(&r);
    const struct str payload = pkt_get_rest(&r);
    arena_init(&a, 1 << 23);
    int rc = wire_decode_query(payload, caps, &a, &query);
    rc |= fuzz_execute(payload, caps, count, &a);
    rc |= fuzz_bulk(payload, count);
    rc |= wire_decode_fetch(payload, &fetch);
    rc |= wire_decode_long_data(payload, &long_data);
    rc |= wire_decode_field_list(payload, &list);
    rc |= wire_decode_u32_command(payload, &id);
    rc |= wire_decode_set_option(payload, &option);
    struct wire_register_replica replica;
    struct wire_binlog_dump dump;
    struct wire_binlog_dump_gtid dump_gtid;
    rc |= wire_decode_register_replica(payload, &replica);
    rc |= wire_decode_binlog_dump(payload, &dump);
    rc |= wire_decode_binlog_dump_gtid(payload, &dump_gtid);
    (void)rc;
    arena_release(&a);
    return 0;
}
