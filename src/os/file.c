#include "os/file.h"

#include "os_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const char lock_name[] = "pintail.lock";

/* Joins into buf. Returns 0, or -1 with d set when the path is too long. */
static int join_path(char *buf, size_t size, const char *dir, const char *name, struct diag *d)
{
    const int len = snprintf(buf, size, "%s%s%s", dir, name[0] == '.' ? "" : "/", name);
    if (len < 0 || (size_t)len >= size) {
        return diag_set(d, ER_CANT_CREATE_FILE, dir, ENAMETOOLONG, os_errno_text(ENAMETOOLONG));
    }
    return 0;
}

/* Names whoever holds the lock, from what it wrote into the file. */
static int lock_error(struct diag *d, const char *dir, int fd)
{
    char text[24] = "";
    const ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    uint64_t pid = 0;
    const struct str s = str_trim(str_from(text, n > 0 ? (size_t)n : 0));
    if (str_to_u64(s, &pid) == 0) {
        return diag_set_at(
            d, __FILE__, __LINE__, ER_CANT_LOCK,
            "data directory '%s' is in use by process %lu; stop it or set another directory", dir,
            pid);
    }
    return diag_set_at(
        d, __FILE__, __LINE__, ER_CANT_LOCK,
        "data directory '%s' is in use by another process; stop it or set another directory", dir);
}

static int dir_error(struct diag *d, const char *dir, int err)
{
    const char *hint = err == EACCES || err == EROFS
                           ? "; make it writable for this user or set another directory"
                           : "";
    return diag_set_at(d, __FILE__, __LINE__, ER_CANT_CREATE_FILE,
                       "cannot use data directory '%s': %s%s", dir, os_errno_text(err), hint);
}

int file_lock_dir(const char *dir, struct diag *d)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        return dir_error(d, dir, errno);
    }
    char path[PATH_MAX];
    if (join_path(path, sizeof(path), dir, lock_name, d)) {
        return -1;
    }
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return dir_error(d, dir, errno);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        const int rc = errno == EWOULDBLOCK ? lock_error(d, dir, fd) : dir_error(d, dir, errno);
        (void)close(fd);
        return rc;
    }
    char pid[24];
    const int len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    /* The pid is only for the message of others; a full disk must not prevent a start. */
    if (ftruncate(fd, 0) == 0) {
        const ssize_t written = pwrite(fd, pid, (size_t)len, 0);
        (void)written;
    }
    return fd;
}

void file_unlock_dir(int lock_fd)
{
    if (lock_fd >= 0) {
        (void)close(lock_fd);
    }
}

int file_free_space(const char *path, uint64_t *out_bytes, struct diag *d)
{
    *out_bytes = 0;
    struct statvfs st;
    if (statvfs(path, &st) != 0) {
        return diag_set(d, ER_CANT_GET_STAT, path, errno, os_errno_text(errno));
    }
    *out_bytes = (uint64_t)st.f_bavail * (uint64_t)st.f_frsize;
    return 0;
}

/* Reads up to size bytes. Returns their number, or -1 with errno set. */
static ssize_t read_up_to(int fd, char *buf, size_t size)
{
    size_t got = 0;
    while (got < size) {
        const ssize_t n = read(fd, buf + got, size - got);
        if (n == 0) {
            break;
        }
        if (n < 0 && errno != EINTR) {
            return -1;
        }
        got += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)got;
}

static int read_open_file(int fd, const char *path, size_t max, struct arena *arena,
                          struct str *out, struct diag *d)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return diag_set(d, ER_CANT_GET_STAT, path, errno, os_errno_text(errno));
    }
    if (S_ISDIR(st.st_mode)) {
        return diag_set(d, ER_ERROR_ON_READ, path, EISDIR, os_errno_text(EISDIR));
    }
    /* Pseudo files report size 0, and a file may grow: one byte more than allowed shows it. */
    const size_t room = st.st_size > 0 && (size_t)st.st_size <= max ? (size_t)st.st_size : max;
    char *buf = arena_try_alloc(arena, room + 1);
    if (!buf) {
        return diag_set(d, ER_OUTOFMEMORY, (int)MIN(room, (size_t)INT_MAX));
    }
    const ssize_t n = read_up_to(fd, buf, room + 1);
    if (n < 0) {
        return diag_set(d, ER_ERROR_ON_READ, path, errno, os_errno_text(errno));
    }
    if ((size_t)n > room) {
        return diag_set_at(d, __FILE__, __LINE__, ER_ERROR_ON_READ,
                           "file '%s' is longer than %zu bytes", path, room);
    }
    *out = str_from(buf, (size_t)n);
    return 0;
}

int file_read_all(const char *path, size_t max, struct arena *arena, struct str *out,
                  struct diag *d)
{
    *out = STR_NULL;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return diag_set(d, ER_CANT_OPEN_FILE, path, errno, os_errno_text(errno));
    }
    const int rc = read_open_file(fd, path, max, arena, out, d);
    (void)close(fd);
    return rc;
}

/* Returns 0, or -1 with errno set. */
static int write_all(int fd, struct str s)
{
    while (s.len) {
        const ssize_t n = write(fd, s.p, s.len);
        if (n < 0 && errno != EINTR) {
            return -1;
        }
        if (n > 0) {
            s.p += n;
            s.len -= (size_t)n;
        }
    }
    return 0;
}

/* Makes a rename in the directory of path durable. Returns 0, or -1 with errno set. */
static int sync_parent(const char *path)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const size_t len = slash ? (size_t)(slash - path) : 0;
    if (len >= sizeof(dir)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(dir, slash && len == 0 ? "/" : path, len ? len : 1);
    dir[len ? len : 1] = '\0';
    const int fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    const int rc = fsync(fd);
    const int err = errno;
    (void)close(fd);
    errno = err;
    return rc;
}

/* Writes and syncs a new file. Returns 0, or -1 with errno set. */
static int write_durable(const char *path, struct str content, unsigned mode)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, (mode_t)mode);
    if (fd < 0) {
        return -1;
    }
    const int rc = write_all(fd, content) || fsync(fd) ? -1 : 0;
    const int err = errno;
    if (close(fd) != 0 && rc == 0) {
        return -1;
    }
    errno = err;
    return rc;
}

int file_write_atomic(const char *path, struct str content, unsigned mode, struct diag *d)
{
    char tmp[PATH_MAX];
    if (join_path(tmp, sizeof(tmp), path, ".tmp", d)) {
        return -1;
    }
    if (write_durable(tmp, content, mode) || rename(tmp, path) != 0) {
        const int err = errno;
        (void)unlink(tmp);
        return diag_set(d, ER_ERROR_ON_WRITE, path, err, os_errno_text(err));
    }
    if (sync_parent(path)) {
        return diag_set(d, ER_ERROR_ON_WRITE, path, errno, os_errno_text(errno));
    }
    return 0;
}
