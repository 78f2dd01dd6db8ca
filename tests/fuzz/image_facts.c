/* SPDX-License-Identifier: MIT */
/* Any bytes are an image of a known kind or none, and only one of a known kind has a size. */
#include <stdlib.h>

#include "tool/image_facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    image_facts f = image_look((str){(const char *)bytes, len});

    if (f.format == NULL && (f.width != 0 || f.height != 0))
        abort();
    return 0;
}
