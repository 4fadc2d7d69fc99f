/*
 * The text of LOAD DATA files: rows and fields out of bytes, by FIELDS and LINES options. Pure;
 * incremental: a row that is not complete in the bytes at hand is parsed again when more have come.
 *
 * Source: MySQL reference manual, "LOAD DATA Statement", "Field and Line Handling".
 */
#ifndef EXEC_LOAD_PARSE_H
#define EXEC_LOAD_PARSE_H

#include "base/arena.h"
#include "base/base.h"
#include "base/str.h"

struct load_format {
    struct str fields_terminated; /* not empty */
    struct str lines_terminated;  /* not empty */
    struct str lines_starting;    /* may be empty */
    int enclosed;                 /* byte, or -1 */
    int escaped;                  /* byte, or -1 */
};

struct load_field {
    struct str text; /* unescaped; borrows from the input or lives in the arena */
    bool is_null;    /* \N, or NULL where that is the word for it */
};

enum load_result {
    LOAD_ROW,
    LOAD_NEED_MORE, /* the input ends within the row: call again with more of it, from the same
                       place */
    LOAD_END,       /* nothing is left */
};

struct load_parser {
    struct load_format format;
    bool special[256]; /* bytes that end the plain run of a field */
};

void load_parser_init(struct load_parser *p, const struct load_format *format);

/*
 * Parses one row at the start of input. eof: no more will come. fields has room for max_fields;
 * further fields are counted but not kept. *out_used = bytes taken, *out_count = fields found.
 * scratch holds unescaped text until the caller resets it.
 */
NODISCARD enum load_result load_parse_row(const struct load_parser *p, struct str input, bool eof,
                                          struct load_field *fields, uint32_t max_fields,
                                          struct arena *scratch, size_t *out_used,
                                          uint32_t *out_count);

/* Bytes of the first line at the start of input, its end included, for IGNORE n LINES; or
 * LOAD_NEED_MORE, LOAD_END. */
NODISCARD enum load_result load_skip_line(const struct load_parser *p, struct str input, bool eof,
                                          size_t *out_used);

#endif
