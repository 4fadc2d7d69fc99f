/* When batches end. See pace.h. */
#include "change/pace.h"

enum {
    RAMP_BYTES = 4 * 1024 * 1024,          /* Enough for the first batch after a pause. */
    INSERTS_RAMP_BYTES = 16 * 1024 * 1024, /* Most that it grows to while only rows are inserted. */
    UNSEEN_US = 1000 * 1000,               /* How old a batch may become that nobody can read. */
    REST_FACTOR = 3, /* A busy source leaves at least three quarters of the time to others. */
    REST_MAX_US = 50000,
    LONG_REST_MAX_US = 2000000,
    SCAN_US = 20, /* A row change that takes longer is one of few that cost a scan. */
};

/* ---- Bytes ---- */

static uint64_t enough_without_job(const struct pace *p, uint64_t max_bytes)
{
    return MIN(MAX(p->ramp_bytes, (uint64_t)RAMP_BYTES), max_bytes);
}

uint64_t pace_enough(const struct pace *p, uint64_t max_bytes, bool is_writing)
{
    return is_writing ? max_bytes : enough_without_job(p, max_bytes);
}

/*
 * Larger batches are cheaper by far where each looks for its keys among all rows there are, and
 * hardly where it only inserts: then what counts is that the last one of a backlog, which is
 * written while nothing is decoded, is not large.
 */
void pace_ended(struct pace *p, uint64_t max_bytes, enum batch_end end, bool only_inserts)
{
    const uint64_t most = only_inserts ? MIN((uint64_t)INSERTS_RAMP_BYTES, max_bytes) : max_bytes;
    p->ramp_bytes = end == BATCH_END_IDLE ? 0 : MIN(enough_without_job(p, max_bytes) * 2, most);
}

/* ---- Time ---- */

/* The time of a job that has written long for few changes, as those to a large table take, which
 * cost the scan of its keys; 0 of others. */
static uint64_t scan_us(uint64_t max_batch_us, const struct pace_job *job)
{
    const bool is_scan =
        job->is_plain && job->apply_us > max_batch_us && job->apply_us > job->rows * SCAN_US;
    return is_scan ? job->apply_us : 0;
}

/*
 * The rest is short as a rule, and while somebody waits; after a scan it is as long as that, so
 * that a trickle of changes leaves half of the time to others and has fewer scans.
 */
void pace_rest(struct pace *p, uint64_t max_batch_us, const struct pace_job *job, uint64_t now_us)
{
    const uint64_t max_us = MIN(max_batch_us / 2, (uint64_t)REST_MAX_US);
    const uint64_t scanned_us = scan_us(max_batch_us, job);
    p->short_rest_until_us = now_us + MIN(job->elapsed_us * REST_FACTOR, max_us);
    p->rest_until_us =
        MAX(p->short_rest_until_us, now_us + MIN(scanned_us, (uint64_t)LONG_REST_MAX_US));
}

static uint64_t rest_until_us(const struct pace *p, const struct pace_batch *b)
{
    return b->is_awaited ? p->short_rest_until_us : p->rest_until_us;
}

/* When it ends by its age. What nobody can read may wait for the rows that the snapshot brings, or
 * for a request. */
static uint64_t due_us(const struct pace *p, const struct pipeline_options *o,
                       const struct pace_batch *b)
{
    const uint64_t age = b->is_unseen ? MAX((uint64_t)UNSEEN_US, o->max_batch_us) : o->max_batch_us;
    return b->begun_us == 0 ? UINT64_MAX : MAX(b->begun_us + age, rest_until_us(p, b));
}

bool pace_ends(const struct pace *p, const struct pipeline_options *o, const struct pace_batch *b,
               bool is_idle, uint64_t now_us, enum batch_end *out)
{
    if (is_idle && now_us >= rest_until_us(p, b) && !b->is_unseen) {
        *out = BATCH_END_IDLE;
        return true;
    }
    *out = BATCH_END_AGE;
    return now_us >= due_us(p, o, b);
}

uint64_t pace_deadline(const struct pace *p, const struct pipeline_options *o,
                       const struct pace_batch *b, uint64_t now_us)
{
    return MAX(now_us + o->idle_us, b->is_unseen ? due_us(p, o, b) : rest_until_us(p, b));
}
