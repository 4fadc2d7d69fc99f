/* fuzz: binlog types wire base */
/* GTID sets and positions from text and bytes: what decodes must encode to the same set. */
#include "binlog/gtid_set.h"
#include "binlog/mariadb_pos.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_set(const struct gtid_set *s, struct diag *d)
{
    struct gtid_set copy;
    struct bytebuf b;
    gtid_set_init(&copy);
    bytebuf_init(&b, 1u << 24);
    gtid_set_encode(s, &b);
    assert(gtid_set_decode(&copy, bytebuf_str(&b)) == 0);
    assert(gtid_set_equal(s, &copy) && gtid_set_is_subset(s, &copy));
    bytebuf_reset(&b);
    gtid_set_print(s, &b);
    gtid_set_clear(&copy);
    assert(gtid_set_parse(&copy, bytebuf_str(&b), d) == 0 && gtid_set_equal(s, &copy));
    gtid_set_subtract(&copy, s);
    assert(gtid_set_is_empty(&copy));
    bytebuf_release(&b);
    gtid_set_release(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct str in = str_from((const char *)data, size);
    struct gtid_set s;
    struct mariadb_pos p;
    struct diag d;
    diag_init(&d);
    gtid_set_init(&s);
    mariadb_pos_init(&p);
    if (gtid_set_decode(&s, in) == 0) {
        check_set(&s, &d);
    }
    gtid_set_clear(&s);
    if (gtid_set_parse(&s, in, &d) == 0) {
        check_set(&s, &d);
    }
    diag_reset(&d);
    if (mariadb_pos_parse(&p, in, &d) == 0) {
        assert(mariadb_pos_covers_all(&p, &p));
    }
    mariadb_pos_release(&p);
    gtid_set_release(&s);
    diag_release(&d);
    return 0;
}
