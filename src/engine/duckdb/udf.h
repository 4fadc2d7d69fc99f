/*
 * Functions of ours inside DuckDB: what the DuckDB writer (sql/write_duckdb.h) needs to give
 * MySQL's answers. Their names begin with pt_; they are part of no stored definition. All are pure
 * and may run on any of DuckDB's threads.
 *
 *   pt_key_<collation>(VARCHAR) → BLOB          sort key: equal and ordered as the strings are in
 * the collation pt_like_<collation>(VARCHAR, VARCHAR[, VARCHAR]) → BOOLEAN    text, pattern, escape
 *   pt_upper_<collation>, pt_lower_<collation>(VARCHAR) → VARCHAR
 *   pt_div_<scale>(DECIMAL, DECIMAL, INTEGER) → DECIMAL(38, scale)      quotient with that
 * div_precision_increment pt_mod_<scale>, pt_truncate_<scale>         remainder; digits behind the
 * point cut off pt_sortable(DECIMAL, INTEGER, INTEGER) → BLOB     DECIMAL(p > 38, s) in the form of
 * decimal_to_sortable() pt_decimal_to_double, pt_str_to_double, pt_check_double, pt_sqrt → DOUBLE
 *   pt_year, pt_month, … (DATE) → INTEGER; pt_hour, … (TIMESTAMP) → INTEGER; pt_date(TIMESTAMP) →
 * DATE pt_add_{months,days,seconds}_{date,ts}     date arithmetic; NULL outside the calendar
 *   pt_substring, pt_left, pt_right, pt_trim_*, pt_reverse, pt_ascii, pt_date_text, pt_date_format
 */
#ifndef ENGINE_DUCKDB_UDF_H
#define ENGINE_DUCKDB_UDF_H

#include "base/base.h"
#include "base/diag.h"

#include <duckdb.h>

/*
 * Registers all functions, for the whole instance that the connection belongs to. Returns 0, or -1
 * with diag (ER_INTERNAL_ERROR).
 */
NODISCARD int duckdb_udf_register(duckdb_connection connection, struct diag *diag);

#endif
