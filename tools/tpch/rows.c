#include "rows.h"

#include "text.h"

#include <math.h>
#include <string.h>

/* Which stream of random numbers a row draws from; 0 is the text's. */
enum family {
    FAMILY_PART = 1,
    FAMILY_SUPPLIER,
    FAMILY_PARTSUPP,
    FAMILY_CUSTOMER,
    FAMILY_ORDER,
    FAMILY_LINES,
    FAMILY_NATION,
    FAMILY_REGION,
    FAMILY_REMARK
};

/* Days are counted from 1992-01-01, the first order date. */
enum {
    ORDER_DAYS = 2406,  /* up to 1998-08-02, 151 days before 1998-12-31 */
    CURRENT_DAY = 1263, /* 1995-06-17 */
    LINES_MAX = 7
};

struct scale scale_of(double factor)
{
    struct scale s = {
        .suppliers = (uint64_t)fmax(4, round(factor * 10000)),
        .parts = (uint64_t)fmax(20, round(factor * 200000)),
        .customers = (uint64_t)fmax(15, round(factor * 150000)),
        .orders = (uint64_t)fmax(150, round(factor * 1500000)),
        .clerks = (uint64_t)fmax(1, round(factor * 1000)),
    };

    return s;
}

/* ---- Fields. Each ends with its separator. ---- */

static void put_bytes(struct out *o, const char *s, size_t len)
{
    memcpy(o->data + o->used, s, len);
    o->used += len;
}

static void put_char(struct out *o, char c)
{
    o->data[o->used++] = c;
}

static void put_string(struct out *o, const char *s)
{
    put_bytes(o, s, strlen(s));
}

static void put_text(struct out *o, const char *s)
{
    put_string(o, s);
    put_char(o, '|');
}

/* `n` in decimal with at least `width` digits, zeros in front. */
static void put_digits(struct out *o, uint64_t n, int width)
{
    char buf[20];
    int at = (int)sizeof(buf);

    do {
        buf[--at] = (char)('0' + n % 10);
        n /= 10;
        width--;
    } while (n > 0 || width > 0);
    put_bytes(o, buf + at, sizeof(buf) - (size_t)at);
}

static void put_number(struct out *o, uint64_t n)
{
    put_digits(o, n, 1);
    put_char(o, '|');
}

static void put_cents(struct out *o, int64_t cents)
{
    uint64_t n = (uint64_t)(cents < 0 ? -cents : cents);

    if (cents < 0) {
        put_char(o, '-');
    }
    put_digits(o, n / 100, 1);
    put_char(o, '.');
    put_digits(o, n % 100, 2);
    put_char(o, '|');
}

/* A date, which is before 2100. */
static void put_day(struct out *o, int64_t day)
{
    /* Years that begin in March end with the leap day; 1992-01-01 is day 306 of such a year. */
    static const unsigned month_starts[12] = {0,   31,  61,  92,  122, 153,
                                              184, 214, 245, 275, 306, 337};
    uint64_t days = (uint64_t)day + 306;
    uint64_t year = days / 1461 * 4, month = 11;

    /* Of four years only the first ends with a leap day: 1992 is the year in which this count's
     * year 1991 ends. */
    days %= 1461;
    if (days >= 366) {
        year += 1 + (days - 366) / 365;
        days = (days - 366) % 365;
    }
    while (days < month_starts[month]) {
        month--;
    }
    put_digits(o, 1991 + year + (month >= 10), 4);
    put_char(o, '-');
    put_digits(o, (month + 2) % 12 + 1, 2);
    put_char(o, '-');
    put_digits(o, days - month_starts[month] + 1, 2);
    put_char(o, '|');
}

/* A name such as Supplier#000000001. */
static void put_name(struct out *o, const char *prefix, uint64_t n)
{
    put_string(o, prefix);
    put_digits(o, n, 9);
    put_char(o, '|');
}

/* A comment of low to high bytes, the last field of its row. */
static void put_comment(struct out *o, struct rng *r, int low, int high)
{
    size_t len = (size_t)rng_between(r, low, high);

    put_bytes(o, text_piece(r, len), len);
    put_char(o, '\n');
}

/* A random string of 10 to 40 bytes (clause 4.2.2.7). */
static void put_address(struct out *o, struct rng *r)
{
    static const char alphabet[64] =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ, ";
    int len = (int)rng_between(r, 10, 40);
    uint64_t bits = 0;

    for (int i = 0; i < len; i++) {
        if (i % 10 == 0) {
            bits = rng_next(r);
        }
        put_char(o, alphabet[bits & 63]);
        bits >>= 6;
    }
    put_char(o, '|');
}

/* Nation, phone (whose country code is the nation's), and account balance. */
static void put_contact(struct out *o, struct rng *r)
{
    uint64_t nation = rng_below(r, 25);

    put_number(o, nation);
    put_digits(o, nation + 10, 2);
    put_char(o, '-');
    put_digits(o, (uint64_t)rng_between(r, 100, 999), 3);
    put_char(o, '-');
    put_digits(o, (uint64_t)rng_between(r, 100, 999), 3);
    put_char(o, '-');
    put_digits(o, (uint64_t)rng_between(r, 1000, 9999), 4);
    put_char(o, '|');
    put_cents(o, rng_between(r, -99999, 999999));
}

/* ---- Formulas that several tables share. ---- */

/* The price of a part in cents. */
static int64_t retail_price(uint64_t part)
{
    return (int64_t)(90000 + part / 10 % 20001 + 100 * (part % 1000));
}

/* The supplier number `which` (0 to 3) of a part. */
static uint64_t part_supplier(const struct scale *s, uint64_t part, uint64_t which)
{
    uint64_t step = s->suppliers / 4;

    /* Below scale 0.01 the further term would make two suppliers of a part the same. */
    if (s->suppliers >= 100) {
        step += (part - 1) / s->suppliers;
    }
    return (part + which * step) % s->suppliers + 1;
}

/* ---- The tables. ---- */

static uint64_t region_groups(const struct scale *s)
{
    (void)s;
    return 5;
}

static void region_put(const struct scale *s, uint64_t group, struct out *o)
{
    static const char *const names[] = {"AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"};
    struct rng r = rng_of(FAMILY_REGION, group);

    (void)s;
    put_number(o, group);
    put_text(o, names[group]);
    put_comment(o, &r, 31, 115);
}

static uint64_t nation_groups(const struct scale *s)
{
    (void)s;
    return 25;
}

static void nation_put(const struct scale *s, uint64_t group, struct out *o)
{
    static const struct {
        const char *name;
        unsigned region;
    } nations[] = {
        {"ALGERIA", 0},       {"ARGENTINA", 1}, {"BRAZIL", 1}, {"CANADA", 1},
        {"EGYPT", 4},         {"ETHIOPIA", 0},  {"FRANCE", 3}, {"GERMANY", 3},
        {"INDIA", 2},         {"INDONESIA", 2}, {"IRAN", 4},   {"IRAQ", 4},
        {"JAPAN", 2},         {"JORDAN", 4},    {"KENYA", 0},  {"MOROCCO", 0},
        {"MOZAMBIQUE", 0},    {"PERU", 1},      {"CHINA", 2},  {"ROMANIA", 3},
        {"SAUDI ARABIA", 4},  {"VIETNAM", 2},   {"RUSSIA", 3}, {"UNITED KINGDOM", 3},
        {"UNITED STATES", 1},
    };
    struct rng r = rng_of(FAMILY_NATION, group);

    (void)s;
    put_number(o, group);
    put_text(o, nations[group].name);
    put_number(o, nations[group].region);
    put_comment(o, &r, 31, 114);
}

static uint64_t part_groups(const struct scale *s)
{
    return s->parts;
}

/* Five different colours. */
static void put_part_name(struct out *o, struct rng *r)
{
    const char *chosen[5];
    int count = 0;

    while (count < 5) {
        const char *colour = words_pick(&tpch_colours, r);
        int i = 0;

        while (i < count && chosen[i] != colour) {
            i++;
        }
        if (i == count) {
            chosen[count++] = colour;
            put_string(o, colour);
            put_char(o, count < 5 ? ' ' : '|');
        }
    }
}

static void part_put(const struct scale *s, uint64_t group, struct out *o)
{
    struct rng r = rng_of(FAMILY_PART, group);
    uint64_t key = group + 1;
    uint64_t maker = 1 + rng_below(&r, 5);

    (void)s;
    put_number(o, key);
    put_part_name(o, &r);
    put_string(o, "Manufacturer#");
    put_number(o, maker);
    put_string(o, "Brand#");
    put_number(o, maker * 10 + 1 + rng_below(&r, 5));
    put_string(o, words_pick(&tpch_type_1, &r));
    put_char(o, ' ');
    put_string(o, words_pick(&tpch_type_2, &r));
    put_char(o, ' ');
    put_text(o, words_pick(&tpch_type_3, &r));
    put_number(o, 1 + rng_below(&r, 50));
    put_string(o, words_pick(&tpch_container_1, &r));
    put_char(o, ' ');
    put_text(o, words_pick(&tpch_container_2, &r));
    put_cents(o, retail_price(key));
    put_comment(o, &r, 5, 22);
}

static uint64_t supplier_groups(const struct scale *s)
{
    return s->suppliers;
}

/*
 * Of each 2000 suppliers one has a comment with "Customer" and then "Complaints" in it, another one
 * with "Recommends": 5 of each at scale 1 (clause 4.2.3).
 */
static const char *supplier_remark(uint64_t group)
{
    struct rng r = rng_of(FAMILY_REMARK, group / 2000);
    uint64_t complaint = rng_below(&r, 2000);
    uint64_t praise = (complaint + 1 + rng_below(&r, 1999)) % 2000;

    if (group % 2000 == complaint) {
        return "Complaints";
    }
    return group % 2000 == praise ? "Recommends" : NULL;
}

static void supplier_put(const struct scale *s, uint64_t group, struct out *o)
{
    struct rng r = rng_of(FAMILY_SUPPLIER, group);
    const char *remark = supplier_remark(group);
    size_t start, len;

    (void)s;
    put_number(o, group + 1);
    put_name(o, "Supplier#", group + 1);
    put_address(o, &r);
    put_contact(o, &r);
    start = o->used;
    put_comment(o, &r, 25, 100);
    if (remark != NULL) {
        /* "Customer" and the remark are 18 of at least 25 bytes; what is left is divided around
         * them. */
        size_t before, between;

        len = o->used - start - 1;
        before = rng_below(&r, len - 18 + 1);
        between = rng_below(&r, len - 18 - before + 1);
        memcpy(o->data + start + before, "Customer", 8);
        memcpy(o->data + start + before + 8 + between, remark, 10);
    }
}

static void partsupp_put(const struct scale *s, uint64_t group, struct out *o)
{
    struct rng r = rng_of(FAMILY_PARTSUPP, group);

    for (uint64_t i = 0; i < 4; i++) {
        put_number(o, group + 1);
        put_number(o, part_supplier(s, group + 1, i));
        put_number(o, (uint64_t)rng_between(&r, 1, 9999));
        put_cents(o, rng_between(&r, 100, 100000));
        put_comment(o, &r, 49, 198);
    }
}

static uint64_t customer_groups(const struct scale *s)
{
    return s->customers;
}

static void customer_put(const struct scale *s, uint64_t group, struct out *o)
{
    struct rng r = rng_of(FAMILY_CUSTOMER, group);

    (void)s;
    put_number(o, group + 1);
    put_name(o, "Customer#", group + 1);
    put_address(o, &r);
    put_contact(o, &r);
    put_text(o, words_pick(&tpch_segments, &r));
    put_comment(o, &r, 29, 116);
}

static uint64_t order_groups(const struct scale *s)
{
    return s->orders;
}

/* What both an order and its lines are made from. */
struct line {
    uint64_t part;
    uint64_t supplier;
    unsigned quantity;
    unsigned discount; /* per cent */
    unsigned tax;      /* per cent */
    int64_t price;     /* cents: quantity times retail price */
    int64_t ship_day, commit_day, receipt_day;
};

struct order {
    uint64_t key;
    int64_t day;
    unsigned lines;
    struct line line[LINES_MAX];
};

/* Draws an order's date and lines from the stream of its lines, and leaves the stream for their
 * texts. */
static struct rng order_draw(const struct scale *s, uint64_t group, struct order *out_order)
{
    struct rng r = rng_of(FAMILY_LINES, group);

    /* Of each 32 keys the first 8 are used. */
    out_order->key = group / 8 * 32 + group % 8 + 1;
    out_order->day = rng_between(&r, 0, ORDER_DAYS - 1);
    out_order->lines = (unsigned)rng_between(&r, 1, LINES_MAX);
    for (unsigned i = 0; i < out_order->lines; i++) {
        struct line *l = &out_order->line[i];

        l->part = 1 + rng_below(&r, s->parts);
        l->supplier = part_supplier(s, l->part, rng_below(&r, 4));
        l->quantity = (unsigned)rng_between(&r, 1, 50);
        l->discount = (unsigned)rng_below(&r, 11);
        l->tax = (unsigned)rng_below(&r, 9);
        l->price = l->quantity * retail_price(l->part);
        l->ship_day = out_order->day + rng_between(&r, 1, 121);
        l->commit_day = out_order->day + rng_between(&r, 30, 90);
        l->receipt_day = l->ship_day + rng_between(&r, 1, 30);
    }
    return r;
}

static char order_status(const struct order *order)
{
    unsigned open = 0;

    for (unsigned i = 0; i < order->lines; i++) {
        open += order->line[i].ship_day > CURRENT_DAY;
    }
    return open == 0 ? 'F' : open == order->lines ? 'O' : 'P';
}

/* The sum over the lines of price, less discount, plus tax, each rounded to cents. */
static int64_t order_total(const struct order *order)
{
    int64_t total = 0;

    for (unsigned i = 0; i < order->lines; i++) {
        const struct line *l = &order->line[i];

        total += (l->price * (100 - l->discount) * (100 + l->tax) + 5000) / 10000;
    }
    return total;
}

/* A third of the customers, those with a key divisible by 3, have no orders. */
static uint64_t ordering_customer(const struct scale *s, struct rng *r)
{
    uint64_t nth = rng_below(r, s->customers - s->customers / 3);

    return nth / 2 * 3 + nth % 2 + 1;
}

static void order_put(const struct scale *s, uint64_t group, struct out *o)
{
    struct rng r = rng_of(FAMILY_ORDER, group);
    struct order order;

    (void)order_draw(s, group, &order);
    put_number(o, order.key);
    put_number(o, ordering_customer(s, &r));
    put_char(o, order_status(&order));
    put_char(o, '|');
    put_cents(o, order_total(&order));
    put_day(o, order.day);
    put_text(o, words_pick(&tpch_priorities, &r));
    put_name(o, "Clerk#", 1 + rng_below(&r, s->clerks));
    put_text(o, "0");
    put_comment(o, &r, 19, 78);
}

static void lineitem_put(const struct scale *s, uint64_t group, struct out *o)
{
    struct order order;
    struct rng r = order_draw(s, group, &order);

    for (unsigned i = 0; i < order.lines; i++) {
        const struct line *l = &order.line[i];
        const char *returned = rng_below(&r, 2) == 0 ? "R" : "A";

        put_number(o, order.key);
        put_number(o, l->part);
        put_number(o, l->supplier);
        put_number(o, i + 1);
        put_number(o, l->quantity);
        put_cents(o, l->price);
        put_cents(o, l->discount);
        put_cents(o, l->tax);
        put_text(o, l->receipt_day <= CURRENT_DAY ? returned : "N");
        put_text(o, l->ship_day > CURRENT_DAY ? "O" : "F");
        put_day(o, l->ship_day);
        put_day(o, l->commit_day);
        put_day(o, l->receipt_day);
        put_text(o, words_pick(&tpch_instructions, &r));
        put_text(o, words_pick(&tpch_modes, &r));
        put_comment(o, &r, 10, 43);
    }
}

const struct table tpch_tables[TABLE_COUNT] = {
    {"region", region_groups, region_put},       {"nation", nation_groups, nation_put},
    {"supplier", supplier_groups, supplier_put}, {"part", part_groups, part_put},
    {"partsupp", part_groups, partsupp_put},     {"customer", customer_groups, customer_put},
    {"orders", order_groups, order_put},         {"lineitem", order_groups, lineitem_put},
};
