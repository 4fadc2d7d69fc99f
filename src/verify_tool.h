/* `pintail verify`: compares the copy of a running Pintail with its source. */
#ifndef VERIFY_TOOL_H
#define VERIFY_TOOL_H

/*
 * Carries out `pintail verify [OPTION...] [PATTERN...]`: PINTAIL VERIFY TABLE for each live table,
 * or for those that the patterns name, a line a table on standard output. Returns the exit status
 * of the process: 0 when all are equal, 1 when one differs, 2 when one could not be compared.
 * argv[0] is "verify".
 */
int verify_tool(int argc, char **argv);

#endif
