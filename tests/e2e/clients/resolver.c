/* Preloaded into a server: names that end in ".test" have the addresses that stand in the file
 * E2E_ADDRESSES, one a line; none when it is empty. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int lookup_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    lookup_fn *real = (lookup_fn *)dlsym(RTLD_NEXT, "getaddrinfo");
    const size_t len = name == NULL ? 0 : strlen(name);
    if (len < 5 || strcmp(name + len - 5, ".test") != 0) {
        return real(name, service, hints, out);
    }
    FILE *f = fopen(getenv("E2E_ADDRESSES"), "r");
    char line[100];
    struct addrinfo **end = out;
    *out = NULL;
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (real(line, service, hints, end) == 0) {
            while (*end != NULL) {
                end = &(*end)->ai_next;
            }
        }
    }
    if (f != NULL) {
        fclose(f);
    }
    return *out != NULL ? 0 : EAI_NONAME;
}
