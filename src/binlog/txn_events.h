/*
 * Events that make up transactions, rows aside: GTIDs of both families, statements, variables that
 * belong to statements, commits, and compressed transactions. See event.h for the conventions of
 * decoding.
 */
#ifndef BINLOG_TXN_EVENTS_H
#define BINLOG_TXN_EVENTS_H

#include "binlog/event.h"
#include "binlog/log_events.h"

#include "base/arena.h"

/* Longest tag of a GTID. */
#define BINLOG_TAG_MAX 32

/* An XA transaction's name. */
struct binlog_xid {
    uint32_t format_id;
    struct str gtrid;
    struct str bqual;
};

/* What a GTID event of MySQL holds. Times are microseconds since 1970; 0 = not in the event. */
struct binlog_mysql_gtid {
    bool is_anonymous;
    bool may_have_sbr; /* Statements in text form may follow, not only rows. */
    uint8_t uuid[BINLOG_UUID_LEN];
    struct str tag; /* Empty = none. */
    int64_t gno;    /* 0 when anonymous. */
    int64_t last_committed;
    int64_t sequence_number;
    uint64_t immediate_commit_us;
    uint64_t original_commit_us;
    uint64_t transaction_length; /* Bytes of the transaction, this event included; 0 = not known. */
    uint32_t immediate_version;  /* 90704 */
    uint32_t original_version;
    uint64_t commit_group_ticket;
};

/* BINLOG_GTID, BINLOG_ANONYMOUS_GTID, BINLOG_GTID_TAGGED. */
NODISCARD int binlog_decode_mysql_gtid(const struct binlog_event *ev, struct binlog_mysql_gtid *out,
                                       struct diag *d);

enum binlog_mariadb_gtid_flags {
    BINLOG_MARIADB_STANDALONE = 0x1, /* One statement follows, without BEGIN and COMMIT. */
    BINLOG_MARIADB_GROUP_COMMIT = 0x2,
    BINLOG_MARIADB_TRANSACTIONAL = 0x4, /* Only engines that can roll back. */
    BINLOG_MARIADB_ALLOW_PARALLEL = 0x8,
    BINLOG_MARIADB_WAITED = 0x10,
    BINLOG_MARIADB_DDL = 0x20,
    BINLOG_MARIADB_PREPARED_XA = 0x40,  /* What follows ends in XA PREPARE. */
    BINLOG_MARIADB_COMPLETED_XA = 0x80, /* What follows is XA COMMIT or XA ROLLBACK. */
};

/* Second byte of flags. */
enum binlog_mariadb_gtid_flags_extra {
    BINLOG_MARIADB_MULTI_ENGINE = 0x1,
    BINLOG_MARIADB_START_ALTER = 0x2, /* ALTER in two phases; see alter_seq. */
    BINLOG_MARIADB_COMMIT_ALTER = 0x4,
    BINLOG_MARIADB_ROLLBACK_ALTER = 0x8,
    BINLOG_MARIADB_THREAD_ID = 0x10,
};

struct binlog_mariadb_gtid_event {
    struct binlog_mariadb_gtid gtid;
    uint8_t flags;
    uint8_t flags_extra;
    uint64_t commit_id;    /* With GROUP_COMMIT. */
    struct binlog_xid xid; /* With PREPARED_XA and COMPLETED_XA. */
    uint64_t alter_seq;    /* With COMMIT_ALTER and ROLLBACK_ALTER: the START_ALTER's seq. */
    uint8_t extra_engines; /* With MULTI_ENGINE: engines beside the first. */
    uint32_t thread_id;    /* With THREAD_ID. */
};

NODISCARD int binlog_decode_mariadb_gtid(const struct binlog_event *ev,
                                         struct binlog_mariadb_gtid_event *out, struct diag *d);

/* Session options as a statement carries them, in `flags2`. */
enum binlog_query_flags2 {
    BINLOG_QUERY_AUTO_IS_NULL = 0x4000,
    BINLOG_QUERY_NOT_AUTOCOMMIT = 0x80000,
    BINLOG_QUERY_NO_FOREIGN_KEY_CHECKS = 0x4000000,
    BINLOG_QUERY_RELAXED_UNIQUE_CHECKS = 0x8000000,
    BINLOG_QUERY_IF_EXISTS = 0x20000000, /* MariaDB: carry DDL out as if it said IF (NOT) EXISTS. */
};

/* Which of the variables of a statement are in the event: bit = the code of the variable. */
enum binlog_query_var {
    BINLOG_Q_FLAGS2 = 0,
    BINLOG_Q_SQL_MODE = 1,
    BINLOG_Q_CATALOG = 2,
    BINLOG_Q_AUTO_INCREMENT = 3,
    BINLOG_Q_CHARSET = 4,
    BINLOG_Q_TIME_ZONE = 5,
    BINLOG_Q_CATALOG_NZ = 6,
    BINLOG_Q_LC_TIME_NAMES = 7,
    BINLOG_Q_CHARSET_DATABASE = 8,
    BINLOG_Q_TABLE_MAP_FOR_UPDATE = 9,
    BINLOG_Q_MASTER_DATA_WRITTEN = 10,
    BINLOG_Q_INVOKER = 11,
    BINLOG_Q_UPDATED_DB_NAMES = 12,
    BINLOG_Q_MICROSECONDS = 13,
    BINLOG_Q_EXPLICIT_DEFAULTS_FOR_TIMESTAMP = 16,
    BINLOG_Q_DDL_XID = 17,
    BINLOG_Q_DEFAULT_COLLATION_FOR_UTF8MB4 = 18,
    BINLOG_Q_SQL_REQUIRE_PRIMARY_KEY = 19,
    BINLOG_Q_DEFAULT_TABLE_ENCRYPTION = 20,
    BINLOG_Q_MARIADB_HRNOW = 128,
    BINLOG_Q_MARIADB_XID = 129,
    BINLOG_Q_MARIADB_GTID_FLAGS3 = 130,
    BINLOG_Q_MARIADB_CHARACTER_SET_COLLATIONS = 131,
};

/* Databases beyond this number are not listed. */
#define BINLOG_MAX_UPDATED_DBS 16

/* A statement in text form: DDL, BEGIN, COMMIT, ROLLBACK, XA COMMIT, statement-format changes. */
struct binlog_query {
    uint32_t thread_id;
    uint32_t exec_seconds;
    uint16_t error; /* The statement failed with it halfway (engines that cannot roll back). */
    struct str db;  /* The session's database; empty = none. */
    struct str sql; /* In client_charset. */

    uint64_t vars;         /* Bits (1 << code) of the MySQL variables present. */
    bool has_unknown_vars; /* Reading the variables stopped at one that is not known. */
    bool has_collations;   /* MariaDB: character_set_collations is set. */
    uint32_t flags2;       /* enum binlog_query_flags2 */
    uint64_t sql_mode;
    uint16_t auto_increment_increment;
    uint16_t auto_increment_offset;
    uint16_t client_charset; /* Collation ids. */
    uint16_t connection_collation;
    uint16_t server_collation;
    uint16_t database_collation;
    uint16_t utf8mb4_collation; /* default_collation_for_utf8mb4 */
    uint16_t lc_time_names;
    struct str time_zone;
    struct str catalog;
    struct str invoker_user;
    struct str invoker_host;
    uint32_t microseconds;                          /* Of the timestamp. */
    uint64_t xid;                                   /* DDL that commits by itself. */
    uint8_t explicit_defaults_for_timestamp;        /* 0, 1 */
    uint8_t sql_require_primary_key;                /* 0, 1; MySQL */
    uint8_t default_table_encryption;               /* 0, 1; MySQL */
    uint32_t updated_db_count;                      /* UINT32_MAX = more than could be listed. */
    struct str updated_dbs[BINLOG_MAX_UPDATED_DBS]; /* Last: only those that are set. */
};

/* BINLOG_QUERY and BINLOG_MARIADB_QUERY_COMPRESSED (which needs the arena). */
NODISCARD int binlog_decode_query(const struct binlog_format *f, const struct binlog_event *ev,
                                  struct arena *a, struct binlog_query *out, struct diag *d);

/* Commit of a transaction. */
NODISCARD int binlog_decode_xid(const struct binlog_format *f, const struct binlog_event *ev,
                                uint64_t *out_xid, struct diag *d);

/* XA PREPARE; with one_phase, XA COMMIT ... ONE PHASE. */
struct binlog_xa_prepare {
    bool one_phase;
    struct binlog_xid xid;
};

NODISCARD int binlog_decode_xa_prepare(const struct binlog_event *ev, struct binlog_xa_prepare *out,
                                       struct diag *d);

/* The text of the statement that the rows that follow come from: BINLOG_ROWS_QUERY and
 * BINLOG_MARIADB_ANNOTATE_ROWS. */
NODISCARD int binlog_decode_rows_query(const struct binlog_event *ev, struct str *out_sql,
                                       struct diag *d);

/* LAST_INSERT_ID() or the AUTO_INCREMENT value of the statement that follows. */
struct binlog_intvar {
    uint8_t which; /* 1 = LAST_INSERT_ID, 2 = INSERT_ID */
    uint64_t value;
};

NODISCARD int binlog_decode_intvar(const struct binlog_event *ev, struct binlog_intvar *out,
                                   struct diag *d);

/* The seeds of RAND() of the statement that follows. */
struct binlog_rand {
    uint64_t seed1;
    uint64_t seed2;
};

NODISCARD int binlog_decode_rand(const struct binlog_event *ev, struct binlog_rand *out,
                                 struct diag *d);

/* A user variable of the statement that follows. */
struct binlog_user_var {
    struct str name;
    bool is_null;
    bool is_unsigned;
    uint8_t type; /* 0 string, 1 real, 2 integer, 4 decimal */
    uint32_t collation;
    struct str value; /* As MySQL stores it. */
};

NODISCARD int binlog_decode_user_var(const struct binlog_event *ev, struct binlog_user_var *out,
                                     struct diag *d);

/* How a transaction payload is compressed. */
enum binlog_payload_compression {
    BINLOG_PAYLOAD_ZSTD = 0,
    BINLOG_PAYLOAD_NONE = 255,
};

/* A whole transaction but its GTID, compressed; see payload.h for its events. */
struct binlog_payload {
    uint64_t compression; /* enum binlog_payload_compression */
    uint64_t uncompressed_len;
    struct str data;
};

NODISCARD int binlog_decode_payload(const struct binlog_event *ev, struct binlog_payload *out,
                                    struct diag *d);

#endif
