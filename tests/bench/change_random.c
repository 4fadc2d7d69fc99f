#include "change_random.h"

#include "binlog/event.h"
#include "binlog/rows.h"

#include "types/type.h"

enum {
    TABLE_ID = 1,
    ALL_COLUMNS = 7,
};

static void put_int(struct bytebuf *b, uint64_t v, unsigned bytes)
{
    bytebuf_put(b, (const char *)&v, bytes);
}

/* The head of an event, and its length before it, filled in by end_event(). */
static size_t begin_event(struct bytebuf *b, uint8_t type)
{
    const size_t at = b->len;
    put_int(b, 0, 4);
    put_int(b, 1700000000, 4);
    put_int(b, type, 1);
    put_int(b, 1, 4);
    put_int(b, 0, 8);
    put_int(b, 0, 2);
    return at;
}

static void end_event(struct change_random *r, struct bytebuf *b, size_t at)
{
    const uint32_t size = (uint32_t)(b->len - at - sizeof(size));
    r->log_pos += size;
    memcpy(b->p + at, &size, sizeof(size));
    memcpy(b->p + at + 13, &size, sizeof(size));
    memcpy(b->p + at + 17, &r->log_pos, sizeof(r->log_pos));
}

static void put_begin(struct change_random *r, struct bytebuf *b)
{
    const size_t at = begin_event(b, BINLOG_QUERY);
    put_int(b, 1, 4); /* thread */
    put_int(b, 0, 4); /* time */
    put_int(b, 0, 1); /* length of the database */
    put_int(b, 0, 2); /* error */
    put_int(b, 0, 2); /* length of the variables */
    bytebuf_put(b, "\0BEGIN", 6);
    end_event(r, b, at);
}

static void put_table_map(struct change_random *r, struct bytebuf *b)
{
    const size_t at = begin_event(b, BINLOG_TABLE_MAP);
    put_int(b, TABLE_ID, 6);
    put_int(b, 1, 2);
    bytebuf_put(b, "\5bench\0\6random", 15);
    put_int(b, 3, 1);
    put_int(b, MYSQL_TYPE_LONGLONG, 1);
    put_int(b, MYSQL_TYPE_LONG, 1);
    put_int(b, MYSQL_TYPE_LONGLONG, 1);
    put_int(b, 0, 1); /* metadata */
    put_int(b, 0, 1); /* nullable */
    end_event(r, b, at);
}

static void put_image(struct bytebuf *b, uint64_t key, uint64_t value)
{
    put_int(b, 0, 1); /* NULLs */
    put_int(b, key, 8);
    put_int(b, value & 0xffff, 4);
    put_int(b, value, 8);
}

static size_t begin_rows(struct bytebuf *b, uint8_t type)
{
    const size_t at = begin_event(b, type);
    put_int(b, TABLE_ID, 6);
    put_int(b, BINLOG_ROWS_STMT_END, 2);
    put_int(b, 2, 2);
    put_int(b, 3, 1);
    put_int(b, ALL_COLUMNS, 1);
    return at;
}

static uint64_t next_random(struct change_random *r)
{
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return r->state;
}

static void put_update(struct change_random *r, struct bytebuf *b)
{
    const uint64_t key = 2 + 2 * (next_random(r) % (r->rows / 2));
    const size_t at = begin_rows(b, BINLOG_UPDATE_ROWS);
    put_int(b, ALL_COLUMNS, 1);
    put_image(b, key, key);
    put_image(b, key, r->state);
    end_event(r, b, at);
}

static void put_delete(struct change_random *r, struct bytebuf *b)
{
    const uint64_t key = 1 + 2 * permutation_next(&r->deletes);
    const size_t at = begin_rows(b, BINLOG_DELETE_ROWS);
    put_image(b, key, key);
    end_event(r, b, at);
}

void change_random_put(struct change_random *r, struct bytebuf *out)
{
    put_begin(r, out);
    for (unsigned i = 0; i < RANDOM_CHANGES; i++) {
        put_table_map(r, out);
        if (i % 2 == 0) {
            put_update(r, out);
        } else {
            put_delete(r, out);
        }
    }
    const size_t at = begin_event(out, BINLOG_XID);
    put_int(out, 1, 8);
    end_event(r, out, at);
}
