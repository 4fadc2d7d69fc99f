/* fuzz: exec base */
/* Rows of LOAD DATA files: the first bytes choose the format, the rest is the file. */
#include "exec/load_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4) {
        return 0;
    }
    const char *const terminators[] = {"\t", ",", "||", "\n", "a"};
    const struct load_format format = {
        .fields_terminated = str_from_cstr(terminators[data[0] % 5]),
        .lines_terminated = str_from_cstr(terminators[data[1] % 5]),
        .lines_starting = data[2] & 1 ? STR("x") : STR(""),
        .enclosed = data[2] & 2 ? '"' : -1,
        .escaped = data[3] & 1 ? '\\' : -1,
    };
    struct load_parser p;
    struct arena scratch;
    load_parser_init(&p, &format);
    arena_init(&scratch, 0);
    struct str input = str_from((const char *)data + 4, size - 4);
    struct load_field fields[4];
    size_t used;
    uint32_t count;
    while (load_parse_row(&p, input, true, fields, 4, &scratch, &used, &count) == LOAD_ROW &&
           used > 0) {
        input = str_from(input.p + used, input.len - used);
        arena_reset(&scratch);
    }
    arena_release(&scratch);
    return 0;
}
