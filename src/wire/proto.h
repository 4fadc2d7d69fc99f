/*
 * Constants of the MySQL client/server protocol: capability flags, commands, status flags, column
 * types and flags, limits.
 *
 * Sources: "MySQL Client/Server Protocol" in the MySQL source documentation (sections Capabilities
 * Flags, Command Phase, Column Definition Flags, SERVER_STATUS_flags_enum, field types), and the
 * MariaDB knowledge base, "Clients & Server Protocol", for MariaDB's extended capabilities and
 * cursor flags.
 */
#ifndef WIRE_PROTO_H
#define WIRE_PROTO_H

#include "base/base.h"

/*
 * Capabilities. 64 bits: the low half travels in the handshake of both servers; the high half is
 * MariaDB's and travels in bytes that MySQL keeps zero, only between peers that leave
 * CLIENT_LONG_PASSWORD unset.
 */
#define CLIENT_LONG_PASSWORD               (UINT64_C(1) << 0) /* MariaDB calls it CLIENT_MYSQL. */
#define CLIENT_FOUND_ROWS                  (UINT64_C(1) << 1) /* Affected rows counts matched rows. */
#define CLIENT_LONG_FLAG                   (UINT64_C(1) << 2)
#define CLIENT_CONNECT_WITH_DB             (UINT64_C(1) << 3)
#define CLIENT_NO_SCHEMA                   (UINT64_C(1) << 4)
#define CLIENT_COMPRESS                    (UINT64_C(1) << 5) /* zlib */
#define CLIENT_ODBC                        (UINT64_C(1) << 6)
#define CLIENT_LOCAL_FILES                 (UINT64_C(1) << 7)
#define CLIENT_IGNORE_SPACE                (UINT64_C(1) << 8)
#define CLIENT_PROTOCOL_41                 (UINT64_C(1) << 9)
#define CLIENT_INTERACTIVE                 (UINT64_C(1) << 10)
#define CLIENT_SSL                         (UINT64_C(1) << 11)
#define CLIENT_IGNORE_SIGPIPE              (UINT64_C(1) << 12)
#define CLIENT_TRANSACTIONS                (UINT64_C(1) << 13)
#define CLIENT_RESERVED                    (UINT64_C(1) << 14)
#define CLIENT_SECURE_CONNECTION           (UINT64_C(1) << 15)
#define CLIENT_MULTI_STATEMENTS            (UINT64_C(1) << 16)
#define CLIENT_MULTI_RESULTS               (UINT64_C(1) << 17)
#define CLIENT_PS_MULTI_RESULTS            (UINT64_C(1) << 18)
#define CLIENT_PLUGIN_AUTH                 (UINT64_C(1) << 19)
#define CLIENT_CONNECT_ATTRS               (UINT64_C(1) << 20)
#define CLIENT_PLUGIN_AUTH_LENENC          (UINT64_C(1) << 21)
#define CLIENT_EXPIRED_PASSWORDS           (UINT64_C(1) << 22)
#define CLIENT_SESSION_TRACK               (UINT64_C(1) << 23)
#define CLIENT_DEPRECATE_EOF               (UINT64_C(1) << 24)
#define CLIENT_OPTIONAL_RESULTSET_METADATA (UINT64_C(1) << 25)
#define CLIENT_ZSTD_COMPRESSION            (UINT64_C(1) << 26)
#define CLIENT_QUERY_ATTRIBUTES            (UINT64_C(1) << 27)
#define CLIENT_MULTI_FACTOR                (UINT64_C(1) << 28)
#define CLIENT_CAPABILITY_EXTENSION        (UINT64_C(1) << 29)
#define CLIENT_SSL_VERIFY_SERVER_CERT      (UINT64_C(1) << 30)
#define CLIENT_REMEMBER_OPTIONS            (UINT64_C(1) << 31)

#define MARIADB_CLIENT_PROGRESS          (UINT64_C(1) << 32)
#define MARIADB_CLIENT_COM_MULTI         (UINT64_C(1) << 33)
#define MARIADB_CLIENT_STMT_BULK         (UINT64_C(1) << 34)
#define MARIADB_CLIENT_EXTENDED_METADATA (UINT64_C(1) << 35)
#define MARIADB_CLIENT_CACHE_METADATA    (UINT64_C(1) << 36)
#define MARIADB_CLIENT_BULK_UNIT_RESULTS (UINT64_C(1) << 37)

/* First byte of a command packet. */
enum wire_command {
    COM_SLEEP = 0x00,
    COM_QUIT = 0x01,
    COM_INIT_DB = 0x02,
    COM_QUERY = 0x03,
    COM_FIELD_LIST = 0x04,
    COM_CREATE_DB = 0x05,
    COM_DROP_DB = 0x06,
    COM_REFRESH = 0x07,
    COM_SHUTDOWN = 0x08,
    COM_STATISTICS = 0x09,
    COM_PROCESS_INFO = 0x0a,
    COM_CONNECT = 0x0b,
    COM_PROCESS_KILL = 0x0c,
    COM_DEBUG = 0x0d,
    COM_PING = 0x0e,
    COM_TIME = 0x0f,
    COM_DELAYED_INSERT = 0x10,
    COM_CHANGE_USER = 0x11,
    COM_BINLOG_DUMP = 0x12,
    COM_TABLE_DUMP = 0x13,
    COM_CONNECT_OUT = 0x14,
    COM_REGISTER_REPLICA = 0x15,
    COM_STMT_PREPARE = 0x16,
    COM_STMT_EXECUTE = 0x17,
    COM_STMT_SEND_LONG_DATA = 0x18,
    COM_STMT_CLOSE = 0x19,
    COM_STMT_RESET = 0x1a,
    COM_SET_OPTION = 0x1b,
    COM_STMT_FETCH = 0x1c,
    COM_DAEMON = 0x1d,
    COM_BINLOG_DUMP_GTID = 0x1e,
    COM_RESET_CONNECTION = 0x1f,
    COM_CLONE = 0x20,
    COM_SUBSCRIBE_GROUP_REPLICATION = 0x21,
    COM_COUNT, /* Number of the commands MySQL numbers without a gap. */
    MARIADB_COM_STMT_BULK_EXECUTE = 0xfa,
};

/* Status flags of OK and EOF packets. */
enum wire_status {
    SERVER_STATUS_IN_TRANS = 1u << 0,
    SERVER_STATUS_AUTOCOMMIT = 1u << 1,
    SERVER_MORE_RESULTS_EXISTS = 1u << 3,
    SERVER_STATUS_NO_GOOD_INDEX_USED = 1u << 4,
    SERVER_STATUS_NO_INDEX_USED = 1u << 5,
    SERVER_STATUS_CURSOR_EXISTS = 1u << 6,
    SERVER_STATUS_LAST_ROW_SENT = 1u << 7,
    SERVER_STATUS_DB_DROPPED = 1u << 8,
    SERVER_STATUS_NO_BACKSLASH_ESCAPES = 1u << 9,
    SERVER_STATUS_METADATA_CHANGED = 1u << 10,
    SERVER_QUERY_WAS_SLOW = 1u << 11,
    SERVER_PS_OUT_PARAMS = 1u << 12,
    SERVER_STATUS_IN_TRANS_READONLY = 1u << 13,
    SERVER_SESSION_STATE_CHANGED = 1u << 14,
    MARIADB_SERVER_STATUS_ANSI_QUOTES = 1u << 15,
};

/* Column and parameter types as numbered on the wire. */
enum wire_type {
    WIRE_TYPE_DECIMAL = 0x00,
    WIRE_TYPE_TINY = 0x01,
    WIRE_TYPE_SHORT = 0x02,
    WIRE_TYPE_LONG = 0x03,
    WIRE_TYPE_FLOAT = 0x04,
    WIRE_TYPE_DOUBLE = 0x05,
    WIRE_TYPE_NULL = 0x06,
    WIRE_TYPE_TIMESTAMP = 0x07,
    WIRE_TYPE_LONGLONG = 0x08,
    WIRE_TYPE_INT24 = 0x09,
    WIRE_TYPE_DATE = 0x0a,
    WIRE_TYPE_TIME = 0x0b,
    WIRE_TYPE_DATETIME = 0x0c,
    WIRE_TYPE_YEAR = 0x0d,
    WIRE_TYPE_NEWDATE = 0x0e,
    WIRE_TYPE_VARCHAR = 0x0f,
    WIRE_TYPE_BIT = 0x10,
    WIRE_TYPE_TIMESTAMP2 = 0x11, /* This and the next two occur in the binary log only. */
    WIRE_TYPE_DATETIME2 = 0x12,
    WIRE_TYPE_TIME2 = 0x13,
    WIRE_TYPE_VECTOR = 0xf2,
    WIRE_TYPE_BOOL = 0xf4,
    WIRE_TYPE_JSON = 0xf5,
    WIRE_TYPE_NEWDECIMAL = 0xf6,
    WIRE_TYPE_ENUM = 0xf7,
    WIRE_TYPE_SET = 0xf8,
    WIRE_TYPE_TINY_BLOB = 0xf9,
    WIRE_TYPE_MEDIUM_BLOB = 0xfa,
    WIRE_TYPE_LONG_BLOB = 0xfb,
    WIRE_TYPE_BLOB = 0xfc,
    WIRE_TYPE_VAR_STRING = 0xfd,
    WIRE_TYPE_STRING = 0xfe,
    WIRE_TYPE_GEOMETRY = 0xff,
};

/* Flags of a column definition. */
enum wire_column_flags {
    WIRE_FLAG_NOT_NULL = 1u << 0,
    WIRE_FLAG_PRI_KEY = 1u << 1,
    WIRE_FLAG_UNIQUE_KEY = 1u << 2,
    WIRE_FLAG_MULTIPLE_KEY = 1u << 3,
    WIRE_FLAG_BLOB = 1u << 4,
    WIRE_FLAG_UNSIGNED = 1u << 5,
    WIRE_FLAG_ZEROFILL = 1u << 6,
    WIRE_FLAG_BINARY = 1u << 7,
    WIRE_FLAG_ENUM = 1u << 8,
    WIRE_FLAG_AUTO_INCREMENT = 1u << 9,
    WIRE_FLAG_TIMESTAMP = 1u << 10,
    WIRE_FLAG_SET = 1u << 11,
    WIRE_FLAG_NO_DEFAULT_VALUE = 1u << 12,
    WIRE_FLAG_ON_UPDATE_NOW = 1u << 13,
    WIRE_FLAG_PART_KEY = 1u << 14,
    WIRE_FLAG_NUM = 1u << 15,
};

/* Cursor type and flags of COM_STMT_EXECUTE. */
enum wire_cursor_flags {
    WIRE_CURSOR_READ_ONLY = 1u << 0,
    WIRE_CURSOR_FOR_UPDATE = 1u << 1,
    WIRE_CURSOR_SCROLLABLE = 1u << 2,
    WIRE_PARAMETER_COUNT_AVAILABLE = 1u << 3, /* A parameter count is sent even when it is 0. */
};

/* Argument of COM_SET_OPTION. */
enum wire_set_option {
    WIRE_OPTION_MULTI_STATEMENTS_ON = 0,
    WIRE_OPTION_MULTI_STATEMENTS_OFF = 1,
};

enum {
    WIRE_HEADER_LEN = 4, /* Length (3) and sequence number (1). */
    WIRE_COMPRESSED_HEADER_LEN =
        7, /* Compressed length (3), sequence number (1), original length (3). */
    WIRE_MAX_PACKET = 0xffffff, /* A packet of this length is continued by the next one. */
    WIRE_NONCE_LEN = 20, /* Random bytes of a handshake, without the NUL that follows them. */
    WIRE_DEFAULT_PORT = 3306,
    WIRE_MAX_COLUMNS = 4096,    /* MySQL's limit of columns in a table or result. */
    WIRE_MAX_PARAMS = 65535,    /* MySQL's limit of parameters in a statement. */
    WIRE_MAX_USER_LEN = 32 * 4, /* Bytes of a user name: 32 characters. */
    WIRE_MAX_NAME_LEN = 64 * 4, /* Bytes of a database, table or column name: 64 characters. */
    WIRE_MAX_ATTRS_LEN = 65536, /* Bytes of all connection attributes. */
    WIRE_COLLATION_BINARY = 63, /* Collation id that says "no text". */
};

/* Ceiling of max_allowed_packet: 1 GiB. */
#define WIRE_MAX_ALLOWED_PACKET ((size_t)1 << 30)

#endif
