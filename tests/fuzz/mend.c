/* SPDX-License-Identifier: MIT */
/* Arguments of tool calls that are nearly JSON: what comes out is an object, and one that needs no more mending. */
#include <stdlib.h>

#include "agent/mend.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    arena *a = arena_new(NULL);
    const char *object = mend_object(a, (str){(const char *)bytes, len}), *again;
    json_t *v;

    if (object != NULL) {
        if (json_parse(a, object, strlen(object), NULL, &v) != OK || !json_is_object(v))
            abort();
        again = mend_object(a, str_of(object));
        if (again == NULL || strcmp(again, object) != 0)
            abort();
    }
    arena_free(a);
    return 0;
}
