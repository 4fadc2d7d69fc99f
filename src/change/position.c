/* See position.h. */
#include "change/position.h"

#include <string.h>

void change_position_init(struct change_position *p)
{
    memset(p, 0, sizeof(*p));
    gtid_set_init(&p->gtids);
    mariadb_pos_init(&p->mariadb);
}

void change_position_release(struct change_position *p)
{
    gtid_set_release(&p->gtids);
    mariadb_pos_release(&p->mariadb);
}

void change_position_copy(struct change_position *p, const struct change_position *from)
{
    const struct gtid_set gtids = p->gtids;
    const struct mariadb_pos mariadb = p->mariadb;
    *p = *from;
    p->gtids = gtids;
    p->mariadb = mariadb;
    gtid_set_copy(&p->gtids, &from->gtids);
    mariadb_pos_copy(&p->mariadb, &from->mariadb);
}
