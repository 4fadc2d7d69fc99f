/*
 * The data directory: whose it is, and that one process uses it.
 *
 *   PINTAIL          identity: text lines "pintail data directory", "format 1", "duckdb v1.5.6";
 * held locked pintail.duckdb   the database, pintail.duckdb.wal its log tmp/             spill
 * files
 *
 * DuckDB's own lock is not enough: it is a POSIX lock, which any close() of the file in the process
 * gives up, and it does not see a second instance in the same process.
 */
#include "engine/duckdb/duckdb_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define IDENTITY_FILE   "PINTAIL"
#define IDENTITY_TITLE  "pintail data directory\n"
#define IDENTITY_FORMAT 1
#define IDENTITY_MAX    4096

static int refuse(struct diag *diag, struct str path, const char *why)
{
    return diag_set_text(
        diag, ER_CANT_OPEN_FILE,
        arena_printf(&diag->arena, "data directory '%.*s' %s", STR_FMT(path), why));
}

static int refuse_errno(struct diag *diag, struct str path, const char *what, int error)
{
    return diag_set_text(diag, ER_CANT_OPEN_FILE,
                         arena_printf(&diag->arena, "data directory '%.*s': %s: %s", STR_FMT(path),
                                      what, strerror(error)));
}

/* Is there nothing in it but what we make ourselves before the identity is written? */
static bool directory_is_empty(int dir_fd)
{
    const int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return false;
    }
    bool empty = true;
    for (const struct dirent *entry = readdir(dir); entry != NULL && empty;
         entry = readdir(dir)) { /* NOLINT(concurrency-mt-unsafe) */
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
                strcmp(entry->d_name, "lost+found") == 0;
    }
    closedir(dir);
    return empty;
}

static int write_identity(int dir_fd, int fd, struct str path, struct diag *diag)
{
    char text[256];
    const int len = snprintf(text, sizeof(text), IDENTITY_TITLE "format %d\nduckdb %s\n",
                             IDENTITY_FORMAT, duckdb_library_version());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)len, 0) != len || fsync(fd) != 0 ||
        fsync(dir_fd) != 0) {
        return refuse_errno(diag, path, "cannot write " IDENTITY_FILE, errno);
    }
    return 0;
}

/* Is what the identity file says something that this version can open? */
static int check_identity(int fd, struct str path, struct diag *diag)
{
    char text[IDENTITY_MAX];
    const ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
    if (len < 0) {
        return refuse_errno(diag, path, "cannot read " IDENTITY_FILE, errno);
    }
    text[len] = '\0';
    if (strncmp(text, IDENTITY_TITLE, sizeof(IDENTITY_TITLE) - 1) != 0) {
        return refuse(diag, path,
                      "has a file " IDENTITY_FILE " that is not Pintail's: give another directory");
    }
    int format = 0;
    if (sscanf(text + sizeof(IDENTITY_TITLE) - 1, "format %d", &format) != 1 ||
        format < 1) { /* NOLINT(cert-err34-c) */
        return refuse(diag, path, "has a damaged file " IDENTITY_FILE ": restore it from a backup");
    }
    if (format > IDENTITY_FORMAT) {
        return refuse(
            diag, path,
            "was written by a newer version of Pintail: start that version, or give another directory");
    }
    return 0;
}

static int lock_identity(int fd, struct str path, struct diag *diag)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        return 0;
    }
    if (errno == EWOULDBLOCK) {
        return refuse(
            diag, path,
            "is in use by another Pintail: stop that one, or give another directory in storage.duckdb.path");
    }
    return refuse_errno(diag, path, "cannot lock " IDENTITY_FILE, errno);
}

static int open_identity(int dir_fd, struct str path, struct diag *diag)
{
    int fd = openat(dir_fd, IDENTITY_FILE, O_RDWR | O_CLOEXEC);
    const bool fresh = fd < 0 && errno == ENOENT;
    if (fresh) {
        if (!directory_is_empty(dir_fd)) {
            return refuse(
                diag, path,
                "is not empty and is no data directory of Pintail: give an empty or a new one");
        }
        fd = openat(dir_fd, IDENTITY_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    }
    if (fd < 0) {
        const int error = errno;
        return error == EACCES || error == EROFS
                   ? refuse(diag, path, "cannot be written: check its owner and permissions")
                   : refuse_errno(diag, path, "cannot open " IDENTITY_FILE, error);
    }
    struct stat st;
    int rc = lock_identity(fd, path, diag);
    if (rc == 0 && fstat(fd, &st) != 0) {
        rc = refuse_errno(diag, path, "cannot examine " IDENTITY_FILE, errno);
    }
    if (rc == 0) {
        /* An empty identity is left by a crash right after its creation. */
        rc = st.st_size == 0 ? write_identity(dir_fd, fd, path, diag)
                             : check_identity(fd, path, diag);
    }
    if (rc != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int ddb_directory_open(struct str path, struct diag *diag)
{
    const char *cpath = arena_dup_cstr(&diag->arena, path);
    if (mkdir(cpath, 0750) != 0 && errno != EEXIST) {
        return refuse_errno(diag, path, "cannot be made", errno);
    }
    const int dir_fd = open(cpath, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0) {
        return errno == ENOTDIR ? refuse(diag, path, "is not a directory: give another path")
                                : refuse_errno(diag, path, "cannot be opened", errno);
    }
    int fd = -1;
    if (faccessat(dir_fd, ".", W_OK, 0) != 0) {
        (void)refuse(diag, path, "cannot be written: check its owner and permissions");
    } else {
        fd = open_identity(dir_fd, path, diag);
    }
    close(dir_fd);
    return fd;
}
