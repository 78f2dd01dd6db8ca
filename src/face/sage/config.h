/* SPDX-License-Identifier: MIT */
/*
 * What the Sage face is configured with: set once before the loops start.
 */
#ifndef FACE_SAGE_CONFIG_H
#define FACE_SAGE_CONFIG_H

#include "base/def.h"

typedef enum { SAGE_AUTH_NATIVE, SAGE_AUTH_TRUSTED_PROXY } sage_auth_mode;

/* Lists end with NULL; a NULL list means "*". */
typedef struct {
    sage_auth_mode auth_mode;
    const char *const *cors_origins;
    const char *const *cors_methods;
    const char *const *cors_headers;
    const char *cors_expose; /* value of Access-Control-Expose-Headers; NULL: none */
    bool cors_credentials;   /* only with a list of origins */
    int64_t cors_max_age;    /* seconds */
} sage_config;

extern const sage_config sage_defaults;

/* Everything is borrowed: it must live as long as the process. */
void sage_setup(const sage_config *config);
const sage_config *sage_settings(void);

#endif
