/*
 * Result rows in the text and binary protocol, from column chunks or from single values.
 *
 * Millions of rows pass through here, so each column gets its functions once (text: vec_text.h),
 * and a row needs one reservation in the output. Pure: no I/O; used on offload
 * threads.
 *
 * Source: MySQL source documentation, "Protocol::ResultsetRow", "Binary Protocol Resultset".
 */
#ifndef SESSION_ROW_ENCODE_H
#define SESSION_ROW_ENCODE_H

#include "base/arena.h"
#include "base/bytebuf.h"
#include "exec/sink.h"
#include "types/charset.h"
#include "types/timezone.h"
#include "types/vec_text.h"
#include "wire/pkt_writer.h"

struct row_column;

/* Writes the value at `row`, which is not NULL, at p in binary. Returns the byte behind. */
typedef char *row_put_fn(const struct row_column *c, const struct vec *v, uint32_t row, char *p);

struct row_encoder;

struct row_column {
    const struct row_encoder *encoder;
    struct sql_type type;
    struct vec_text text;
    row_put_fn *put_binary;        /* NULL: sent as text */
    size_t max_len;                /* most bytes of one value; 0 = depends on the value (strings) */
    const struct charset *charset; /* texts are converted to it; NULL = sent as they are */
};

struct row_encoder {
    bool binary;                   /* protocol of prepared statements */
    const struct charset *charset; /* character_set_results; NULL: each column in its own */
    const struct timezone *tz;     /* of TIMESTAMP columns */
    bool converts;                 /* a column must be converted */
    uint32_t count;
    struct row_column *columns;
    size_t fixed_max;       /* sum of max_len, NULL bitmap included */
    struct bytebuf scratch; /* converted text of a row */
    struct arena arena;     /* texts of single values; reset for each row */
};

/* charset and tz are set before. Columns are copied into arena, which must outlive the encoder. */
void row_encoder_init(struct row_encoder *e, struct arena *arena,
                      const struct result_column *columns, uint32_t count, bool binary);
void row_encoder_release(struct row_encoder *e);

/* Encodes all rows of a chunk. Returns 0, or -1 when the output's ceiling is reached. */
NODISCARD int row_encode_chunk(struct row_encoder *e, struct pkt_writer *w,
                               const struct chunk *rows);

/* Encodes one row of values, which must be of the columns' types. */
NODISCARD int row_encode_values(struct row_encoder *e, struct pkt_writer *w,
                                const struct value *values);

#endif
