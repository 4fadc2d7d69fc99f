#include "wire/handshake.h"

enum {
    PROTOCOL_VERSION = 10,
    NONCE_PART_1 = 8,  /* Bytes of the nonce that come before the capabilities. */
    FILLER_LEN = 23,   /* Reserved bytes of the response. */
    RESERVED_LEN = 10, /* Reserved bytes of the greeting. */
    EXTENDED_LEN = 4,  /* MariaDB's capabilities, the last of the reserved bytes. */
    SSL_REQUEST_LEN = 32,
};

static bool has_extended(uint64_t capabilities)
{
    return (capabilities & CLIENT_LONG_PASSWORD) == 0;
}

/* The reserved bytes, which hold MariaDB's half of the capabilities at their end. */
static void put_reserved(struct pkt_writer *w, size_t len, uint64_t capabilities)
{
    pkt_put_zero(w, len - EXTENDED_LEN);
    pkt_put_u32(w, has_extended(capabilities) ? (uint32_t)(capabilities >> 32) : 0);
}

static uint64_t get_reserved(struct pkt_reader *r, size_t len, uint64_t capabilities)
{
    pkt_skip(r, len - EXTENDED_LEN);
    const uint64_t high = pkt_get_u32(r);
    return has_extended(capabilities) ? capabilities | high << 32 : capabilities;
}

void wire_encode_handshake(struct pkt_writer *w, const struct wire_handshake *h)
{
    const bool has_plugin = (h->capabilities & CLIENT_PLUGIN_AUTH) != 0;
    pkt_put_u8(w, PROTOCOL_VERSION);
    pkt_put_nul_str(w, h->server_version);
    pkt_put_u32(w, h->connection_id);
    pkt_put_bytes(w, h->nonce, NONCE_PART_1);
    pkt_put_u8(w, 0);
    pkt_put_u16(w, (uint16_t)h->capabilities);
    pkt_put_u8(w, h->collation);
    pkt_put_u16(w, h->status);
    pkt_put_u16(w, (uint16_t)(h->capabilities >> 16));
    pkt_put_u8(w, has_plugin ? WIRE_NONCE_LEN + 1 : 0);
    put_reserved(w, RESERVED_LEN, h->capabilities);
    pkt_put_bytes(w, h->nonce + NONCE_PART_1, WIRE_NONCE_LEN - NONCE_PART_1);
    pkt_put_u8(w, 0);
    if (has_plugin) {
        pkt_put_nul_str(w, h->auth_plugin);
    }
}

int wire_decode_handshake(struct str payload, struct wire_handshake *out)
{
    struct pkt_reader r;
    pkt_reader_init(&r, payload);
    *out = (struct wire_handshake){0};
    if (pkt_get_u8(&r) != PROTOCOL_VERSION) {
        return -1;
    }
    out->server_version = pkt_get_nul_str(&r);
    out->connection_id = pkt_get_u32(&r);
    const struct str part_1 = pkt_get_bytes(&r, NONCE_PART_1);
    pkt_skip(&r, 1);
    out->capabilities = pkt_get_u16(&r);
    out->collation = pkt_get_u8(&r);
    out->status = pkt_get_u16(&r);
    out->capabilities |= (uint64_t)pkt_get_u16(&r) << 16;
    const size_t auth_len = pkt_get_u8(&r);
    out->capabilities = get_reserved(&r, RESERVED_LEN, out->capabilities);
    /* The second part has at least 13 bytes, its NUL included; longer nonces are not in use, their
     * rest is skipped. */
    const size_t part_2_len =
        MAX((size_t)13, auth_len > NONCE_PART_1 ? auth_len - NONCE_PART_1 : 0);
    const struct str part_2 = pkt_get_bytes(&r, part_2_len);
    if (out->capabilities & CLIENT_PLUGIN_AUTH) {
        out->auth_plugin = pkt_get_nul_or_rest(&r);
    }
    if (!pkt_reader_ok(&r)) {
        return -1;
    }
    memcpy(out->nonce, part_1.p, NONCE_PART_1);
    memcpy(out->nonce + NONCE_PART_1, part_2.p, WIRE_NONCE_LEN - NONCE_PART_1);
    return 0;
}

static void put_login_head(struct pkt_writer *w, const struct wire_login *login,
                           uint64_t capabilities)
{
    pkt_put_u32(w, (uint32_t)capabilities);
    pkt_put_u32(w, login->max_packet);
    pkt_put_u8(w, login->collation);
    put_reserved(w, FILLER_LEN, capabilities);
}

void wire_encode_ssl_request(struct pkt_writer *w, const struct wire_login *login)
{
    put_login_head(w, login, login->capabilities | CLIENT_SSL);
}

/* The auth data in the longest form that the capabilities allow. */
static void put_auth_data(struct pkt_writer *w, uint64_t capabilities, struct str data)
{
    if (capabilities & CLIENT_PLUGIN_AUTH_LENENC) {
        pkt_put_lenenc_str(w, data);
    } else if (capabilities & CLIENT_SECURE_CONNECTION) {
        pkt_put_u8(w, (uint8_t)data.len);
        pkt_put_bytes(w, data.p, (uint8_t)data.len);
    } else {
        pkt_put_nul_str(w, data);
    }
}

static struct str get_auth_data(struct pkt_reader *r, uint64_t capabilities)
{
    if (capabilities & CLIENT_PLUGIN_AUTH_LENENC) {
        return pkt_get_lenenc_str(r);
    }
    if (capabilities & CLIENT_SECURE_CONNECTION) {
        return pkt_get_bytes(r, pkt_get_u8(r));
    }
    return pkt_get_nul_or_rest(r);
}

void wire_encode_login(struct pkt_writer *w, const struct wire_login *login)
{
    const uint64_t caps = login->capabilities;
    put_login_head(w, login, caps);
    pkt_put_nul_str(w, login->user);
    put_auth_data(w, caps, login->auth_data);
    if (caps & CLIENT_CONNECT_WITH_DB) {
        pkt_put_nul_str(w, login->database);
    }
    if (caps & CLIENT_PLUGIN_AUTH) {
        pkt_put_nul_str(w, login->auth_plugin);
    }
    if (caps & CLIENT_CONNECT_ATTRS) {
        pkt_put_lenenc_str(w, login->attrs);
    }
    if (caps & CLIENT_ZSTD_COMPRESSION) {
        pkt_put_u8(w, login->zstd_level);
    }
}

bool wire_attr_next(struct pkt_reader *attrs, struct str *out_key, struct str *out_value)
{
    *out_key = STR_NULL;
    *out_value = STR_NULL;
    if (pkt_reader_left(attrs) == 0) {
        return false;
    }
    *out_key = pkt_get_lenenc_str(attrs);
    *out_value = pkt_get_lenenc_str(attrs);
    return !pkt_reader_failed(attrs);
}

/* The attribute block, each pair of it checked. Old clients that set the flag and send nothing are
 * let through, as by servers. */
static struct str get_attrs(struct pkt_reader *r)
{
    if (pkt_reader_left(r) == 0) {
        return STR_NULL;
    }
    const struct str block = pkt_get_lenenc_str(r);
    struct pkt_reader pairs;
    struct str key;
    struct str value;
    pkt_reader_init(&pairs, block);
    while (wire_attr_next(&pairs, &key, &value)) {
    }
    if (pkt_reader_failed(&pairs) || block.len > WIRE_MAX_ATTRS_LEN) {
        pkt_reader_fail(r);
    }
    return block;
}

/* What follows the fixed part of the response. Bytes behind it are ignored, as servers do. */
static enum wire_login_result get_login_tail(struct pkt_reader *r, uint64_t caps,
                                             struct wire_login *out)
{
    out->user = pkt_get_nul_str(r);
    out->auth_data = get_auth_data(r, caps);
    if (caps & CLIENT_CONNECT_WITH_DB) {
        out->database = pkt_get_nul_or_rest(r);
    }
    if (caps & CLIENT_PLUGIN_AUTH) {
        out->auth_plugin = pkt_get_nul_or_rest(r);
    }
    if (caps & CLIENT_CONNECT_ATTRS) {
        out->attrs = get_attrs(r);
    }
    if ((caps & CLIENT_ZSTD_COMPRESSION) && pkt_reader_left(r) > 0) {
        out->zstd_level = pkt_get_u8(r);
    }
    return pkt_reader_failed(r) ? WIRE_LOGIN_MALFORMED : WIRE_LOGIN_OK;
}

enum wire_login_result wire_decode_login(struct str payload, uint64_t offered,
                                         struct wire_login *out)
{
    struct pkt_reader r;
    pkt_reader_init(&r, payload);
    *out = (struct wire_login){0};
    out->capabilities = pkt_get_u16(&r);
    if (pkt_reader_failed(&r)) {
        return WIRE_LOGIN_MALFORMED;
    }
    if ((out->capabilities & CLIENT_PROTOCOL_41) == 0) {
        return WIRE_LOGIN_OLD;
    }
    out->capabilities |= (uint64_t)pkt_get_u16(&r) << 16;
    out->max_packet = pkt_get_u32(&r);
    out->collation = pkt_get_u8(&r);
    out->capabilities = get_reserved(&r, FILLER_LEN, out->capabilities);
    if (pkt_reader_failed(&r)) {
        return WIRE_LOGIN_MALFORMED;
    }
    if (payload.len == SSL_REQUEST_LEN) {
        return (out->capabilities & CLIENT_SSL) ? WIRE_LOGIN_SSL : WIRE_LOGIN_MALFORMED;
    }
    return get_login_tail(&r, out->capabilities & offered, out);
}

void wire_encode_change_user(struct pkt_writer *w, uint64_t capabilities,
                             const struct wire_change_user *c)
{
    pkt_put_u8(w, COM_CHANGE_USER);
    pkt_put_nul_str(w, c->user);
    /* The length of the auth data is one byte here whatever the capabilities say. */
    put_auth_data(w, capabilities & ~CLIENT_PLUGIN_AUTH_LENENC, c->auth_data);
    pkt_put_nul_str(w, c->database);
    pkt_put_u16(w, c->collation);
    if (capabilities & CLIENT_PLUGIN_AUTH) {
        pkt_put_nul_str(w, c->auth_plugin);
    }
    if (capabilities & CLIENT_CONNECT_ATTRS) {
        pkt_put_lenenc_str(w, c->attrs);
    }
}

int wire_decode_change_user(struct str payload, uint64_t capabilities, struct wire_change_user *out)
{
    struct pkt_reader r;
    pkt_reader_init(&r, payload);
    *out = (struct wire_change_user){0};
    if (pkt_get_u8(&r) != COM_CHANGE_USER) {
        return -1;
    }
    out->user = pkt_get_nul_str(&r);
    out->auth_data = get_auth_data(&r, capabilities & ~CLIENT_PLUGIN_AUTH_LENENC);
    out->database = pkt_get_nul_or_rest(&r);
    if (pkt_reader_left(&r) > 0) {
        out->collation = pkt_get_u16(&r);
    }
    if ((capabilities & CLIENT_PLUGIN_AUTH) && pkt_reader_left(&r) > 0) {
        out->auth_plugin = pkt_get_nul_or_rest(&r);
    }
    if (capabilities & CLIENT_CONNECT_ATTRS) {
        out->attrs = get_attrs(&r);
    }
    return pkt_reader_failed(&r) ? -1 : 0;
}

void wire_encode_auth_switch(struct pkt_writer *w, const struct wire_auth_switch *s)
{
    pkt_put_u8(w, 0xfe);
    pkt_put_nul_str(w, s->plugin);
    pkt_put_bytes(w, s->data.p, s->data.len);
    pkt_put_u8(w, 0);
}

int wire_decode_auth_switch(struct str payload, struct wire_auth_switch *out)
{
    struct pkt_reader r;
    pkt_reader_init(&r, payload);
    *out = (struct wire_auth_switch){0};
    if (pkt_get_u8(&r) != 0xfe) {
        return -1;
    }
    out->plugin = pkt_get_nul_str(&r);
    out->data = pkt_get_rest(&r);
    if (out->data.len > 0 && out->data.p[out->data.len - 1] == '\0') {
        out->data.len--;
    }
    return pkt_reader_ok(&r) ? 0 : -1;
}

void wire_encode_auth_more(struct pkt_writer *w, struct str data)
{
    pkt_put_u8(w, 0x01);
    pkt_put_str(w, data);
}

int wire_decode_auth_more(struct str payload, struct str *out_data)
{
    struct pkt_reader r;
    pkt_reader_init(&r, payload);
    const uint8_t mark = pkt_get_u8(&r);
    *out_data = pkt_get_rest(&r);
    return pkt_reader_ok(&r) && mark == 0x01 ? 0 : -1;
}
