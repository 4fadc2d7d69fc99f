/*
 * The syntax tree. Made by sql_parse() in a statement's arena; names and text borrow from the
 * arena, never from the packet. The resolver fills the members marked "resolved": one tree serves
 * as syntax tree and resolved tree, and a writer only accepts a resolved one. Lists are arrays with
 * a count.
 *
 * Operators, functions, and special forms share one node (EXPR_CALL with an entry of the function
 * catalogue), so that arity, result type, evaluator and writer rule of each are one row in
 * functions.def.
 */
#ifndef SQL_AST_H
#define SQL_AST_H

#include "base/base.h"
#include "base/str.h"
#include "types/type.h"
#include "types/value.h"

struct func_def; /* sql/functions.h */
struct query;
struct table_ref;
struct column_def; /* catalog/catalog.h */
struct table_def;  /* catalog/catalog.h */

/* Where a node stands in the statement text: byte offset and length, for column names and messages.
 */
struct src_range {
    uint32_t offset;
    uint32_t len;
};

/* ---- Expressions ---- */

/*
 * Names of the calls (EXPR_CALL) that do not come from a name in the text, or not from that name.
 * All but those marked
 * * carry EXPR_AS_OPERATOR.
 *   n-ary        AND OR CONCAT (the last is || under PIPES_AS_CONCAT): chains are flattened into
 * one node binary       XOR = <=> <> < <= > >= + - * / DIV MOD & | ^ << >> REGEXP "SOUNDS LIKE"
 * "MEMBER OF" unary        NEG ~ NOT ! BINARY ("+x" is x) predicates   LIKE (value, pattern[,
 * escape])  BETWEEN (value, low, high)  IN (value, item, …)  "IS NULL"  "IS TRUE" "IS FALSE"  "IS
 * UNKNOWN"; negated ones, REGEXP too, have EXPR_NOT JSON         JSON_EXTRACT (column, path) for
 * ->; JSON_UNQUOTE (JSON_EXTRACT …) for ->> dates        DATE_ADD, DATE_SUB (date, EXPR_INTERVAL):
 * + and - INTERVAL; * also from DATE_ADD(), ADDDATE(), DATE_SUB(), SUBDATE(), whose number of days
 * becomes an EXPR_INTERVAL Calls with a syntax of their own, all *: NOW CURDATE CURTIME UTC_DATE
 * UTC_TIME UTC_TIMESTAMP CURRENT_USER   also from their synonyms and without parentheses EXTRACT,
 * TIMESTAMPADD, TIMESTAMPDIFF   args[0] is LIT_INTERVAL_UNIT TRIM LTRIM RTRIM (text[, what])
 * TRIM(BOTH …), TRIM(LEADING …), TRIM(TRAILING …) SUBSTRING (text, from[, for])     SUBSTRING,
 * SUBSTR and MID in both forms LOCATE (what, text)               POSITION(what IN text)
 *   CONVERT_USING (text, LIT_STRING), CHAR_USING (number, …, LIT_STRING)   the last is the
 * character set's name GET_FORMAT (LIT_STRING "DATE", locale) MATCH, MATCH_BOOLEAN, MATCH_EXPANSION
 * (column, …, what)   MATCH … AGAINST WEIGHT_STRING (text[, length]), WEIGHT_STRING_BINARY (text,
 * length) JSON_VALUE (document, path)       a RETURNING type makes an EXPR_CAST around it
 */

enum expr_kind {
    EXPR_LITERAL,
    EXPR_PARAM,     /* ? */
    EXPR_COLUMN,    /* [[db.]table.]column */
    EXPR_STAR,      /* * or [db.]table.* in a select list; the * of COUNT(*) */
    EXPR_CALL,      /* operator or function: name, args */
    EXPR_AGGREGATE, /* COUNT, SUM, …; with `window` set a windowed aggregate */
    EXPR_WINDOW,    /* ROW_NUMBER, LAG, …: always has `window` */
    EXPR_CASE,      /* args: [operand] when then … [else] */
    EXPR_CAST,      /* CAST(x AS t), CONVERT(x, t) */
    EXPR_SUBQUERY,  /* scalar or row subquery */
    EXPR_EXISTS,
    EXPR_IN_SUBQUERY,  /* args[0] [NOT] IN (query) */
    EXPR_QUANTIFIED,   /* args[0] cmp ANY/ALL (query) */
    EXPR_ROW,          /* (a, b) */
    EXPR_INTERVAL,     /* INTERVAL args[0] unit, as an operand of date arithmetic */
    EXPR_USER_VAR,     /* @name */
    EXPR_USER_VAR_SET, /* @name := args[0] */
    EXPR_SYSTEM_VAR,   /* @@[scope.]name */
    EXPR_DEFAULT,      /* DEFAULT or DEFAULT(column) */
    EXPR_VALUES,       /* VALUES(column) in ON DUPLICATE KEY UPDATE */
    EXPR_COLLATE,      /* args[0] COLLATE name */
};

/* How a literal was written; decides its type. */
enum literal_kind {
    LIT_NULL,
    LIT_BOOL,    /* TRUE, FALSE: INT 1 or 0 */
    LIT_INT,     /* value.kind VALUE_INT or VALUE_UINT */
    LIT_DECIMAL, /* 1.5 or an integer beyond BIGINT */
    LIT_REAL,    /* 1e5 */
    LIT_STRING,
    LIT_HEX,  /* X'..' and 0x..: binary string */
    LIT_BIN,  /* B'..' and 0b.. */
    LIT_DATE, /* DATE '…' */
    LIT_TIME,
    LIT_TIMESTAMP,
    LIT_INTERVAL_UNIT, /* the unit word in EXTRACT(unit FROM …), TIMESTAMPDIFF(unit, …): value.i is
                          an enum interval_unit */
};

enum interval_unit {
    UNIT_MICROSECOND,
    UNIT_SECOND,
    UNIT_MINUTE,
    UNIT_HOUR,
    UNIT_DAY,
    UNIT_WEEK,
    UNIT_MONTH,
    UNIT_QUARTER,
    UNIT_YEAR,
    UNIT_SECOND_MICROSECOND,
    UNIT_MINUTE_MICROSECOND,
    UNIT_MINUTE_SECOND,
    UNIT_HOUR_MICROSECOND,
    UNIT_HOUR_SECOND,
    UNIT_HOUR_MINUTE,
    UNIT_DAY_MICROSECOND,
    UNIT_DAY_SECOND,
    UNIT_DAY_MINUTE,
    UNIT_DAY_HOUR,
    UNIT_YEAR_MONTH,
};

enum var_scope {
    SCOPE_DEFAULT, /* not said */
    SCOPE_SESSION,
    SCOPE_GLOBAL,
    SCOPE_PERSIST,
    SCOPE_PERSIST_ONLY,
    SCOPE_USER, /* @name = … in SET */
};

/* MySQL's coercibility: the lower wins when collations are aggregated. */
enum coercibility {
    COERCE_EXPLICIT = 0,
    COERCE_NONE = 1,
    COERCE_IMPLICIT = 2,
    COERCE_SYSCONST = 3,
    COERCE_COERCIBLE = 4,
    COERCE_NUMERIC = 5,
    COERCE_IGNORABLE = 6,
};

enum expr_flags {
    EXPR_NOT = 1u << 0,      /* NOT IN, NOT EXISTS (and the negated predicates that are one node) */
    EXPR_DISTINCT = 1u << 1, /* aggregate(DISTINCT …) */
    EXPR_ALL = 1u << 2,      /* quantified: ALL (else ANY) */
    EXPR_PARENTHESISED = 1u << 3,
    EXPR_CASE_OPERAND = 1u << 4,   /* CASE x WHEN …: args[0] is x */
    EXPR_CASE_ELSE = 1u << 5,      /* the last of args is ELSE */
    EXPR_AS_OPERATOR = 1u << 6,    /* a call that was written as an operator */
    EXPR_HAS_INTRODUCER = 1u << 7, /* _charset'…' */
    EXPR_HAS_AGGREGATE = 1u << 8,  /* resolved: an aggregate of this query block is inside */
    EXPR_IS_CONST = 1u << 9,       /* resolved: does not depend on rows */
    EXPR_OUTER_REF = 1u << 10,     /* resolved: refers to an enclosing block */
    EXPR_OF_ROW_ALIAS = 1u << 11,  /* EXPR_VALUES that was written as a name of the new row */
};

/* One ORDER BY, GROUP BY or PARTITION BY element. */
struct order_item {
    struct expr *expr;
    bool desc;
    bool explicit_dir; /* ASC or DESC was written */
    int32_t
        select_item; /* resolved: index of the select item it names (alias or position), else -1 */
    bool dependent;  /* resolved: of GROUP BY; the other elements determine its value */
};

struct order_list {
    uint32_t count;
    struct order_item *items;
};

enum frame_bound_kind {
    FRAME_UNBOUNDED_PRECEDING,
    FRAME_PRECEDING,
    FRAME_CURRENT_ROW,
    FRAME_FOLLOWING,
    FRAME_UNBOUNDED_FOLLOWING,
};

struct frame_bound {
    enum frame_bound_kind kind;
    struct expr *offset; /* of PRECEDING and FOLLOWING */
};

struct window {
    struct str name; /* WINDOW w AS …, or a reference OVER w / OVER (w …); may be empty */
    struct str base; /* the window this one refines; may be empty */
    uint32_t partition_count;
    struct expr **partition;
    struct order_list order;
    bool has_frame;
    bool frame_is_rows; /* else RANGE */
    struct frame_bound start;
    struct frame_bound end;
};

/* The target of a cast: as declared type, `type` holds what was written. */
struct cast_target {
    struct sql_type type;
    bool has_length;
    bool is_array;
    bool binary_collation; /* CHAR … BINARY */
    struct str charset;    /* CHAR … CHARACTER SET; p NULL = not given */
};

/* A column that a name is bound to. */
struct column_binding {
    struct table_ref *table; /* leaf it comes from */
    uint32_t index;          /* column number within that leaf */
    uint32_t depth;          /* 0 = own query block, 1 = the enclosing one, … */
};

struct expr {
    enum expr_kind kind;
    uint16_t flags; /* enum expr_flags */
    uint16_t
        height; /* of the tree below: 1 for a leaf; limited (ER_STACK_OVERRUN_NEED_MORE 1436) */
    struct src_range src;
    uint32_t argc;
    struct expr **args;
    union {
        struct { /* EXPR_LITERAL */
            enum literal_kind kind;
            struct value value;
            struct str
                introducer;     /* EXPR_HAS_INTRODUCER: the character set's name; "utf8" of N'…' */
            bool is_param;      /* the value of a `?`, sent with this type */
            uint8_t param_type; /* of the wire, enum mysql_type */
        } lit;
        struct {            /* EXPR_PARAM */
            uint32_t index; /* from 0, in order of appearance */
        } param;
        struct { /* EXPR_COLUMN, EXPR_STAR, EXPR_VALUES, EXPR_DEFAULT */
            struct str db;
            struct str table;
            struct str name;
            struct column_binding binding; /* resolved */
        } column;
        struct { /* EXPR_CALL, EXPR_AGGREGATE, EXPR_WINDOW */
            struct str
                name; /* upper case for operators ("+", "AND", "LIKE"); as written for functions */
            struct order_list order; /* GROUP_CONCAT */
            struct str separator;    /* GROUP_CONCAT; p NULL = default */
            struct window *window;   /* OVER (…); else NULL */
            bool from_last, ignore_nulls;
        } call;
        struct {
            struct cast_target target;
        } cast;
        struct { /* EXPR_SUBQUERY, EXPR_EXISTS, EXPR_IN_SUBQUERY, EXPR_QUANTIFIED */
            struct query *query;
            struct str op; /* EXPR_QUANTIFIED: "=", "<", … */
        } sub;
        struct {
            enum interval_unit unit;
        } interval;
        struct { /* EXPR_USER_VAR, EXPR_USER_VAR_SET, EXPR_SYSTEM_VAR */
            struct str name;
            struct str component; /* @@component.name */
            enum var_scope scope;
        } var;
        struct {
            struct str name;
        } collate;
    };

    /* Resolved: */
    const struct func_def *func; /* EXPR_CALL, EXPR_AGGREGATE, EXPR_WINDOW */
    struct sql_type type;        /* result type; NOT_NULL_FLAG set when it can never be NULL */
    enum coercibility coercibility;
    uint16_t cmp_collation; /* comparisons, LIKE, IN, MIN/MAX …: the collation in which operands are
                               compared */
};

/* ---- Queries ---- */

struct limit {
    struct expr *count;  /* literal or parameter; NULL = no limit */
    struct expr *offset; /* NULL = 0 */
};

struct select_item {
    struct expr *expr; /* EXPR_STAR for * */
    struct str alias;  /* p NULL = none */
    struct str name;   /* resolved: column name as MySQL shows it */
};

enum join_kind {
    JOIN_INNER, /* JOIN, CROSS JOIN, comma */
    JOIN_LEFT,
    JOIN_RIGHT,
    JOIN_STRAIGHT,
};

enum table_ref_kind {
    TABLE_BASE,
    TABLE_DERIVED, /* (query) AS alias */
    TABLE_JOIN,
    TABLE_CTE,  /* resolved: a TABLE_BASE whose name is a common table expression */
    TABLE_JSON, /* JSON_TABLE(…): parsed, not resolved yet */
};

/* One column of a leaf of FROM, as the resolver sees it. */
struct ref_column {
    struct str name;
    struct sql_type type;
    const struct column_def *def; /* base tables; NULL for derived ones */
    uint16_t source;              /* derived: index of the select item */
    /* For result metadata of a column that passes through derived tables unchanged. */
    struct str org_name, org_table, db;
    bool stored;      /* a temporary table's field describes it, not an expression */
    struct str table; /* the leaf's alias, in the columns of a query; empty for expressions */
};

struct table_ref {
    enum table_ref_kind kind;
    struct src_range src;
    struct str db;       /* TABLE_BASE; empty = current database */
    struct str name;     /* TABLE_BASE */
    struct str alias;    /* p NULL = none */
    struct query *query; /* TABLE_DERIVED */
    bool lateral;
    bool parenthesised;         /* written in parentheses */
    uint16_t height;            /* of the joins and queries below */
    struct expr *json_source;   /* TABLE_JSON: JSON_TABLE(json_source, …) */
    uint32_t column_name_count; /* AS alias (c1, c2) */
    struct str *column_names;
    /* TABLE_JOIN */
    enum join_kind join;
    bool natural;
    struct table_ref *left;
    struct table_ref *right;
    struct expr *on;
    uint32_t using_count;
    struct str *using_columns;
    /* Resolved (leaves): */
    const struct table_def *def; /* TABLE_BASE */
    struct cte *cte;             /* TABLE_CTE */
    uint32_t id; /* number of the leaf, unique in the statement: alias r<id> in written SQL */
    uint32_t column_count;
    struct ref_column *columns;
    bool outer_side; /* on the NULL-complemented side of an outer join */
};

struct cte {
    struct str name;
    uint32_t column_name_count;
    struct str *column_names;
    struct query *query;
    /* Resolved: */
    uint32_t id; /* name c<id> in written SQL */
};

struct with_clause {
    bool recursive;
    uint32_t count;
    struct cte *ctes;
};

enum select_flags {
    SELECT_DISTINCT = 1u << 0,
    SELECT_STRAIGHT_JOIN = 1u << 1,
    SELECT_CALC_FOUND_ROWS = 1u << 2,
    SELECT_SQL_NO_CACHE = 1u << 3,
    SELECT_HIGH_PRIORITY = 1u << 4,
    SELECT_GROUP_ROLLUP = 1u << 5,
    SELECT_IS_AGGREGATED = 1u << 6, /* resolved: grouped, or an aggregate without GROUP BY */
    SELECT_HAS_WINDOW = 1u << 7,    /* resolved: window functions are in it */
};

struct select_block {
    unsigned flags; /* enum select_flags */
    uint32_t item_count;
    struct select_item *items; /* resolved: stars are expanded */
    struct table_ref *from;    /* NULL: no FROM (or FROM DUAL) */
    struct expr *where;
    uint32_t group_count;
    struct order_item *group_by;
    struct expr *having;
    uint32_t window_count;
    struct window *windows;
};

enum query_kind {
    QUERY_SELECT,
    QUERY_SET,    /* left UNION/EXCEPT/INTERSECT right */
    QUERY_VALUES, /* VALUES ROW(…), … */
    QUERY_PAREN,  /* (left) with an ORDER BY or LIMIT of its own around one that has them too */
};

enum set_op {
    SET_UNION,
    SET_EXCEPT,
    SET_INTERSECT,
};

enum locking {
    LOCKING_NONE,
    LOCKING_SHARE,
    LOCKING_UPDATE,
};

/* A query expression: body, with its own ORDER BY and LIMIT. */
struct query {
    enum query_kind kind;
    struct src_range src;
    uint16_t height;    /* of the tree below, queries and expressions inside; limited as in expr */
    bool parenthesised; /* written in parentheses */
    struct with_clause *with;    /* or NULL */
    struct select_block *select; /* QUERY_SELECT */
    enum set_op set_op;          /* QUERY_SET */
    bool set_all;
    struct query *left;
    struct query *right;
    uint32_t row_count; /* QUERY_VALUES */
    struct expr **rows; /* EXPR_ROW each */
    struct order_list order;
    struct limit limit;
    enum locking locking;
    bool locking_nowait, locking_skip;
    struct str into_outfile; /* p NULL = none */
    uint32_t into_var_count; /* SELECT … INTO @a, @b */
    struct str *into_vars;
    /* Resolved: */
    uint32_t column_count;
    struct ref_column *columns; /* the result's columns */
    bool correlated;
};

/* ---- Statements ---- */

/* Every statement kind; the value indexes tables of handlers. Keep in step with
 * sql_stmt_kind_name(). */
enum stmt_kind {
    STMT_EMPTY, /* only a comment */
    STMT_SELECT,
    STMT_INSERT,
    STMT_REPLACE,
    STMT_UPDATE,
    STMT_DELETE,
    STMT_LOAD_DATA,
    STMT_CREATE_DATABASE,
    STMT_ALTER_DATABASE,
    STMT_DROP_DATABASE,
    STMT_CREATE_TABLE,
    STMT_ALTER_TABLE,
    STMT_DROP_TABLE,
    STMT_RENAME_TABLE,
    STMT_TRUNCATE,
    STMT_CREATE_INDEX, /* as an ALTER TABLE with one action */
    STMT_DROP_INDEX,
    STMT_CREATE_VIEW,
    STMT_DROP_VIEW,
    STMT_USE,
    STMT_SET,
    STMT_SET_NAMES, /* SET NAMES / SET CHARACTER SET: also an item of STMT_SET */
    STMT_SET_TRANSACTION,
    STMT_SET_PASSWORD,
    STMT_SET_ROLE,
    STMT_SET_DEFAULT_ROLE,
    STMT_SHOW,
    STMT_DESCRIBE, /* DESC t: as STMT_SHOW with SHOW_COLUMNS */
    STMT_EXPLAIN,
    STMT_BEGIN,
    STMT_COMMIT,
    STMT_ROLLBACK,
    STMT_SAVEPOINT,
    STMT_ROLLBACK_TO,
    STMT_RELEASE_SAVEPOINT,
    STMT_LOCK_TABLES,
    STMT_UNLOCK_TABLES,
    STMT_KILL,
    STMT_CREATE_USER,
    STMT_ALTER_USER,
    STMT_DROP_USER,
    STMT_RENAME_USER,
    STMT_GRANT,
    STMT_REVOKE,
    STMT_CREATE_ROLE,
    STMT_DROP_ROLE,
    STMT_FLUSH,
    STMT_ANALYZE, /* ANALYZE, CHECK, OPTIMIZE, REPAIR, CHECKSUM TABLE */
    STMT_PREPARE,
    STMT_EXECUTE,
    STMT_DEALLOCATE,
    STMT_DO,
    STMT_CALL,
    STMT_REPLICA_START,
    STMT_REPLICA_STOP,
    STMT_REPLICA_RESET,
    STMT_CHANGE_SOURCE, /* CHANGE REPLICATION SOURCE TO, CHANGE MASTER TO */
    STMT_PINTAIL,       /* PINTAIL COPY, DROP or VERIFY TABLE */
    STMT_OTHER,         /* grammatical but not carried out: `other_what` names it */
    STMT_KIND_COUNT,
};

struct table_name {
    struct str db; /* empty = current */
    struct str name;
    struct str alias; /* p NULL = none */
    struct src_range src;
};

struct assignment {
    struct expr *column; /* EXPR_COLUMN */
    struct expr *value;  /* EXPR_DEFAULT for DEFAULT */
};

struct insert_stmt { /* INSERT and REPLACE */
    bool ignore;
    struct table_name table;
    uint32_t column_count; /* 0 and !has_columns = all in order */
    bool has_columns;
    struct str *columns;
    uint32_t row_count;
    struct expr **rows;   /* EXPR_ROW each */
    struct query *query;  /* INSERT … SELECT / TABLE */
    struct str row_alias; /* VALUES … AS new(a, b) */
    uint32_t row_alias_column_count;
    struct str *row_alias_columns;
    uint32_t update_count; /* ON DUPLICATE KEY UPDATE */
    struct assignment *updates;
};

struct update_stmt {
    bool ignore;
    struct with_clause *with;
    struct table_ref *from; /* one table, or a join */
    uint32_t set_count;
    struct assignment *sets;
    struct expr *where;
    struct order_list order;
    struct limit limit;
};

struct delete_stmt {
    bool ignore;
    struct with_clause *with;
    uint32_t target_count; /* multi-table DELETE: names of FROM leaves; 0 = the only table */
    struct table_name *targets;
    struct table_ref *from;
    struct expr *where;
    struct order_list order;
    struct limit limit;
};

enum duplicates {
    DUPLICATES_ERROR,
    DUPLICATES_IGNORE,
    DUPLICATES_REPLACE,
};

struct load_data_stmt {
    bool local;
    struct str file;
    enum duplicates duplicates;
    struct table_name table;
    struct str charset; /* p NULL = character_set_database */
    /* p NULL = default: '\t', '', '\\', '', '\n' */
    struct str fields_terminated, fields_enclosed, fields_escaped, lines_starting, lines_terminated;
    bool optionally_enclosed;
    uint64_t ignore_lines;
    uint32_t
        target_count; /* columns (EXPR_COLUMN) and @variables (EXPR_USER_VAR); 0 = all columns */
    struct expr **targets;
    uint32_t set_count;
    struct assignment *sets;
};

/* ---- Definitions ---- */

enum column_generated {
    GENERATED_NONE,
    GENERATED_VIRTUAL,
    GENERATED_STORED,
};

struct column_spec {
    struct str name;
    struct sql_type type; /* as written; length 0 where none was given (has_length) */
    bool has_length;
    struct str charset;   /* p NULL = not given */
    struct str collation; /* p NULL = not given */
    bool is_serial;
    bool not_null, null_given;
    bool auto_increment;
    bool primary_key, unique_key;
    bool invisible;
    bool has_default;
    struct expr *default_value; /* literal, NULL literal, NOW() call, or parenthesised expression */
    struct expr *on_update;     /* NOW([n]) call or NULL */
    struct str comment;
    bool binary_collation; /* CHAR … BINARY: the _bin collation of the character set */
    bool national;         /* NCHAR, NVARCHAR: character set utf8mb3 */
    bool references;       /* REFERENCES was written: a foreign key of the column alone */
    enum column_generated generated;
    struct expr *generated_expr;
    struct expr *check;
    struct str check_name; /* CONSTRAINT name CHECK (…); p NULL = not given */
    bool check_not_enforced;
    struct src_range default_src, generated_src, check_src;
};

enum index_kind {
    INDEX_PRIMARY,
    INDEX_UNIQUE,
    INDEX_PLAIN,
    INDEX_FULLTEXT,
    INDEX_SPATIAL,
    INDEX_FOREIGN,
};

struct index_part {
    struct str column;
    uint32_t prefix_len; /* 0 = whole */
    bool desc;
    struct expr *expr; /* functional key part, else NULL */
};

enum fk_action {
    FK_NO_ACTION,
    FK_RESTRICT,
    FK_CASCADE,
    FK_SET_NULL,
    FK_SET_DEFAULT,
};

struct index_spec {
    enum index_kind kind;
    struct str name; /* p NULL = to be made up */
    uint32_t part_count;
    struct index_part *parts;
    struct str algorithm; /* USING …; p NULL */
    struct str comment;
    bool invisible;
    /* INDEX_FOREIGN */
    struct table_name ref_table;
    uint32_t ref_count;
    struct str *ref_columns;
    enum fk_action on_delete, on_update;
};

struct check_spec {
    struct str name;
    struct expr *expr;
    struct src_range src;
    bool not_enforced;
};

struct table_options {
    struct str engine, charset, collation, comment, row_format; /* p NULL = not given */
    bool has_auto_increment;
    uint64_t auto_increment;
    /* Options that are accepted and kept without effect: as written, "KEY_BLOCK_SIZE=8 …" */
    struct str others;
};

struct create_table_stmt {
    bool if_not_exists, temporary, or_replace;
    struct table_name table;
    bool like;
    struct table_name like_table;
    uint32_t column_count;
    struct column_spec *columns;
    uint32_t index_count;
    struct index_spec *indexes;
    uint32_t check_count;
    struct check_spec *checks;
    struct table_options options;
    struct query *query; /* CREATE TABLE … SELECT */
    enum duplicates query_duplicates;
    bool has_partitions;
    struct src_range partition_src;
};

enum alter_kind {
    ALTER_ADD_COLUMN,
    ALTER_DROP_COLUMN,
    ALTER_MODIFY_COLUMN, /* MODIFY and CHANGE (then old_name differs) */
    ALTER_RENAME_COLUMN,
    ALTER_SET_DEFAULT,
    ALTER_DROP_DEFAULT,
    ALTER_COLUMN_VISIBILITY,
    ALTER_ADD_INDEX,
    ALTER_DROP_INDEX, /* DROP PRIMARY KEY: name "PRIMARY" */
    ALTER_RENAME_INDEX,
    ALTER_INDEX_VISIBILITY,
    ALTER_DROP_FOREIGN_KEY,
    ALTER_ADD_CHECK,
    ALTER_DROP_CHECK,
    ALTER_RENAME_TABLE,
    ALTER_OPTIONS,
    ALTER_CONVERT_CHARSET,
    ALTER_ORDER_BY,
    ALTER_FORCE, /* also ALGORITHM=, LOCK=, ENABLE/DISABLE KEYS: nothing to do */
    ALTER_PARTITION,
};

struct alter_action {
    enum alter_kind kind;
    struct str name;     /* column, index, or check it is about */
    struct str new_name; /* renames */
    bool if_exists, if_not_exists;
    struct column_spec column;
    bool first;
    struct str after; /* p NULL = not given */
    struct index_spec index;
    struct check_spec check;
    struct table_options options;
    struct table_name new_table;
    struct expr *default_value;
    bool visible;
};

struct alter_table_stmt {
    struct table_name table;
    uint32_t action_count;
    struct alter_action *actions;
    bool ignore;
};

struct drop_stmt { /* DROP TABLE / VIEW */
    bool if_exists, temporary;
    uint32_t count;
    struct table_name *tables;
};

struct rename_stmt {
    uint32_t count;
    struct table_name *from;
    struct table_name *to;
};

struct database_stmt { /* CREATE, ALTER, DROP DATABASE; USE */
    struct str name;
    bool if_exists; /* IF EXISTS or IF NOT EXISTS */
    bool or_replace;
    struct str charset, collation, comment;
};

struct view_stmt {
    bool or_replace, if_exists;
    struct table_name name;
    uint32_t column_count;
    struct str *columns;
    struct query *query;
    struct src_range query_src;
};

/* ---- Administration ---- */

struct set_item {
    enum var_scope scope;
    struct str name; /* variable; SCOPE_USER: without the @ */
    struct str component;
    struct expr *value; /* EXPR_DEFAULT for DEFAULT; a bare word (ON, utf8mb4) is a LIT_STRING */
    bool is_names;      /* SET NAMES: value is the charset, `collation` may be set */
    bool is_charset;    /* SET CHARACTER SET */
    struct str collation;
};

struct set_stmt {
    uint32_t count;
    struct set_item *items;
};

enum show_kind {
    SHOW_DATABASES,
    SHOW_TABLES,
    SHOW_TABLE_STATUS,
    SHOW_COLUMNS,
    SHOW_INDEX,
    SHOW_CREATE_TABLE,
    SHOW_CREATE_DATABASE,
    SHOW_CREATE_VIEW,
    SHOW_CREATE_USER,
    SHOW_VARIABLES,
    SHOW_STATUS,
    SHOW_WARNINGS,
    SHOW_ERRORS,
    SHOW_COUNT_WARNINGS, /* SHOW COUNT(*) WARNINGS */
    SHOW_COUNT_ERRORS,
    SHOW_PROCESSLIST,
    SHOW_GRANTS,
    SHOW_ENGINES,
    SHOW_CHARSET,
    SHOW_COLLATION,
    SHOW_PRIVILEGES,
    SHOW_PLUGINS,
    SHOW_TRIGGERS,
    SHOW_EVENTS,
    SHOW_PROCEDURE_STATUS,
    SHOW_FUNCTION_STATUS,
    SHOW_OPEN_TABLES,
    SHOW_BINARY_LOGS,
    SHOW_MASTER_STATUS,
    SHOW_REPLICA_STATUS,
    SHOW_ENGINE_STATUS,
    SHOW_PROFILES,
    SHOW_PINTAIL_STATUS,
    SHOW_PINTAIL_DIGESTS,
    SHOW_PINTAIL_TABLES,
    SHOW_PINTAIL_SESSIONS,
    SHOW_KIND_COUNT,
};

struct account_name {
    struct str user;
    struct str host; /* "%" when not given */
    bool current;    /* CURRENT_USER */
};

enum role_mode {
    ROLES_NOT_GIVEN,
    ROLES_LISTED,
    ROLES_NONE,
    ROLES_DEFAULT,
    ROLES_ALL,
    ROLES_ALL_EXCEPT,
};

struct role_choice {
    enum role_mode mode;
    uint32_t count; /* ROLES_LISTED, ROLES_ALL_EXCEPT */
    struct account_name *names;
};

struct number_option {
    bool given;
    int64_t value;
};

struct show_stmt {
    enum show_kind kind;
    bool full, extended;
    bool if_not_exists; /* SHOW CREATE DATABASE */
    enum var_scope scope;
    struct table_name table;
    struct str db;      /* FROM db; empty = current */
    struct str like;    /* p NULL = none */
    struct expr *where; /* or NULL */
    struct limit limit;
    struct account_name *account; /* SHOW GRANTS FOR; NULL = current */
    struct str channel;           /* SHOW REPLICA STATUS FOR CHANNEL; p NULL = not given */
    struct role_choice roles;     /* SHOW GRANTS FOR … USING */
};

struct explain_stmt {
    struct str format; /* p NULL = default; "json", "tree", "traditional" */
    bool analyze;
    struct stmt *target; /* the statement explained, or NULL with connection_id set */
    uint64_t connection_id;
};

enum access_mode {
    ACCESS_DEFAULT,
    ACCESS_READ_ONLY,
    ACCESS_READ_WRITE,
};

enum isolation {
    ISOLATION_DEFAULT,
    ISOLATION_READ_UNCOMMITTED,
    ISOLATION_READ_COMMITTED,
    ISOLATION_REPEATABLE_READ,
    ISOLATION_SERIALIZABLE,
};

struct transaction_stmt { /* BEGIN, COMMIT, ROLLBACK, SAVEPOINT…, SET TRANSACTION */
    enum access_mode access;
    enum isolation isolation;
    enum var_scope scope; /* SET TRANSACTION */
    bool consistent_snapshot;
    bool chain, release;
    struct str savepoint;
};

struct kill_stmt {
    bool query_only; /* KILL QUERY */
    struct expr *id;
};

struct user_spec {
    struct account_name account;
    struct str plugin;      /* IDENTIFIED WITH; p NULL */
    struct str password;    /* IDENTIFIED BY (plain); p NULL */
    struct str auth_string; /* IDENTIFIED WITH … AS, IDENTIFIED BY PASSWORD */
};

struct user_stmt { /* CREATE, ALTER, DROP USER; roles; SET PASSWORD */
    bool if_exists;
    uint32_t count;
    struct user_spec *users;
    struct account_name *rename_to; /* RENAME USER: count of them */
    bool has_require_ssl, require_ssl;
    bool has_lock, locked;
    bool has_expire, expired;
    struct role_choice roles;           /* SET ROLE, SET DEFAULT ROLE, … DEFAULT ROLE */
    struct number_option failed_logins; /* FAILED_LOGIN_ATTEMPTS */
    struct number_option lock_days;     /* PASSWORD_LOCK_TIME; -1 = UNBOUNDED */
    struct number_option connections;   /* MAX_USER_CONNECTIONS */
};

struct priv_item {
    struct str name; /* "SELECT", "ALL PRIVILEGES", … or a role name */
    struct str host; /* of a role */
    uint32_t column_count;
    struct str *columns;
};

struct grant_stmt { /* GRANT and REVOKE */
    uint32_t priv_count;
    struct priv_item *privs;
    bool is_role;  /* GRANT role TO user */
    bool all_dbs;  /* ON *.* */
    bool db_level; /* ON db.* or ON * */
    struct table_name object;
    uint32_t user_count;
    struct user_spec *users;
    bool grant_option;
    bool admin_option;
    bool if_exists; /* REVOKE IF EXISTS */
    bool ignore_unknown_user;
    bool revoke_all; /* REVOKE ALL PRIVILEGES, GRANT OPTION FROM */
};

struct prepare_stmt { /* PREPARE, EXECUTE, DEALLOCATE */
    struct str name;
    struct str text;     /* PREPARE … FROM 'text' */
    struct str text_var; /* PREPARE … FROM @var */
    uint32_t using_count;
    struct str *using_vars;
};

struct admin_table_stmt { /* ANALYZE, CHECK, OPTIMIZE, … TABLE; FLUSH; LOCK TABLES; TRUNCATE */
    struct str verb;      /* "analyze", … */
    uint32_t count;
    struct table_name *tables;
    struct str what;  /* FLUSH PRIVILEGES, … */
    bool *lock_write; /* LOCK TABLES: per table */
};

/* SOURCE_LOG_POS = 4: the name without SOURCE_ or MASTER_. */
struct replica_option {
    struct str name;
    struct str value; /* A text, a number's digits or a bare word; p NULL = NULL */
    bool is_list;     /* (1, 2): value is not set */
};

struct replica_stmt {   /* START, STOP, RESET REPLICA; CHANGE REPLICATION SOURCE TO */
    struct str channel; /* FOR CHANNEL, or MariaDB's name of a connection; p NULL = not given */
    bool all;           /* RESET REPLICA ALL, START ALL REPLICAS */
    bool until;         /* START REPLICA UNTIL: not told until when */
    uint32_t thread_count;
    struct str *threads; /* IO_THREAD, SQL_THREAD */
    uint32_t option_count;
    struct replica_option *options;
};

struct do_stmt {
    uint32_t count;
    struct expr **exprs;
};

struct stmt {
    enum stmt_kind kind;
    struct str text; /* the statement alone, without the delimiter; copied into the arena */
    uint32_t param_count;
    struct expr **params;           /* the EXPR_PARAM nodes in order */
    uint32_t max_execution_time_ms; /* from a MAX_EXECUTION_TIME hint; 0 = none */
    struct str other_what;          /* STMT_OTHER */
    union {
        struct query *query; /* STMT_SELECT */
        struct insert_stmt insert;
        struct update_stmt update;
        struct delete_stmt del;
        struct load_data_stmt load;
        struct database_stmt database;
        struct create_table_stmt create_table;
        struct alter_table_stmt alter_table; /* also CREATE/DROP INDEX */
        struct drop_stmt drop;
        struct rename_stmt rename;
        struct view_stmt view;
        struct set_stmt set;
        struct show_stmt show;
        struct explain_stmt explain;
        struct transaction_stmt transaction;
        struct kill_stmt kill;
        struct user_stmt user;
        struct grant_stmt grant;
        struct prepare_stmt prepare;
        struct admin_table_stmt admin; /* also PINTAIL COPY TABLE … */
        struct replica_stmt replica;
        struct do_stmt call;
    };
};

#endif
