#include "log_file.h"

#include "binlog/event.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct str log_file_map(const char *path)
{
    struct stat st;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return STR_NULL;
    }
    char *p = MAP_FAILED;
    if (fstat(fd, &st) == 0) {
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    }
    const int error = errno;
    (void)close(fd);
    errno = error;
    return p != MAP_FAILED ? str_from(p, (size_t)st.st_size) : STR_NULL;
}

struct str log_file_event(struct str file, size_t at)
{
    const struct str rest = str_from(file.p + at, file.len - at);
    const uint32_t size = binlog_peek_size(rest);
    return size < BINLOG_HEADER_LEN || size > rest.len ? STR_NULL : str_from(rest.p, size);
}
