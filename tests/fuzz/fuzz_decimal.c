/* fuzz: types base */
/* Decimals out of any text: they print and read back the same, and arithmetic keeps its laws. */
#include "types/decimal.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_round_trip(const struct decimal *d)
{
    char text[DECIMAL_TEXT_MAX];
    struct decimal back;
    size_t used;
    size_t len = decimal_format(d, text);
    require(len <= sizeof(text));
    require(decimal_parse(str_from(text, len), &back, &used) == DECIMAL_OK && used == len);
    require(decimal_cmp(d, &back) == 0 && back.scale == d->scale);
}

static void check_pair(const struct decimal *a, const struct decimal *b)
{
    struct decimal sum;
    struct decimal back;
    if (decimal_add(a, b, &sum) == DECIMAL_OK && decimal_sub(&sum, b, &back) == DECIMAL_OK) {
        require(decimal_cmp(&back, a) == 0);
    }
    struct decimal product;
    struct decimal other;
    require(decimal_mul(a, b, &product) == decimal_mul(b, a, &other));
    require(decimal_cmp(&product, &other) == 0);
    if (decimal_is_zero(b)) {
        return;
    }
    struct decimal quotient;
    struct decimal rest;
    if (decimal_div_int(a, b, &quotient) == DECIMAL_OK && decimal_mod(a, b, &rest) == DECIMAL_OK &&
        quotient.scale + b->scale <= 30 && decimal_mul(&quotient, b, &product) == DECIMAL_OK &&
        decimal_add(&product, &rest, &back) == DECIMAL_OK) {
        require(decimal_cmp(&back, a) == 0);
    }
    (void)!decimal_div(a, b, 4, &quotient);
    check_round_trip(&quotient);
    (void)!decimal_div_unrounded(a, b, 30, &quotient);
    check_round_trip(&quotient);
}

static void check_storage(const struct decimal *d)
{
    struct decimal fit;
    struct decimal back;
    char buf[40];
    (void)!decimal_fit(d, 65, 30, &fit);
    size_t len = decimal_to_sortable(&fit, 65, 30, buf);
    require(decimal_from_sortable(str_from(buf, len), 65, 30, &back) == 0);
    require(decimal_cmp(&fit, &back) == 0);
    __int128 scaled;
    if (decimal_to_i128(d, 10, &scaled) == DECIMAL_OK) {
        back = decimal_from_i128(scaled, 10);
        require(decimal_cmp(d, &back) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str s = str_from((const char *)data, size);
    struct decimal a;
    struct decimal b;
    size_t used;
    (void)!decimal_parse(s, &a, &used);
    require(used <= size);
    size_t next = used < size ? used + 1 : size;
    size_t used_b;
    (void)!decimal_parse(str_from(s.p + next, size - next), &b, &used_b);
    check_round_trip(&a);
    check_storage(&a);
    check_pair(&a, &b);
    (void)decimal_from_sortable(s, 65, 30, &a);
    return 0;
}
