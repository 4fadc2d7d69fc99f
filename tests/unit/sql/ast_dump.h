/* The syntax tree as one line of text, for tests. */
#ifndef TESTS_UNIT_SQL_AST_DUMP_H
#define TESTS_UNIT_SQL_AST_DUMP_H

#include "base/bytebuf.h"
#include "sql/ast.h"

/*
 * Appends the tree. Calls and aggregates are (NAME arg …), with ! behind the name for EXPR_NOT;
 * columns db.table.name; strings are quoted; joins [left JOIN right ON …]; clauses are written as
 * in SQL, in lower case where they are ours.
 */
void ast_dump_stmt(const struct stmt *s, struct bytebuf *out);
void ast_dump_expr(const struct expr *e, struct bytebuf *out);
void ast_dump_query(const struct query *q, struct bytebuf *out);

#endif
