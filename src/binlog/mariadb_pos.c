/* Positions of MariaDB. */
#include "binlog/mariadb_pos.h"

#include <stdio.h>
#include <stdlib.h>

void mariadb_pos_init(struct mariadb_pos *p)
{
    *p = (struct mariadb_pos){0};
}

void mariadb_pos_release(struct mariadb_pos *p)
{
    free(p->gtids);
    *p = (struct mariadb_pos){0};
}

void mariadb_pos_clear(struct mariadb_pos *p)
{
    p->count = 0;
}

void mariadb_pos_copy(struct mariadb_pos *p, const struct mariadb_pos *from)
{
    mariadb_pos_clear(p);
    for (uint32_t i = 0; i < from->count; i++) {
        mariadb_pos_set(p, from->gtids[i]);
    }
}

/* Position of the domain, or where it belongs. Positions have few domains. */
static uint32_t find(const struct mariadb_pos *p, uint32_t domain)
{
    uint32_t i = 0;
    while (i < p->count && p->gtids[i].domain < domain) {
        i++;
    }
    return i;
}

const struct binlog_mariadb_gtid *mariadb_pos_find(const struct mariadb_pos *p, uint32_t domain)
{
    const uint32_t i = find(p, domain);
    return i < p->count && p->gtids[i].domain == domain ? &p->gtids[i] : NULL;
}

void mariadb_pos_set(struct mariadb_pos *p, struct binlog_mariadb_gtid gtid)
{
    const uint32_t i = find(p, gtid.domain);
    if (i < p->count && p->gtids[i].domain == gtid.domain) {
        p->gtids[i] = gtid;
        return;
    }
    if (p->count == p->cap) {
        p->cap = p->cap * 2 + 2;
        p->gtids = realloc(p->gtids, p->cap * sizeof(*p->gtids));
        if (p->gtids == NULL) {
            abort();
        }
    }
    memmove(&p->gtids[i + 1], &p->gtids[i], (p->count - i) * sizeof(*p->gtids));
    p->gtids[i] = gtid;
    p->count++;
}

void mariadb_pos_merge(struct mariadb_pos *p, const struct mariadb_pos *other)
{
    for (uint32_t i = 0; i < other->count; i++) {
        if (!mariadb_pos_covers(p, other->gtids[i])) {
            mariadb_pos_set(p, other->gtids[i]);
        }
    }
}

bool mariadb_pos_covers(const struct mariadb_pos *p, struct binlog_mariadb_gtid gtid)
{
    const struct binlog_mariadb_gtid *at = mariadb_pos_find(p, gtid.domain);
    return at != NULL && at->seq >= gtid.seq;
}

bool mariadb_pos_covers_all(const struct mariadb_pos *p, const struct mariadb_pos *other)
{
    for (uint32_t i = 0; i < other->count; i++) {
        if (!mariadb_pos_covers(p, other->gtids[i])) {
            return false;
        }
    }
    return true;
}

bool mariadb_pos_equal(const struct mariadb_pos *a, const struct mariadb_pos *b)
{
    for (uint32_t i = 0; i < a->count && a->count == b->count; i++) {
        if (a->gtids[i].domain != b->gtids[i].domain || a->gtids[i].seq != b->gtids[i].seq ||
            a->gtids[i].server_id != b->gtids[i].server_id) {
            return false;
        }
    }
    return a->count == b->count;
}

/* Takes the number up to a separator off *rest. */
static int take_number(struct str *rest, uint64_t max, uint64_t *out)
{
    const char *dash = rest->len > 0 ? memchr(rest->p, '-', rest->len) : NULL;
    const size_t len = dash != NULL ? (size_t)(dash - rest->p) : rest->len;
    const int rc = str_to_u64(str_from(rest->p, len), out);
    *rest = dash != NULL ? str_from(dash + 1, rest->len - len - 1) : STR_NULL;
    return rc != 0 || *out > max ? -1 : 0;
}

static int parse_gtid(struct str text, struct binlog_mariadb_gtid *out)
{
    uint64_t domain;
    uint64_t server;
    if (take_number(&text, UINT32_MAX, &domain) != 0 ||
        take_number(&text, UINT32_MAX, &server) != 0 ||
        take_number(&text, UINT64_MAX, &out->seq) != 0 || text.p != NULL) {
        return -1;
    }
    out->domain = (uint32_t)domain;
    out->server_id = (uint32_t)server;
    return 0;
}

int mariadb_pos_parse(struct mariadb_pos *p, struct str text, struct diag *d)
{
    struct str rest = text;
    mariadb_pos_clear(p);
    while (rest.len > 0) {
        const char *comma = memchr(rest.p, ',', rest.len);
        const size_t len = comma != NULL ? (size_t)(comma - rest.p) : rest.len;
        const struct str part = str_trim(str_from(rest.p, len));
        struct binlog_mariadb_gtid gtid;
        if (parse_gtid(part, &gtid) != 0 || mariadb_pos_find(p, gtid.domain) != NULL) {
            char shown[201];
            (void)snprintf(shown, sizeof(shown), "%.*s", (int)MIN(text.len, (size_t)200), text.p);
            return diag_set(d, ER_MALFORMED_GTID_SET_SPECIFICATION, shown);
        }
        mariadb_pos_set(p, gtid);
        rest = comma != NULL ? str_from(comma + 1, rest.len - len - 1) : STR_NULL;
    }
    return 0;
}

void mariadb_gtid_print(struct binlog_mariadb_gtid gtid, struct bytebuf *out)
{
    bytebuf_printf(out, "%u-%u-%llu", gtid.domain, gtid.server_id, (unsigned long long)gtid.seq);
}

void mariadb_pos_print(const struct mariadb_pos *p, struct bytebuf *out)
{
    for (uint32_t i = 0; i < p->count; i++) {
        if (i > 0) {
            bytebuf_put_char(out, ',');
        }
        mariadb_gtid_print(p->gtids[i], out);
    }
}

void mariadb_pos_set_list(struct mariadb_pos *p, const struct binlog_gtid_list *list)
{
    mariadb_pos_clear(p);
    for (uint32_t i = 0; i < list->count; i++) {
        mariadb_pos_set(p, list->gtids[i]);
    }
}
