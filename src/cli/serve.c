/* SPDX-License-Identifier: MIT */
/*
 * `sluice serve`: puts the house together, from the bottom up, and takes it down again in reverse.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/chat.h"
#include "auth/auth.h"
#include "auth/bootstrap.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/faces.h"
#include "db/db.h"
#include "db/seal.h"
#include "face/core/routes.h"
#include "model/provider.h"
#include "model/run_log.h"
#include "net/guard.h"
#include "rt/loop.h"
#include "rt/sleep.h"
#include "store/run.h"

typedef struct {
    db *database;
    server *server;
    router *router;
    char url[128]; /* of the first listener */
    bool welcome;
    atomic_bool ready; /* the first loop has prepared the database */
    atomic_bool failed;
} house;

static bool refuse(const char *what, const char *why)
{
    fprintf(stderr, "sluice: %s: %s\n", what, why);
    return false;
}

/* What is configured process-wide, before there are threads. */
static bool configure(const struct settings *st)
{
    char why[512], path[4096];

    if (mkdir(st->data, 0700) != 0 && errno != EEXIST) {
        snprintf(why, sizeof why, "%s: %s", st->data, strerror(errno));
        return refuse("cannot make the data directory", why);
    }
    if ((size_t)snprintf(path, sizeof path, "%s/secret.key", st->data) >= sizeof path)
        return refuse("data directory", "the path is too long");
    if (seal_setup(*st->secret_key != '\0' ? st->secret_key : NULL, path, why, sizeof why) != OK)
        return refuse("master key", why);
    auth_config auth = auth_config_of(st);
    if (auth_setup(&auth, why, sizeof why) != OK)
        return refuse("authentication", why);
    if (mkdir(st->agents_dir, 0700) != 0 && errno != EEXIST) {
        snprintf(why, sizeof why, "%s: %s", st->agents_dir, strerror(errno));
        return refuse("cannot make the directory of workspaces", why);
    }
    guard_allow_private(st->allow_private_networks);
    llm_demo_set_delay(MILLISECONDS(st->demo_delay_ms));
    tool_setup();
    chat_configure(&(chat_settings){
        .workspaces = st->agents_dir,
        .run_timeout = st->run_timeout,
        .until = cstr_eq(st->task_completion_mode, "turn_status") ? UNTIL_TURN_STATUS : UNTIL_NO_TOOL_CALL,
        .max_parallel_tools = (size_t)st->run_max_parallel_tools,
        .default_max_loops = st->run_max_loops,
    });
    return true;
}

static bool listen_at(house *h, const char *address, const void *tag, bool announce)
{
    char why[256], what[192];
    int port;

    if (address == NULL || *address == '\0')
        return true;
    if (server_listen(h->server, address, tag, &port, why, sizeof why) != OK) {
        snprintf(what, sizeof what, "cannot listen on %s", address);
        return refuse(what, why);
    }
    if (announce)
        snprintf(h->url, sizeof h->url, "http://%.*s:%d", (int)(strrchr(address, ':') - address), address, port);
    return true;
}

static bool open_house(house *h, const struct settings *st)
{
    server_limits limits = server_default_limits;
    char why[512];

    if (db_open(st->db_url, &h->database, why, sizeof why) != OK)
        return refuse("database", why);
    h->router = router_new(faces_mounts, faces_n_mounts);
    router_log_requests(h->router, st->log_requests);
    limits.max_body = st->http_max_body;
    limits.idle_timeout = st->http_idle_timeout;
    limits.max_connections = (size_t)st->http_max_connections;
    limits.trusted_proxies = st->http_trusted_proxies;
    h->server = server_new(router_serve, h->router, &limits);
    core_setup(h->router, h->server);
    if (!listen_at(h, st->listen, NULL, true))
        return false;
    for (size_t i = 0; i < faces_n_listeners; i++)
        if (!listen_at(h, faces_listeners[i].address(st), faces_listeners[i].face, false))
            return false;
    return true;
}

/* The system's default model: what is configured, else the demo model. */
static err set_default_model(scope *s, const struct settings *st)
{
    bool real = *st->default_llm_api_key != '\0' || settings_given("default_llm.base_url");
    const char *key = st->default_llm_api_key;
    json_t *args = json_hold(s->arena, json_object());
    served_model sm;

    if (!real && !st->demo_model)
        return OK;
    if (real) {
        json_set_num(args, "temperature", st->default_llm_temperature);
        json_set_num(args, "top_p", st->default_llm_top_p);
        json_set_num(args, "presence_penalty", st->default_llm_presence_penalty);
        if (st->default_llm_max_tokens > 0)
            json_set_int(args, "max_tokens", st->default_llm_max_tokens);
    }
    sm = (served_model){
        .provider = {.name = "Default LLM Provider",
                     .requester = real ? st->default_llm_driver : "demo",
                     .base_url = real ? st->default_llm_base_url : "demo:",
                     .sealed_keys = provider_seal_keys(s->arena, &key, real && *key != '\0' ? 1 : 0),
                     .is_default = true},
        .model = {.name = real ? st->default_llm_model_name : "demo",
                  .kind = MODEL_LLM,
                  .abilities = "[\"func_call\",\"vision\",\"structured_output\"]",
                  .extra_args = json_text(s->arena, args),
                  .context_length = st->default_llm_max_model_len},
    };
    return served_set_system_default(s, &sm);
}

/* Says how to begin.  The password is shown on the one start that made it. */
static void say_welcome(const house *h, const char *name, const char *password)
{
    printf("\n  Sluice %s is ready.\n\n", SLUICE_VERSION);
    printf("  API and documentation   %s/docs\n", h->url);
    if (password != NULL)
        printf("  Administrator           %s   password: %s   (shown this once)\n", name, password);
    else if (name != NULL)
        printf("  Administrator           %s   with the password that you configured\n", name);
    printf("\n  A first answer, as a stream with a tool call in it:\n\n"
           "  curl -N %s/api/stream -H 'Content-Type: application/json' \\\n"
           "    -d '{\"max_loop_count\":5,\"messages\":[{\"role\":\"user\",\"content\":\"What time is it?\"}]}'\n\n",
           h->url);
}

static err prepare(scope *root, house *h)
{
    const struct settings *st = settings_get();
    char *name, *password;
    run_row *cut;
    size_t n;

    TRY(bootstrap_admin(root, st->admin_username, st->admin_password, &name, &password));
    TRY(run_row_mark_interrupted(root, "the server was stopped", &cut, &n));
    if (n > 0)
        log_warn("runs.interrupted", log_int("count", (int64_t)n));
    TRY(set_default_model(root, st));
    if (h->welcome)
        say_welcome(h, name, password);
    else if (password != NULL)
        printf("created the administrator %s with the password %s (shown this once)\n", name, password);
    printf("listening on %s\n", h->url);
    fflush(stdout);
    return OK;
}

static err serve_loop(scope *root, void *arg)
{
    house *h = arg;
    err e = OK;

    if (loop_index(root->loop) == 0) {
        if ((e = prepare(root, h)) != OK) {
            refuse("cannot start", scope_failure(root, e).text);
            atomic_store(&h->failed, true);
            loops_stop();
            return e;
        }
        atomic_store(&h->ready, true);
    }
    while (!atomic_load(&h->ready)) {
        if (atomic_load(&h->failed) || sleep_for(root, MILLISECONDS(1)) != OK)
            return OK;
    }
    return server_serve(root, h->server, settings_get()->shutdown_grace);
}

static void on_signal(int sig)
{
    (void)sig;
    loops_stop();
}

static void catch_signals(void)
{
    struct sigaction stop = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
}

static int serve(bool welcome)
{
    const struct settings *st = settings_get();
    house h = {.welcome = welcome};
    int status = 1;

    if (configure(st) && open_house(&h, st)) {
        catch_signals();
        status = loops_run((size_t)st->threads, serve_loop, &h);
        log_info("stopped");
    }
    server_free(h.server);
    hub_close();
    router_free(h.router);
    if (h.database != NULL)
        db_close(h.database);
    return status;
}

static int run_serve(const cli_args *args)
{
    return serve(cli_get(args, "welcome") != NULL);
}

static const cli_option options[] = {
    {"welcome", NULL, "Say how to begin: address, login and a first request"},
};

const cli_command cli_serve = {
    .name = "serve",
    .summary = "Run the server",
    .options = options,
    .n_options = COUNT(options),
    .settings = true,
    .run = run_serve,
};
