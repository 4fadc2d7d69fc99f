/*
 * The eight tables of TPC-H (specification, clause 4.2.3), row by row.
 *
 * A row depends on the scale and its number alone, so threads can generate any ranges in any order.
 */
#ifndef TPCH_ROWS_H
#define TPCH_ROWS_H

#include <stddef.h>
#include <stdint.h>

/* How many rows the tables have at a scale factor. */
struct scale {
    uint64_t suppliers;
    uint64_t parts;
    uint64_t customers;
    uint64_t orders;
    uint64_t clerks;
};

/* Where rows are written. The writer makes sure of ROW_GROUP_MAX free bytes before each group. */
struct out {
    char *data;
    size_t used;
};

/* No group of rows is longer, at any scale. */
enum {
    ROW_GROUP_MAX = 2048
};

/*
 * A table is generated in groups: single rows, but the four rows of a part in partsupp and the
 * lines of an order in lineitem.
 */
struct table {
    const char *name;
    /* The number of groups. */
    uint64_t (*groups)(const struct scale *s);
    /* Appends group `group` (counted from 0): fields separated by '|', a newline after each row. */
    void (*put)(const struct scale *s, uint64_t group, struct out *out);
};

enum {
    TABLE_COUNT = 8
};

extern const struct table tpch_tables[TABLE_COUNT];

/* The numbers of rows at scale factor `factor` (above 0); no table but lineitem gets less than a
 * few rows. */
struct scale scale_of(double factor);

#endif
