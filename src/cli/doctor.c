/* SPDX-License-Identifier: MIT */
/*
 * sluice doctor: looks at everything that a server needs, and says how to mend what is wrong.
 *
 * A check is a function that fills in a finding, and a line in the table at the end.  Nothing secret is printed, and
 * nothing is made: a doctor that was asked before the first start finds an empty house in order.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/args.h"
#include "cli/descriptors.h"
#include "db/db.h"
#include "db/seal.h"
#include "db/settings.h"
#include "llm/probe.h"
#include "llm/serve.h"
#include "net/client.h"
#include "rt/loop.h"
#include "script/script.h"
#include "tool/image_fit.h"
#include "tool/tool.h"

typedef struct {
    const struct settings *st;
    db *database;       /* NULL: it could not be opened, or is not there yet */
    bool can_unseal;    /* the master key has been read */
    const char *config; /* the file of --config, or NULL */
} patient;

typedef struct {
    enum { GOOD, DOUBTFUL, BAD } how;
    char text[700]; /* a sentence */
    char mend[800]; /* another, unless it is good */
} finding;

static void good(finding *f, const char *format, ...) PRINTF(2, 3);
static void good(finding *f, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    f->how = GOOD;
    vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
}

static void trouble(finding *f, bool bad, const char *mend, const char *format, ...) PRINTF(4, 5);
static void trouble(finding *f, bool bad, const char *mend, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    f->how = bad ? BAD : DOUBTFUL;
    vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
    snprintf(f->mend, sizeof f->mend, "%s", mend);
}

/* --- the machine's side --- */

static void check_configuration(patient *p, finding *f)
{
    char own[4096];
    const char *file = p->config;

    /* Wrong settings never get this far: the command refuses to start and names them. */
    if (file == NULL && (size_t)snprintf(own, sizeof own, "%s/sluice.conf", p->st->data) < sizeof own &&
        access(own, R_OK) == 0)
        file = own;
    if (file != NULL)
        good(f, "%s, the environment and the command line make sense (see sluice config)", file);
    else
        good(f, "the environment and the command line make sense (see sluice config)");
}

static void check_data(patient *p, finding *f)
{
    struct stat st;

    if (stat(p->st->data, &st) != 0 && errno == ENOENT)
        trouble(f, false, "Nothing to do if this is the first start: sluice serve makes it.", "%s does not exist yet",
                p->st->data);
    else if (access(p->st->data, R_OK | W_OK | X_OK) != 0)
        trouble(f, true, "Give the directory to the user that runs sluice (chown), or name another with --data.",
                "%s: %s", p->st->data, strerror(errno));
    else if ((st.st_mode & 0007) != 0)
        trouble(f, false, "Run chmod o-rwx on it.", "%s is open to every user of this machine", p->st->data);
    else
        good(f, "%s can be written", p->st->data);
}

static void check_disk(patient *p, finding *f)
{
    struct statvfs v;
    uint64_t free_mib;

    if (statvfs(p->st->data, &v) != 0) {
        good(f, "there is nothing to fill yet");
        return;
    }
    free_mib = (uint64_t)v.f_bavail * v.f_frsize >> 20;
    if (free_mib < 1024)
        trouble(f, free_mib < 64, "Free space there, or move the data to a larger disk.",
                "%" PRIu64 " MiB are free in %s", free_mib, p->st->data);
    else
        good(f, "%" PRIu64 " MiB are free in %s", free_mib, p->st->data);
}

static void check_master_key(patient *p, finding *f)
{
    bool given = *p->st->secret_key != '\0';
    char file[4096], why[512];

    if ((size_t)snprintf(file, sizeof file, "%s/secret.key", p->st->data) >= sizeof file) {
        trouble(f, true, "Choose a shorter data directory.", "the path of the key file is too long");
        return;
    }
    if (!given && access(file, F_OK) != 0) {
        good(f, "%s will be made at the first start", file);
        return;
    }
    p->can_unseal = seal_setup(given ? p->st->secret_key : NULL, file, why, sizeof why) == OK;
    if (!p->can_unseal)
        trouble(f, true, "Run chmod 600 on the key file, restore it from a backup, or set SLUICE_SECRET_KEY.", "%s",
                why);
    else if (given)
        good(f, "it is given by SLUICE_SECRET_KEY or the configuration");
    else
        good(f, "%s is readable by its owner only", file);
}

static void check_tls(patient *p, finding *f)
{
    (void)p;
    if (strstr(http_client_version(), "OpenSSL") == NULL)
        trouble(f, true,
                "Install libcurl4-openssl-dev instead of the GnuTLS or NSS variant, and build again: others take "
                "megabytes for each connection.",
                "libcurl is not the OpenSSL build: %s", http_client_version());
    else
        good(f, "%s", http_client_version());
}

static void check_sandbox(patient *p, finding *f)
{
    const char *why = "";

    (void)p;
    if (tool_sandbox_available(&why))
        good(f, "commands of agents run in bubblewrap");
    else
        trouble(f, false, why, "agents cannot run commands: the shell tool is off");
}

static void check_images(patient *p, finding *f)
{
    const char *why = "";

    (void)p;
    if (image_fit_available(&why))
        good(f, "large images are made smaller before models see them");
    else
        trouble(f, false, why, "large images are sent to models as they are, and may be refused");
}

static void check_scripts(patient *p, finding *f)
{
    const char *why = "";

    script_configure(&(script_settings){.runner = p->st->script_runner});
    if (script_available(&why))
        good(f, "scripts of integrations run in processes of their own");
    else
        trouble(f, false, why, "integrations cannot run scripts");
}

static void check_parts(patient *p, finding *f)
{
    (void)p;
#ifdef HAVE_POSTGRES
    good(f, "this program was built with PostgreSQL");
#else
    trouble(f, cstr_starts(p->st->db_url, "postgres"), "Install libpq-dev and build with -Dpostgres=enabled.",
            "this program was built without PostgreSQL");
#endif
}

static void check_descriptors(patient *p, finding *f)
{
    int64_t wanted = descriptors_wanted(p->st), possible = descriptors_possible();

    if (possible < wanted)
        trouble(f, false, "Raise it (LimitNOFILE= of a systemd unit, or ulimit -Hn), or lower http.max_connections.",
                "%" PRId64 " descriptors are allowed, and %" PRId64 " connections may need %" PRId64, possible,
                p->st->http_max_connections, wanted);
    else
        good(f, "enough for %" PRId64 " connections", p->st->http_max_connections);
}

static void check_private_networks(patient *p, finding *f)
{
    if (p->st->allow_private_networks)
        trouble(f, false, "Set allow_private_networks to no unless everybody who may log in is trusted.",
                "users, models and scripts may reach loopback and private addresses");
    else
        good(f, "only administrators' providers may be on private addresses");
}

/* --- the records --- */

static void check_database(patient *p, finding *f)
{
    const char *file = cstr_starts(p->st->db_url, "sqlite:") ? p->st->db_url + strlen("sqlite:") : NULL;
    char why[512];
    err e;

    if (file != NULL && access(file, F_OK) != 0 && errno == ENOENT)
        good(f, "%s will be made at the first start", file);
    else if ((e = db_open_kept(p->st->db_url, &p->database, why, sizeof why)) == ERR_CONFLICT)
        trouble(f, false, "Nothing is to be done, unless a server of that older version shall go on.", "%s", why);
    else if (e != OK)
        trouble(f, true,
                file != NULL ? "Check that the file belongs to the user that runs sluice, or restore a backup."
                             : "Check that the server runs and that db.url names it and a role that may create tables.",
                "%s", why);
    else
        good(f, "%s opens, and its tables are those of this version", file != NULL ? file : "PostgreSQL");
}

/* --- the model --- */

typedef struct {
    patient *p;
    finding *f;
} question;

/* An address without user, password and query. */
static const char *plain_address(arena *a, const char *url)
{
    const char *host = strstr(url, "://"), *at;
    size_t scheme = host != NULL ? (size_t)(host - url) + 3 : 0;
    size_t len = strcspn(url, "?#"), path = scheme + strcspn(url + scheme, "/?#");

    at = memrchr(url + scheme, '@', path - scheme);
    host = at != NULL ? at + 1 : url + scheme;
    return arena_printf(a, "%.*s%.*s", (int)scheme, url, (int)(len - (size_t)(host - url)), host);
}

/* The provider of the configuration, else the one that an administrator chose.  No driver: there is none. */
static err find_model(scope *s, patient *p, llm_endpoint *out)
{
    const struct settings *st = p->st;
    served_model *sm;
    err e;

    *out = (llm_endpoint){0};
    if (*st->default_llm_api_key != '\0' || settings_given("default_llm.base_url")) {
        const char **keys = arena_array(s->arena, const char *, 1);

        keys[0] = st->default_llm_api_key;
        *out = (llm_endpoint){.driver = st->default_llm_driver,
                              .base_url = st->default_llm_base_url,
                              .keys = keys,
                              .n_keys = *keys[0] != '\0',
                              .model = st->default_llm_model_name,
                              .private_ok = true};
        return OK;
    }
    if (p->database != NULL && p->can_unseal) {
        if ((e = served_default(s, NULL, false, &sm)) == OK)
            return serve_endpoint(s, s->arena, sm, out);
        if (e != ERR_NOT_FOUND)
            return e;
    }
    if (st->demo_model)
        out->driver = "demo";
    return OK;
}

/* What to look at first, by what went wrong. */
static const char *mend_model(const char *code)
{
    static const struct {
        const char *code, *text;
    } mends[] = {
        {"llm.auth", "Check the key: SLUICE_DEFAULT_LLM_API_KEY."},
        {"llm.quota", "Check the account at the provider."},
        {"llm.model_not_found", "Check SLUICE_DEFAULT_LLM_MODEL_NAME, and that the key may use that model."},
        {"llm.garbage", "Check SLUICE_DEFAULT_LLM_BASE_URL (it ends before /chat/completions) and _DRIVER."},
        {"llm.timeout", "Check that something serves a model at that address, and that the model is loaded."},
        {"llm.connection",
         "Check SLUICE_DEFAULT_LLM_BASE_URL, that the server runs, and that this machine may reach it."},
    };

    for (size_t i = 0; i < COUNT(mends); i++)
        if (cstr_eq(mends[i].code, code))
            return mends[i].text;
    return "Check SLUICE_DEFAULT_LLM_BASE_URL, _API_KEY and _MODEL_NAME.";
}

static err ask_model(scope *s, question *q)
{
    static const char none[] = "Set OPENAI_API_KEY, or SLUICE_DEFAULT_LLM_BASE_URL, _API_KEY and _MODEL_NAME, or "
                               "demo.model = yes.";
    llm_endpoint at;
    const char *text;
    failure f;
    err e = find_model(s, q->p, &at);

    if (e == OK && at.driver == NULL) {
        trouble(q->f, true, none, "no model provider is configured, and the demo model is off");
        return OK;
    }
    if (e == OK && cstr_eq(at.driver, "demo")) {
        good(q->f, "the built-in demo model answers, which is no language model (set OPENAI_API_KEY for a real one)");
        return OK;
    }
    if (e == OK)
        e = llm_probe_connection(s, &at, &text);
    f = scope_failure(s, e);
    if (e == OK)
        good(q->f, "%s at %s answers", at.model, plain_address(s->arena, at.base_url));
    else if (at.base_url != NULL)
        trouble(q->f, true, mend_model(f.code), "%s at %s: %s", at.model, plain_address(s->arena, at.base_url), f.text);
    else
        trouble(q->f, true, mend_model(f.code), "%s", f.text);
    return OK;
}

static err model_fiber(scope *root, void *arg)
{
    scope *s = scope_child(root, MINUTES(1));
    err e = ask_model(s, arg);

    scope_close(s);
    return e;
}

static void check_model(patient *p, finding *f)
{
    question q = {p, f};

    if (loops_run(1, model_fiber, &q) != 0)
        trouble(f, true, "Report this.", "the check itself failed");
}

/* --- all of them --- */

static const struct {
    const char *name;
    void (*look)(patient *p, finding *f);
} checks[] = {
    /* in an order in which each may use what those before have found */
    {"configuration", check_configuration},
    {"data", check_data},
    {"disk", check_disk},
    {"master-key", check_master_key},
    {"database", check_database},
    {"model", check_model},
    {"tls", check_tls},
    {"sandbox", check_sandbox},
    {"images", check_images},
    {"scripts", check_scripts},
    {"parts", check_parts},
    {"descriptors", check_descriptors},
    {"private-networks", check_private_networks},
};

static int run(const cli_args *args)
{
    static const char *const words[] = {[GOOD] = "ok", [DOUBTFUL] = "warn", [BAD] = "fail"};
    patient p = {.st = settings_get(), .config = args->config};
    int status = EXIT_SUCCESS;

    log_setup(LOG_ERROR, LOG_TEXT); /* what is wrong is said below */
    for (size_t i = 0; i < COUNT(checks); i++) {
        finding f = {.how = GOOD};

        checks[i].look(&p, &f);
        printf("%-4s  %-16s  %s\n", words[f.how], checks[i].name, f.text);
        if (f.how != GOOD)
            printf("%24s%s\n", "", f.mend);
        fflush(stdout); /* the next look may take a while */
        if (f.how == BAD)
            status = EXIT_FAILURE;
    }
    db_close(p.database);
    return status;
}

const cli_command cli_doctor = {
    .name = "doctor", .summary = "Look for what is wrong, and say how to mend it", .settings = true, .run = run};
