/* fuzz: net wire os base */
/* The first bytes of a connection from a load balancer. */
#include "net/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sock_peer peer = {.host = "10.0.0.1"};
    size_t used = 0;
    if (proxy_decode(str_from((const char *)data, size), &peer, &used) == PROXY_HEADER &&
        used > size) {
        __builtin_trap();
    }
    return 0;
}
