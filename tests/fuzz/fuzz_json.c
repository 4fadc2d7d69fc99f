/* fuzz: types base */
/* Any text is JSON or an error inside it; canonical text is its own canonical text. */
#include "types/json.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_from((const char *)data, size);
    struct str canonical;
    struct str again;
    struct json_error error;
    struct arena arena;
    arena_init(&arena, 0);
    if (json_canonical(text, &arena, &canonical, &error) == 0) {
        require(json_canonical(canonical, &arena, &again, &error) == 0);
        require(str_eq(canonical, again));
    } else {
        require(error.reason != NULL && error.position <= size);
    }
    arena_release(&arena);
    return 0;
}
