/*
 * The words of a statement, read without its grammar: for statements that sql/ cannot read, and to
 * tell quickly what a statement is. Comments are left out; version comments are read as text.
 * Works on the bytes of every character set that contains ASCII.
 */
#ifndef CHANGE_DDL_WORDS_H
#define CHANGE_DDL_WORDS_H

#include "base/arena.h"
#include "base/str.h"

enum ddl_word_kind {
    DDL_WORD_END,
    DDL_WORD_NAME,   /* Without quotes: a keyword, name or number. */
    DDL_WORD_QUOTED, /* `name`, or "name" with ANSI_QUOTES; text with the quotes. */
    DDL_WORD_STRING, /* Text with the quotes. */
    DDL_WORD_MARK,   /* One other character. */
};

struct ddl_words {
    const char *p, *end;
    uint64_t sql_mode;
    /* The current word: */
    enum ddl_word_kind kind;
    struct str text;
};

/* Starts at the first word. */
void ddl_words_init(struct ddl_words *w, struct str sql, uint64_t sql_mode);
void ddl_words_next(struct ddl_words *w);

/* Is the current word this keyword? */
NODISCARD bool ddl_words_is(const struct ddl_words *w, const char *keyword);
/* Goes past it if it is. */
bool ddl_words_skip(struct ddl_words *w, const char *keyword);
NODISCARD bool ddl_words_is_mark(const struct ddl_words *w, char mark);
/* Reads a name, in arena, and goes past it. False when the word is none. */
NODISCARD bool ddl_words_name(struct ddl_words *w, struct arena *arena, struct str *out);
/* Reads name or db.name; *out_db is empty without one. */
NODISCARD bool ddl_words_table(struct ddl_words *w, struct arena *arena, struct str *out_db,
                               struct str *out_name);

/* MariaDB's SET STATEMENT … FOR statement: goes to the statement. The current word is the one
 * behind SET STATEMENT. */
void ddl_words_skip_set_statement(struct ddl_words *w);

#endif
