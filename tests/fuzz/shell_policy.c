/* SPDX-License-Identifier: MIT */
/*
 * Whatever a command says first, a forbidden program after it is seen: text that the parser finds clear must leave it able to
 * judge the next line.
 */
#include <stdlib.h>

#include "tool/policy.h"
#include "tool/shell_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    arena *a = arena_new(NULL);
    char *command = arena_strndup(a, (const char *)bytes, len);
    const shell_text *t = shell_parse(a, command);
    policy_decision d = policy_check(a, command, "/srv/ws", NULL, APPROVAL_NEVER);

    if (d.action == POLICY_ASK || d.category == NULL || d.reason == NULL)
        abort();
    if (strlen(command) == len && !t->unclear) { /* two line ends: a backslash may eat one */
        d = policy_check(a, arena_printf(a, "%s\n\nsudo id", command), "/srv/ws", NULL, APPROVAL_NEVER);
        if (d.action != POLICY_DENY)
            abort();
    }
    arena_free(a);
    return 0;
}
