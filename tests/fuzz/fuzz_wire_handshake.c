/* fuzz: wire base */
/* Messages of the connection phase. The first byte chooses the message, eight more are
 * capabilities. */
#include "wire/handshake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk_attrs(struct str attrs)
{
    struct pkt_reader r;
    struct str key;
    struct str value;
    pkt_reader_init(&r, attrs);
    while (wire_attr_next(&r, &key, &value)) {
    }
    assert(!pkt_reader_failed(&r));
}

static void fuzz_login(struct str payload, uint64_t caps)
{
    struct wire_login l;
    if (wire_decode_login(payload, caps, &l) == WIRE_LOGIN_OK) {
        walk_attrs(l.attrs);
    }
}

static void fuzz_change_user(struct str payload, uint64_t caps)
{
    struct wire_change_user c;
    if (wire_decode_change_user(payload, caps, &c) == 0) {
        walk_attrs(c.attrs);
    }
}

static void fuzz_server(struct str payload)
{
    struct wire_handshake h;
    struct wire_auth_switch s;
    struct str more;
    int rc = wire_decode_handshake(payload, &h);
    rc |= wire_decode_auth_switch(payload, &s);
    rc |= wire_decode_auth_more(payload, &more);
    (void)rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pkt_reader r;
    pkt_reader_init(&r, str_from((const char *)data, size));
    const uint8_t which = pkt_get_u8(&r);
    const uint64_t caps = pkt_get_u64(&r);
    const struct str payload = pkt_get_rest(&r);
    switch (which % 3) {
    case 0:
        fuzz_login(payload, caps);
        break;
    case 1:
        fuzz_change_user(payload, caps);
        break;
    default:
        fuzz_server(payload);
        break;
    }
    return 0;
}
