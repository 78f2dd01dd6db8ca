/* SPDX-License-Identifier: MIT */
/* Any page gives valid UTF-8, and no link in it leads anywhere but the web. */
#include <stdlib.h>

#include "tool/html_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    arena *a = arena_new(NULL);
    html_page p = html_to_text(a, (str){(const char *)bytes, len}, NULL, "https://example.com/dir/");
    json_t *image;
    size_t i;

    if (!utf8_valid(p.text, strlen(p.text)) || !utf8_valid(p.title, strlen(p.title)))
        abort();
    json_array_foreach(p.images, i, image) if (!cstr_starts(json_string_value(image), "http://") &&
                                               !cstr_starts(json_string_value(image), "https://")) abort();
    arena_free(a);
    return 0;
}
