/* fuzz: types base */
/* Dates and times out of any text are in range, pack and unpack, and print to text that reads the
 * same. */
#include "types/temporal_text.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_datetime(struct str s, uint64_t sql_mode, enum sql_dialect dialect)
{
    struct temporal_read r;
    struct temporal_read again;
    struct mtime back;
    char buf[32];
    int rc = temporal_read_datetime(s, sql_mode, dialect, &r);
    require(r.used <= s.len);
    if (rc != 0 || temporal_round_datetime(&r.t, r.nanos, 6, true) != 0) {
        return;
    }
    temporal_unpack_datetime(temporal_pack_datetime(&r.t), &back);
    require(memcmp(&back, &r.t, sizeof(back)) == 0);
    size_t len = datetime_format(&r.t, 6, buf);
    require(temporal_read_datetime(str_from(buf, len), sql_mode, dialect, &again) == 0);
    require(memcmp(&again.t, &r.t, sizeof(back)) == 0);
}

static void check_time(struct str s, enum sql_dialect dialect)
{
    struct temporal_read r;
    struct mtime back;
    char buf[32];
    int rc = temporal_read_time(s, dialect, &r);
    require(r.used <= s.len);
    if (rc != 0) {
        return;
    }
    (void)!temporal_round_time(&r.t, r.nanos, 6, true);
    require(r.t.hour <= 838 && r.t.minute <= 59 && r.t.second <= 59 && r.t.usec <= 999999);
    temporal_unpack_time(temporal_pack_time(&r.t), &back);
    require(temporal_pack_time(&back) == temporal_pack_time(&r.t));
    require(time_format(&r.t, 6, buf) <= sizeof(buf));
}

static void check_number(int64_t n, uint32_t nanos)
{
    struct temporal_read r;
    if (temporal_read_datetime_number(n, nanos, 0, &r) == 0 && n >= 10000101) {
        require(temporal_datetime_number(&r.t) == n || temporal_date_number(&r.t) == n ||
                n < 10000101000000);
    }
    if (temporal_read_time_number(n, nanos, DIALECT_MYSQL, &r) == 0) {
        require(r.t.hour <= 838);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    uint64_t sql_mode = data[0] & 1 ? SQL_MODE_NO_ZERO_DATE | SQL_MODE_NO_ZERO_IN_DATE : 0;
    sql_mode |= data[0] & 2 ? SQL_MODE_ALLOW_INVALID_DATES : 0;
    enum sql_dialect dialect = data[0] & 4 ? DIALECT_MARIADB : DIALECT_MYSQL;
    struct str s = str_from((const char *)data + 1, size - 1);
    check_datetime(s, sql_mode, dialect);
    check_time(s, dialect);
    if (s.len >= 8) {
        int64_t n;
        memcpy(&n, s.p, sizeof(n));
        check_number(n, (uint32_t)(n & 0xffff) * 10000);
        check_number(n % 100000000000000, 0);
    }
    return 0;
}
