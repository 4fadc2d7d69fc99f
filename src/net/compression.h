/*
 * The compressed protocol as a filter: packets of its own (see wire/compress.h) around the stream
 * of ordinary ones, zlib or zstd.
 *
 * What is shorter than 50 bytes, or does not shrink, is sent as it is. A peer can make us hold at
 * most one compressed and one original packet, 16 MiB each. Sequence numbers: a packet received
 * must carry on or be 0, which begins a command; what is sent carries on.
 */
#ifndef NET_COMPRESSION_H
#define NET_COMPRESSION_H

#include "base/base.h"
#include "base/diag.h"
#include "base/str.h"
#include "net/filter.h"

enum compression_kind {
    COMPRESSION_ZLIB,
    COMPRESSION_ZSTD,
};

enum {
    COMPRESSION_MIN_LEN = 50, /* MySQL's limit, too. */
};

/* A filter over next, which it does not take over. level 0: 6 (zlib) or 3 (zstd), MySQL's defaults.
 * Never NULL. */
NODISCARD struct net_filter *compression_new(struct net_filter *next, enum compression_kind kind,
                                             int level);

/* Gives the filter bytes that were received before it was there. 0, or -1 with d set. */
NODISCARD int compression_feed(struct net_filter *f, struct str early, struct diag *d);

/* Sequence numbers restart with each command. */
void compression_begin_command(struct net_filter *f);

#endif
