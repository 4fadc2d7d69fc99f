/*
 * The keys that an UPDATE moves. MySQL changes one row after the other and checks its unique keys
 * at once: a row may take the key of another one only after that one has been changed. Pintail
 * writes all rows together, so this looks, while rows are read in the order in which MySQL would
 * change them, for a row that takes the key of a later one.
 *
 * May run on an offload thread while the session's fiber is parked.
 */
#ifndef EXEC_DML_KEYS_H
#define EXEC_DML_KEYS_H

#include "exec/exec_int.h"

/* What was moved of one unique index. */
struct dml_key_moves;

struct dml_keys {
    const struct table_def *table;
    uint32_t count; /* unique indexes that the statement may change */
    struct dml_key_moves *moves;
    struct arena arena;
    uint64_t row; /* rows seen */
    bool depends; /* a row takes the key of another changed row: their order decides */
    /* The first row that takes the key of a later one; UINT64_MAX = none. */
    uint64_t first;
    uint32_t first_index;   /* the index it is in */
    const char *first_text; /* the key, as 1062 shows it */
};

/* Follows the unique indexes of which a column is among those assigned. */
void dml_keys_init(struct dml_keys *k, const struct table_def *t, const struct assignment *sets,
                   uint32_t set_count);
void dml_keys_release(struct dml_keys *k);

/* Forgets all rows, to look at them in another order. */
void dml_keys_reset(struct dml_keys *k);

/* The next changed row, before and after, in stored form. Fails with ER_TRANS_CACHE_FULL beyond
 * 4 GiB of keys. */
NODISCARD int dml_keys_add(struct dml_keys *k, const struct value *before,
                           const struct value *after, struct diag *diag);

/* Does an index start with a column that the condition names? (MySQL may then read by it.) */
NODISCARD bool dml_index_may_be_read(const struct index_def *index, const struct expr *where);

/* The index in whose order InnoDB keeps the rows: the primary key, else the first unique one
 * without NULLs; -1 = none. */
NODISCARD int32_t dml_clustered_index(const struct table_def *t);

/* ORDER BY items for the columns of an index of the one table `from`, behind those of `order`. */
NODISCARD struct order_list dml_order_by_index(const struct order_list *order,
                                               struct table_ref *from,
                                               const struct index_def *index, struct arena *arena);

#endif
