/*
 * print: an inspection as a table for people and as JSON for programs.
 */
#ifndef RUNTIME_PRINT_H
#define RUNTIME_PRINT_H

#include "core/buffer.h"
#include "steps/inspect.h"

#include <stdbool.h>

/*
 * Appends a table: one line a finding, its detail beneath it where there is one. `colour` marks
 * what is wrong with ANSI escapes. INVALID: the buffer's limit; UNAVAILABLE: out of memory.
 */
struct status print_table(const struct inspection *, bool colour, struct buffer *ret);

/*
 * Appends {"secret": …, "result": "good"|"warning"|"bad", "findings": [{"kind", "name", "user",
 * "severity", "state", "detail"}, …]}. Empty members are left out.
 */
struct status print_json(const struct inspection *, const char *secret_id, struct buffer *ret);

#endif
