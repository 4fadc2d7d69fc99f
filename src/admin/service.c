/* See admin.h: the protocol of sd_notify(3), a datagram with the new state. */
#include "admin/admin.h"
#include "base/str.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void admin_notify_manager(const char *state)
{
    const struct str path = str_from_cstr(getenv("NOTIFY_SOCKET"));
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path.len == 0 || path.len >= sizeof address.sun_path ||
        (path.p[0] != '/' && path.p[0] != '@')) {
        return;
    }
    memcpy(address.sun_path, path.p, path.len);
    if (path.p[0] == '@') {
        address.sun_path[0] = '\0'; /* an abstract socket */
    }
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    const socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len);
    /* Nobody can be told that nobody could be told. */
    (void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address, len);
    (void)close(fd);
}
