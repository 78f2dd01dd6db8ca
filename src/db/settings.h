/* SPDX-License-Identifier: MIT */
/*
 * The settings of this process: one table (settings_table.c) that reads the command line, the environment and the
 * configuration file, checks ranges, prints `sluice config` and makes docs/settings.md.
 *
 * A setting "http.max_body" is given as `--http.max_body=32M`, as SLUICE_HTTP_MAX_BODY, or as a line
 * `http.max_body = 32M` in the file; the first of these counts, else the default.  An environment variable that is empty
 * counts as not set.  Some have further names in the environment, of the platforms that a user may come from.
 *
 * Loaded once before the loops start, and read-only from then on: from any thread.
 */
#ifndef DB_SETTINGS_H
#define DB_SETTINGS_H

#include "base/buf.h"
#include "base/err.h"

/* Texts are never NULL; "" where nothing is set.  Durations are nanoseconds, sizes bytes, lists end with NULL. */
struct settings {
    bool admin_at_start;
    const char *admin_password, *admin_username;
    const char *agents_dir;
    bool allow_private_networks;
    bool auth_anonymous;
    const char *const *auth_identity_proxies;
    const char *auth_jwt_key;
    int64_t auth_jwt_lifetime;
    int64_t auth_langbot_lifetime;
    int64_t auth_langflow_lifetime, auth_langflow_refresh_lifetime;
    const char *auth_refresh_key;
    const char *const *auth_trusted_origins;
    bool cors_credentials;
    const char *const *cors_expose_headers, *const *cors_headers;
    int64_t cors_max_age;
    const char *const *cors_methods, *const *cors_origins;
    const char *data;
    const char *db_url;
    const char *default_llm_api_key, *default_llm_base_url, *default_llm_driver;
    int64_t default_llm_max_model_len, default_llm_max_tokens;
    const char *default_llm_model_name;
    double default_llm_presence_penalty, default_llm_temperature, default_llm_top_p;
    int64_t demo_delay_ms;
    bool demo_model;
    int64_t http_idle_timeout;
    int64_t http_max_body;
    int64_t http_max_connections;
    const char *const *http_trusted_proxies;
    const char *listen, *listen_langbot, *listen_langdock, *listen_langflow, *listen_sage;
    int64_t llm_answer_timeout, llm_connect_timeout, llm_first_byte_timeout, llm_idle_timeout;
    int64_t llm_max_attempts;
    const char *log_format, *log_level;
    bool log_requests;
    const char *const *public_api_allow_browser_origins;
    int64_t public_api_requests_per_minute, public_api_tokens_per_minute;
    const char *public_url;
    int64_t run_max_loops;
    int64_t run_max_parallel_tools;
    int64_t run_timeout;
    int64_t script_cpu_timeout, script_max_running, script_max_waiting, script_memory, script_pool;
    const char *script_runner;
    int64_t script_timeout;
    const char *secret_key;
    const char *session_cookie_name, *session_cookie_same_site;
    bool session_cookie_secure;
    int64_t shutdown_grace;
    const char *task_completion_mode;
    int64_t threads;
    int64_t tools_result_tokens;
    int64_t tools_shell_cpu, tools_shell_memory;
    bool tools_shell_network;
    int64_t tools_shell_processes;
};

typedef struct {
    const char *name, *value;
} setting_given;

typedef struct {
    const setting_given *flags; /* from the command line; n_flags of them, a later one counts */
    size_t n_flags;
    char *const *env;   /* "NAME=value", ends with NULL; may be NULL */
    const char *config; /* file; NULL: DATA/sluice.conf when there is one */
} settings_sources;

/* Reads all sources.  ERR_INVALID with a sentence in `why` that names the source, for an unknown name, a value of the wrong
 * kind or out of range, and combinations that cannot be; ERR_IO when the file cannot be read.  Called again, it replaces
 * what was loaded (tests). */
MUST_USE err settings_load(const settings_sources *from, char *why, size_t why_size);

/* What was loaded, else the defaults. */
const struct settings *settings_get(void);

/* Whether a setting was given, by whatever source; false for unknown names. */
bool settings_given(const char *name);

/* All settings in the form of the file, each with its source; secrets masked. */
void settings_print(buf *out);

/* docs/settings.md. */
void settings_manual(buf *out);

/* The names in the order of the table, for the command line; `flag` is true for switches, which need no value. */
bool settings_name_at(size_t i, const char **name, bool *flag);

#endif
