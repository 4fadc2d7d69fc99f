/*
 * Digest: the normalised form of a statement, literals replaced by '?', made by the scanner alone
 * without a parse, and its 128-bit hash. Statements that differ only in literals, white space and
 * comments have one digest.
 */
#ifndef SQL_DIGEST_H
#define SQL_DIGEST_H

#include "base/bytebuf.h"
#include "base/str.h"
#include "sql/parse.h"

struct digest {
    uint64_t hash[2]; /* XXH3-128 of the normalised tokens */
};

/* Computes the digest of one statement; with text not NULL also writes the normalised text (cut at
 * the buffer's ceiling). Text that does not scan gets a digest too. */
void sql_digest(struct str statement, const struct parse_options *options, struct digest *out,
                struct bytebuf *text);

#endif
