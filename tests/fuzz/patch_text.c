/* SPDX-License-Identifier: MIT */
/* Patches in the format of models: the first half of the input is the patch, the second the file it is applied to. */
#include <stdlib.h>

#include "tool/patch_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    arena *a = arena_new(NULL);
    const uint8_t *cut = memchr(bytes, 0, len);
    size_t patch_len = cut != NULL ? (size_t)(cut - bytes) : len;
    str before = cut != NULL ? (str){(const char *)cut + 1, len - patch_len - 1} : (str){"", 0}, after;
    const char *reason = NULL;
    patch_section *s = patch_parse(a, arena_strndup(a, (const char *)bytes, patch_len), &reason);

    if (s == NULL && reason == NULL)
        abort();
    for (; s != NULL; s = s->next)
        if (s->path == NULL ||
            (s->kind == PATCH_UPDATE && !patch_apply(a, s, before, NULL, NULL, &after, &reason) && reason == NULL))
            abort();
    arena_free(a);
    return 0;
}
