/* SPDX-License-Identifier: MIT */
/*
 * Hashing and checking passwords on the blocking pool.
 */
#include "auth/password.h"

#include <sodium.h>

#include "base/id.h"
#include "base/str.h"
#include "rt/loop.h"
#include "rt/offload.h"
#include "rt/sem.h"

enum {
    PASSES = 2,
    MEMORY = 64 << 20,
    MAX_MEMORY_KIB = 256 << 10, /* of a foreign hash that we are willing to check */
    MAX_PASSES = 16,
    WAITERS_MAX = 64 /* on one loop */
};

/* What may run at once; one for each loop, two when there is only one. */
typedef struct {
    sem running;
    size_t waiting;
    bool ready;
} gate;

static THREAD_LOCAL gate loop_gate;

typedef struct {
    const char *password;
    size_t password_len;
    const char *phc; /* to check against; NULL: make one */
    char made[crypto_pwhash_STRBYTES];
    int result;
} job;

static void run_job(void *arg)
{
    job *j = arg;

    if (j->phc != NULL)
        j->result = crypto_pwhash_str_verify(j->phc, j->password, j->password_len);
    else
        j->result =
            crypto_pwhash_str_alg(j->made, j->password, j->password_len, PASSES, MEMORY, crypto_pwhash_ALG_ARGON2ID13);
}

static gate *gate_here(void)
{
    gate *g = &loop_gate;

    if (!g->ready) {
        sem_setup(&g->running, loop_count() > 1 ? 1 : 2);
        g->ready = true;
    }
    return g;
}

static err run_gated(scope *s, job *j)
{
    err e;

    if (gate_here()->waiting >= WAITERS_MAX)
        return fail_code(s, ERR_BUSY, "auth.busy", NULL, "too many logins at once, try again in a moment");
    gate_here()->waiting++;
    e = sem_take(s, &gate_here()->running);
    gate_here()->waiting--;
    if (e != OK)
        return e;
    e = offload(s, run_job, j);
    sem_give(&gate_here()->running);
    return e;
}

err password_hash(scope *s, const char *password, char **phc)
{
    job j = {.password = password, .password_len = strlen(password)};

    if (j.password_len > PASSWORD_MAX)
        return fail_code(s, ERR_INVALID, "auth.password_too_long", NULL, "a password has at most %d bytes",
                         PASSWORD_MAX);
    TRY(run_gated(s, &j));
    if (j.result != 0)
        return fail(s, ERR_BUSY, "not enough memory to hash a password");
    *phc = arena_strdup(s->arena, j.made);
    return OK;
}

/* The number after `name` in "m=65536,t=2,p=1"; -1 when there is none. */
static int64_t cost_of(const char *phc, const char *name)
{
    str text = str_of(phc);
    ptrdiff_t at = str_find(text, str_of(name));
    size_t n = 0;
    int64_t value;

    if (at < 0)
        return -1;
    text.p += (size_t)at + strlen(name);
    while (text.p[n] >= '0' && text.p[n] <= '9')
        n++;
    return str_to_int((str){text.p, n}, &value) ? value : -1;
}

static bool is_checkable(const char *phc)
{
    int64_t memory = cost_of(phc, "$m="), passes = cost_of(phc, ",t=");

    return cstr_starts(phc, "$argon2i") && strlen(phc) < crypto_pwhash_STRBYTES && memory > 0 &&
           memory <= MAX_MEMORY_KIB && passes > 0 && passes <= MAX_PASSES;
}

err password_verify(scope *s, const char *phc, const char *password, bool *matches)
{
    /* Of a random password that nobody knows: for users who do not exist, so that the time tells nothing. */
    static const char nobody[] = "$argon2id$v=19$m=65536,t=2,p=1$Zm9yIG5vYm9keSBhdCBhbA$"
                                 "3q2+7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    bool real = phc != NULL && is_checkable(phc);
    job j = {.password = password, .password_len = strlen(password), .phc = real ? phc : nobody};

    if (j.password_len > PASSWORD_MAX) {
        real = false;
        j.password_len = PASSWORD_MAX;
    }
    TRY(run_gated(s, &j));
    *matches = real && j.result == 0;
    return OK;
}

char *password_random(arena *a)
{
    static const char alphabet[] = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    char text[21] = {0};

    for (size_t i = 0; i + 1 < sizeof(text); i++)
        text[i] = alphabet[randombytes_uniform(sizeof(alphabet) - 1)];
    return arena_strdup(a, text);
}
