/* Preloaded into a server: how often it has read from a socket and written to one, as two
 * counters of 64 bits in the file E2E_CALLS. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum counter {
    READS,
    WRITES,
    COUNTERS
};

static _Atomic(uint64_t) *counters;

__attribute__((constructor)) static void begin(void)
{
    const int fd = open(getenv("E2E_CALLS"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, COUNTERS * sizeof *counters) != 0) {
        abort();
    }
    counters = mmap(NULL, COUNTERS * sizeof *counters, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (counters == MAP_FAILED) {
        abort();
    }
    close(fd);
}

static void count(int fd, enum counter which)
{
    const int before = errno;
    int type;
    socklen_t len = sizeof type;
    if (counters != NULL && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0) {
        atomic_fetch_add(&counters[which], 1);
    }
    errno = before;
}

/* clang-format off */
#define COUNTED(which_, name_, params_, args_)                                                     \
    ssize_t name_ params_;                                                                         \
    ssize_t name_ params_                                                                          \
    {                                                                                              \
        static ssize_t(*_Atomic real) params_;                                                     \
        if (real == NULL) {                                                                        \
            real = (ssize_t(*) params_)dlsym(RTLD_NEXT, #name_);                                   \
        }                                                                                          \
        count(fd, which_);                                                                         \
        return real args_;                                                                         \
    }
/* clang-format on */

COUNTED(READS, read, (int fd, void *p, size_t n), (fd, p, n))
COUNTED(READS, __read_chk, (int fd, void *p, size_t n, size_t max), (fd, p, n, max))
COUNTED(READS, readv, (int fd, const struct iovec *v, int n), (fd, v, n))
COUNTED(READS, recv, (int fd, void *p, size_t n, int flags), (fd, p, n, flags))
COUNTED(READS, __recv_chk, (int fd, void *p, size_t n, size_t max, int flags),
        (fd, p, n, max, flags))
COUNTED(READS, recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags))
COUNTED(WRITES, write, (int fd, const void *p, size_t n), (fd, p, n))
COUNTED(WRITES, writev, (int fd, const struct iovec *v, int n), (fd, v, n))
COUNTED(WRITES, send, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags))
COUNTED(WRITES, sendmsg, (int fd, const struct msghdr *m, int flags), (fd, m, flags))
