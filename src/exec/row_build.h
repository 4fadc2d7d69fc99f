/*
 * Building the rows that INSERT, REPLACE, UPDATE and LOAD DATA write: defaults, AUTO_INCREMENT,
 * conversion to the columns' types, NOT NULL. One struct row_build a statement. May run on an
 * offload thread while the session's fiber is parked.
 */
#ifndef EXEC_ROW_BUILD_H
#define EXEC_ROW_BUILD_H

#include "exec/row_check.h"
#include "types/chunk.h"

struct row_build {
    struct exec_session *x;
    const struct table_def *table;
    struct store_ctx store;
    struct arena scratch; /* of the row being built */
    struct row_checks checks;
    struct value *row; /* one value a column, stored form */
    bool *given;       /* columns that the statement assigns */
    uint32_t *targets; /* column numbers the source's values go to */
    bool *set_later; /* columns that get values after row_build_start(), by LOAD DATA … SET: nobody
                        is told that they have no default; or NULL */
    uint32_t target_count;
    bool single_row;          /* NULL for a NOT NULL column is an error even when not strict */
    uint64_t generated_first; /* first AUTO_INCREMENT value made by the statement; 0 = none */
    uint64_t generated;       /* the one made for the row that was finished last; 0 = none */
    uint64_t explicit_last;   /* last one given explicitly */
    uint64_t expected_rows;   /* how many values are set aside at first: rows of VALUES; 0 = 1 */
    uint64_t reserved_next;   /* the next of those set aside */
    uint64_t reserved_left;
    uint64_t reserve_count; /* how many to set aside next */
    uint64_t row_number;    /* 1-based number of the row being built */
};

/* columns: names the values are for; NULL with count 0 = all visible ones in order. flags: enum
 * store_flags. Returns 0, or -1 with diag (1054, 1110). */
NODISCARD int row_build_init(struct row_build *b, struct exec_session *x,
                             const struct table_def *table, const struct str *columns,
                             uint32_t count, unsigned flags);
void row_build_release(struct row_build *b);

/* Starts a row: every column that is not given gets its default. */
NODISCARD int row_build_start(struct row_build *b);

/* Sets column `column` from a value of any type; is_default: DEFAULT was written. */
NODISCARD int row_build_set(struct row_build *b, uint32_t column, const struct value *v);
NODISCARD int row_build_set_default(struct row_build *b, uint32_t column);

/* The statement's time, for ON UPDATE CURRENT_TIMESTAMP. */
NODISCARD int row_build_set_now(struct row_build *b, uint32_t column);

/* Ends the row: AUTO_INCREMENT, missing defaults. Then b->row is complete; strings live until the
 * next row_build_start(). */
NODISCARD int row_build_finish(struct row_build *b);

/* Looks at the CHECK constraints of b->row. */
NODISCARD enum row_check_result row_build_check(struct row_build *b);

/* Appends b->row to a chunk. */
void row_build_add_to(const struct row_build *b, struct chunk_builder *chunk);

/* The text of a key of a row, as 1062 shows it: "1-abc". In arena. */
NODISCARD const char *row_key_text(const struct table_def *t, uint32_t index,
                                   const struct value *row, struct arena *arena);

#endif
