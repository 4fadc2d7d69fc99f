/* Stored rows by their rowids: see write_duckdb.h. */
#include "sql/write_duckdb.h"

void write_duckdb_rows(const struct table_def *t, const int64_t *rowids, uint32_t count,
                       struct bytebuf *out)
{
    bytebuf_put_cstr(out, "SELECT rowid");
    for (uint32_t i = 0; i < t->column_count; i++) {
        bytebuf_printf(out, ", c%u", t->columns[i].id);
    }
    bytebuf_printf(out, " FROM t%llu WHERE rowid IN (", (unsigned long long)t->id);
    for (uint32_t i = 0; i < count; i++) {
        bytebuf_printf(out, "%s%lld", i == 0 ? "" : ", ", (long long)rowids[i]);
    }
    bytebuf_put_cstr(out, ")");
}
