/*
 * JSON documents as MySQL has them: parsed by RFC 8259, at most JSON_MAX_DEPTH deep, objects
 * without duplicate names (the last wins) and ordered by length of the name, then by its bytes; and
 * their canonical text, which is what a JSON column holds and shows. MariaDB keeps JSON text as it
 * is written; there only validity matters.
 */
#ifndef TYPES_JSON_H
#define TYPES_JSON_H

#include "base/arena.h"
#include "base/base.h"
#include "base/bytebuf.h"
#include "base/diag.h"
#include "base/str.h"

#define JSON_MAX_DEPTH 100

enum json_kind {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_INT,
    JSON_UINT, /* Integers above INT64_MAX. */
    JSON_DOUBLE,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

/* A value of a document; all of it lives in the arena it was parsed into. */
struct json_value {
    enum json_kind kind;
    uint32_t count; /* Elements or members. */
    union {
        int64_t i;
        uint64_t u;
        double d;
        struct str str; /* Unescaped, UTF-8. */
        const struct json_value *items;
        const struct json_member *members; /* Ordered. */
    };
};

struct json_member {
    struct str name;
    struct json_value value;
};

/* Why a text is not JSON. */
struct json_error {
    const char *reason; /* As in error 3140; static. */
    size_t position;    /* Bytes from the start. */
    bool too_deep;      /* Error 3157 instead. */
};

/* Parses all of text into *out. Returns 0, or -1 with *out_error filled. */
NODISCARD int json_parse(struct str text, struct arena *arena, struct json_value *out,
                         struct json_error *out_error);

/* Appends the canonical text; check out->failed. */
void json_write(const struct json_value *v, struct bytebuf *out);

/* The canonical text of a JSON text; lives in arena. Returns as json_parse(). */
NODISCARD int json_canonical(struct str text, struct arena *arena, struct str *out,
                             struct json_error *out_error);

/* Sets the diag to error 3140 or 3157 for that column. Returns -1. */
int json_diag(struct diag *diag, const struct json_error *error, struct str column);

#endif
