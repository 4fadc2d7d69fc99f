/*
 * pace: when batches end. A batch costs a look for its keys among all rows there are, and a commit;
 * so it is to be large, but what it holds is to be seen soon, and others want some of the machine.
 *
 *   While a batch is written the next one grows: it ends when it is full.
 *   Otherwise it ends when the source has no more, or by its age, or at `enough` bytes; that grows
 *   from batch to batch after a pause, so that writing begins at once.
 *   After a batch there is a rest in which none ends that is not full.
 *   What nobody can read waits longer.
 *
 * Pure: the time is given. The fibers of one loop share it.
 */
#ifndef CHANGE_PACE_H
#define CHANGE_PACE_H

#include "change/pipeline.h"

struct pace {
    uint64_t ramp_bytes;          /* Enough for a batch that need not wait; 0: after a pause. */
    uint64_t rest_until_us;       /* Monotonic: no batch ends before, unless it is full. */
    uint64_t short_rest_until_us; /* The same while somebody waits for a place in the log. */
};

/* A batch that is not full, with nothing being written. */
struct pace_batch {
    uint64_t begun_us; /* Monotonic: its first transaction was taken; 0 = none yet. */
    bool is_unseen;    /* It changes tables that are being copied, and no others. */
    bool is_awaited;   /* Somebody waits for a place in the log. */
};

/* What has been written. */
struct pace_job {
    uint64_t elapsed_us; /* All of it, */
    uint64_t apply_us;   /* and writing the rows. */
    uint64_t rows;
    bool is_plain; /* A batch and nothing else. */
};

/* Bytes of row images, of max_bytes at most, at which a batch ends. */
NODISCARD uint64_t pace_enough(const struct pace *p, uint64_t max_bytes, bool is_writing);

/* A batch has ended. only_inserts: it looks for no rows. */
void pace_ended(struct pace *p, uint64_t max_bytes, enum batch_end end, bool only_inserts);

/* A job is done, now. max_batch_us: of the options. */
void pace_rest(struct pace *p, uint64_t max_batch_us, const struct pace_job *job, uint64_t now_us);

/* Does the batch end now, and why? is_idle: the source has nothing more. */
NODISCARD bool pace_ends(const struct pace *p, const struct pipeline_options *o,
                         const struct pace_batch *b, bool is_idle, uint64_t now_us,
                         enum batch_end *out);

/* Until when more of the source may be waited for; then it counts as idle. */
NODISCARD uint64_t pace_deadline(const struct pace *p, const struct pipeline_options *o,
                                 const struct pace_batch *b, uint64_t now_us);

#endif
