/*
 * Files and directories of the server. All functions block; in a fiber go through the offload pool
 * (OFFLOAD_FILE).
 */
#ifndef OS_FILE_H
#define OS_FILE_H

#include "base/arena.h"
#include "base/base.h"
#include "base/diag.h"
#include "base/str.h"

/*
 * Makes the directory if it is missing (mode 0700) and locks it for this process: dir/pintail.lock,
 * held with flock(2), names our pid. The lock ends with the process or file_unlock_dir(). Returns
 * the lock's descriptor, or -1 with d set: in use by another process (named if known), not a
 * directory, not writable.
 */
NODISCARD int file_lock_dir(const char *dir, struct diag *d);
void file_unlock_dir(int lock_fd);

/* Bytes that an unprivileged process can still write to the file system of path. Returns 0, or -1
 * with d set. */
NODISCARD int file_free_space(const char *path, uint64_t *out_bytes, struct diag *d);

/* All of a file, in arena. Returns 0, or -1 with d set, also when it is longer than max bytes. */
NODISCARD int file_read_all(const char *path, size_t max, struct arena *arena, struct str *out,
                            struct diag *d);

/*
 * Replaces or makes a file so that after a crash either the former or the latter content is there,
 * never a mix: writes path.tmp, fsync, rename, fsync of the directory. Returns 0, or -1 with d set
 * and the file as it was.
 */
NODISCARD int file_write_atomic(const char *path, struct str content, unsigned mode,
                                struct diag *d);

#endif
