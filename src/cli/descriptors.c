/* SPDX-License-Identifier: MIT */
/* The limit of descriptors; see descriptors.h. */
#include "cli/descriptors.h"

#include <sys/resource.h>

enum { BESIDE_CONNECTIONS = 256 };

int64_t descriptors_wanted(const struct settings *st)
{
    return 2 * st->http_max_connections + BESIDE_CONNECTIONS;
}

int64_t descriptors_possible(void)
{
    struct rlimit lim;

    if (getrlimit(RLIMIT_NOFILE, &lim) != 0 || lim.rlim_max > (rlim_t)INT64_MAX)
        return INT64_MAX;
    return (int64_t)lim.rlim_max;
}

void descriptors_allow(const struct settings *st)
{
    rlim_t wanted = (rlim_t)MIN_OF(descriptors_wanted(st), descriptors_possible());
    struct rlimit lim;

    if (getrlimit(RLIMIT_NOFILE, &lim) != 0 || lim.rlim_cur >= wanted)
        return;
    lim.rlim_cur = wanted;
    (void)setrlimit(RLIMIT_NOFILE, &lim); /* sluice doctor tells when it is too low */
}
