#include "net/proxy.h"

#include "net_int.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum {
    V1_MAX = 107, /* With its line end. */
    V2_FIXED = 16,
    V2_COMMAND = 12, /* Offsets in the fixed part. */
    V2_FAMILY = 13,
    V2_LEN = 14,
    V2_TCP4_LEN = 12, /* Addresses and ports. */
    V2_TCP6_LEN = 36,
};

static const char v2_signature[] = "\r\n\r\n\0\r\nQUIT\n";
#define V2_SIGNATURE_LEN (sizeof(v2_signature) - 1)

/* ---- Networks ---- */

static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

/* An address in text as 16 bytes; *out_v4 says how it was written. */
static bool parse_address(const char *text, uint8_t out[16], bool *out_v4)
{
    memcpy(out, v4_prefix, sizeof(v4_prefix));
    *out_v4 = inet_pton(AF_INET, text, out + sizeof(v4_prefix)) == 1;
    return *out_v4 || inet_pton(AF_INET6, text, out) == 1;
}

static bool parse_network(struct str entry, struct proxy_network *out)
{
    char text[64];
    bool v4;
    unsigned bits = 0;
    const char *slash = memchr(entry.p, '/', entry.len);
    const size_t len = slash == NULL ? entry.len : (size_t)(slash - entry.p);
    if (len >= sizeof(text)) {
        return false;
    }
    memcpy(text, entry.p, len);
    text[len] = '\0';
    if (!parse_address(text, out->address, &v4)) {
        return false;
    }
    const unsigned max = v4 ? 32 : 128;
    if (slash == NULL) {
        bits = max;
    } else {
        const struct str digits = str_from(slash + 1, entry.len - len - 1);
        for (size_t i = 0; i < digits.len; i++) {
            if (digits.p[i] < '0' || digits.p[i] > '9' || bits > max) {
                return false;
            }
            bits = bits * 10 + (unsigned)(digits.p[i] - '0');
        }
        if (digits.len == 0 || bits > max) {
            return false;
        }
    }
    out->bits = (uint8_t)(v4 ? bits + 96 : bits);
    return true;
}

int proxy_networks_parse(struct str text, struct arena *arena, struct diag *d,
                         struct proxy_networks *out)
{
    uint32_t count = 1;
    for (size_t i = 0; i < text.len; i++) {
        count += text.p[i] == ',';
    }
    struct proxy_network *items = ARENA_ARRAY(arena, struct proxy_network, count);
    *out = (struct proxy_networks){.items = items};
    while (text.len > 0) {
        const char *comma = memchr(text.p, ',', text.len);
        const size_t len = comma == NULL ? text.len : (size_t)(comma - text.p);
        const struct str entry = str_trim(str_from(text.p, len));
        if (!parse_network(entry, &items[out->count])) {
            return diag_set(d, ER_WRONG_VALUE_FOR_VAR, "server.proxy_protocol_networks",
                            arena_dup_cstr(arena, entry));
        }
        out->count++;
        text = comma == NULL ? STR_NULL : str_from(comma + 1, text.len - len - 1);
    }
    return 0;
}

static bool is_in(const struct proxy_network *n, const uint8_t address[16])
{
    const size_t whole = n->bits / 8;
    const unsigned rest = n->bits % 8;
    if (memcmp(n->address, address, whole) != 0) {
        return false;
    }
    return rest == 0 || ((n->address[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

bool proxy_networks_match(const struct proxy_networks *n, const struct sock_peer *peer)
{
    uint8_t address[16];
    bool v4;
    if (peer->is_unix || !parse_address(peer->host, address, &v4)) {
        return false;
    }
    for (uint32_t i = 0; i < n->count; i++) {
        if (is_in(&n->items[i], address)) {
            return true;
        }
    }
    return false;
}

/* ---- Headers ---- */

static void set_peer(struct sock_peer *peer, int family, const void *address, uint16_t port)
{
    char host[INET6_ADDRSTRLEN];
    const uint8_t *a = address;
    (void)inet_ntop(family, address, host, sizeof(host));
    snprintf(peer->host, sizeof(peer->host), "%s", host);
    peer->port = port;
    peer->is_unix = false;
    peer->is_local =
        family == AF_INET ? a[0] == 127 : IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)address);
}

/* "PROXY TCP4 source destination port port\r\n" */
static enum proxy_result decode_v1(struct str bytes, struct sock_peer *peer, size_t *out_used)
{
    char line[V1_MAX + 1], family[8], source[64], destination[64];
    unsigned source_port, destination_port;
    const char *end = memmem(bytes.p, MIN(bytes.len, (size_t)V1_MAX), "\r\n", 2);
    if (end == NULL) {
        return bytes.len < V1_MAX ? PROXY_MORE : PROXY_NONE;
    }
    const size_t len = (size_t)(end - bytes.p);
    memcpy(line, bytes.p, len);
    line[len] = '\0';
    *out_used = len + 2;
    if (strncmp(line, "PROXY UNKNOWN", 13) == 0) {
        return PROXY_HEADER;
    }
    uint8_t address[16];
    if (sscanf(line, "PROXY %7s %63s %63s %5u %5u", family, source, destination, &source_port,
               &destination_port) != 5 ||
        source_port > UINT16_MAX) {
        return PROXY_NONE;
    }
    const int f = strcmp(family, "TCP4") == 0 ? AF_INET : AF_INET6;
    if ((f == AF_INET6 && strcmp(family, "TCP6") != 0) || inet_pton(f, source, address) != 1) {
        return PROXY_NONE;
    }
    set_peer(peer, f, address, (uint16_t)source_port);
    return PROXY_HEADER;
}

static uint16_t big_endian(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static enum proxy_result decode_v2(struct str bytes, struct sock_peer *peer, size_t *out_used)
{
    const uint8_t *h = (const uint8_t *)bytes.p;
    if (bytes.len < V2_FIXED) {
        return PROXY_MORE;
    }
    const size_t len = big_endian(h + V2_LEN);
    if (h[V2_COMMAND] >> 4 != 2 || (h[V2_COMMAND] & 0x0f) > 1 ||
        V2_FIXED + len > PROXY_HEADER_MAX) {
        return PROXY_NONE;
    }
    if (bytes.len < V2_FIXED + len) {
        return PROXY_MORE;
    }
    *out_used = V2_FIXED + len;
    const uint8_t *a = h + V2_FIXED;
    if ((h[V2_COMMAND] & 0x0f) == 0) {
        return PROXY_HEADER; /* LOCAL: the load balancer itself */
    }
    if (h[V2_FAMILY] == 0x11 && len >= V2_TCP4_LEN) {
        set_peer(peer, AF_INET, a, big_endian(a + 8));
    } else if (h[V2_FAMILY] == 0x21 && len >= V2_TCP6_LEN) {
        set_peer(peer, AF_INET6, a, big_endian(a + 32));
    }
    return PROXY_HEADER;
}

enum proxy_result proxy_decode(struct str bytes, struct sock_peer *peer, size_t *out_used)
{
    static const char v1_signature[] = "PROXY ";
    if (bytes.len == 0) {
        return PROXY_MORE;
    }
    const size_t v1_len = MIN(bytes.len, sizeof(v1_signature) - 1);
    const size_t v2_len = MIN(bytes.len, V2_SIGNATURE_LEN);
    if (memcmp(bytes.p, v1_signature, v1_len) == 0) {
        return v1_len < sizeof(v1_signature) - 1 ? PROXY_MORE : decode_v1(bytes, peer, out_used);
    }
    if (memcmp(bytes.p, v2_signature, v2_len) == 0) {
        return v2_len < V2_SIGNATURE_LEN ? PROXY_MORE : decode_v2(bytes, peer, out_used);
    }
    return PROXY_NONE;
}

enum net_result proxy_read(struct conn *c, uint64_t deadline_us, struct sock_peer *peer,
                           struct diag *d)
{
    size_t used = 0;
    for (;;) {
        const struct str bytes = conn_raw_peek(c);
        const enum net_result r = conn_raw_fill(c, bytes.len + 1, deadline_us, d);
        if (r != NET_OK) {
            return r;
        }
        switch (proxy_decode(conn_raw_peek(c), peer, &used)) {
        case PROXY_HEADER:
            conn_raw_consume(c, used);
            return NET_OK;
        case PROXY_NONE:
            return net_error(d, ER_NET_READ_ERROR, "no PROXY protocol header");
        case PROXY_MORE:
            break;
        }
    }
}
