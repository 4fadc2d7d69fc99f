/*
 * JSON as MySQL stores and logs it: a binary form with offsets, and differences between two
 * versions of a document. Both become the canonical text that a JSON column shows.
 *
 * Sources: MySQL source documentation, "JSON binary format" (json_binary.h) and "Json_diff"; what
 * MySQL 9.7 writes. Pure; nothing is shared.
 */
#ifndef BINLOG_JSON_BINARY_H
#define BINLOG_JSON_BINARY_H

#include "base/arena.h"
#include "base/base.h"
#include "base/bytebuf.h"
#include "base/str.h"

/*
 * Appends the canonical text of a binary document to out. Returns 0, or -1 when the document is
 * malformed (out then holds garbage) or out's ceiling is reached. An empty document is `null`, as
 * in MySQL.
 *
 * Opaque values are written as MySQL shows them: DECIMAL as a number, dates and times as strings of
 * six fraction digits, others as "base64:type<number>:<base64>".
 */
NODISCARD int json_binary_to_text(struct str doc, struct bytebuf *out);

/*
 * Applies differences, one after the other, to a binary document and appends the text of the result
 * to out. Scratch memory is the arena's. Returns 0, or -1 when either is malformed or a path leads
 * nowhere.
 */
NODISCARD int json_binary_patch(struct str doc, struct str diffs, struct arena *a,
                                struct bytebuf *out);

/* One difference. */
struct json_diff {
    enum json_diff_op {
        JSON_DIFF_REPLACE = 0,
        JSON_DIFF_INSERT = 1,
        JSON_DIFF_REMOVE = 2,
    } op;
    struct str path;  /* "$.a[3]" */
    struct str value; /* Binary document; empty for JSON_DIFF_REMOVE. */
};

/* Takes the next difference off *diffs. Returns 0, or -1 when they are malformed. */
NODISCARD int json_diff_next(struct str *diffs, struct json_diff *out);

#endif
