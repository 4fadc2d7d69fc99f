#!/bin/sh
# Joins the grammar's parts, runs lemon, and makes the table of keywords from its token numbers.
#   generate.sh SQL_DIR OUT_DIR LEMON TEMPLATE
# lemon fails on any conflict. It also reports rules that cannot be reduced; those are refused here.
set -eu
sql=$1 out=$2 lemon=$3 template=$4
{
    cat "$sql/grammar/00_head.y"
    awk -v out=fallback -f "$sql/keywords.awk" "$sql/keywords.txt"
    cat "$sql"/grammar/[1-9]*.y
} >"$out/sql_grammar.y"
"$lemon" -q "-T$template" "-d$out" "$out/sql_grammar.y" >"$out/sql_grammar.log" 2>&1 || {
    cat "$out/sql_grammar.log" >&2
    exit 1
}
if grep -q 'can not be reduced' "$out/sql_grammar.log"; then
    cat "$out/sql_grammar.log" >&2
    exit 1
fi
awk -v out=table -f "$sql/keywords.awk" "$out/sql_grammar.h" "$sql/keywords.txt" >"$out/keywords.gen.inc"
