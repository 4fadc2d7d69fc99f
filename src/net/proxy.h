/*
 * PROXY protocol, the receiving side: a load balancer in front of us says with the first bytes of a
 * connection who the client is. Only connections from listed networks begin with it, and all of
 * those must: guessing would let clients name themselves.
 *
 * Source: "The PROXY protocol, Versions 1 & 2", W. Tarreau.
 */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include "base/arena.h"
#include "base/base.h"
#include "base/diag.h"
#include "base/str.h"
#include "net/conn.h"
#include "os/sock.h"

/* An address and how many of its bits count. */
struct proxy_network {
    uint8_t address[16]; /* v4 as ::ffff:a.b.c.d */
    uint8_t bits;
};

struct proxy_networks {
    const struct proxy_network *items;
    uint32_t count;
};

/* Reads "10.0.0.0/8, ::1, 192.168.1.7"; empty = none. 0, or -1 with d naming the entry that is
 * wrong. */
NODISCARD int proxy_networks_parse(struct str text, struct arena *arena, struct diag *d,
                                   struct proxy_networks *out);

/* Is the peer in one of them? Never one of a UNIX socket. */
NODISCARD bool proxy_networks_match(const struct proxy_networks *n, const struct sock_peer *peer);

enum proxy_result {
    PROXY_HEADER, /* *out_used bytes; *peer is the client, or as it was (UNKNOWN, LOCAL) */
    PROXY_MORE,   /* the header is not whole yet */
    PROXY_NONE,   /* these bytes are no header */
};

enum {
    PROXY_HEADER_MAX = 16 + 4096, /* Longest header that is read, with its TLVs. */
};

/* Decodes the header at the beginning of bytes, version 1 or 2. */
NODISCARD enum proxy_result proxy_decode(struct str bytes, struct sock_peer *peer,
                                         size_t *out_used);

/* Reads the header from a fresh connection into *peer. NET_OK, or what ended it with d set. */
NODISCARD enum net_result proxy_read(struct conn *c, uint64_t deadline_us, struct sock_peer *peer,
                                     struct diag *d);

#endif
